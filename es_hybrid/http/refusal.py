"""Refusals, in the form in which Elasticsearch words its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from es_hybrid.errors import (
    ElasticsearchError,
    EmbeddingError,
    EsHybridError,
    RequestRefused,
    RerankError,
)
from es_hybrid.serve.upstream.connection import UpstreamError

Headers = list[tuple[bytes, bytes]]

_UNSPEAKABLE = re.compile(r"[^ -~]")
_HEADER_CHARS = 500
# The official clients refuse to talk to what does not name this product.
PRODUCT = (b"x-elastic-product", b"Elasticsearch")


class Refusal(RequestRefused):
    """A request that the server itself refuses.

    Attributes:
        headers: Sent along, e.g. `Retry-After`.
    """

    def __init__(
        self,
        status: int,
        type: str,  # noqa: A002 - Elasticsearch's own word
        reason: str,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(reason, status=status, type=type)
        self.headers = headers


def json_headers(accept: bytes) -> Headers:
    """The headers of an answer of our own; the content type that the caller's `Accept` asks for.

    A client of version 8 or 9 asks for `application/vnd.elasticsearch+json;compatible-with=8`.
    """
    wanted = accept.split(b",")[0].strip()
    versioned = wanted.startswith(b"application/vnd.elasticsearch+json")
    return [(b"content-type", wanted if versioned else b"application/json"), PRODUCT]


def degraded_header(degraded: Sequence[str]) -> Headers:
    """`X-Es-Hybrid-Degraded`, where an answer had to do without something."""
    if not degraded:
        return []
    said = _UNSPEAKABLE.sub("?", "; ".join(degraded))[:_HEADER_CHARS]
    return [(b"x-es-hybrid-degraded", said.encode("ascii"))]


def refusal_of(error: EsHybridError) -> RequestRefused:
    """What a caller is told; of addresses behind the server, nothing."""
    match error:
        case RequestRefused():
            return error
        case UpstreamError():
            return Refusal(error.status, "upstream_exception", error.message)
        case ElasticsearchError():
            return Refusal(503, "upstream_exception", error.message)
        case EmbeddingError():
            return Refusal(502, "embedding_exception", error.message)
        case RerankError():
            return Refusal(502, "rerank_exception", error.message)
        case _:
            return Refusal(400, "illegal_argument_exception", str(error))
