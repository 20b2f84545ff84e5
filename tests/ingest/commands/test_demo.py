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

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from es_hybrid.align.decisions import ReviewStore
from es_hybrid.cli import main
from es_hybrid.merchandising.rules.rule import Rule
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.node import EmbeddedNode
from ingest.commands.demo import INDEX, RULE, RULED, SEARCHES


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def shown(node: EmbeddedNode, es: Elasticsearch, home: Path) -> Iterator[Result]:
    """One run, without a terminal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        patch.setenv("COLUMNS", "160")
        yield CliRunner().invoke(main, ["demo", "--url", node.url], catch_exceptions=False)
    for version in es.indices.get(index=f"{INDEX}-v*"):
        es.indices.delete(index=version)


def scene(shown: Result, begin: str) -> str:
    """The lines from the one that begins a scene to the next empty one."""
    return shown.output.split(f"\n{begin}", 1)[1].split("\n\n")[0]


def columns(scene: str, *titles: str) -> dict[str, list[str]]:
    """The hits below each title of a table."""
    lines = scene.splitlines()
    (head,) = (number for number, line in enumerate(lines) if line.strip().startswith("#"))
    table = [re.split(r"\s{2,}", line.strip()) for line in lines[head : head + 4]]
    assert table[0] == ["#", *titles]
    return {title: [row[place] for row in table[1:]] for place, title in enumerate(titles, 1)}


def test_three_searches_show_what_each_claims(shown: Result) -> None:
    assert shown.exit_code == 0, shown.output
    chinese, number, forgiven = (
        columns(scene(shown, f"{title}\n» {query}"), "BM25", "kNN", "hybrid")
        for title, query in SEARCHES.items()
    )
    assert chinese["hybrid"][0].startswith("en Espresso Machine")
    assert not any("Espresso" in hit for hit in chinese["BM25"])
    assert all("KX-4820B" in hit for hit in number["hybrid"])
    assert "KX-4820B" not in number["kNN"][0]
    assert "Hiking Boots" in forgiven["hybrid"][0]
    assert "searched: waterproof hiking boots" in shown.output
    assert "understood: under 150 dollars" in shown.output


def test_a_rule_is_tried_and_named_but_not_stored(shown: Result, es: Elasticsearch) -> None:
    tried = scene(shown, "A merchandising rule")
    assert f"» {RULED}" in tried
    hits = columns(tried, "without the rule", "with the rule")
    assert hits["with the rule"][0].startswith("en Espresso Machine")
    assert hits["with the rule"][1:] == hits["without the rule"][:2]
    assert f"rule: {RULE['id']} (pin)" in tried
    assert RULE["id"] not in {each.rule.id for each in RuleStore(es).list_rules()}
    assert Rule.model_validate(RULE).actions.pin == ("KIT-008-en",)


def test_a_doubtful_pair_is_shown_and_waits_on_the_page(shown: Result, home: Path) -> None:
    doubtful = scene(shown, "The same product in five languages")
    assert "668 pairs merged" in doubtful
    assert "gtin equal, but numbers differ: 1 inch / 6 mm" in doubtful
    (stored,) = re.findall("ES_HYBRID_ALIGN__STORE='(.*)'", shown.output)
    queue = ReviewStore(Path(stored)).queue(20)
    assert f"{len(queue)} left for you to review" in doubtful
    assert queue[-1].record.left_title in doubtful
    assert [each.name for each in home.iterdir()] == ["data"], "the working folder is clean"


def test_without_a_terminal_it_ends_and_says_how_to_open_the_page(shown: Result) -> None:
    assert re.search(rf"es-hybrid.* ui --index {INDEX}$", shown.output.strip())
    assert "The page is open" not in shown.output


def test_in_a_terminal_the_page_is_open_until_ctrl_c(shown: Result, node: EmbeddedNode) -> None:
    """`shown` ran first, so that this run loads and aligns nothing again."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "es_hybrid", "demo", "--url", node.url],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "ES_HYBRID_PAGE__PORT": "0"},
    )
    os.close(theirs)
    try:
        said = b""
        while not (found := re.search(rb"The page is open at (\S+) until", said)):
            said += os.read(ours, 4096)
        with urllib.request.urlopen(found[1].decode()) as page:
            assert page.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert b"unchanged           377" in said
