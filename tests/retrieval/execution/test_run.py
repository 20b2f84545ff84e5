"""On one shard the vector leaf is a query; compared with the same leaf as a section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.drive.send import sender
from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.needs import Call, Need, Reply
from es_hybrid.retrieval.nodes import (
    Child,
    Knn,
    Node,
    Rrf,
    Standard,
)
from es_hybrid.retrieval.plan import Plan
from es_hybrid.retrieval.response import Retrieved
from tests.retrieval.live import Searcher, make_index, rows, vector_of

MANY, ALIAS = "test-one-shard-five", "test-one-shard-alias"

WORDS = Standard(query={"match": {"title": "red kettle"}})
NEAR = Knn(field="embedding", vector=vector_of("red kettle"), k=20, num_candidates=100)
CHEAP = {"range": {"price": {"lt": 50}}}
IN_STOCK = {"range": {"stock": {"gt": 0}}}


def _fused(vectors: Knn = NEAR, **options: Any) -> Rrf:
    options = {"rank_window_size": 30, **options}
    return Rrf(children=(Child(WORDS), Child(vectors, 0.7)), **options)


def _forms(searcher: Searcher) -> list[str]:
    """For each vector leaf sent, whether it was a section or a query."""
    bodies: list[Any] = [
        body
        for call in searcher.calls
        if call.path.endswith("_msearch")
        for body in call.body or ()
    ]
    return [
        "section" if "knn" in body else "query"
        for body in bodies
        if "knn" in body or "knn" in body.get("query", {})
    ]


def _shown(found: Retrieved) -> dict[str, Any]:
    return {name: value for name, value in found.answer.items() if name != "took"}


@pytest.fixture(scope="module")
def many_shards(es: Elasticsearch) -> Iterator[str]:
    make_index(es, MANY, rows(400), shards=5)
    yield MANY
    es.indices.delete(index=MANY)


@pytest.fixture
def filtered_alias(es: Elasticsearch, product_index: str) -> Iterator[str]:
    es.indices.put_alias(index=product_index, name=ALIAS, filter=CHEAP)
    yield ALIAS
    es.indices.delete_alias(index=product_index, name=ALIAS)


@pytest.mark.parametrize(
    ("root", "options"),
    [
        (_fused(), {}),
        (_fused(), {"size": 30, "aggs": {"brands": {"terms": {"field": "brand"}}}}),
        (_fused(filters=(CHEAP,)), {"track_total_hits": 10}),
        (_fused(replace(NEAR, filters=(CHEAP, IN_STOCK), name="near")), {"size": 30}),
        (_fused(replace(NEAR, similarity=0.5)), {"size": 30}),
        (_fused(replace(NEAR, k=3)), {"track_total_hits": False}),
        (_fused(), {"selected": IN_STOCK, "aggs": {"brands": {"terms": {"field": "brand"}}}}),
        (_fused(), {"fetch": {"highlight": {"fields": {"title": {}}}, "_source": ["price"]}}),
        (_fused(), {"from_": 10, "settings": {"timeout": "10s"}}),
        (_fused(), {"selected": CHEAP, "track_total_hits": False}),
    ],
)
@pytest.mark.parametrize("aliased", [False, True])
def test_both_forms_find_the_same(
    searcher: Searcher, filtered_alias: str, root: Node, options: dict[str, Any], aliased: bool
) -> None:
    plan = Plan(root=root, index=filtered_alias if aliased else searcher.index, **options)
    section = searcher.execute(plan)
    assert _forms(searcher) == ["section"]
    query = searcher.execute(plan)
    assert _forms(searcher) == ["query"]
    assert query.hits
    assert _shown(query) == _shown(section)
    assert query.stages == section.stages


@pytest.mark.parametrize("kind", ["flat", "int8_flat"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"track_total_hits": False},
        {"selected": CHEAP, "aggs": {"brands": {"terms": {"field": "brand"}}}},
    ],
)
def test_vectors_without_a_graph_are_asked_by_a_section(
    es: Elasticsearch, kind: str, options: dict[str, Any]
) -> None:
    # A query over them matches every document: total and facets would be the whole index's.
    name = f"test-one-shard-{kind}"
    make_index(es, name, rows(400), vector_type=kind)
    try:
        searcher = Searcher(es, name)
        plan = Plan(root=_fused(), index=name, **options)
        answered, sent = [], []
        for _ in range(3):
            answered.append(_shown(searcher.execute(plan)))
            sent.append(_forms(searcher))
        assert answered[0] == answered[1] == answered[2]
        assert sent == [["section"], ["query", "section"], ["section"]]
    finally:
        es.indices.delete(index=name)


@pytest.mark.parametrize("children", [(NEAR,), (NEAR, WORDS, WORDS)])
def test_a_vector_leaf_that_is_not_one_of_a_pair_is_asked_by_a_section(
    searcher: Searcher, children: tuple[Node, ...]
) -> None:
    fused = Rrf(children=tuple(Child(child) for child in children))
    plan = Plan(root=fused, index=searcher.index, track_total_hits=False)
    for _ in range(2):
        searcher.execute(plan)
        assert _forms(searcher) == ["section"]


def test_several_shards_are_asked_by_a_section(searcher: Searcher, many_shards: str) -> None:
    plan = Plan(root=_fused(), index=many_shards)
    for _ in range(2):
        searcher.execute(plan)
        assert _forms(searcher) == ["section"]
    both = Plan(root=_fused(), index=f"{many_shards},{searcher.index}")
    searcher.execute(both)
    searcher.execute(both)
    assert _forms(searcher) == ["section"]


def test_an_alias_that_comes_to_stand_for_more_shards_is_asked_again(
    searcher: Searcher, many_shards: str
) -> None:
    es = searcher.es
    es.indices.put_alias(index=searcher.index, name=ALIAS)
    plan = Plan(root=_fused(), index=ALIAS)
    searcher.execute(plan)
    remove = {"remove": {"index": searcher.index, "alias": ALIAS}}
    es.indices.update_aliases(actions=[remove, {"add": {"index": many_shards, "alias": ALIAS}}])
    try:
        moved = searcher.execute(plan)
        assert _forms(searcher) == ["query", "section"]
        fresh = Searcher(es, many_shards).execute(replace(plan, index=many_shards))
        assert _shown(moved) == _shown(fresh)
        searcher.execute(plan)
        assert _forms(searcher) == ["section"]
    finally:
        es.indices.delete_alias(index=many_shards, name=ALIAS)


@pytest.mark.parametrize(
    "options",
    [
        {"explain": True},
        {"profile": True},
        {"params": {"routing": "a"}},
        {"params": {"preference": "_local"}},
    ],
)
def test_options_that_need_it_are_sent_as_a_section(
    searcher: Searcher, options: dict[str, Any]
) -> None:
    searcher.execute(Plan(root=_fused(), index=searcher.index))
    searcher.execute(Plan(root=_fused(), index=searcher.index, **options))
    assert _forms(searcher) == ["section"]


def test_a_field_that_may_be_nested_is_searched_as_a_section(es: Elasticsearch) -> None:
    name = "test-one-shard-nested"
    vector = {"type": "dense_vector", "dims": 8, "similarity": "cosine"}
    parts = {"type": "nested", "properties": {"vector": vector}}
    es.indices.create(index=name, mappings={"properties": {"parts": parts}})
    try:
        nested = {"parts": [{"vector": vector_of("a")}, {"vector": vector_of("b")}]}
        es.index(index=name, document=nested, refresh=True)
        searcher = Searcher(es, name)
        near = Knn(field="parts.vector", vector=vector_of("a"), k=5, num_candidates=10)
        for _ in range(2):
            found = searcher.execute(Plan(root=_fused(near), index=name))
            assert _forms(searcher) == ["section"]
            assert len(found.hits) == 1
    finally:
        es.indices.delete(index=name)


def test_a_refusal_uses_the_words_of_the_request(searcher: Searcher) -> None:
    plan = Plan(root=_fused(), index=searcher.index)
    wrong = replace(plan, root=_fused(replace(NEAR, vector=[1.0, 2.0])))
    with pytest.raises(RequestRefused) as at_first:
        searcher.execute(wrong)
    searcher.execute(plan)
    with pytest.raises(RequestRefused) as later:
        searcher.execute(wrong)
    assert later.value.body() == at_first.value.body()
    searcher.execute(plan)
    assert _forms(searcher) == ["query"], "one caller's mistake is nothing about the cluster"


class _Old(Searcher):
    """A cluster without `k` in `knn` queries."""

    def _serve(self, need: Need) -> Any:
        if isinstance(need, Call):
            self.calls.append(need)
            reply = sender(self.es)(need, None)
            parts: Any = [need.body] if isinstance(need.body, Mapping) else need.body
            if any("knn" in part.get("query", {}) for part in parts):
                reason = "[knn] unknown field [k]"
                cause = {"type": "x_content_parse_exception", "reason": reason}
                error = {"root_cause": [cause], **cause}
                responses = [*reply.body["responses"][:-1], {"error": error, "status": 400}]
                return Reply(200, {"took": 1, "responses": responses})
            return reply
        return super()._serve(need)


def test_an_older_cluster_is_tried_once(es: Elasticsearch, product_index: str) -> None:
    searcher = _Old(es, product_index)
    plan = Plan(root=_fused(), index=product_index)
    sent = []
    for _ in range(4):
        assert searcher.execute(plan).hits
        sent.append(_forms(searcher))
    assert sent == [["section"], ["query", "section"], ["section"], ["section"]]


def test_the_indices_searched_last_are_remembered() -> None:
    one_shard = Abilities().one_shard
    answers = [{"_shards": {"total": 1}}]
    plans = [Plan(root=WORDS, index=f"products-{number}") for number in range(1001)]
    assert all(one_shard.learn(plan, answers) for plan in plans)
    assert [plan in one_shard for plan in plans] == [False] + [True] * 1000
