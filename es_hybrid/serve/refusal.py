"""Refusals, in the form in which Elasticsearch words its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from es_hybrid.errors import RequestRefused

Headers = list[tuple[bytes, bytes]]

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


def encoded(content: Any) -> bytes:
    """As JSON."""
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
