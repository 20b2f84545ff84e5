"""The search tab: stages side by side, facets, pages, explanations."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from es_hybrid.page.library import Library
from es_hybrid.retrieval.request import SearchRequest
from tests.page.conftest import HOSTILE, HOSTILE_ID

QUERY = "waterproof hiking boots"


@pytest.fixture
def tab(opened: Page) -> Page:
    """The tab after a search in English, the only language that the bundled reranker knows."""
    opened.locator("#tab-search-button").click()
    _search(opened, QUERY, "lang=en")
    return opened


def _search(page: Page, query: str, filters: str) -> None:
    page.locator("#search-filters :is(input, textarea)").fill(filters)
    box = page.locator("#search-query :is(input, textarea)")
    box.fill(query)
    before = page.locator("#search-result .eh-timings").all_inner_texts()
    box.press("Enter")
    page.wait_for_function(
        "before => ![before, undefined]"
        ".includes(document.querySelector('#search-result .eh-timings')?.innerText)",
        arg=before[0] if before else "",
    )


def _column(page: Page, stage: str) -> Locator:
    return page.locator(f"#search-result .eh-column-{stage} .eh-hit")


def _ids(column: Locator) -> list[str]:
    return [hit.get_attribute("data-hit") or "" for hit in column.all()]


def test_every_stage_shows_its_own_order(tab: Page, library: Library) -> None:
    found = library.search(SearchRequest(text=QUERY, filters={"lang": "en"}))
    for stage in ("bm25", "knn", "rrf"):
        ranked = {hit.stages[stage].rank: hit.id for hit in found.hits if stage in hit.stages}
        shown = _ids(_column(tab, stage))
        assert shown == [ranked[rank] for rank in range(1, len(shown) + 1)]
        assert len(shown) == min(10, max(ranked))
    assert _ids(_column(tab, "rerank")) == [hit.id for hit in found.hits[:10]]
    assert f"{found.total} found" in tab.locator("#search-result .eh-bar").first.inner_text()
    spent = tab.locator("#search-result .eh-timings").inner_text()
    assert re.search(r"embedding \d+ ms.*Elasticsearch [\d,]+ ms.*reranking [\d,]+ ms", spent, re.S)


def test_marks_show_how_a_hit_moved(tab: Page) -> None:
    fused = _ids(_column(tab, "rrf"))
    moved = 0
    for place, hit in enumerate(_column(tab, "rerank").all()):
        mark = hit.locator(".eh-move")
        before = hit.get_attribute("data-hit")
        if before in fused and fused.index(before) > place:
            assert mark.inner_text() == f"▲{fused.index(before) - place}"
            assert mark.get_attribute("title") == f"{fused.index(before) - place} places up"
            moved += 1
    assert moved
    assert _column(tab, "bm25").locator(".eh-move").count() == 0


def test_a_ticked_value_narrows_the_hits(tab: Page) -> None:
    _search(tab, QUERY, "")
    english = tab.locator("#facet-3 label", has_text=re.compile(r"\ben\s"))
    count = english.inner_text().split()[-1]
    brands = tab.locator("#facet-2 label").all_inner_texts()
    english.locator("input").check()
    summary = tab.locator("#search-result .eh-bar").first
    expect(summary).to_contain_text(f"{count} found")
    tags = tab.locator("#search-result .eh-hit .eh-tag").all_inner_texts()
    assert set(tags) == {"en"}
    # Ticks narrow the other facets, but not their own.
    expect(tab.locator("#facet-3 label")).to_have_count(5)
    assert tab.locator("#facet-2 label").all_inner_texts() != brands
    english.locator("input").uncheck()
    expect(summary).not_to_contain_text(f"{count} found")


def test_filters_are_typed_as_on_the_command_line(tab: Page) -> None:
    _search(tab, QUERY, "price<=20; lang=en")
    prices = [
        float(text.split()[0])
        for text in tab.locator("#search-result .eh-facts span:nth-child(2)").all_inner_texts()
    ]
    assert prices
    assert max(prices) <= 20


def test_an_invalid_filter_shows_its_error(tab: Page) -> None:
    tab.locator("#search-filters :is(input, textarea)").fill("nonsense")
    tab.locator("#search-run").click()
    expect(tab.locator("#search-result .eh-problem")).to_contain_text(
        "That did not work. Cannot read the filter 'nonsense'. Write it as brand=Nike"
    )


def test_the_next_page_has_the_next_ranks(tab: Page) -> None:
    first = _ids(_column(tab, "rerank"))
    tab.get_by_role("button", name="Next").click()
    expect(tab.locator("#search-result .eh-pages")).to_contain_text("ranks 11–20")
    ranks = [text.split()[0] for text in _column(tab, "knn").locator(".eh-rank").all_inner_texts()]
    assert ranks == [str(rank) for rank in range(11, 21)]
    assert not set(first) & set(_ids(_column(tab, "rerank")))
    tab.get_by_role("button", name="Previous").click()
    expect(tab.locator("#search-result .eh-pages")).to_contain_text("ranks 1–10")
    expect(tab.get_by_role("button", name="Previous")).to_be_disabled()


def test_a_click_on_a_hit_explains_it(tab: Page) -> None:
    hit = _column(tab, "rerank").first
    hit.click()
    why = tab.locator("#search-why .eh-explain")
    expect(why).to_contain_text(hit.locator(".eh-title").inner_text())
    expect(why.locator(".eh-stages")).to_contain_text("Reranked")
    expect(why.locator(".eh-tree")).to_contain_text("rankConstant: [60]")
    tab.get_by_role("button", name="Close").click()
    expect(why).to_have_count(0)


def test_a_hostile_product_is_shown_as_text(tab: Page) -> None:
    _search(tab, "hiking boots onerror", "")
    hit = tab.locator("#search-result .eh-column-bm25 .eh-hit", has_text="<img src=x").first
    assert hit.locator(".eh-title").inner_text() == HOSTILE["title"]
    assert hit.get_attribute("data-hit") == HOSTILE_ID
    hit.click()
    expect(tab.locator("#search-why")).to_contain_text("<b>Bold</b>")
    assert tab.locator("#search-result img, #search-why img, #search-why b b").count() == 0
    assert tab.evaluate("window.hacked") is None


def test_an_exact_number_comes_first_and_is_not_reranked(tab: Page) -> None:
    _search(tab, "KX-4820B", "")
    assert _column(tab, "rerank").count() == 0
    result = _column(tab, "result")
    first = (result if result.count() else _column(tab, "rrf")).first
    expect(first).to_contain_text("KX-4820B")


def test_a_language_that_the_model_does_not_know_is_reported(tab: Page) -> None:
    _search(tab, "夏に着る通気性のよいメンズシャツ", "")
    expect(tab.locator("#search-result .eh-hint").first).to_contain_text("for en, fr, zh")
    assert _column(tab, "rerank").count() == 0


def test_a_misspelt_query_can_be_searched_as_typed(tab: Page) -> None:
    _search(tab, "watreproof hiking bootz", "lang=en")
    note = tab.locator("#search-result .eh-notice", has_text="Results for")
    expect(note).to_contain_text("waterproof hiking boots")
    assert _ids(_column(tab, "bm25"))
    note.get_by_role("button", name="Search instead for watreproof hiking bootz").click()
    expect(note).to_have_count(0)
    expect(_column(tab, "bm25")).to_have_count(0)


def test_a_synonym_is_shown_and_can_be_removed(tab: Page) -> None:
    _search(tab, "hiking clodhoppers", "lang=en")
    note = tab.locator("#search-result .eh-notice", has_text="Searched with synonyms")
    expect(note).to_contain_text("clodhoppers = boots")
    found = _ids(_column(tab, "bm25"))
    note.get_by_role("button", name="Search this as plain words: clodhoppers").click()
    expect(note).to_have_count(0)
    assert _ids(_column(tab, "bm25")) != found


def test_a_condition_can_be_removed(tab: Page) -> None:
    _search(tab, "hiking boots under 80 dollars", "lang=en")
    note = tab.locator("#search-result .eh-notice", has_text="Only products that meet")
    button = note.get_by_role("button", name="Search this as plain words: under 80 dollars")
    expect(button).to_be_visible()
    summary = tab.locator("#search-result .eh-bar").first
    few = summary.inner_text()
    button.click()
    expect(note).to_have_count(0)
    expect(summary).not_to_have_text(few)
    # It stays removed when a facet is ticked.
    many = summary.inner_text()
    tab.locator("#facet-2 input").first.check()
    expect(summary).not_to_have_text(many)
    expect(note).to_have_count(0)
    higher = tab.locator("#search-result .eh-notice", has_text="Ranked higher")
    higher.get_by_role("button", name="Search this as plain words: hiking boots").click()
    expect(higher).to_have_count(0)
    tab.locator("#facet-2 input").first.uncheck()
    expect(summary).to_have_text(re.compile(re.escape(many.split(" found")[0])))


def test_an_unknown_number_shows_similar_products_apart(tab: Page, library: Library) -> None:
    _search(tab, "KX-4977Q", "")
    result = tab.locator("#search-result")
    expect(result.get_by_text("No product has this number.")).to_be_visible()
    expect(result.locator(".eh-bar")).to_have_count(1)
    similar = library.search(SearchRequest(text="KX-4977Q", rerank=True)).similar
    assert _ids(_column(tab, "similar")) == [hit.id for hit in similar]
    assert result.locator("h3").all_inner_texts() == ["Similar products"]
    _column(tab, "similar").first.click()
    expect(tab.locator("#search-why")).to_contain_text("kNN")
