"""How many documents the groups of a search take, and what is left of each leaf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from es_hybrid.retrieval.execution.abilities import GroupSizes
from es_hybrid.retrieval.execution.groups import Grouping
from es_hybrid.retrieval.execution.requests import LeafResult
from es_hybrid.retrieval.execution.tree import Leaf
from es_hybrid.retrieval.nodes import Child, Groups, Knn, Rrf, Standard
from es_hybrid.retrieval.plan import Key, Plan

LEXICAL = Standard(query={"match": {"title": "x"}}, label="bm25")
NEAREST = Knn(field="embedding", k=2, num_candidates=64, vector=[1.0], label="knn")
LEAVES = [Leaf(LEXICAL, LEXICAL, 10_000), Leaf(NEAREST, NEAREST, 10_000)]


def _never(_: Any) -> Any:
    raise AssertionError


def _grouping(sizes: GroupSizes, *, alone: bool = True, **options: Any) -> Grouping:
    root = Rrf(children=(Child(LEXICAL), Child(NEAREST)))
    node = Groups(child=root, field="g", window=2, alone=alone, rank_window_size=10_000)
    plan = Plan(root=node, index="products", size=2, **options)
    return Grouping(node, plan, sizes, order=_never, read=_never)


def _found(leaf: Leaf, groups: Sequence[str], prefix: str = "d") -> LeafResult:
    """Hits `d0`, `d1` ... of these groups; `-` is none."""
    hits = [
        {"_index": "products", "_id": f"{prefix}{at}", "_score": 1.0, "sort": [1.0, at]}
        | ({} if group == "-" else {"fields": {"g": [group]}})
        for at, group in enumerate(groups)
    ]
    return LeafResult(leaf, {"hits": {"hits": hits}})


def test_a_leaf_is_asked_for_more_until_it_has_its_groups() -> None:
    sizes, asked = GroupSizes(), []
    grouping = _grouping(sizes)
    leaf = grouping.first_asked(LEAVES[0])
    while True:
        asked.append(leaf.size)
        more = grouping.lacking([_found(leaf, (["a"] * 40 + ["b"] * 10_000)[: leaf.size])])
        if not more:
            break
        leaf = more[id(LEXICAL)]
    assert asked == [8, 32, 128]
    # Another search asks for as much at once, and learns from what it finds.
    again = _grouping(sizes)
    first = again.first_asked(LEAVES[0])
    assert first.size == 64
    assert again.lacking([_found(first, "abcd" * 16)]) == {}
    assert _grouping(sizes).first_asked(LEAVES[0]).size == 32
    assert _grouping(sizes).first_asked(LEAVES[1]).size == 8


@pytest.mark.parametrize(("leaf", "most"), [(LEAVES[0], 10_000), (LEAVES[1], 64)])
def test_a_leaf_of_one_huge_group_is_read_to_its_limit(leaf: Leaf, most: int) -> None:
    grouping = _grouping(GroupSizes())
    leaf, asked = grouping.first_asked(leaf), 1
    while more := grouping.lacking([_found(leaf, "a" * leaf.size)]):
        [leaf] = more.values()
        asked += 1
    assert leaf.size == most
    assert asked <= 8


def test_a_leaf_without_more_documents_is_not_asked_again() -> None:
    grouping = _grouping(GroupSizes())
    assert grouping.lacking([_found(grouping.first_asked(LEAVES[0]), "aaa")]) == {}
    assert grouping.lacking([_found(grouping.first_asked(LEAVES[1]), "")]) == {}


@pytest.mark.parametrize("of_candidates", [False, True])
def test_leaves_are_cut_to_their_windows(of_candidates: bool) -> None:
    grouping = _grouping(GroupSizes(), of_candidates=of_candidates)
    lexical, nearest = _found(LEAVES[0], "aab-ac"), _found(LEAVES[1], "aa-bb", prefix="n")
    nearest.ranking[1] = nearest.ranking[1]._replace(key=Key("products", "d4"))
    nearest.hits[1]["_id"] = "d4"
    grouping.lacking([lexical, nearest])
    grouping.cut([lexical, nearest])
    assert [hit.key.id for hit in nearest.ranking] == ["n0", "d4", "n2"]
    # `d4` is in the window of the other leaf: it counts there.
    rest = [] if of_candidates else ["d3", "d5"]
    assert [hit.key.id for hit in lexical.ranking] == ["d0", "d1", "d2", *rest]
    assert [key.id for key in grouping.behind] == rest
    assert [hit["_id"] for hit in lexical.hits] == [hit.key.id for hit in lexical.ranking]


def test_a_selection_narrows_the_neighbours_of_the_window() -> None:
    grouping = _grouping(GroupSizes(), selected={"term": {"x": 1}})
    narrowed, whole = _found(LEAVES[1], "b", prefix="z"), _found(LEAVES[1], "aabbc")
    narrowed.ranking[0] = narrowed.ranking[0]._replace(key=Key("products", "d3"))
    grouping.lacking([narrowed, whole])
    grouping.cut([narrowed, whole])
    assert [hit.key.id for hit in whole.ranking] == ["d0", "d1", "d2"]
    assert narrowed.ranking == []


def test_a_hit_without_a_value_is_alone_only_if_the_plan_says_so() -> None:
    for alone, expected in ((True, ["d0", "d1", "d2"]), (False, ["d0", "d2"])):
        grouping = _grouping(GroupSizes(), alone=alone)
        found = _found(LEAVES[0], "--a-a" if not alone else "--aaa")
        grouping.lacking([found])
        assert [hit.key.id for hit in grouping.best(found.ranking)] == expected
