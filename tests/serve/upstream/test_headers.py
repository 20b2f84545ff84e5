"""Headers that are passed on."""

from __future__ import annotations

from es_hybrid.serve.upstream.headers import end_to_end


def test_headers_that_connection_names_are_dropped() -> None:
    headers = [
        (b"connection", b"X-A, close"),
        (b"x-a", b"1"),
        (b"connection", b"x-b"),
        (b"x-b", b""),
    ]
    assert end_to_end([*headers, (b"x-c", b"1")]) == [(b"x-c", b"1")]
