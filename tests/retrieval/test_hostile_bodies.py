"""Any body gets Elasticsearch's answer or a refusal, never a crash."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.query_rules import INDEX
from es_hybrid.retrieval.retriever_dsl.body import understood
from tests.retrieval.live import Searcher, vector_of

STANDARD: dict[str, Any] = {
    "standard": {
        "query": {"bool": {"must": {"match": {"title": "red"}}, "filter": {"term": {"stock": 1}}}},
        "filter": [{"range": {"price": {"lte": 50}}}], "min_score": 0.1, "_name": "words",
    }
}  # fmt: skip
KNN: dict[str, Any] = {
    "knn": {
        "field": "embedding", "query_vector": vector_of("red"), "k": 5, "num_candidates": 20,
        "similarity": 0.1,
    }
}  # fmt: skip
PAGE: dict[str, Any] = {
    "size": 5, "from": 1, "track_total_hits": 50, "explain": True, "profile": False,
    "_source": ["title"], "fields": ["brand"], "highlight": {"fields": {"title": {}}},
    "aggs": {"brands": {"terms": {"field": "brand", "size": 3}}},
    "suggest": {"s": {"text": "rad", "term": {"field": "title"}}},
}  # fmt: skip
TEXT: dict[str, Any] = {
    "field": "embedding", "k": 5, "num_candidates": 20,
    "query_vector_builder": {"text_embedding": {"model_id": "any", "model_text": "red"}},
}  # fmt: skip
UNKNOWN: dict[str, Any] = {"newer": {"retriever": STANDARD, "filter": {"match_all": {}}}}
RULES: dict[str, Any] = {"match_criteria": {"q": "red", "n": 3}, "ruleset_ids": ["hostile"]}
BODIES: list[dict[str, Any]] = [
    {"retriever": {"rrf": {"retrievers": [{"retriever": STANDARD, "weight": 2}, KNN],
                           "rank_constant": 20, "rank_window_size": 20}}, **PAGE},
    {"retriever": {"linear": {"retrievers": [
        {"retriever": STANDARD, "weight": 1, "normalizer": "minmax"}, {"retriever": KNN}],
        "min_score": 0.1}}, "collapse": {"field": "brand"}},
    {"retriever": {"rrf": {"query": "red", "fields": ["title"]}}, "post_filter": {"match_all": {}}},
    {"retriever": {"pinned": {"ids": ["p1"], "docs": None, "retriever": KNN}}, "min_score": 0.1},
    {"retriever": {"rescorer": {"retriever": {"rrf": {"retrievers": [STANDARD, KNN]}}, "rescore": {
        "window_size": 5, "query": {"rescore_query": {"match": {"title": "lamp"}}}}}}},
    {"query": STANDARD["standard"]["query"], **PAGE, "sort": [{"price": "asc"}], "min_score": 0.1,
     "rescore": {"query": {"rescore_query": {"match_all": {}}}},
     "ext": {"es_hybrid": {"text": "red", "window": 20, "weights": {"vector": 0.5},
                           "filter": [{"term": {"brand": "a"}}], "cutoff": 0.1,
                           "rerank": {"field": "title"}, "num_candidates": 30}}},
    {"knn": [TEXT, {**TEXT, "query_vector_builder": {"embedding": {"input": "red"}}}], **PAGE},
    {"query": {"bool": {"should": [{"knn": TEXT}, {"match": {"title": "red"}}]}},
     "aggs": {"near": {"filters": {"filters": {"x": {"knn": TEXT}}}}},
     "post_filter": {"knn": TEXT}},
    {"query": {"match": {"title": "red"}}, "knn": TEXT, "rank": {"rrf": {"window_size": 20}}},
    {"retriever": {"diversify": {
        "type": "mmr", "field": "embedding", "lambda": 0.5, "size": 5, "rank_window_size": 20,
        "query_vector_builder": TEXT["query_vector_builder"],
        "retriever": {"rrf": {"retrievers": [STANDARD, UNKNOWN], "rank_window_size": 20}}}}},
    {"query": {"bool": {"must": {"rule": {**RULES, "organic": {"match": {"title": "red"}}}}}}},
    {"retriever": {"rule": {**RULES, "rank_window_size": 20, "retriever": {
        "rrf": {"retrievers": [STANDARD, KNN], "rank_window_size": 20}}}}},
    {"retriever": {"random_reranker": {"seed": 4, "rank_window_size": 20, "retriever": {
        "text_similarity_reranker": {"retriever": STANDARD, "field": "title",
            "inference_text": "red", "rank_window_size": 20, "chunk_rescorer": {
                "size": 2, "chunking_settings": {"max_chunk_size": 30}}}}}}},
]  # fmt: skip
JUNK: list[Any] = [
    None, True, False, 0, -1, 3, 10**30, 1.5, -2.5, float("inf"), "", "x", "1", "true", "inf",
    "\x00", [], {}, [None], ["x"], [{}], [[]], {"x": 1}, {"x": {}}, {"rrf": {}}, [{"standard": {}}],
    {"retriever": {}}, {"match_all": {}}, "*", "a" * 5000,
]  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inner, (*path, key))


def _spoilt(body: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """The body with one to three values replaced, removed, renamed or wrapped."""
    spoilt = copy.deepcopy(body)
    for _ in range(rng.randint(1, 3)):
        path = rng.choice(list(_places(spoilt)))
        parent = spoilt
        for key in path[:-1]:
            parent = parent[key]
        last = path[-1]
        match rng.randrange(4):
            case 0 if isinstance(parent, dict):
                parent[rng.choice(["zzz", "query", "retriever", "_name"])] = parent.pop(last)
            case 1 if isinstance(parent, dict):
                del parent[last]
            case 2:
                parent[last] = [parent[last]]
            case _:
                parent[last] = copy.deepcopy(rng.choice(JUNK))
        if not list(_places(spoilt)):
            break
    return spoilt


@pytest.fixture(scope="module", autouse=True)
def ruleset(es: Elasticsearch) -> Iterator[None]:
    """The set of query rules that the bodies refer to."""
    criteria = [{"type": "gt", "metadata": "n", "values": ["2"]}]
    rule = {"rule_id": "1", "type": "pinned", "criteria": criteria, "actions": {"ids": ["p3"]}}
    es.index(index=INDEX, id="hostile", document={"ruleset_id": "hostile", "rules": [rule]})
    yield
    es.indices.delete(index=INDEX)


@pytest.mark.parametrize("seed", range(8))
def test_a_spoilt_body_is_answered_or_refused(searcher: Searcher, seed: int) -> None:
    rng = random.Random(seed)
    searcher.score = lambda need: [0.5] * len(need.documents)
    refusals: list[tuple[dict[str, Any], RequestRefused]] = []
    for number in range(60):
        body = _spoilt(BODIES[number % len(BODIES)], rng)
        understood(body)
        try:
            searcher.answer(body)
        except RequestRefused as refused:
            refusals.append((body, refused))
    assert 10 < len(refusals) < 60
    for body, refusal in refusals:
        assert 400 <= refusal.status < 500, (body, refusal.message)
        told = json.loads(json.dumps(refusal.body()))
        assert told["error"]["root_cause"], body
        assert told["status"] == refusal.status
        assert refusal.message


_HOSTILE = [
    "*", "t:*", "title:(a OR b)", '{"match_all": {}}', "'; DROP", "\\", '"', "_id:1", "a~2", "a^9",
    "AND", "NOT x", "+a -b", "<script>", "\u202e", "((((", "]]]]", "../..",
    "${jndi:x}", "\U0001f600",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_hostile_text_leaves_the_shape_of_the_requests_alone(searcher: Searcher, seed: int) -> None:
    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shape(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [shape(inner) for inner in value]
        return type(value).__name__

    def sent(text: str) -> Any:
        match = {"match": {"title": "red"}}
        ext = {"es_hybrid": {"text": text, "rerank": False}}
        searcher.answer({"query": match, "ext": ext, "size": 1})
        return [shape(call.body) for call in searcher.calls]

    sent("red kettle")  # from its answer it is known that the index is one shard
    plain = sent("red kettle")
    rng = random.Random(seed)
    for _ in range(8):
        assert sent(" ".join(rng.choices(_HOSTILE, k=rng.randint(1, 6)))) == plain
