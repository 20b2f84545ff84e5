"""What a web site can make a browser send to the server, and what comes through a proxy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.http import Answer, HttpServer
from tests.fakes.models import FakeEmbedder, FakeReranker
from tests.serve.running import Got, ask, serving

KEY = "a-key-of-sixteen-or-more"
DOORS: list[tuple[str, str, Any]] = [
    ("GET", "/healthz", None),
    ("GET", "/metrics", None),
    ("GET", "/ui", None),
    ("GET", "/ui/en/", None),
    ("GET", "/v1/docs", None),
    ("POST", "/search", {"text": "kettle"}),
    ("POST", "/v1/rerank", {"query": "q", "documents": ["a"]}),
    ("POST", "/products/_search", {"query": {"match_all": {}}}),
    ("POST", "/_msearch", b'{}\n{"ext":{"es_hybrid":{"text":"a"}}}\n'),
    ("PUT", "/_query_rules/shop", {}),
    ("POST", "/products/_close", None),
    ("PUT", "/products", {}),
    ("DELETE", "/products", None),
]
REMOTE = {"X-Forwarded-For": "192.0.2.1"}


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[HttpServer, str]]:
    """A server without keys, with credentials, on loopback."""
    with (
        HttpServer(lambda request: Answer()) as fake,
        serving(
            fake.url,
            embedder=FakeEmbedder(),
            reranker=FakeReranker(),
            elasticsearch={"api_key": "c2VydmVy"},
        ) as url,
    ):
        yield fake, url


@pytest.mark.parametrize(("method", "path", "body"), DOORS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:9201"},
        {"Host": "evil.example:9201", "Origin": "http://evil.example:9201"},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_foreign_site_gets_nothing_from_any_door(
    url: str, upstream: HttpServer, method: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    got = ask(url, path, method=method, body=body, headers=headers)
    setting = b"serve.hosts" if "Host" in headers else b"serve.cors_origins"
    assert (got.status, setting in got.body) == (403, True)
    assert got.json()["error"]["type"] == "security_exception"
    assert upstream.seen == []


def test_a_listed_host_and_its_pages_are_answered(upstream: HttpServer) -> None:
    with serving(upstream.url, embedder=FakeEmbedder(), serve={"hosts": ["shop.example"]}) as url:
        headers = {"Host": "shop.example", "Origin": "https://shop.example"}
        assert ask(url, "/products/_close", method="POST", headers=headers).status == 200
        headers["Host"] = "evil.example"
        assert ask(url, "/products/_close", method="POST", headers=headers).status == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/search", {"text": "kettle"}),
        ("POST", "/v1/rerank", {"query": "q", "documents": ["a"]}),
        ("GET", "/ui/", None),
        ("GET", "/ui/en/", None),
    ],
)
@pytest.mark.parametrize(
    "headers", [REMOTE, {"Forwarded": "for=192.0.2.1"}, {"Via": "1.1 proxy"}, {"X-Real-IP": "::2"}]
)
def test_without_keys_nothing_is_lent_through_a_proxy(
    url: str, upstream: HttpServer, method: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    got = ask(url, path, method=method, body=body, headers=headers)
    assert (got.status, b"serve.api_keys" in got.body) == (403, True)
    assert upstream.seen == []


def _search(url: str, headers: dict[str, str]) -> Got:
    return ask(url, "/search", method="POST", body={"text": "kettle"}, headers=headers)


def test_a_proxied_caller_with_a_key_or_own_credentials_is_admitted(
    url: str, upstream: HttpServer
) -> None:
    assert _search(url, {**REMOTE, "Authorization": "ApiKey b3du"}).status != 403
    assert upstream.seen[0].header("authorization") == "ApiKey b3du"
    with serving(
        upstream.url,
        embedder=FakeEmbedder(),
        elasticsearch={"api_key": "c2VydmVy"},
        serve={"api_keys": [KEY]},
    ) as with_keys:
        assert _search(with_keys, {**REMOTE, "X-API-Key": KEY}).status != 403
        assert _search(with_keys, REMOTE).status == 401


def test_through_a_proxy_other_doors_stay_open(url: str, upstream: HttpServer) -> None:
    assert ask(url, "/products/_count", headers=REMOTE).status == 200
    assert ask(url, "/healthz", headers=REMOTE).status == 200


@pytest.mark.parametrize("path", ["/ui", "/ui/"])
def test_redirects_do_not_repeat_the_host(upstream: HttpServer, path: str) -> None:
    with serving(upstream.url, embedder=FakeEmbedder(), serve={"host": "0.0.0.0"}) as closed:
        assert "evil" not in str(ask(closed, path, headers={"Host": "evil.example"}).headers)
    with serving(upstream.url, embedder=FakeEmbedder(), serve={"api_keys": [KEY]}) as url:
        headers = {
            "Host": "evil.example",
            "X-Forwarded-Host": "evil2.example",
            "Authorization": "Basic eDphLWtleS1vZi1zaXh0ZWVuLW9yLW1vcmU=",
        }
        got = ask(url, path, headers=headers)
        assert (got.status, got.headers["location"]) == (307, "/ui/en/")


SHOP = "https://shop.example"
FROM_SHOP = {"Origin": SHOP, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
ASKING = {
    **FROM_SHOP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@pytest.fixture(scope="module")
def open_to_shop() -> Iterator[tuple[HttpServer, str]]:
    """A server that the pages of one web site may call."""
    with (
        HttpServer(lambda request: Answer()) as fake,
        serving(
            fake.url,
            embedder=FakeEmbedder(),
            reranker=FakeReranker(),
            serve={"cors_origins": [SHOP]},
        ) as url,
    ):
        yield fake, url


@pytest.mark.parametrize(
    ("method", "path", "body"), [door for door in DOORS if not door[1].startswith("/ui")]
)
def test_a_listed_site_may_call_every_door_and_read_the_answer(
    open_to_shop: tuple[HttpServer, str], method: str, path: str, body: Any
) -> None:
    fake, url = open_to_shop
    fake.forget()
    got = ask(url, path, method=method, body=body, headers=FROM_SHOP)
    assert got.status != 403
    assert got.headers.get_all("access-control-allow-origin") == [SHOP]
    assert "Origin" in (got.headers.get_all("vary") or ())
    assert "access-control-allow-credentials" not in got.headers
    assert all(request.header("origin") is None for request in fake.seen)


def test_a_browser_that_asks_first_is_answered_here(open_to_shop: tuple[HttpServer, str]) -> None:
    fake, url = open_to_shop
    fake.forget()
    got = ask(url, "/products/_search", method="OPTIONS", headers=ASKING)
    assert (got.status, got.body) == (200, b"")
    assert got.headers["access-control-allow-origin"] == SHOP
    assert got.headers["access-control-allow-headers"] == "authorization,content-type"
    assert fake.seen == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://shop.example"])
def test_no_other_site_may(open_to_shop: tuple[HttpServer, str], origin: str) -> None:
    _, url = open_to_shop
    for method, path, body in DOORS:
        got = ask(url, path, method=method, body=body, headers={**FROM_SHOP, "Origin": origin})
        assert (got.status, "access-control-allow-origin" in got.headers) == (403, False)
    asked = ask(url, "/a/_search", method="OPTIONS", headers={**ASKING, "Origin": origin})
    assert "access-control-allow-origin" not in asked.headers


def test_the_page_stays_closed_to_listed_sites(open_to_shop: tuple[HttpServer, str]) -> None:
    _, url = open_to_shop
    for path in ("/ui/en/", "/ui/en/gradio_api/queue/join"):
        got = ask(url, path, method="POST", body={}, headers=FROM_SHOP)
        assert (got.status, "access-control-allow-origin" in got.headers) == (403, False)


def test_the_host_name_still_counts(open_to_shop: tuple[HttpServer, str]) -> None:
    _, url = open_to_shop
    headers = {**FROM_SHOP, "Host": "evil.example:9201"}
    assert ask(url, "/products/_search", method="POST", body={}, headers=headers).status == 403


def test_without_the_setting_a_question_is_elasticsearch_s(url: str, upstream: HttpServer) -> None:
    got = ask(url, "/products/_search", method="OPTIONS", headers=ASKING)
    assert "access-control-allow-origin" not in got.headers
    assert [request.method for request in upstream.seen] == ["OPTIONS"]
    assert upstream.seen[0].header("origin") == SHOP
