"""`es-hybrid search` as a user types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from tests.conftest import CATALOGUE_INDEX


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_SEARCH__TIMEOUT_MS", "0")
    monkeypatch.setenv("ES_HYBRID_RERANK__ENABLED", "false")


def _search(node: EmbeddedNode, *arguments: str) -> Result:
    return CliRunner().invoke(
        main,
        ["search", *arguments, "--url", node.url, "--index", CATALOGUE_INDEX],
        env={"COLUMNS": "160"},
    )


def test_the_table_and_the_lines_below_it(node: EmbeddedNode) -> None:
    result = _search(node, "electric kettle", "--size", "3", "--facet", "lang")
    assert result.exit_code == 0, result.output
    understood, header, *lines = result.stdout.splitlines()
    assert understood == "understood: kettle (boost category=Kitchen > Kettles)"
    assert header.split() == ["#", "id", "title", "price", "lang", "bm25", "knn", "rrf"]
    assert [line.split()[0] for line in lines[:3]] == ["1", "2", "3"]
    assert lines[3].startswith("lang: ")
    assert " found · embed " in lines[4]
    assert "total" in lines[4]


def test_sorted_cut_grouped_and_pinned(node: EmbeddedNode) -> None:
    result = _search(
        node, "headphones", "--sort", "price:desc", "--cutoff", "0.3", "--collapse", "brand",
        "--filter", "brand!=Nike", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    prices = [hit["source"]["price"] for hit in answer["hits"]]
    assert prices == sorted(prices, reverse=True)
    assert len({hit["group"] for hit in answer["hits"]}) == len(prices)
    assert answer["total"] >= len(prices)
    pinned = _search(node, "headphones", "--pin", "APP-001-zh", "--pin", "KIT-008-en", "--json")
    assert [hit["id"] for hit in json.loads(pinned.stdout)["hits"]][:2] == [
        "APP-001-zh",
        "KIT-008-en",
    ]


def test_a_page_with_limits_and_diversity(node: EmbeddedNode) -> None:
    limited = _search(node, "headphones", "--limit-per", "lang=2", "--diversity", "0.3")
    assert limited.stdout.splitlines()[1].split()[-1] == "spread"
    answer = json.loads(_search(node, "headphones", "--limit-per", "lang=2", "--json").stdout)
    languages = [hit["source"]["lang"] for hit in answer["hits"]]
    assert max(map(languages.count, languages)) == 2
    refused = _search(node, "headphones", "--limit-per", "lang")
    assert refused.exit_code == 2
    assert "'lang' is not FIELD=N" in refused.stderr


def test_groups_are_counted_below_the_table(node: EmbeddedNode) -> None:
    plain, grouped = (
        int(re.search(r"(\d+) found", _search(node, "headphones", *options).stdout)[1])  # type: ignore[index]
        for options in ((), ("--collapse", "brand"))
    )
    assert 0 < grouped < plain


def test_where_the_words_stand_is_shown_under_the_title(node: EmbeddedNode) -> None:
    shown = _search(node, "kettle", "--highlight", "title", "--filter", "lang=en").stdout
    under = [line.strip() for line in shown.splitlines() if line.startswith("     ")]
    assert under
    assert all("kettle" in line.lower() for line in under)
    assert "<em>" not in shown


def test_explanations_stand_below_the_table_and_whole_in_the_json(node: EmbeddedNode) -> None:
    shown = _search(node, "kettle", "--explain", "--size", "1").stdout
    assert "rrf score" in shown
    assert len(shown.splitlines()) < 30
    [hit] = json.loads(_search(node, "kettle", "--explain", "--size", "1", "--json").stdout)["hits"]
    assert hit["explanation"]["value"] == pytest.approx(hit["score"])


def test_the_json_is_the_response(node: EmbeddedNode) -> None:
    answer = json.loads(_search(node, "kettle", "--size", "1", "--json").stdout)
    assert set(answer) == {
        "hits", "total", "pages", "facets", "timings", "degraded", "notes", "reranked",
        "corrected", "replaced", "understood", "synonyms", "similar", "zero_results",
        "rules", "redirect",
    }  # fmt: skip
    assert set(answer["hits"][0]) == {
        "id", "rank", "score", "source", "stages", "highlight", "explanation", "group", "matched",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["kettle", "--sort", "nonsense"], "nonsense"),
        (["kettle", "--sort", "price:up"], "write it as price"),
        (["kettle", "--filter", "price"], "cannot read the filter"),
        (["  "], "blank"),
    ],
)
def test_what_cannot_be_answered_is_one_line_and_exit_2(
    node: EmbeddedNode, arguments: list[str], words: str
) -> None:
    result = _search(node, *arguments)
    assert result.exit_code == 2
    [line] = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert words in line


def test_a_search_out_of_time_says_so(node: EmbeddedNode) -> None:
    result = _search(node, "kettle", "--timeout", "1")
    assert result.exit_code == 2
    assert "time" in result.stderr


def test_signals_are_given_as_json(node: EmbeddedNode) -> None:
    cheap = '{"name": "cheap", "field": "price", "modifier": "reciprocal", "weight": 3}'
    english = '{"filter": {"lang": "en"}, "weight": 0.2}'
    shown = _search(node, "headphones", "--signal", cheap, "--signal", english, "--explain")
    assert shown.exit_code == 0, shown.output
    assert next(line for line in shown.stdout.splitlines() if "id" in line).split()[-1] == "signals"
    assert "signal cheap: weight 3 * value 0.0" in shown.stdout
    broken = _search(node, "headphones", "--signal", "{cheap}")
    assert broken.exit_code == 2
    assert 'write it as {"field": "margin", "weight": 0.1}' in broken.output
    wrong = _search(node, "headphones", "--signal", '{"field": "margin"}')
    assert "signal margin: no index has a field [margin]" in wrong.output
