"""The server on a free port of 127.0.0.1, in a thread of the test's process, and a plain client."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from es_hybrid.embedding import Embedder
from es_hybrid.reranking import Reranker
from es_hybrid.serve.app import create_app
from es_hybrid.settings import load_settings
from tests.pauses import PATIENCE
from tests.running import listening


@contextmanager
def serving(
    origin: str,
    /,
    *,
    embedder: Embedder | None = None,
    reranker: Reranker | None = None,
    **sections: Mapping[str, Any],
) -> Iterator[str]:
    """The server's URL inside the block.

    Args:
        origin: URL of Elasticsearch, or of a fake.
        embedder: By default opened from the settings.
        reranker: By default opened from the settings.
        sections: Settings by section.
    """
    flags = {**sections, "elasticsearch": {**sections.get("elasticsearch", {}), "url": origin}}
    app = create_app(load_settings(flags=flags), embedder=embedder, reranker=reranker)
    with listening(app) as url:
        yield url


class Got(NamedTuple):
    """An answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    url: str,
    target: str,
    *,
    method: str = "GET",
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Got:
    """Send one request; its target is sent unchanged.

    An iterator of bytes is sent in chunks, any other body that is not bytes as JSON.
    """
    parts = urlsplit(url)
    sent = dict(headers or {})
    if body is not None and not isinstance(body, bytes | Iterator):
        body = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request(method, target, body=body, headers=sent)
        response = connection.getresponse()
        return Got(response.status, response.headers, response.read())
    finally:
        connection.close()


def raw(url: str, request: bytes, *, limit: int = 65536) -> bytes:
    """Everything that comes back for these bytes, until the server closes the connection."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        got = b""
        while len(got) < limit and (part := connection.recv(limit)):
            got += part
        return got
