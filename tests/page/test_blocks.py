"""The whole page: languages, network requests, and failing servers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, expect

from es_hybrid.page.library import Library
from es_hybrid.settings import Settings, load_settings
from tests.page.running import showing


def test_the_switch_leads_to_a_page_that_is_all_chinese(
    opened: Page, context: BrowserContext, url: str, alignment: Path
) -> None:
    href = opened.get_by_role("link", name="中文").get_attribute("href")
    page = context.new_page()
    page.goto(f"{url}{href}")
    expect(page.locator("[role=tab]")).to_have_text(
        ["重排序", "搜索", "人工审核", "相关性评判", "运营规则"]
    )
    page.locator("#example-1").click()
    expect(page.locator("#rerank-query textarea")).not_to_have_value("")
    page.locator("#rerank-run").click()
    expect(page.locator("#rerank-result thead th")).to_have_text(
        ["#", "文本", "得分", "语言", "判定"]
    )
    page.locator("#tab-search-button").click()
    page.locator("#search-query :is(input, textarea)").fill("防水登山鞋")
    page.locator("#search-run").click()
    expect(page.locator("#search-result .eh-column h3").first).to_contain_text("按词语")
    page.locator("#tab-review-button").click()
    expect(page.locator("#review-pair")).to_contain_text("待审 3 · 已接受 0 · 已拒绝 0")
    expect(page.get_by_role("link", name="English")).to_have_attribute("href", "/en/")
    page.close()


def test_without_the_cluster_search_shows_the_error_and_the_rest_works(
    context: BrowserContext, tmp_path: Path
) -> None:
    settings = load_settings(
        flags={
            "elasticsearch": {"url": "http://127.0.0.1:9"},
            "align": {"store": tmp_path / "none.sqlite"},
        }
    )
    library = Library(settings)
    with showing(library) as url:
        page = context.new_page()
        page.goto(f"{url}/en/")
        page.locator("#tab-search-button").click()
        page.locator("#search-query :is(input, textarea)").fill("kettle")
        page.locator("#search-run").click()
        problem = page.locator("#search-result .eh-problem")
        expect(problem).to_contain_text("That did not work. Elasticsearch cannot be reached")
        expect(problem).to_contain_text("http://127.0.0.1:9")
        page.locator("#tab-rerank-button").click()
        page.locator("#example-2").click()
        expect(page.locator("#rerank-query textarea")).not_to_have_value("")
        page.locator("#rerank-run").click()
        expect(page.locator("#rerank-result tbody tr")).to_have_count(5)
        page.close()
    library.close()


def test_a_search_without_the_embedder_shows_a_warning(
    context: BrowserContext, catalogue: str, settings: Settings
) -> None:
    gone = settings.embedding.model_copy(
        update={"base_url": "http://127.0.0.1:9/v1", "dims": 512, "timeout": 1.0}
    )
    library = Library(settings.model_copy(update={"embedding": gone}))
    with showing(library) as url:
        page = context.new_page()
        page.goto(f"{url}/en/")
        page.locator("#tab-search-button").click()
        page.locator("#search-query :is(input, textarea)").fill("kettle")
        page.locator("#search-run").click()
        warning = page.locator("#search-result .eh-warning")
        expect(warning).to_contain_text("A part failed: embedding:")
        expect(page.locator("#search-result .eh-column-knn")).to_have_count(0)
        assert page.locator("#search-result .eh-column-bm25 .eh-hit").count()
        page.close()
    library.close()


def test_no_other_host_is_contacted_and_the_policy_prevents_it(
    opened: Page, requested: list[str]
) -> None:
    assert len(requested) > 50
    assert {urlsplit(url).hostname for url in requested if not url.startswith("data:")} == {
        "127.0.0.1"
    }
    refused = opened.evaluate(
        """() => new Promise((resolve) => {
            document.addEventListener('securitypolicyviolation', (e) => resolve(e.blockedURI));
            fetch('https://example.com/').catch(() => {});
        })"""
    )
    assert refused == "https://example.com/"
