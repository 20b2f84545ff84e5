"""The report, opened in a real browser."""

from __future__ import annotations

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from es_hybrid.errors import StorageError
from es_hybrid.evaluation.collector import Collector
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.report import render, write_report
from es_hybrid.evaluation.stages import STAGES, Stage
from es_hybrid.evaluation.summary import summarize
from tests.evaluation.answers import answers

HOSTILE = '<img src="https://example.com/x" onerror="window.hacked=1"></script>{{ 7 * 7 }}'


def page(stages: tuple[Stage, ...] = STAGES, *, count: int = 30) -> str:
    """A report of made answers, whose queries and products are markup."""
    qrels = {f"q{number}": {"a": 1, "b": 0} for number in range(count)}
    collector = Collector(qrels, stages, size=100)
    for number in range(count):
        rankings = {
            "bm25": "ab", "knn": "xa", "hybrid": "xba", "signals": "xba",
            "reranked": "axb" if number % 2 else "xyb",
        }  # fmt: skip
        given = answers(
            {stage: rankings[stage] for stage in stages},
            {10: "axb", 50: "axb"} if "reranked" in stages else None,
            title=HOSTILE,
        )
        collector.add(Query(f"q{number}", f"{HOSTILE} {number}", "en"), given)
    measured = collector.result()
    return render(measured, summarize(measured, by="language"), title=f"{HOSTILE} & more")


def opened(path: Path, **options: Any) -> dict[str, Any]:
    """What a browser makes of the file."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None and os.environ.get("CI") != "true":
        pytest.skip("no chromium here; Debian's is `apt-get install chromium`")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=sandbox)
        shown = browser.new_page(**options)
        requested: list[str] = []
        problems: list[str] = []
        shown.on("request", lambda request: requested.append(request.url))
        shown.on("console", lambda message: problems.append(message.text))
        shown.goto(path.as_uri())
        seen = {
            "unharmed": shown.evaluate("window.hacked === undefined"),
            "title": shown.title(),
            "headings": shown.locator("h2").all_inner_texts(),
            "charts": shown.locator("figure svg").count(),
            "bars": shown.locator("figure rect").count(),
            "first_loss": shown.locator(".losing h3 bdi").first.inner_text(),
            "background": shown.evaluate("getComputedStyle(document.body).backgroundColor"),
            "overflow": shown.evaluate("document.documentElement.scrollWidth - innerWidth"),
        }
        browser.close()
    return {**seen, "requested": requested, "problems": problems}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark and narrow"])
def test_a_browser_shows_it_without_the_network(tmp_path: Path, dark: bool) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(), "utf-8")
    options: dict[str, Any] = {"color_scheme": "dark" if dark else "light"}
    options["viewport"] = {"width": 400 if dark else 1280, "height": 800}
    with ThreadPoolExecutor(1) as thread:  # Playwright's event loop would block that of the tests
        seen = thread.submit(opened, path, **options).result()
    assert seen["requested"] == [path.as_uri()]
    assert seen["problems"] == []
    assert seen["unharmed"]
    assert seen["title"] == f"{HOSTILE} & more"
    assert seen["headings"] == [
        "Stages", "Differences between the stages", "Gain for each query",
        "Recall by depth, and gain by rerank depth", "Scores of the first ten hits",
        "Time and cost", "Worst losses from bm25 to hybrid", "Worst losses from knn to hybrid",
        "Worst losses from signals to reranked",
    ]  # fmt: skip
    assert seen["charts"] == 4 + 2 + 5
    assert seen["bars"] > 3 * 30
    assert seen["first_loss"].startswith(HOSTILE)
    assert seen["background"] == ("rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)")
    assert seen["overflow"] <= 0


def test_it_has_no_script_and_no_address() -> None:
    html = page()
    assert "<script" not in html
    assert "<img" not in html
    assert not re.search(r"(src|href)=[\"']", html)


def test_stages_that_were_not_measured_are_left_out() -> None:
    html = page(("bm25",))
    assert "Differences between" not in html
    assert "rerank depth" not in html
    assert html.count("<figure>") == 2


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    collector = Collector({"q": {"a": 1}}, ("bm25",), size=10)
    collector.add(Query("q", "text"), answers({"bm25": "a"}))
    measured = collector.result()
    with pytest.raises(StorageError, match="missing"):
        write_report(tmp_path / "missing/r.html", measured, summarize(measured), title="t")
