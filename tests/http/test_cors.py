"""Which web sites' pages may call a server and read its answers."""

from __future__ import annotations

import pytest

from es_hybrid.http.answers import Headers
from es_hybrid.http.cors import Cors

SHOP = b"https://shop.example"
CORS = Cors(["https://shop.example", "http://localhost:8080"])


def _asking(names: bytes) -> Headers:
    return [(b"access-control-request-method", b"POST"), (b"access-control-request-headers", names)]


@pytest.mark.parametrize(
    "origin",
    [
        b"null",
        b"*",
        b"",
        b"http://shop.example",
        b"https://shop.example:8443",
        b"https://shop.example/",
        b"https://a.shop.example",
        b"https://shop.example.evil.example",
        b"https://shop.example, https://evil.example",
        b"http://localhost",
    ],
)
def test_only_a_listed_origin_is_admitted(origin: bytes) -> None:
    assert CORS.admitted([(b"host", b"localhost"), (b"origin", SHOP)]) == SHOP
    assert CORS.admitted([(b"origin", b"http://localhost:8080")]) == b"http://localhost:8080"
    assert CORS.admitted([(b"origin", origin)]) is None
    assert CORS.admitted([]) is None


def test_a_page_may_read_answers_and_caches_know_that_they_differ() -> None:
    added = dict(CORS.added(SHOP))
    assert (added[b"access-control-allow-origin"], added[b"vary"]) == (SHOP, b"Origin")
    assert b"X-elastic-product" in added[b"access-control-expose-headers"]
    assert b"access-control-allow-credentials" not in added
    assert CORS.added(None) == [(b"vary", b"Origin")]


def test_without_origins_nothing_is_added_or_admitted() -> None:
    off = Cors([])
    assert off.added(None) == []
    assert off.admitted([(b"origin", SHOP)]) is None


def test_a_browser_that_asks_first_is_told_what_it_may_send() -> None:
    answer = dict(CORS.preflight("OPTIONS", _asking(b"authorization,content-type")) or [])
    assert answer[b"access-control-allow-headers"] == b"authorization,content-type"
    assert b"POST" in answer[b"access-control-allow-methods"]
    assert b"access-control-allow-headers" not in dict(
        CORS.preflight("OPTIONS", _asking(b'a: "b"')) or []
    )


def test_other_requests_are_no_such_question() -> None:
    assert CORS.preflight("POST", _asking(b"")) is None
    assert CORS.preflight("OPTIONS", [(b"origin", SHOP)]) is None


def test_elasticsearch_does_not_learn_of_the_page() -> None:
    headers = [(b"origin", SHOP), (b"sec-fetch-site", b"cross-site"), (b"accept", b"*/*")]
    assert CORS.removed_from(headers) == [(b"accept", b"*/*")]
