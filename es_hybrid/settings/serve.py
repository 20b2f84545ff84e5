"""The HTTP server."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from es_hybrid.settings.index import IndexName
from es_hybrid.settings.rewrite import RewriteRule, distinct
from es_hybrid.settings.section import HeaderSecret, Section

_HOST_NAME = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")

_ORIGIN = re.compile(
    r"(?P<scheme>https?)://([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])(:(?P<port>[1-9][0-9]{0,4}))?"
)
_DEFAULT_PORTS = (("http", "80"), ("https", "443"))


def _host_name(value: str) -> str:
    """A host name in lower case, without the brackets of an IPv6 address."""
    name = value.lower()
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(
            "this is not a host name: write it without scheme, port and path, and an IPv6 address "
            "in brackets"
        )
    return name.strip("[]")


def _origin(value: str) -> str:
    """An origin exactly as a browser sends it."""
    found = _ORIGIN.fullmatch(value)
    if not found or (found["scheme"], found["port"]) in _DEFAULT_PORTS:
        raise ValueError(
            "this is not an origin as a browser sends it: write it as https://shop.example, in "
            "lower case, with a port only if it is not the usual one, and without a path"
        )
    return value


class ServeSettings(Section):
    """The HTTP server, `es-hybrid serve`."""

    host: str = "127.0.0.1"
    """Address to listen on. `0.0.0.0` is every address of the machine."""
    port: int = Field(9201, ge=0, le=65535)
    """Port to listen on. 0 picks a free one."""
    api_keys: tuple[Annotated[HeaderSecret, Field(min_length=16)], ...] = ()
    """API keys for `/search`, `/suggest`, `/events`, `/v1/rerank` and the page, at least 16
    characters of printable ASCII each. Unset: these need no key. Elasticsearch authenticates all
    other requests."""
    hosts: tuple[Annotated[str, AfterValidator(_host_name)], ...] = ()
    """Host names that the server answers to, in addition to `localhost` and loopback addresses;
    pages of these names may call it from a browser. Unset: only those of this machine if the server
    listens on loopback without `api_keys`, else every name. Applies to `es-hybrid ui`, too."""
    cors_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()
    """Origins of web sites, such as `https://shop.example`, whose pages may call the server from a
    browser and read its answers. Not the page at `/ui`."""
    indices: tuple[IndexName, ...] = ()
    """Indices and aliases that `/search` and `/suggest` may read, each by its full name. Unset:
    `index.name`."""
    rewrite: Annotated[tuple[RewriteRule, ...], AfterValidator(distinct)] = ()
    """Rules that make plain searches hybrid, each a table `[[serve.rewrite]]` with `index`, `form`
    or `text`, `share`, `share_by` and `name`; see rewriting.md. The first that fits applies."""
    concurrency: int = Field(16, ge=1, le=1024)
    """Maximum number of concurrent searches and rerankings, 1 to 1024. Requests passed through to
    Elasticsearch are not limited."""
    queue: int = Field(128, ge=0, le=100_000)
    """Maximum number of requests waiting for `concurrency`. Further requests get status 429."""
    queue_seconds: float = Field(10.0, gt=0)
    """Seconds that a request may wait in the queue, or a large search for its turn, before it gets
    status 429."""
    max_search_bytes: int = Field(1024 * 1024, ge=1024)
    """Maximum size of a search that es-hybrid reads, decompressed, in bytes. A larger one is passed
    through to Elasticsearch unread; `/search` refuses it."""
    max_rerank_bytes: int = Field(8 * 1024 * 1024, ge=1024)
    """Maximum size of the body of a request to `/v1/rerank`, in bytes."""
    max_depth: int = Field(100, ge=5, le=1000)
    """Maximum nesting depth of the JSON of a search that es-hybrid answers, 5 to 1000."""
    max_documents: int = Field(1000, ge=1)
    """Maximum number of documents in one request to `/v1/rerank`."""
    rerank_seconds: float = Field(30.0, gt=0)
    """Seconds to answer one request to `/v1/rerank`. Documents not scored by then are omitted."""
    connect_timeout: float = Field(5.0, gt=0)
    """Seconds to wait for Elasticsearch to accept a connection."""
    drain_seconds: int = Field(30, ge=0)
    """Seconds that running requests may take to finish after SIGTERM."""
