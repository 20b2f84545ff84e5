"""A browser, an index of the sample catalogue with a hostile document, and the page.

The fixtures have the scope of the package, because no other test of the thread can start an event
loop while Playwright runs.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner
from elasticsearch import Elasticsearch
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from es_hybrid.page.library import Library
from es_hybrid.settings import Settings, load_settings
from tests.align.stores import small_store
from tests.browsing import launch
from tests.page.running import showing

# Possible content of a shop's index: markup, and placeholders of template languages.
HOSTILE_ID = 'evil-"><i>'
HOSTILE = {
    "title": '<img src=x onerror="window.hacked=1"> hiking boots ${window.hacked=2} {{title}}',
    "brand": "<b>Bold</b>",
    "category": "Shoes > <script>window.hacked=3</script>",
    "price": 3,
    "currency": "EUR",
    "lang": "en",
}
PATIENCE = 60_000  # milliseconds, on a machine that is busy with other tests


@pytest.fixture(scope="package")
def settings(node: EmbeddedNode, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("page")
    (folder / "synonyms.txt").write_text("clodhoppers => boots", encoding="utf-8")
    return load_settings(
        flags={
            "elasticsearch": {"url": node.url},
            "index": {"name": f"test-page-{uuid.uuid4().hex[:8]}"},
            "search": {"timeout_ms": 0, "synonyms": str(folder / "synonyms.txt")},
            "align": {"store": folder / "align.sqlite"},
            "judge": {"pool": folder / "pool.jsonl", "judgements": folder / "judgements.jsonl"},
        }
    )


@pytest.fixture(scope="package")
def catalogue(
    es: Elasticsearch, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The index, loaded by the command, and the hostile document, written directly."""
    feed = tmp_path_factory.mktemp("feed") / "products.jsonl"
    feed.write_bytes(files("es_hybrid.data").joinpath("products.jsonl").read_bytes())
    name, url = settings.index.name, settings.elasticsearch.url or ""
    loaded = CliRunner().invoke(
        main,
        [
            "ingest", "load", str(feed), "--url", url, "--index", name,
            "--dead-letters", str(feed.with_name("rejected.jsonl")),
        ],
    )  # fmt: skip
    assert loaded.exit_code == 0, loaded.output
    es.index(index=name, id=HOSTILE_ID, document=HOSTILE, refresh=True)
    yield name
    for index in es.indices.get(index=f"{name}*", expand_wildcards="all"):
        es.indices.delete(index=index)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture(scope="package")
def library(catalogue: str, settings: Settings) -> Iterator[Library]:
    parts = Library(settings)
    yield parts
    parts.close()


@pytest.fixture(scope="package")
def url(library: Library) -> Iterator[str]:
    with showing(library) as shown:
        yield shown


@pytest.fixture(scope="package")
def requested() -> list[str]:
    """Every URL that the browser requests in these tests."""
    return []


@pytest.fixture(scope="package")
def context(browser: Browser, requested: list[str]) -> Iterator[BrowserContext]:
    opened = browser.new_context(locale="en-US")
    opened.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    opened.on("request", lambda request: requested.append(request.url))
    yield opened
    opened.close()


@pytest.fixture(scope="package")
def opened(context: BrowserContext, url: str) -> Page:
    """The English page, loaded once for all tests that do not need their own."""
    page = context.new_page()
    page.goto(f"{url}/en/")
    page.locator("#rerank-run").wait_for()
    return page


@pytest.fixture
def alignment(settings: Settings) -> Iterator[Path]:
    """Three pairs that wait for a decision."""
    path = small_store(settings.align.store)
    yield path
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
