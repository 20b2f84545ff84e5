"""The JSON text of a search, from the body or the `source` parameter."""

from __future__ import annotations

import zlib
from typing import Any
from urllib.parse import parse_qsl

from es_hybrid.errors import RequestRefused
from es_hybrid.serve.exchange import Exchange

_GZIP = zlib.MAX_WBITS | 16


def text_of(exchange: Exchange, body: bytes, *, limit: int) -> bytes:
    """The search as JSON; empty if it has another format and must pass through.

    Args:
        body: As received.
        limit: Maximum bytes of the decompressed text; a longer search passes through.
    """
    if not body:
        return _text_of_parameter(exchange)
    if b"json" not in exchange.header(b"content-type"):
        return b""
    encoding = exchange.header(b"content-encoding").lower()
    if encoding == b"gzip":
        return _decompressed(body, limit)
    return b"" if encoding and encoding != b"identity" else body


def check_depth(content: Any, limit: int) -> None:
    """Refuse JSON that is nested deeper than `limit` levels.

    Raises:
        RequestRefused: with Elasticsearch's type of error.
    """
    level = [content]
    for _ in range(limit):
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise RequestRefused(
        f"the search is nested deeper than {limit} levels (serve.max_depth)",
        type="x_content_parse_exception",
    )


def _text_of_parameter(exchange: Exchange) -> bytes:
    query: bytes = exchange.scope["query_string"]
    if b"source" not in query:
        return b""
    given = dict(parse_qsl(query.decode("latin-1")))
    if "json" not in given.get("source_content_type", ""):
        return b""
    return given.get("source", "").encode("utf-8", "surrogatepass")


def _decompressed(body: bytes, limit: int) -> bytes:
    """The decompressed body; empty if it is not gzip, an error that Elasticsearch reports."""
    inflater = zlib.decompressobj(_GZIP)
    try:
        text = inflater.decompress(body, limit)
    except zlib.error:
        return b""
    return b"" if inflater.unconsumed_tail else text
