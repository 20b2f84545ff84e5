"""The connection to Elasticsearch, and its failures put into words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from elastic_transport import ConnectionError as TransportConnectionError
from elastic_transport import ConnectionTimeout, TlsError, TransportError
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
from es_hybrid.settings import ElasticsearchSettings

DEFAULT_URL = "http://localhost:9200"


def resolve_url(settings: ElasticsearchSettings) -> str:
    """The configured url, else the embedded node that runs, else `http://localhost:9200`."""
    return settings.url or find_running() or DEFAULT_URL


def connect(settings: ElasticsearchSettings) -> Elasticsearch:
    """A client by the settings. Opens no connection yet.

    Raises:
        ElasticsearchError: the url is not one.
    """
    url, options = _options(settings)
    with _usable(url):
        return Elasticsearch(url, **options)


def connect_async(settings: ElasticsearchSettings) -> AsyncElasticsearch:
    """As `connect`, for asyncio.

    Raises:
        ElasticsearchError: the url is not one.
    """
    url, options = _options(settings)
    with _usable(url):
        return AsyncElasticsearch(url, **options)


def _options(settings: ElasticsearchSettings) -> tuple[str, dict[str, Any]]:
    """Where to, and how."""
    options: dict[str, Any] = {
        "request_timeout": settings.timeout,
        # Two legs of 100 hits are some 100 kB of JSON to decode.
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
    """Where a client sends its requests; the first of several nodes."""
    return client.transport.node_pool.all()[0].base_url


def server_version(client: Elasticsearch) -> tuple[int, int]:
    """Major and minor version of the cluster, the oldest node's where they differ.

    Asked of the nodes: the embedded node has no `GET /`. That needs the `monitor` privilege;
    without it `GET /` is asked.
    """
    try:
        nodes = client.nodes.info(filter_path="nodes.*.version")["nodes"].values()
        versions = [node["version"] for node in nodes]
    except (AuthorizationException, NotFoundError):
        versions = [client.info()["version"]["number"]]
    return min((int(major), int(minor)) for major, minor, *_ in (v.split(".") for v in versions))


@contextlib.contextmanager
def translated(place: str) -> Iterator[None]:
    """Turn the client's errors inside the block into `ElasticsearchError`s.

    Args:
        place: What was spoken to, mostly the cluster's url.
    """
    try:
        yield
    except TlsError as error:
        raise ElasticsearchError(
            f"the TLS handshake failed ({_first_line(error)})",
            place=place,
            remedy="check http against https in elasticsearch.url, and elasticsearch.ca_certs",
        ) from None
    except ConnectionTimeout:
        raise ElasticsearchError(
            "Elasticsearch did not answer in time",
            place=place,
            remedy="raise elasticsearch.timeout, or look at the cluster's load",
        ) from None
    except TransportConnectionError as error:
        raise ElasticsearchError(
            f"Elasticsearch cannot be reached ({_first_line(error)})",
            place=place,
            remedy="start one with `es-hybrid node start`, or set elasticsearch.url",
        ) from None
    except ApiError as error:
        raise _refusal(error, place) from None
    except TransportError as error:
        raise ElasticsearchError(
            f"this does not answer like Elasticsearch ({_first_line(error)})",
            place=place,
            remedy="check elasticsearch.url",
        ) from None


def _refusal(error: ApiError, place: str) -> ElasticsearchError:
    """A status the cluster answered with, and what one does about it."""
    status = error.meta.status
    remedies = {
        401: "set elasticsearch.api_key, or username and password",
        403: "give this user the rights for the request",
        404: "check the name of the index, or make it with `es-hybrid index create`",
        429: "the cluster is overloaded: try again, or lower the load",
        503: "the cluster is not ready: look at its health",
    }
    # A HEAD request is refused without a body that says why.
    wordless = not isinstance(error.body, dict)
    if isinstance(error, UnsupportedProductError) or (wordless and status not in (401, 403)):
        return ElasticsearchError(
            f"this does not answer like Elasticsearch (status {status})",
            place=place,
            remedy="check elasticsearch.url",
        )
    return ElasticsearchError(
        f"Elasticsearch answered {status}"
        + ("" if wordless else f": {reason_of(error.body.get('error') or str(error.body))}"),
        place=place,
        remedy=remedies.get(status, ""),
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
    text = " ".join(text.split())
    # The fault may be named after a quoted value of any length.
    return text if len(text) <= 500 else f"{text[:300]} … {text[-197:]}"


def _first_line(error: TransportError) -> str:
    return str(error.message).splitlines()[0][:300]
