"""Random retriever trees against a model that computes them by brute force (`model.py`)."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from es_hybrid.drive.send import sender
from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.engine import answer
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.needs import Call, Need, Reply, ScoreDocuments, Scores
from es_hybrid.retrieval.response import Retrieved
from tests.retrieval.live import WORDS, make_index, rows, vector_of
from tests.retrieval.model import Hit, Index, Model, Tree, leaf_key, least_score, leaves

TREES = 500
SEEDS = range(TREES)
# Trees that are searched together.
_AT_ONCE = 100

BRANDS = {"brands": {"terms": {"field": "brand", "size": 20}}}
QUERIES: list[Tree] = [
    {"match": {"title": "red kettle"}},
    {"match": {"title": "lamp table chair"}},
    {"constant_score": {"filter": {"term": {"brand": "b"}}, "boost": 2.5}},
    {"constant_score": {"filter": {"range": {"price": {"gte": 60}}}, "boost": 0.25}},
    {
        "function_score": {
            "query": {"match": {"title": "shoe shirt phone"}},
            "field_value_factor": {"field": "stock"},
            "boost_mode": "replace",
        }
    },
]  # fmt: skip
VECTORS = [vector_of(word) for word in WORDS[:4]]
FILTERS: list[Tree] = [
    {"term": {"brand": "a"}},
    {"term": {"stock": 2}},
    {"range": {"price": {"gte": 20}}},
    {"range": {"stock": {"gte": 1}}},
]


def logit(row: Mapping[str, Any]) -> float:
    """The reranker's number for a row, often shared: its price less 50, in tens."""
    price: float = row["price"]
    return price // 10 - 5


@pytest.fixture(scope="module", params=[1, 5], ids=["one shard", "five shards"])
def index(request: pytest.FixtureRequest, es: Elasticsearch) -> Iterator[Index]:
    name = f"test-random-trees-{request.param}"
    products = rows(80, seed=3)
    make_index(es, name, products, shards=request.param, vector_type="flat")
    places, scores = _places(es, name), dict(_scores(es, name, products))
    numbers = {id_: number for id_, (_, number) in places.items()}
    yield Index(name, products, places, numbers, scores)
    es.indices.delete(index=name)


def _places(es: Elasticsearch, name: str) -> dict[str, tuple[int, int]]:
    pit = es.open_point_in_time(index=name, keep_alive="1m")["id"]
    hits = es.search(pit={"id": pit}, size=1000, sort=["_shard_doc"])["hits"]["hits"]
    es.close_point_in_time(id=pit)
    return {hit["_id"]: divmod(hit["sort"][0], 1 << 32) for hit in hits}


def _scores(
    es: Elasticsearch, name: str, products: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, float]]]:
    for query in QUERIES:
        found = es.search(index=name, query=query, size=1000, source=False)
        scores = {hit["_id"]: hit["_score"] for hit in found["hits"]["hits"]}
        yield leaf_key("standard", {"query": query}), scores
    for vector in VECTORS:
        section = {"field": "embedding", "query_vector": vector, "k": 1000, "num_candidates": 1000}
        found = es.search(index=name, knn=section, size=1000, source=False)
        scores = {hit["_id"]: hit["_score"] for hit in found["hits"]["hits"]}
        assert len(scores) == len(products)
        yield leaf_key("knn", {"query_vector": vector}), scores


