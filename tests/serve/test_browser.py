"""A real browser, on a shop's page, that searches through the server of another origin."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from playwright.sync_api import sync_playwright

from es_hybrid.node import EmbeddedNode
from tests.browsing import launch
from tests.fakes.http import Answer, HttpServer
from tests.fakes.models import FakeEmbedder
from tests.serve.live import OWN_QUERY
from tests.serve.running import serving

SEARCH = """async ([url, body]) => {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json', 'Authorization': 'ApiKey b3du', 'X-Opaque-Id': 'tab'
      },
      body: JSON.stringify(body)
    })
    const found = await answer.json()
    return [
      answer.status, answer.headers.get('x-elastic-product'), answer.headers.get('x-opaque-id'),
      found.hits.hits.map((hit) => hit._source.title)
    ]
  } catch (error) { return error.name }
}"""


def _in_browser(page_url: str, calls: list[tuple[str, Any]]) -> list[Any]:
    """What a page gets from each call, in a thread: Playwright's loop runs in the caller's."""

    def browse() -> list[Any]:
        with sync_playwright() as playwright:
            page = launch(playwright).new_page()
            page.goto(page_url)
            return [page.evaluate(SEARCH, list(call)) for call in calls]

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(browse).result()


def test_a_listed_shop_searches_from_the_browser_and_no_other_does(
    node: EmbeddedNode, products: str
) -> None:
    plain = {"query": {"match": {"title": "shoe"}}}
    hybrid = {**OWN_QUERY, **plain, "size": 1}
    page = Answer(200, b"<p>a shop", {"Content-Type": "text/html"})
    with HttpServer(lambda request: page) as shop:
        site = shop.url.replace("127.0.0.1", "localhost")
        with (
            serving(node.url, embedder=FakeEmbedder(), serve={"cors_origins": [site]}) as listing,
            serving(node.url, embedder=FakeEmbedder()) as other,
        ):
            calls: list[tuple[str, Any]] = [
                (f"{server}/{products}/_search", body)
                for server in (listing, other)
                for body in (hybrid, plain)
            ]
            got = _in_browser(site, calls)
    assert got[:2] == [[200, "Elasticsearch", "tab", ["red shoe"]]] * 2
    assert got[2:] == ["TypeError", "TypeError"]
