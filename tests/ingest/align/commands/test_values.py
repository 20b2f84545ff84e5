"""Values of a facet: proposed from groups, reviewed, applied, and used by searches."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.node import EmbeddedNode
from es_hybrid.retrieval.response import SearchResponse
from es_hybrid.search import HybridSearch
from es_hybrid.settings import load_settings
from es_hybrid.understanding.value_classes import VALUE_CLASSES
from tests.align.catalogue import groups, run

NIKE, TARNHOLM = ("Nike", "耐克"), ("Tarnholm", "塔霍姆")


@pytest.fixture
def target(node: EmbeddedNode, index_name: str, aligned: Path) -> tuple[str, ...]:
    """Options for an index with the groups that `align` found."""
    index = ("--url", node.url, "--index", index_name)
    assert run("ingest", "load", aligned / "p.jsonl", *index).exit_code == 0
    options = (*index, "--store", str(aligned / "s.sqlite"))
    applied = run("align", "apply", *options)
    assert applied.exit_code == 0, applied.output
    return options


def _brands(*values: tuple[str, ...]) -> int:
    """Number of products with these brands."""
    wanted = {name for each in values for name in each}
    return sum(row["brand"] in wanted for row in groups(25))


def _ok(*arguments: str | Path, given: str | None = None) -> str:
    result = run("align", "values", *arguments, given=given)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_values_are_proposed_reviewed_applied_and_undone(
    es: Elasticsearch, embedder: LocalEmbedder, index_name: str, target: tuple[str, ...],
) -> None:  # fmt: skip
    def searched(*langs: str, **options: object) -> SearchResponse:
        settings = load_settings(flags={"search": {"window": 500, "timeout_ms": 0}})
        shop = HybridSearch(es, index=index_name, embedder=embedder, settings=settings)
        return shop.search("shoe", facets=["brand"], display_lang=langs, **options)

    proposed = _ok("propose", *target)
    assert re.match(r"2 pairs merge, \d+ review, 0 discard; 2 classes", proposed)
    assert "would have 2 classes" in _ok("apply", "--dry-run", *target)
    assert not es.options(ignore_status=404).get(index=VALUE_CLASSES, id=index_name).get("found")
    assert searched("zh").facets["brand"]["Nike"] == 16

    applied = _ok("apply", *target)
    assert "+ brand: de Nike, en Nike, es Nike, fr Nike, zh 耐克" in applied
    audit = applied.rsplit("--undo ", 1)[1].strip()
    assert stat.S_IMODE(Path(audit).stat().st_mode) == 0o600
    assert "undo" not in _ok("apply", *target), "nothing changed"

    # Every product is near enough for a window of 500.
    plain, chinese, french = searched(), searched("zh"), searched("ko", "fr")
    assert plain.facets["brand"]["Nike"] == 16
    assert plain.facets["brand"]["耐克"] == 4
    for found, label, other in ((chinese, "耐克", "塔霍姆"), (french, "Nike", "Tarnholm")):
        assert found.facets["brand"][label] == _brands(NIKE) == 20
        assert found.facets["brand"][other] == _brands(TARNHOLM) == 35
        brands = {name: count for name, count in plain.facets["brand"].items()
                  if name not in (*NIKE, *TARNHOLM)}  # fmt: skip
        assert found.facets["brand"] == brands | {label: 20, other: 35}
    for value in (*NIKE, ["耐克"]):
        assert searched("en", filters={"brand": value}).facets["brand"] == {"Nike": 20}
        ticked = searched("en", selected={"brand": value})
        assert ticked.facets == french.facets
        assert {hit.source["brand"] for hit in ticked.hits} <= set(NIKE)
    assert searched(filters={"brand": "耐克"}).facets["brand"] == {"耐克": 4}

    # A person merges the brands of one, two and three groups, and rejects the first again.
    _ok("review", "--by", "Ann", *target, given="a\nsame maker\nu\nr\n\n" + "a\n\n" * 50)
    listed = _ok("review", "--decisions", *target)
    assert "same maker" in listed
    assert "Ann" in listed
    again = _ok("propose", *target)
    assert " 0 discard" in again
    names = {row["brand"] for row in groups(25) if row["lang"] == "zh"}
    assert f"; {len(names) - 1} classes" in again, "the decisions stay"
    more = _ok("apply", *target)
    wrong = run("align", "values", "apply", "--undo", audit, *target)
    assert wrong.exit_code == 2
    assert "the classes were written again since" in wrong.stderr
    latest = more.rsplit("--undo ", 1)[1].strip()
    assert "has 2 classes" in _ok("apply", "--undo", latest, *target)
    assert "has 0 classes" in _ok("apply", "--undo", audit, *target)
    assert searched("zh").facets == plain.facets
    es.delete(index=VALUE_CLASSES, id=index_name)


def test_errors_name_the_problem(node: EmbeddedNode, index_name: str, aligned: Path) -> None:
    url, store = ("--url", node.url), ("--store", str(aligned / "other.sqlite"))
    index = (*url, "--index", index_name, *store)
    result = run("align", "values", "apply", *index)
    assert (result.exit_code, "there is no alignment" in result.stderr) == (2, True)
    assert run("ingest", "load", aligned / "p.jsonl", *index[:4]).exit_code == 0
    result = run("align", "values", "propose", *index)
    assert result.exit_code == 2
    assert "no product has the field group_id; run: es-hybrid align apply" in result.stderr
    audit = aligned / "audit.json"
    audit.write_text("{}", encoding="utf-8")
    result = run("align", "values", "apply", "--undo", audit, *index)
    assert (result.exit_code, "not an audit file" in result.stderr) == (2, True)