@dataclass
class Planter:
    """Makes random trees."""

    rng: random.Random
    index: str

    def body(self) -> dict[str, Any]:
        rng = self.rng
        depth, window = rng.choice([1, 1, 2, 2, 3, 4]), rng.choice([3, 10, 25])
        body: dict[str, Any] = {
            "retriever": self.compound(depth, window),
            "_source": False,
            "size": rng.choice([0, window, window, rng.randint(1, window)]),
            "from": rng.choice([0, 0, 0, rng.randint(0, window)]),
        }
        if self.chance(0.2):
            body["aggs"] = BRANDS
        if self.chance(0.2):
            body["explain"] = True
        if self.chance(0.1):
            body["min_score"] = rng.choice([0, 0.02, 1])
        return body

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def compound(self, depth: int, window: int) -> dict[str, Any]:
        kinds = ["rrf", "rrf", "linear", "linear", "pinned", "reranker", "rescorer"]
        kind = self.rng.choice(kinds)
        options: dict[str, Any] = {"rank_window_size": window, **self.base()}
        if kind in ("rrf", "linear"):
            parts = [self.part(kind, depth, window) for _ in range(self.rng.randint(1, 3))]
            options["retrievers"] = parts
            if kind == "rrf" and self.chance(0.5):
                options["rank_constant"] = self.rng.choice([0, 1, 10, 60])
            if kind == "linear" and self.chance(0.2):
                options["min_score"] = self.rng.choice([0, 0.3, 1.5])
            return {kind: options}
        options["retriever"] = self.child(depth, window, organic=kind == "pinned")
        if kind == "pinned":
            return {kind: {**options, **self.pins()}}
        if kind == "rescorer":
            del options["rank_window_size"]
            rescore = {"window_size": window, "query": {"rescore_query": {"match_all": {}}}}
            return {kind: {**options, "rescore": rescore}}
        if self.chance(0.3):
            options["min_score"] = self.rng.choice([-2, 0, 0.5, 2])
        return {"text_similarity_reranker": {
            **options, "field": "price", "inference_text": "x", "inference_id": "y"
        }}  # fmt: skip

    def child(self, depth: int, window: int, *, organic: bool = False) -> dict[str, Any]:
        if depth > 1 and self.chance(0.7):
            return self.compound(depth - 1, window + self.rng.choice([0, 5]))
        if organic or self.chance(0.6):
            options = {"query": self.rng.choice(QUERIES), **self.base()}
            if self.chance(0.1):
                options["min_score"] = self.rng.choice([0.3, 1])
            return {"standard": options}
        k = self.rng.choice([2, 10, 40])
        vector = self.rng.choice(VECTORS)
        near = {"field": "embedding", "query_vector": vector, "k": k, "num_candidates": 1000}
        return {"knn": {**near, **self.base()}}

    def part(self, kind: str, depth: int, window: int) -> dict[str, Any]:
        child = self.child(depth, window)
        if kind == "rrf":
            return {"retriever": child, "weight": self.weight()} if self.chance(0.4) else child
        # Pinned documents score 2^127; bare, a few of them add up to infinity.
        bare = "pinned" not in json.dumps(child)
        normalizers = ["none", "minmax", "l2_norm"] if bare else ["minmax"]
        part = {"retriever": child, "normalizer": self.rng.choice(normalizers)}
        return {**part, "weight": self.weight()} if self.chance(0.5) else part

    def weight(self) -> float:
        return self.rng.choice([0, 0.3, 1, 2.5])

    def pins(self) -> dict[str, Any]:
        ids = self.rng.sample([f"p{number}" for number in range(90)], self.rng.randint(1, 4))
        if self.chance(0.5):
            return {"ids": ids}
        indices = [self.index, self.index, "another-index"]
        return {"docs": [{"_index": self.rng.choice(indices), "_id": id_} for id_ in ids]}

    def base(self) -> dict[str, Any]:
        base: dict[str, Any] = {}
        if self.chance(0.25):
            base["filter"] = self.rng.sample(FILTERS, self.rng.randint(1, 2))
        if self.chance(0.2):
            base["_name"] = self.rng.choice(["first", "second"])
        return base


