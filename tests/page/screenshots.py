"""Takes the screenshots of docs/page.md: `python -m tests.page.screenshots`.

Starts a node, then loads and aligns the sample catalogue.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from click.testing import CliRunner
from playwright.sync_api import Browser, Page, expect, sync_playwright

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from es_hybrid.page.library import Library
from es_hybrid.settings import Settings, load_settings
from tests.page.running import showing

FOLDER = Path(__file__).parents[2] / "docs/images"
_WIDTH, _HEIGHT = 1280, 900


def take() -> None:
    """Write all screenshots."""
    expect.set_options(timeout=60_000)
    with tempfile.TemporaryDirectory() as folder, _catalogue(Path(folder)) as settings:
        library = Library(settings)
        with showing(library) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            _rerank(_opened(browser, url, "en"))
            _search(_opened(browser, url, "en"))
            _review(_opened(browser, url, "en"))
            _judge(_opened(browser, url, "en"))
            _merchandising(_opened(browser, url, "en"))
            _chinese(_opened(browser, url, "zh", dark=True))
            _narrow(_opened(browser, url, "en", width=400))
            browser.close()
        library.close()


@contextmanager
def _catalogue(folder: Path) -> Iterator[Settings]:
    """Settings for the loaded and aligned sample catalogue."""
    rows = [
        json.loads(line)
        for line in files("es_hybrid.data")
        .joinpath("products.jsonl")
        .read_text("utf-8")
        .split("\n")
        if line
    ]
    feeds = {"all": rows}
    for lang in ("zh", "en"):
        # Without trade numbers, as in many feeds; with them hardly any pair needs a review.
        feeds[lang] = [
            {name: value for name, value in row.items() if name not in ("gtin", "sku", "group")}
            for row in rows
            if row["lang"] == lang
        ]
    paths = {name: folder / f"{name}.jsonl" for name in feeds}
    for name, feed in feeds.items():
        paths[name].write_text("\n".join(json.dumps(row) for row in feed), encoding="utf-8")
    store, pool = str(folder / "align.sqlite"), str(folder / "pool.jsonl")
    queries = folder / "queries.tsv"
    queries.write_text("1\twaterproof hiking boots for men\ten\n", encoding="utf-8")
    with EmbeddedNode(heap="768m") as node:
        there = ("--url", node.url, "--index", "products")
        _typed(
            "ingest", "load", str(paths["all"]), *there,
            "--dead-letters", str(folder / "rejected.jsonl"),
        )  # fmt: skip
        _typed(
            "align", "run", str(paths["zh"]), "--against", str(paths["en"]), *there,
            "--store", store,
        )  # fmt: skip
        _typed("eval", "sample", str(queries), *there, "--pool", pool)
        yield load_settings(
            flags={
                "elasticsearch": {"url": node.url},
                "search": {"timeout_ms": 0},
                "align": {"store": store},
                "judge": {"pool": pool, "judgements": str(folder / "judgements.jsonl")},
            }
        )


def _typed(*arguments: str) -> None:
    done = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output


def _opened(
    browser: Browser, url: str, language: str, *, dark: bool = False, width: int = _WIDTH
) -> Page:
    page = browser.new_page(
        viewport={"width": width, "height": _HEIGHT}, color_scheme="dark" if dark else "light"
    )
    page.goto(f"{url}/{language}/")
    page.locator("#rerank-run").wait_for()
    return page


def _photograph(page: Page, name: str, *, whole: bool = False) -> None:
    page.mouse.move(0, 0)
    page.wait_for_timeout(700)  # until the animations end
    page.screenshot(path=FOLDER / f"{name}.png", full_page=whole)
    page.close()


def _rerank(page: Page, name: str = "page-rerank", *, whole: bool = False) -> None:
    page.locator("#example-1").click()
    expect(page.locator("#rerank-query textarea")).not_to_have_value("")
    page.locator("#rerank-run").click()
    expect(page.locator("#rerank-result tbody tr")).to_have_count(5)
    _photograph(page, name, whole=whole)


def _ask(page: Page, query: str) -> None:
    page.locator("#tab-search-button").click()
    page.locator("#search-filters :is(input, textarea)").fill("lang=en")
    page.locator("#search-query :is(input, textarea)").fill(query)
    page.locator("#search-run").click()
    page.locator("#search-result .eh-hit").first.wait_for()


def _search(page: Page) -> None:
    for _ in range(2):  # the first one warms the caches; its timings are not representative
        _ask(page, "waterproof hiking boots for men")
        page.locator("#search-result .eh-column-rerank").wait_for()
        page.wait_for_timeout(1500)
    page.locator("#search-query :is(input, textarea)").blur()
    _photograph(page, "page-search")


def _review(page: Page) -> None:
    page.locator("#tab-review-button").click()
    page.locator(".eh-pair").wait_for()
    page.locator("#review-name :is(input, textarea)").fill("Ann")
    page.locator("#review-name :is(input, textarea)").blur()
    _photograph(page, "page-review")


def _judge(page: Page) -> None:
    page.locator("#tab-judge-button").click()
    page.locator("#judge-name :is(input, textarea)").fill("Ann")
    page.locator("#judge-name :is(input, textarea)").blur()
    page.locator(".eh-judged").wait_for()
    page.keyboard.press("2")
    page.locator("#judge-message .eh-done").wait_for()
    _photograph(page, "page-judge")


def _merchandising(page: Page) -> None:
    page.locator("#tab-merchandising-button").click()
    for name, text in {
        "by": "Ann",
        "id": "boots",
        "priority": "10",
        "query": "hiking boots",
        "note": "Mid-height boots first until the end of the season",
    }.items():
        page.locator(f"#rule-{name} :is(input, textarea)").fill(text)
    page.keyboard.press("Control+Enter")
    page.locator("#before-pin-5").click()
    page.locator("#rule-hits .eh-column-after").wait_for()
    page.locator("#before-exclude-2").click()
    page.locator("#rule-hits .eh-column-before .eh-move").wait_for()
    page.locator("#rule-save").click()
    page.locator("#rule-message .eh-done").wait_for()
    page.locator("#rule-approve").click()
    page.locator("#rule-list .eh-live").wait_for()
    page.evaluate("scrollTo(0, 0)")
    _photograph(page, "page-merchandising")


def _chinese(page: Page) -> None:
    page.locator("#tab-search-button").click()
    page.locator("#search-query :is(input, textarea)").fill("我想买一件夏天穿的透气男装")
    page.locator("#search-run").click()
    page.locator("#search-result .eh-hit").first.wait_for()
    page.locator("#search-query :is(input, textarea)").blur()
    _photograph(page, "page-chinese-dark")


def _narrow(page: Page) -> None:
    _rerank(page, "page-narrow", whole=True)


if __name__ == "__main__":
    take()
