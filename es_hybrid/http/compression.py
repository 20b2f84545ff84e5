"""gzip for the answers of callers that accept it, as Elasticsearch's `http.compression` does."""

from __future__ import annotations

import gzip

from es_hybrid.http.answers import Headers

__all__ = ["MIN_BYTES", "accepts_gzip", "compressed"]

# Bytes. A shorter answer fits into one packet anyway.
MIN_BYTES = 1024
# Elasticsearch's default, `http.compression_level`. A level more costs time and saves little.
_LEVEL = 3
_NAMES = (b"gzip", b"x-gzip")


def accepts_gzip(accept_encoding: bytes) -> bool:
    """Whether a value of `Accept-Encoding` has gzip with a weight above 0 (RFC 9110, 12.5.3).

    `*` has not: those callers also take an answer that is not compressed.
    """
    return any(map(_is_gzip, accept_encoding.split(b",")))


def _is_gzip(coding: bytes) -> bool:
    name, _, weight = coding.lower().replace(b" ", b"").partition(b";")
    if name not in _NAMES:
        return False
    try:
        return not weight or (weight.startswith(b"q=") and float(weight[2:]) > 0)
    except ValueError:
        return False


def compressed(body: bytes, headers: Headers) -> tuple[bytes, Headers]:
    """A body in gzip, and its headers with the new length."""
    packed = gzip.compress(body, _LEVEL, mtime=0)
    kept = [header for header in headers if header[0] != b"content-length"]
    encoding = (b"content-encoding", b"gzip")
    return packed, [*kept, encoding, (b"content-length", b"%d" % len(packed))]
