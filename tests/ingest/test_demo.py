"""`es-hybrid demo`: what a newcomer sees, and what it leaves behind."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from elasticsearch import Elasticsearch

from es_hybrid.align.decisions import ReviewStore
from es_hybrid.merchandising.rules.rule import Rule
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.node import EmbeddedNode
from ingest.demo import INDEX, RULE, RULED, SEARCHES
from tests.pauses import PATIENCE


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def shown(node: EmbeddedNode, es: Elasticsearch, home: Path) -> Iterator[str]:
    """What one run in a terminal shows, which ended with the page and Ctrl-C.

    Without a terminal, .ci/run runs it.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "es_hybrid", "demo", "--url", node.url],
        cwd=home, stdin=theirs, stdout=theirs, stderr=theirs,
        env={
            **{name: value for name, value in os.environ.items() if "DISPLAY" not in name},
            "XDG_DATA_HOME": str(home / "data"),
            "ES_HYBRID_PAGE__PORT": "0",
            "COLUMNS": "160",
        },
    )  # fmt: skip
    os.close(theirs)
    try:
        said = b""
        while not (found := re.search(rb"The page is open at (\S+) until", said)):
            try:
                said += os.read(ours, 65_536)
            except OSError:  # it has ended
                pytest.fail(said.decode())
        with urllib.request.urlopen(found[1].decode()) as page:
            assert page.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    yield click.unstyle(said.decode()).replace("\r\n", "\n")
    for version in es.indices.get(index=f"{INDEX}-v*"):
        es.indices.delete(index=version)


def scene(shown: str, begin: str) -> str:
    """The lines from the one that begins a scene to the next empty one."""
    return shown.split(f"\n{begin}", 1)[1].split("\n\n")[0]


def columns(scene: str, *titles: str) -> dict[str, list[str]]:
    """The hits below each title of a table."""
    lines = scene.splitlines()
    (head,) = (number for number, line in enumerate(lines) if line.strip().startswith("#"))
    table = [re.split(r"\s{2,}", line.strip()) for line in lines[head : head + 4]]
    assert table[0] == ["#", *titles]
    return {title: [row[place] for row in table[1:]] for place, title in enumerate(titles, 1)}


def test_three_searches_show_what_each_claims(shown: str) -> None:
    chinese, number, forgiven = (
        columns(scene(shown, f"{title}\n» {query}"), "BM25", "kNN", "hybrid")
        for title, query in SEARCHES.items()
    )
    assert chinese["hybrid"][0].startswith("en Espresso Machine")
    assert not any("Espresso" in hit for hit in chinese["BM25"])
    assert all("KX-4820B" in hit for hit in number["hybrid"])
    assert "KX-4820B" not in number["kNN"][0]
    assert "Hiking Boots" in forgiven["hybrid"][0]
    assert "searched: waterproof hiking boots" in shown
    assert "understood: under 150 dollars" in shown


def test_a_chinese_query_over_english_products_is_reranked_and_explained(shown: str) -> None:
    chinese = next(iter(SEARCHES.values()))
    reranked = scene(shown, "Reranked, among the English products")
    assert f"» {chinese}" in reranked
    head, first = re.split("\n", reranked)[2:4]
    assert head.split() == ["#", "id", "title", "price", "lang", "knn", "rrf", "rerank"]
    assert re.match(r"1 +KIT-008-en +Espresso Machine.* en .* 1 \(0\.\d+\)$", first.strip())
    assert " reranked " in reranked
    assert "note:" not in reranked


def test_a_rule_is_tried_and_named_but_not_stored(shown: str, es: Elasticsearch) -> None:
    tried = scene(shown, "A merchandising rule")
    assert f"» {RULED}" in tried
    hits = columns(tried, "without the rule", "with the rule")
    assert hits["with the rule"][0].startswith("en Espresso Machine")
    assert hits["with the rule"][1:] == hits["without the rule"][:2]
    assert f"rule: {RULE['id']} (pin)" in tried
    assert RULE["id"] not in {each.rule.id for each in RuleStore(es).list_rules()}
    assert Rule.model_validate(RULE).actions.pin == ("KIT-008-en",)


def test_a_doubtful_pair_is_shown_and_waits_on_the_page(shown: str, home: Path) -> None:
    doubtful = scene(shown, "The same product in five languages")
    assert "668 pairs merged" in doubtful
    assert "gtin equal, but numbers differ: 1 inch / 6 mm" in doubtful
    (stored,) = re.findall("ES_HYBRID_ALIGN__STORE='(.*)'", shown)
    queue = ReviewStore(Path(stored)).queue(20)
    assert f"{len(queue)} left for you to review" in doubtful
    assert queue[-1].record.left_title in doubtful
    assert [each.name for each in home.iterdir()] == ["data"], "the working folder is clean"


def test_it_says_how_to_open_the_page_later(shown: str) -> None:
    assert re.search(rf"es-hybrid.* ui --index {INDEX}$", shown, re.MULTILINE)
