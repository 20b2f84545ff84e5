"""Connect to Elasticsearch, and translate its errors."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from elastic_transport import (
    AsyncTransport,
    ConnectionTimeout,
    TlsError,
    Transport,
    TransportApiResponse,
    TransportError,
)
from elastic_transport import ConnectionError as TransportConnectionError
from elasticsearch import (
    ApiError,
    AsyncElasticsearch,
    AuthorizationException,
    Elasticsearch,
    NotFoundError,
    UnsupportedProductError,
)
from elasticsearch.serializer import OrjsonSerializer

from es_hybrid.errors import ElasticsearchError
from es_hybrid.node.state import find_running
from es_hybrid.secrets import excerpt, scrub
from es_hybrid.settings import ElasticsearchSettings

DEFAULT_URL = "http://localhost:9200"
# Of an asynchronous client. With its own ten, some searches of 64 tasks took six seconds.
_CONNECTIONS = 100
_VERSIONED = re.compile(r"application/vnd\.elasticsearch\+([\w-]+); *compatible-with=\d+")


def resolve_url(settings: ElasticsearchSettings) -> str:
    """The configured URL, otherwise that of the running embedded node or `http://localhost:9200`."""
    return settings.url or find_running() or DEFAULT_URL


def connect(settings: ElasticsearchSettings) -> Elasticsearch:
    """Create a client from the settings. Opens no connection yet.

    Raises:
        ElasticsearchError: the URL is invalid.
    """
    url, options = _options(settings)
    with _usable(url):
        return Elasticsearch(url, transport_class=PlainTransport, **options)


def connect_async(settings: ElasticsearchSettings) -> AsyncElasticsearch:
    """`connect` for asyncio.

    Raises:
        ElasticsearchError: the URL is invalid.
    """
    url, options = _options(settings)
    with _usable(url):
        return AsyncElasticsearch(
            url,
            transport_class=AsyncPlainTransport,
            connections_per_node=_CONNECTIONS,
            **options,
        )


class PlainTransport(Transport):
    """Asks for `application/json`, which every version answers in its own form.

    The client asks for `application/vnd.elasticsearch+json; compatible-with=9`. A cluster of
    version 8 refuses that with status 400.
    """

    def perform_request(
        self, method: str, target: str, *, headers: Any = None, **options: Any
    ) -> TransportApiResponse:
        """Send a request; see `Transport`."""
        return super().perform_request(method, target, headers=_plain(headers), **options)


class AsyncPlainTransport(AsyncTransport):
    """`PlainTransport` for asyncio."""

    async def perform_request(  # type: ignore[override]  # as AsyncTransport itself
        self, method: str, target: str, *, headers: Any = None, **options: Any
    ) -> TransportApiResponse:
        """Send a request; see `AsyncTransport`."""
        return await super().perform_request(method, target, headers=_plain(headers), **options)


def _plain(headers: Mapping[str, str] | None) -> dict[str, str]:
    """The headers without the version of the API."""
    return {
        name: _VERSIONED.sub(r"application/\1", value) for name, value in (headers or {}).items()
    }


def _options(settings: ElasticsearchSettings) -> tuple[str, dict[str, Any]]:
    """The URL and the client options."""
    options: dict[str, Any] = {
        "request_timeout": settings.timeout,
        # Two legs of 100 hits are about 100 kB of JSON.
        "serializer": OrjsonSerializer(),
    }
    if settings.api_key:
        options["api_key"] = settings.api_key.get_secret_value()
    if settings.username:
        password = settings.password.get_secret_value() if settings.password else ""
        options["basic_auth"] = (settings.username, password)
    if settings.ca_certs:
        options["ca_certs"] = str(settings.ca_certs)
    return resolve_url(settings), options


@contextlib.contextmanager
def _usable(url: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ElasticsearchError(
            str(error), place=f"elasticsearch.url = {url}", remedy="write it as http://host:9200"
        ) from None


def url_of(client: Elasticsearch | AsyncElasticsearch) -> str:
    """The URL of a client's first node."""
    return client.transport.node_pool.all()[0].base_url


