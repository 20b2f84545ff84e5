"""JSON bodies and headers of answers."""

from __future__ import annotations

import pytest

from es_hybrid.http.answers import PRODUCT, degraded_header, encoded, json_headers

VERSIONED = b"application/vnd.elasticsearch+json;compatible-with=8"


@pytest.mark.parametrize(
    ("content", "text"), [({"a": "水"}, '{"a":"水"}'), ({"a": 2**70}, f'{{"a": {2**70}}}')]
)
def test_json_is_utf8_and_takes_any_integer(content: object, text: str) -> None:
    assert encoded(content) == text.encode()
    assert encoded(content, indented=True).startswith(b'{\n  "a": ')


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (b"", b"application/json"),
        (b"*/*", b"application/json"),
        (VERSIONED, VERSIONED),
        (b"application/vnd.elasticsearch+json; compatible-with=8", VERSIONED),
        (VERSIONED + b", text/plain", b"application/json"),
        (b"application/json; charset=UTF-8", b"application/json;charset=utf-8"),
        (b"text/html, application/json;q=0.9", b"application/json"),
        (b'application/json;a="b"', b"application/json"),
    ],
)
def test_the_content_type_is_the_one_the_client_asked_for(accept: bytes, kind: bytes) -> None:
    assert json_headers(accept) == [(b"content-type", kind), PRODUCT]


def test_the_degraded_header_is_short_printable_ascii() -> None:
    assert degraded_header([]) == []
    ((name, value),) = degraded_header(["embedding: 水\r\nX: y", "rerank: " + "x" * 600])
    assert name == b"x-es-hybrid-degraded"
    assert value.startswith(b"embedding: ???X: y; rerank: xx")
    assert len(value) == 500
