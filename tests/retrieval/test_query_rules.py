"""Query rules in searches of the library, on a cluster without them and on one that has them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval import query_rules
from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.engine import answer
from es_hybrid.retrieval.execution.fuse import MAX_ORGANIC_SCORE
from es_hybrid.retrieval.needs import Reply
from tests.retrieval.live import WORDS, Row, Searcher

FACTS = {"words": "red shoe", "group": "b2b"}
STANDARD: dict[str, Any] = {"standard": {"query": {"match": {"title": "red shoe"}}}}
KNN: dict[str, Any] = {
    "knn": {
        "field": "embedding",
        "k": 30,
        "num_candidates": 60,
        "query_vector_builder": {"text_embedding": {"model_text": "red"}},
    }
}
RRF: dict[str, Any] = {"rrf": {"retrievers": [STANDARD, KNN], "rank_window_size": 30}}


@pytest.fixture
def stored(es: Elasticsearch) -> Iterator[Elasticsearch]:
    """A client; the sets that a test stores are deleted after it."""
    yield es
    es.indices.delete(index=query_rules.INDEX, ignore_unavailable=True)


def store(es: Elasticsearch, **rulesets: Sequence[dict[str, Any]]) -> None:
    for name, rules in rulesets.items():
        document = {"ruleset_id": name, "rules": list(rules)}
        es.index(index=query_rules.INDEX, id=name, document=document)


def rule(kind: str, ids: Sequence[str], **criterion: Any) -> dict[str, Any]:
    criteria = [criterion or {"type": "always"}]
    return {"rule_id": "1", "type": kind, "criteria": criteria, "actions": {"ids": [*ids]}}


def ruled(child: Any, *rulesets: str, **more: Any) -> dict[str, Any]:
    named = {"match_criteria": FACTS, "ruleset_ids": [*rulesets], "rank_window_size": 30}
    return {"rule": {**named, "retriever": child, **more}}


def ids(found: Any) -> list[str]:
    return [hit["_id"] for hit in found.hits]


@pytest.mark.parametrize("seed", range(30))
def test_pins_come_first_and_what_is_excluded_is_nowhere(
    searcher: Searcher, stored: Elasticsearch, products: dict[str, Row], seed: int
) -> None:
    rng = random.Random(seed)
    known = [*products, "no-such-product"]
    pinned, later = (rng.sample(known, rng.randint(0, 6)) for _ in range(2))
    excluded = rng.sample(known, rng.randint(0, 40))
    unused = {"type": "exact", "metadata": "group", "values": ["b2c"]}
    store(
        stored,
        one=[rule("pinned", pinned), rule("pinned", later, **unused)],
        two=[rule("pinned", later), rule("exclude", excluded)],
    )
    words = " ".join(rng.sample(WORDS, 2))
    leaf = {"standard": {"query": {"match": {"title": words}}}}
    child: dict[str, Any] = rng.choice(
        [leaf, {"rrf": {"retrievers": [leaf, KNN], "rank_window_size": 30}}]
    )

    # The organic hits and their number, as a search with a filter finds them.
    kept = [{"bool": {"must_not": {"ids": {"values": excluded}}}}]
    ((kind, content),) = child.items()
    organic = searcher.answer({"retriever": {kind: {**content, "filter": kept}}, "size": 30})
    first = [
        id_ for id_ in dict.fromkeys(pinned + later) if id_ in products and id_ not in excluded
    ]
    expected = (first + [id_ for id_ in ids(organic) if id_ not in first])[:30]
    total: Any = searcher.es.count(
        index=searcher.index,
        query={"bool": {"filter": kept, "should": [
            {"ids": {"values": first}}, {"match": {"title": words}},
            {"ids": {"values": ids(organic)}}], "minimum_should_match": 1}},
    )["count"]  # fmt: skip

    found = searcher.answer({"retriever": ruled(child, "one", "two"), "size": 30})
    assert ids(found) == expected
    if kind == "standard":
        assert found.answer["hits"]["total"]["value"] == total
        facts = {"match_criteria": FACTS, "ruleset_ids": ["one", "two"]}
        query = {"rule": {**facts, "organic": content["query"]}}
        asked = searcher.answer({"query": query, "size": 30})
        assert ids(asked) == expected
        assert asked.answer["hits"]["total"]["value"] == total


def test_without_a_matching_rule_the_hits_are_the_child_s(
    searcher: Searcher, stored: Elasticsearch
) -> None:
    store(stored, shop=[rule("pinned", ["p1"], type="exact", metadata="words", values=["x"])])
    plain = searcher.answer({"retriever": STANDARD, "size": 10})
    found = searcher.answer({"retriever": ruled(STANDARD, "shop"), "size": 10})
    assert found.hits == plain.hits
    assert found.answer["hits"]["total"] == plain.answer["hits"]["total"]
    # The leaf, and the documents of the page.
    assert searcher.paths == ["GET _query_rules", "POST _mget", "POST _msearch", "POST _search"]


def test_the_cluster_is_asked_once_whether_it_has_query_rules(
    searcher: Searcher, stored: Elasticsearch
) -> None:
    store(stored, shop=[rule("pinned", ["p1"])])
    query = {"rule": {"organic": {"match_all": {}}, "match_criteria": FACTS, "ruleset_id": "shop"}}
    for asked in ([query_rules.API], []):
        assert ids(searcher.answer({"query": query}))[0] == "p1"
        paths = [call.path for call in searcher.calls if call.path.startswith(query_rules.API)]
        assert paths == asked
    assert searcher.abilities.query_rules is False


@pytest.mark.parametrize(
    "tree",
    [
        {"rrf": {"retrievers": [ruled(STANDARD, "shop"), KNN], "rank_window_size": 30}},
        {"linear": {"retrievers": [{"retriever": ruled(STANDARD, "shop"), "weight": 1}],
                    "rank_window_size": 30}},
        {"rescorer": {"retriever": ruled(STANDARD, "shop"), "rescore": {"window_size": 30,
            "query": {"rescore_query": {"match_all": {}}, "query_weight": 0}}}},
        ruled(ruled(RRF, "other"), "shop"),
        ruled(KNN, "shop"),
        ruled({"pinned": {"ids": ["p9"], "retriever": RRF, "rank_window_size": 30}}, "shop"),
    ],
)  # fmt: skip
def test_a_rule_retriever_anywhere_in_a_tree(
    searcher: Searcher, stored: Elasticsearch, tree: Any
) -> None:
    store(stored, shop=[rule("pinned", ["p7", "p5"]), rule("exclude", ["p2"])])
    store(stored, other=[rule("pinned", ["p2", "p3"])])
    found = searcher.answer({"retriever": tree, "size": 30, "explain": True})
    assert "p2" not in ids(found)
    assert {"p7", "p5"} <= set(ids(found))
    if "rule" in tree:
        assert ids(found)[:2] == ["p7", "p5"]


def test_what_pins_inside_another_scores_as_if_it_were_organic(
    searcher: Searcher, stored: Elasticsearch
) -> None:
    store(stored, shop=[rule("pinned", ["p7"])], other=[rule("pinned", ["p8", "p3"])])
    inner = {"organic": {"match_none": {}}, "match_criteria": FACTS, "ruleset_ids": ["other"]}
    outer = {**inner, "organic": {"rule": inner}, "ruleset_ids": ["shop"]}
    found = searcher.answer({"query": {"rule": outer}})
    assert ids(found) == ["p7", "p3", "p8"]
    assert [hit["_score"] > MAX_ORGANIC_SCORE for hit in found.hits] == [True, False, False]


def test_a_body_with_an_extension_may_have_rules(searcher: Searcher, stored: Elasticsearch) -> None:
    store(stored, shop=[rule("pinned", ["p7"]), rule("exclude", ["p2"])])
    organic = STANDARD["standard"]["query"]
    query = {"rule": {"organic": organic, "match_criteria": FACTS, "ruleset_ids": ["shop"]}}
    extension = {"es_hybrid": {"text": "red shoe", "vector_field": "embedding"}}
    found = searcher.answer({"query": query, "ext": extension, "size": 50})
    assert "p7" in ids(found)
    assert "p2" not in ids(found)


def test_a_set_that_may_not_be_read_is_an_error() -> None:
    error = {"type": "security_exception", "reason": "action [indices:data/read/mget] is ..."}
    query = {"rule": {"organic": {"match_all": {}}, "match_criteria": FACTS, "ruleset_id": "a"}}
    search: Any = answer({"query": query}, Context(index="products"))
    assert search.send(None).path == query_rules.API
    asked = search.send(Reply(405, {"error": "no", "status": 405}))
    assert (asked.path, asked.body) == (f"/{query_rules.INDEX}/_mget", {"ids": ["a"]})
    with pytest.raises(RequestRefused) as refused:
        search.send(Reply(200, {"docs": [{"_id": "a", "error": error}]}))
    assert (refused.value.status, refused.value.type) == (403, "security_exception")


# A cluster that has query rules.

LISTED = Reply(200, {"count": 0, "results": []})


def test_the_cluster_s_own_rules_stay_in_the_body() -> None:
    context = Context(index="products")
    query = {"rule": {"organic": {"match_all": {}}, "match_criteria": FACTS, "ruleset_id": "a"}}
    search: Any = answer({"query": query}, context)
    assert search.send(None).path == query_rules.API
    sent = search.send(LISTED)
    assert (sent.method, sent.path, sent.body) == ("POST", "/products/_search", {"query": query})
    tree = ruled({"rrf": {"retrievers": [STANDARD, STANDARD], "rank_window_size": 30}}, "a")
    whole: Any = answer({"retriever": tree, "size": 5}, context)
    written = whole.send(None).body["retriever"]["rule"]
    assert (written["ruleset_ids"], written["match_criteria"]) == (["a"], FACTS)
    assert len(written["retriever"]["rrf"]["retrievers"]) == 2


def test_a_tree_that_has_to_run_here_reads_the_cluster_s_sets() -> None:
    context = replace(Context(index="products"), execution="client")
    search: Any = answer({"retriever": ruled(STANDARD, "a", "b c")}, context)
    assert search.send(None).path == query_rules.API
    asked = search.send(LISTED)
    found = {}
    for name, path in (("a", "a"), ("b c", "b%20c")):
        assert (asked.method, asked.path) == ("GET", f"{query_rules.API}/{path}")
        found[name] = {"ruleset_id": name, "rules": [rule("exclude", ["p1"])]}
        asked = search.send(Reply(200, found[name]))
    excluded = {"bool": {"must_not": [{"ids": {"values": ["p1"]}}]}}
    assert asked.body[1]["query"]["bool"]["filter"] == [excluded]


def test_a_set_of_the_cluster_s_that_does_not_exist() -> None:
    context = replace(Context(index="products"), execution="client")
    search: Any = answer({"retriever": ruled(STANDARD, "a")}, context)
    search.send(None)
    search.send(LISTED)
    with pytest.raises(RequestRefused, match="query ruleset a not found"):
        search.send(Reply(404, {"error": {"type": "resource_not_found_exception"}}))


def test_native_execution_asks_nobody(searcher: Searcher) -> None:
    searcher.execution = "native"
    with pytest.raises(RequestRefused, match="unknown query"):
        searcher.answer({"query": {"rule": {"organic": {"match_all": {}}}}})
    assert searcher.paths == ["POST _search"]
