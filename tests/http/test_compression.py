"""gzip for the answers of callers that accept it."""

from __future__ import annotations

import gzip

import pytest

from es_hybrid.http.compression import accepts_gzip, compressed


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        (b"", False),
        (b"gzip", True),
        (b"GZIP", True),
        (b"x-gzip", True),
        (b"br, zstd, gzip", True),
        (b"deflate, gzip;q=0.5", True),
        (b"deflate, gzip; q=1.0", True),
        (b"gzip;q=0, deflate", False),
        (b"gzip;q=0.000", False),
        (b"gzip;q=nonsense", False),
        (b"gzip;level=9", False),
        (b"gzipped, identity", False),
        (b"*", False),
    ],
)
def test_gzip_is_accepted_where_it_is_named_with_a_weight(
    accept_encoding: bytes, accepted: bool
) -> None:
    assert accepts_gzip(accept_encoding) is accepted


def test_a_body_comes_back_and_the_same_body_gives_the_same_bytes() -> None:
    body = b'{"hits": []}' * 1000
    kind = (b"content-type", b"application/json")
    packed, headers = compressed(body, [kind, (b"content-length", b"12000")])
    assert gzip.decompress(packed) == body
    assert len(packed) < len(body) / 20
    length = (b"content-length", str(len(packed)).encode())
    assert headers == [kind, (b"content-encoding", b"gzip"), length]
    assert compressed(body, []) == (packed, headers[1:])
