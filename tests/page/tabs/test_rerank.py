"""The rerank tab."""

from __future__ import annotations

import base64
import csv
import io
import json

from playwright.sync_api import Page, expect

from es_hybrid.page.examples import EXAMPLES
from es_hybrid.page.library import Library
from es_hybrid.page.words import WORDS

SEATS, KETTLES = EXAMPLES


def _rows(page: Page) -> list[list[str]]:
    rows = page.locator("#rerank-result tbody tr").all()
    return [[cell.inner_text().strip() for cell in row.locator("td").all()] for row in rows]


def _rerank(page: Page, query: str, candidates: list[str]) -> None:
    page.locator("#tab-rerank-button").click()
    page.locator("#rerank-query textarea").fill(query)
    page.locator("#rerank-candidates textarea").fill("\n".join(candidates))
    page.locator("#rerank-run").click()


def test_an_example_is_loaded_scored_and_shown_in_order(opened: Page, library: Library) -> None:
    opened.locator("#example-1").click()
    query = opened.locator("#rerank-query textarea")
    expect(query).to_have_value("儿童增高安全座椅,ISOFIX硬接口,侧撞防护,适用3-12岁")
    expect(opened.locator("#rerank-candidates textarea")).to_have_value("\n".join(SEATS.candidates))
    expect(opened.locator("#rerank-instruction")).to_contain_text("ECE R44/04")
    opened.locator("#rerank-run").click()
    expect(opened.locator("#rerank-result tbody tr")).to_have_count(5)

    heads = opened.locator("#rerank-result thead th").all_inner_texts()
    assert heads == ["#", "Text", "Score", "Language", "Decision"]
    wanted = library.rerank(SEATS.query, SEATS.candidates, "baby")
    words = WORDS["en"]
    assert _rows(opened) == [
        [
            str(candidate.rank), candidate.text, f"{candidate.score:.3f}", candidate.language,
            words.bands[candidate.decision or ""],
        ]
        for candidate in wanted.candidates
    ]  # fmt: skip
    # Every seat, in any language, ranks above the changing mat.
    assert _rows(opened)[-1][1] == SEATS.candidates[0]
    assert {row[3] for row in _rows(opened)} == {"en", "fr", "es", "de"}
    summary = opened.locator("#rerank-result .eh-bar").inner_text()
    assert summary.startswith("5 candidates in ")
    assert opened.locator("#rerank-result .eh-warning").count() == 0


def test_a_language_that_the_model_does_not_know_is_reported(opened: Page) -> None:
    _rerank(opened, "子ども用チャイルドシート", list(SEATS.candidates))
    warning = opened.locator("#rerank-result .eh-warning")
    expect(warning).to_contain_text("this query looks like ja")


def test_the_other_example_suits_the_model_and_shows_no_warning(opened: Page) -> None:
    opened.locator("#example-2").click()
    expect(opened.locator("#rerank-query textarea")).to_have_value(KETTLES.query)
    opened.locator("#rerank-run").click()
    expect(opened.locator("#rerank-result tbody tr").first).to_contain_text("1.7 L, 2200 W")
    expect(opened.locator("#rerank-result .eh-warning")).to_have_count(0)


def test_a_long_text_is_cut_until_it_is_clicked(opened: Page) -> None:
    long = "kettle " * 60 + "END"
    _rerank(opened, "kettle", [long, "scale"])
    expect(opened.locator("#rerank-result tbody tr")).to_have_count(2)
    whole = opened.locator("#rerank-result details[open]")
    expect(whole).to_have_count(0)
    opened.locator("#rerank-result summary").click()
    expect(whole).to_contain_text("END")


def test_the_files_hold_the_table_and_no_formula(opened: Page) -> None:
    _rerank(opened, "kettle", ["=HYPERLINK(1)", "electric kettle", "水壶"])
    expect(opened.locator("#rerank-result tbody tr")).to_have_count(3)
    files = {}
    for link in opened.locator("#rerank-result a[download]").all():
        href = link.get_attribute("href") or ""
        files[link.get_attribute("download")] = base64.b64decode(href.partition(",")[2])
    table = list(csv.DictReader(io.StringIO(files["rerank.csv"].decode("utf-8-sig"))))
    assert list(table[0]) == ["rank", "score", "decision", "language", "text"]
    assert [row["text"].lstrip("'") for row in table] == [row[1] for row in _rows(opened)]
    assert "'=HYPERLINK(1)" in {row["text"] for row in table}
    results = json.loads(files["rerank.json"])["results"]
    assert {row["text"] for row in results} == {"=HYPERLINK(1)", "electric kettle", "水壶"}


def test_a_thousand_candidates_and_one_too_many(opened: Page) -> None:
    many = [f"kettle {number}" for number in range(1000)]
    _rerank(opened, "kettle 7", many)
    expect(opened.locator("#rerank-result tbody tr")).to_have_count(1000)
    _rerank(opened, "kettle 7", [*many, "one more"])
    expect(opened.locator("#rerank-result")).to_contain_text("There are 1001 candidates")


def test_a_missing_query_or_candidate_is_reported(opened: Page) -> None:
    _rerank(opened, "  ", ["kettle"])
    expect(opened.locator("#rerank-result")).to_have_text("Type a query first.")
    _rerank(opened, "kettle", [" ", ""])
    expect(opened.locator("#rerank-result")).to_contain_text("at least one candidate")


def test_markup_is_text(opened: Page) -> None:
    hostile = '<img src=x onerror="window.hacked=1">${window.hacked=2}{{query}}</td><script>'
    _rerank(opened, hostile, [hostile, "kettle"])
    expect(opened.locator("#rerank-result tbody tr")).to_have_count(2)
    assert hostile in {row[1] for row in _rows(opened)}
    assert opened.locator("#rerank-result img").count() == 0
    assert opened.evaluate("window.hacked") is None