class Together:
    """Drives many searches at once, with the requests of all in a few.

    Attributes:
        forms: Number of the requests that each search needed.
    """

    def __init__(self, es: Elasticsearch, index: str) -> None:
        self._send = sender(es)
        self._context = Context(
            abilities=Abilities(), execution="client", reranks=True, index=index
        )
        self._pit = es.open_point_in_time(index=index, keep_alive="5m")["id"]
        self.requests: list[int] = []

    def answers(self, bodies: Sequence[Tree]) -> list[Retrieved]:
        searches = [answer(body, self._context) for body in bodies]
        self.requests = [0] * len(searches)
        done: dict[int, Retrieved] = {}
        replies: dict[int, Any] = dict.fromkeys(range(len(searches)))
        while replies:
            needs: dict[int, Need] = {}
            for number, reply in replies.items():
                try:
                    needs[number] = searches[number].send(reply)
                except StopIteration as end:
                    done[number] = end.value
            replies = self._served(needs)
        return [done[number] for number in range(len(searches))]

    def _served(self, needs: Mapping[int, Need]) -> dict[int, Any]:
        replies: dict[int, Any] = {}
        waiting: dict[str, list[tuple[int, Call]]] = {}
        for number, need in needs.items():
            if isinstance(need, ScoreDocuments):
                replies[number] = Scores([_number(text) for text in need.documents])
                continue
            assert isinstance(need, Call)
            self.requests[number] += 1
            if need.path.endswith("/_pit"):
                replies[number] = Reply(200, {"id": self._pit})
            else:
                waiting.setdefault(need.path, []).append((number, need))
        for path, calls in waiting.items():
            replies |= self._sent(path, calls)
        return replies

    def _sent(self, path: str, calls: Sequence[tuple[int, Call]]) -> dict[int, Reply]:
        single = not path.endswith("/_msearch")
        target = path.strip("/").rpartition("/")[0]
        header = {"index": target} if target else {}
        parts: list[list[Any]] = [
            [header, call.body] if single else list(call.body or ()) for _, call in calls
        ]
        whole = Call(
            "POST", "/_msearch" if single else path, {}, [p for part in parts for p in part]
        )
        responses = iter(self._send(whole, None).body["responses"])
        replies = {}
        for (number, _), part in zip(calls, parts, strict=True):
            own = [next(responses) for _ in range(len(part) // 2)]
            body = own[0] if single else {"took": 1, "responses": own}
            replies[number] = Reply(own[0]["status"] if single else 200, body)
        return replies


def _number(text: str) -> float:
    return logit({"price": float(text)})


@pytest.fixture(scope="module")
def together(es: Elasticsearch, index: Index) -> Together:
    return Together(es, index.name)


@pytest.mark.parametrize("start", range(0, TREES, _AT_ONCE))
def test_trees_are_answered_as_the_model_computes_them(
    index: Index, together: Together, start: int
) -> None:
    bodies = [
        Planter(random.Random(seed), index.name).body() for seed in range(start, start + _AT_ONCE)
    ]
    found = together.answers(bodies)
    for seed, body, retrieved, requests in zip(
        range(start, start + _AT_ONCE), bodies, found, together.requests, strict=True
    ):
        told = f"seed {seed}, {requests} requests: {json.dumps(body)}"
        # A rescorer of leaves is the cluster's own.
        exact = requests > 1 or "rescorer" in body["retriever"]
        model = Model(index, logit) if exact else _in_one_request(index, body["retriever"])
        _check(model, body, retrieved.answer, told)


def _in_one_request(index: Index, tree: Tree) -> Model:
    """Without a point in time, equal scores are in the order of their numbers in the shards.

    Of equal numbers the first is the one that a leaf returned earlier.
    """
    turned = {id_: (number, shard) for id_, (shard, number) in index.places.items()}
    model = Model(replace(index, places=turned), logit)
    places: dict[str, tuple[int, int]] = {}
    for kind, options, filters in leaves(tree):
        for rank, hit in enumerate(model.leaf(kind, options, filters)):
            place = (turned[hit.id][0], rank)
            places[hit.id] = min(places.get(hit.id, place), place)
    return Model(replace(index, places=places), logit, leaves=model.index)


def _check(model: Model, body: Tree, answered: Mapping[str, Any], told: str) -> None:
    tree = body["retriever"]
    least = least_score(tree, body)
    ranked = model.ranked(tree)
    if least is not None:
        ranked = [hit for hit in ranked if hit.score >= np.float32(least)]
    page = ranked[body["from"] : body["from"] + body["size"]]
    hits = answered["hits"]["hits"]
    assert [hit["_score"] for hit in hits] == [_shown(hit) for hit in page], told
    assert [hit["_id"] for hit in hits] == [hit.id for hit in page], told
    assert answered["hits"]["max_score"] == (_shown(ranked[0]) if page else None), told
    matches = model.matches(tree)
    if least is not None and least > 0:
        matches = {hit.id for hit in ranked}
    assert answered["hits"]["total"] == {"value": len(matches), "relation": "eq"}, told
    if "aggs" in body:
        counted = Counter(model.index.rows[id_]["brand"] for id_ in matches)
        buckets = answered["aggregations"]["brands"]["buckets"]
        assert {bucket["key"]: bucket["doc_count"] for bucket in buckets} == counted, told

    # The cluster explains a rescored query, which the model does not know.
    for hit in hits if "explain" in body and '"rescorer"' not in told else ():
        expected = model.explained(tree, hit["_id"])
        assert _same(hit["_explanation"], expected), f"{told}: {hit['_explanation']} {expected}"
        assert {"_shard", "_node"} <= hit.keys()


def _same(explanation: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Whether an explanation is the expected one; of a leaf's query the model knows no reasons."""
    if "details" not in expected:
        return bool(explanation["value"] == expected["value"])
    given = [explanation[name] for name in ("value", "description")]
    return given == [expected[name] for name in ("value", "description")] and all(
        map(_same, explanation["details"], expected["details"])
    )


def _shown(hit: Hit) -> float:
    return float(str(hit.score))