def server_version(client: Elasticsearch) -> tuple[int, int]:
    """Major and minor version of the cluster's oldest node.

    Falls back to the node that answers, without the `monitor` privilege.
    """
    try:
        nodes = client.nodes.info(filter_path="nodes.*.version")["nodes"].values()
        versions = [node["version"] for node in nodes]
    except (AuthorizationException, NotFoundError):
        versions = [client.info()["version"]["number"]]
    return min((int(major), int(minor)) for major, minor, *_ in (v.split(".") for v in versions))


@contextlib.contextmanager
def translated(place: str) -> Iterator[None]:
    """Raise the client's errors inside the block as `ElasticsearchError`.

    Args:
        place: Place for the message, usually the cluster's URL.
    """
    try:
        yield
    except TlsError as error:
        raise ElasticsearchError(
            f"the TLS handshake failed ({_first_line(error)})",
            place=place,
            remedy="check that elasticsearch.url has the right scheme (http or https), and "
            "elasticsearch.ca_certs",
        ) from None
    except ConnectionTimeout:
        raise ElasticsearchError(
            "Elasticsearch did not respond in time",
            place=place,
            remedy="raise elasticsearch.timeout, or check the load of the cluster",
        ) from None
    except TransportConnectionError as error:
        raise ElasticsearchError(
            f"Elasticsearch cannot be reached ({_first_line(error)})",
            place=place,
            remedy="start a node with `es-hybrid node start`, or set elasticsearch.url",
        ) from None
    except ApiError as error:
        raise _refusal(error, place) from None
    except TransportError as error:
        raise ElasticsearchError(
            f"the server is not Elasticsearch ({_first_line(error)})",
            place=place,
            remedy="check elasticsearch.url",
        ) from None


def _refusal(error: ApiError, place: str) -> ElasticsearchError:
    """The error and its remedy for an HTTP error status."""
    status = error.meta.status
    remedies = {
        401: "set elasticsearch.api_key, or username and password",
        403: "grant this user the required privileges",
        404: "check the index name, or create it with `es-hybrid index create`",
        429: "the cluster is overloaded: retry later, or reduce the load",
        503: "the cluster is not ready: check its health",
    }
    # The response to a HEAD request has no body.
    no_body = not isinstance(error.body, dict)
    other_server = (no_body and status not in (401, 403)) or not knows_the_path(error)
    if isinstance(error, UnsupportedProductError) or other_server:
        return ElasticsearchError(
            f"the server is not Elasticsearch (status {status})",
            place=place,
            remedy="check elasticsearch.url",
        )
    return ElasticsearchError(
        f"Elasticsearch answered {status}"
        + ("" if no_body else f": {reason_of(error.body.get('error') or str(error.body))}"),
        place=place,
        remedy=remedies.get(status, ""),
    )


def knows_the_path(error: ApiError) -> bool:
    """False for a 404 from another server: it has neither `error` nor Elasticsearch's header."""
    return error.meta.status != 404 or (
        "error" in (error.body or ()) or "x-elastic-product" in error.meta.headers
    )


def reason_of(error: Any) -> str:
    """The `error` of an answer in one line: its root cause, or what failed and the innermost cause.

    Args:
        error: An object with `type`, `reason` and `root_cause` or `caused_by`, or a text.
    """
    if not isinstance(error, Mapping):
        return _one_line(str(error))
    error = (error.get("root_cause") or [error])[0]
    reasons = []
    while error:
        reasons.append(str(error.get("reason") or error.get("type", "unknown")))
        error = error.get("caused_by")
    return _one_line(reasons[0] if len(reasons) == 1 else f"{reasons[0]}: {reasons[-1]}")


def _one_line(text: str) -> str:
    text = " ".join(scrub(text).split())
    # The fault may be named after a quoted value of any length.
    return text if len(text) <= 500 else f"{text[:300]} … {text[-197:]}"


def _first_line(error: TransportError) -> str:
    return excerpt(str(error.message).splitlines()[0])
