"""An index aligned with itself and with a file; its groups written back and taken away again."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.align.decisions import ReviewStore
from es_hybrid.align.journal import Journal
from es_hybrid.node import EmbeddedNode
from ingest.align.writeback import _Index
from tests.align.catalogue import KEPT, groups, run, write

INDEX = "test-align"
ROWS = groups(10)
GROUP_OF = {row["id"]: row["group"] for row in ROWS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("align")


@pytest.fixture(scope="module")
def at(node: EmbeddedNode) -> tuple[str, ...]:
    return ("--url", node.url, "--index", INDEX)


@pytest.fixture(scope="module")
def loaded(es: Elasticsearch, folder: Path, at: tuple[str, ...]) -> Iterator[Path]:
    file = write(folder / "products.jsonl", ROWS)
    result = run("ingest", "load", file, *at)
    assert result.exit_code == 0, result.output
    yield file
    for index in es.indices.get(index=f"{INDEX}*", expand_wildcards="all"):
        es.indices.delete(index=index)


@pytest.fixture(scope="module")
def store(loaded: Path, folder: Path, at: tuple[str, ...]) -> Path:
    path = folder / "self.sqlite"
    result = run("align", "run", INDEX, "--store", path, *at)
    assert result.exit_code == 0, result.output
    assert " merge, " in result.stdout
    return path


def _stored_groups(es: Elasticsearch) -> dict[str, str]:
    found = es.search(index=INDEX, size=500, source_includes=["group_id"])["hits"]["hits"]
    return {hit["_id"]: g for hit in found if (g := hit["_source"].get("group_id"))}


def _right_share(store: Path) -> tuple[float, float]:
    """Precision and recall of the pairs inside groups."""
    named = {node.id: name for node, name in Journal(store).groups().items()}
    ids = list(GROUP_OF)
    together = [(a, b) for a in ids for b in ids if a < b and named.get(a, a) == named.get(b, b)]
    right = sum(GROUP_OF[a] == GROUP_OF[b] for a, b in together)
    return right / len(together), right / (10 * 10)


def test_blocking_finds_every_counterpart_by_the_hybrid_search(store: Path) -> None:
    pairs = {pair.ids for pair in Journal(store).found()}
    true = {(a, b) for a in GROUP_OF for b in GROUP_OF if a < b and GROUP_OF[a] == GROUP_OF[b]}
    assert len(true & pairs) >= 0.99 * len(true)
    languages = {row["id"]: row["lang"] for row in ROWS}
    assert all(languages[a] != languages[b] for a, b in pairs)


def test_stages_name_the_legs_of_the_search(store: Path) -> None:
    stages = {name for pair in Journal(store).found() for name in pair.stages}
    assert {"bm25", "knn", "rrf"} <= stages


def test_groups_of_an_index_are_right(store: Path) -> None:
    precision, recall = _right_share(store)
    assert precision > 0.98
    assert recall > 0.7


def test_the_index_gives_the_cosines_that_a_file_gives(
    store: Path, loaded: Path, folder: Path
) -> None:
    by_file = folder / "file.sqlite"
    assert run("align", "run", loaded, "--store", by_file).exit_code == 0
    ours = {pair.ids: pair.cosine for pair in Journal(store).found()}
    theirs = {pair.ids: pair.cosine for pair in Journal(by_file).found()}
    shared = ours.keys() & theirs.keys()
    assert len(shared) > 0.8 * len(ours)
    assert all(ours[pair] == pytest.approx(theirs[pair], abs=0.02) for pair in shared)


def test_a_file_against_an_index(
    loaded: Path, folder: Path, at: tuple[str, ...], es: Elasticsearch
) -> None:
    german = [{**row, "id": f"own-{row['id']}"} for row in ROWS if row["lang"] == "de"]
    file = write(folder / "german.jsonl", german)
    path = folder / "two.sqlite"
    pairs_index = f"{INDEX}-pairs"
    result = run(
        "align", "run", file, "--against", INDEX, "--pairs-index", pairs_index,
        "--store", path, *at,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    merged = [r for r in Journal(path).records() if r.decision == "merge"]
    right = [r for r in merged if GROUP_OF[r.left_id.removeprefix("own-")] == GROUP_OF[r.right_id]]
    assert len(right) >= 0.95 * len(merged) >= 8
    assert es.count(index=pairs_index)["count"] == len(list(Journal(path).records()))
    found = es.search(index=pairs_index, query={"term": {"decision": "merge"}}, size=1)
    assert found["hits"]["total"]["value"] == len(merged)
    assert found["hits"]["hits"][0]["_source"]["stages"]["knn"]["rank"] >= 1


def test_an_equal_gtin_is_found_in_any_length(
    loaded: Path, folder: Path, at: tuple[str, ...], es: Elasticsearch
) -> None:
    es.update(index=INDEX, id=ROWS[0]["id"], doc={"gtin": ["04006381333931"]}, refresh=True)
    other = {"id": "mine", "lang": "en", "title": "Something else", "gtin": "4006381333931"}
    file = write(folder / "one.jsonl", [other], (*KEPT, "gtin"))
    path = folder / "gtin.sqlite"
    result = run("align", "run", file, "--against", f"es://{INDEX}", "--store", path, *at)
    assert result.exit_code == 0, result.output
    first = next(Journal(path).records())
    assert (first.right_id, first.decision, first.rule) == (ROWS[0]["id"], "merge", "gtin equal")
    assert "gtin" in first.stages


def test_an_interrupted_run_resumes(
    loaded: Path, folder: Path, at: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from es_hybrid.align.blocking.index import IndexBlocker

    path, asked = folder / "broken.sqlite", []
    monkeypatch.setattr("es_hybrid.align.engine._BATCH", 16)
    whole = IndexBlocker.candidates

    def breaks(self: IndexBlocker, lefts: list) -> list:  # type: ignore[type-arg]
        asked.append([left.product.id for left in lefts])
        if len(asked) == 2:  # the first batch is stored by then
            raise KeyboardInterrupt
        return whole(self, lefts)

    with monkeypatch.context() as patched:
        patched.setattr(IndexBlocker, "candidates", breaks)
        assert run("align", "run", INDEX, "--store", path, *at).exit_code != 0
    assert len(asked) == 2, "the fault did not fire"
    assert Journal(path).done() == set(asked[0])
    again: list[str] = []

    def tells(self: IndexBlocker, lefts: list) -> list:  # type: ignore[type-arg]
        again.extend(left.product.id for left in lefts)
        return whole(self, lefts)

    monkeypatch.setattr(IndexBlocker, "candidates", tells)
    result = run("align", "run", INDEX, "--store", path, *at)
    assert result.exit_code == 0, result.output
    assert "resumed an earlier run" in result.stdout
    assert not set(again) & set(asked[0])
    assert len(again) + len(asked[0]) == len(ROWS)


def test_groups_are_written_undone_and_kept_by_a_later_load(
    store: Path, loaded: Path, folder: Path, at: tuple[str, ...], es: Elasticsearch
) -> None:
    named = {node.id: name for node, name in Journal(store).groups().items()}
    apply = ("align", "apply", "--store", str(store), *at)

    looked = run(*apply, "--dry-run")
    assert f"would be: {len(named):,} changed" in looked.stdout
    assert _stored_groups(es) == {}

    done = run(*apply)
    assert done.exit_code == 0, done.output
    assert _stored_groups(es) == named
    mapping = es.indices.get_mapping(index=INDEX)
    assert all(m["mappings"]["properties"]["group_id"] == {"type": "keyword"}
               for m in mapping.values())  # fmt: skip
    found = re.search(r"--undo (\S+)", done.stdout)
    assert found is not None
    audit = Path(found[1])
    lines = [json.loads(line) for line in audit.read_text("utf-8").splitlines()]
    assert lines[0]["index"] == INDEX
    assert {line["id"]: line["after"] for line in lines[1:]} == named
    assert f"{len(ROWS):,} already up to date" in run(*apply).stdout

    changed = [{**row, "price": 1.25} for row in ROWS]
    assert run("ingest", "load", write(folder / "cheaper.jsonl", changed), *at).exit_code == 0
    es.indices.refresh(index=INDEX)
    assert _stored_groups(es) == named, "a later load lost the groups"
    assert run("search", "kettle", *at, "--no-rerank").exit_code == 0

    first = next(iter(named))
    es.update(index=INDEX, id=first, doc={"group_id": "by hand"}, refresh=True)
    undone = run("align", "apply", "--undo", audit, *at, "--store", store)
    assert undone.exit_code == 0, undone.output
    assert "1 skipped: changed since" in undone.stdout
    assert _stored_groups(es) == {first: "by hand"}


def test_concurrent_writes_of_others_are_not_lost(
    store: Path, at: tuple[str, ...], es: Elasticsearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {node.id: name for node, name in Journal(store).groups().items()}
    victim, read = next(iter(named)), _Index._read
    fired: list[str] = []

    def disturbed(self: _Index, ids: Sequence[str]) -> dict[str, Any]:
        found = read(self, ids)
        if not fired:
            fired.append(es.update(index=INDEX, id=victim, doc={"price": 7.75})["result"])
        return found

    monkeypatch.setattr(_Index, "_read", disturbed)
    result = run("align", "apply", "--store", store, *at)
    assert fired == ["updated"], "the fault did not fire"
    assert result.exit_code == 0, result.output
    assert _stored_groups(es) == named
    assert es.get(index=INDEX, id=victim)["_source"]["price"] == 7.75
    vector = es.get(index=INDEX, id=victim, source_includes=["embedding"])["_source"]
    assert vector["embedding"], "a partial update lost the vector"


def test_a_rejected_pair_leaves_its_group_in_the_next_run(
    store: Path, folder: Path, at: tuple[str, ...]
) -> None:
    members: defaultdict[str, list[str]] = defaultdict(list)
    for node, name in Journal(store).groups().items():
        members[name].append(node.id)
    ids = sorted(next(group for group in members.values() if len(group) == 5))
    for other in ids[1:]:
        result = run("align", "review", "--reject", ids[0], other, "--by", "Ann", "--store", store)
        assert result.exit_code == 0, result.output
    result = run("align", "run", INDEX, "--store", store, *at)
    assert result.exit_code == 0, result.output
    after = {node.id: name for node, name in Journal(store).groups().items()}
    assert all(after.get(ids[0]) != after[other] for other in ids[1:])
    assert len({after[other] for other in ids[1:]}) == 1
    assert len(ReviewStore(store).decisions()) == 4
