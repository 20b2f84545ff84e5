"""A pool of kept-alive connections to Elasticsearch."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque

from es_hybrid.http.refusal import UpstreamError
from es_hybrid.serve.upstream.connection import Connection
from es_hybrid.serve.upstream.origin import Origin

# Seconds. Shorter than the idle timeout of load balancers in front of Elasticsearch.
_IDLE = 15.0


class Pool:
    """Connections to one origin, as many as there are requests in progress.

    Args:
        connect_timeout: Seconds.
    """

    def __init__(self, origin: Origin, *, connect_timeout: float) -> None:
        self.origin = origin
        self._place = str(origin)
        self._connect_timeout = connect_timeout
        self._idle: deque[Connection] = deque()  # most recently used on the right

    async def exchange(
        self, request: bytes, *, answer_has_body: bool = True, repeatable: bool = False
    ) -> Connection:
        """Send a whole request and wait for the head of its answer.

        Args:
            request: Head and body.
            answer_has_body: False for `HEAD`.
            repeatable: Whether to send it again if Elasticsearch has closed the idle connection.

        Returns:
            The connection; give it back with `release`.

        Raises:
            UpstreamError: no connection, or no answer.
        """
        connection = self._from_idle()
        if connection is not None:
            try:
                return await self._exchange(connection, request, answer_has_body)
            except UpstreamError as error:
                if not (repeatable and error.untouched):
                    raise
        return await self._exchange(await self.connect(), request, answer_has_body)

    async def _exchange(
        self, connection: Connection, request: bytes, answer_has_body: bool
    ) -> Connection:
        try:
            connection.begin(request, answer_has_body=answer_has_body)
            await connection.head()
        except BaseException:  # the caller may have disconnected
            connection.close()
            raise
        return connection

    async def take(self) -> Connection:
        """A connection without an exchange in progress.

        Raises:
            UpstreamError: Elasticsearch cannot be reached.
        """
        return self._from_idle() or await self.connect()

    def _from_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and not self._stale(connection):
                return connection
            connection.close()
        return None

    def _stale(self, connection: Connection) -> bool:
        return asyncio.get_running_loop().time() - connection.idle_since > _IDLE

    def release(self, connection: Connection) -> None:
        """Keep the connection for the next request if its answer is complete, else drop it."""
        if not connection.reusable:
            connection.close()
            return
        connection.rest()
        self._idle.append(connection)
        while self._stale(self._idle[0]):
            self._idle.popleft().close()

    async def connect(self) -> Connection:
        """A new connection.

        Raises:
            UpstreamError: Elasticsearch cannot be reached.
        """
        origin = self.origin
        try:
            async with asyncio.timeout(self._connect_timeout):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self._place),
                    origin.host,
                    origin.port,
                    ssl=origin.tls,
                    server_hostname=origin.host if origin.tls else None,
                )
        except TimeoutError:
            raise self._unreachable(
                f"no connection within {self._connect_timeout:g} s", status=504
            ) from None
        except ssl.SSLError as error:
            raise UpstreamError(
                f"the TLS handshake with Elasticsearch failed ({error.reason})",
                status=502,
                place=self._place,
                remedy="check http against https in elasticsearch.url, and elasticsearch.ca_certs",
            ) from None
        except OSError as error:
            raise self._unreachable(error.strerror or str(error), status=503) from None
        return connection

    def _unreachable(self, why: str, *, status: int) -> UpstreamError:
        return UpstreamError(
            f"Elasticsearch cannot be reached ({why})",
            status=status,
            place=self._place,
            remedy="start it, or correct elasticsearch.url",
        )

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()
