"""The JSON text of a search, from the body or the `source` parameter."""

from __future__ import annotations

import zlib
from urllib.parse import parse_qsl

from es_hybrid.serve.exchange import Exchange

_GZIP = zlib.MAX_WBITS | 16


def size_of(exchange: Exchange, body: bytes) -> int:
    """Bytes of the decompressed body, as it states them; `text_of` believes no other number."""
    return int.from_bytes(body[-4:], "little") if _is_gzip(exchange) else len(body)


def text_of(exchange: Exchange, body: bytes) -> bytes:
    """The search as JSON; empty if it has another format and must pass through.

    Args:
        body: As received.
    """
    if not body:
        return _text_of_parameter(exchange)
    if b"json" not in exchange.header(b"content-type"):
        return b""
    if _is_gzip(exchange):
        return _decompressed(body, size_of(exchange, body))
    return b"" if exchange.header(b"content-encoding") not in (b"", b"identity") else body


def _is_gzip(exchange: Exchange) -> bool:
    return exchange.header(b"content-encoding").lower() == b"gzip"


def _text_of_parameter(exchange: Exchange) -> bytes:
    query: bytes = exchange.scope["query_string"]
    if b"source" not in query:
        return b""
    given = dict(parse_qsl(query.decode("latin-1")))
    if "json" not in given.get("source_content_type", ""):
        return b""
    return given.get("source", "").encode("utf-8", "surrogatepass")


def _decompressed(body: bytes, size: int) -> bytes:
    """The decompressed body; empty if it is not gzip of this size, which Elasticsearch reports."""
    inflater = zlib.decompressobj(_GZIP)
    try:
        text = inflater.decompress(body, size + 1)
    except zlib.error:
        return b""
    return text if inflater.eof and not inflater.unused_data else b""
