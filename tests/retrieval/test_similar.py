"""A shelf of similar products, against brute force over the whole index."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch
from elasticsearch.helpers import bulk

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import IndexStateError, InvalidRequest, RequestRefused
from es_hybrid.index.passport import Passport
from es_hybrid.node import EmbeddedNode
from es_hybrid.retrieval.similar import SimilarRequest, SimilarResponse
from es_hybrid.search import AsyncHybridSearch, HybridSearch
from es_hybrid.settings import Settings

INDEX = "test-similar"
DIMS = 4
CATEGORIES = ["Kitchen", "Kitchen > Kettles", "Sport", "Sport > Shoes"]
WORDS = ["red", "blue", "kettle", "shoe", "steel", "light", "large", "run"]
PASSPORT = Passport(
    vector_field="embedding",
    model="m",
    revision="1",
    dims=DIMS,
    similarity="cosine",
    query_instruction="",
    text_template=("title",),
    text_max_chars=100,
)


def _rows() -> dict[str, dict[str, Any]]:
    """240 products; a third of them variants by threes, a few without vector, title or category."""
    rng = random.Random(11)
    rows: dict[str, dict[str, Any]] = {}
    for number in range(240):
        category = rng.choice(CATEGORIES)
        row: dict[str, Any] = {
            "title": " ".join(rng.sample(WORDS, rng.randint(2, 5))),
            "brand": rng.choice("abc"),
            "category": [category.partition(" > ")[0], category],
            "price": rng.randint(1, 100),
            "embedding": [rng.gauss(0, 1) for _ in range(DIMS)],
        }
        if number % 3 == 0:
            row["group_id"] = f"g{number // 9}"
        rows[f"p{number}"] = row
    del rows["p1"]["embedding"]
    rows["p2"] = {"price": 5, "embedding": rows["p2"]["embedding"]}
    rows["p4"] = {"price": 5}
    return rows


ROWS = _rows()


@pytest.fixture(scope="module")
def index(es: Elasticsearch) -> Any:
    mappings = {
        "_meta": PASSPORT.to_meta(),
        "properties": {
            "title": {"type": "text"},
            "brand": {"type": "keyword"},
            "category": {"type": "keyword"},
            "price": {"type": "integer"},
            "group_id": {"type": "keyword"},
            "embedding": {
                "type": "dense_vector",
                "dims": DIMS,
                "similarity": "cosine",
                "index_options": {"type": "flat"},
            },
        },
    }
    # One segment, so that equal scores are in the order of the rows.
    settings = {"number_of_replicas": 0, "refresh_interval": "-1"}
    es.indices.create(index=INDEX, mappings=mappings, settings=settings)
    bulk(es, ({"_index": INDEX, "_id": id_, **row} for id_, row in ROWS.items()))
    es.indices.refresh(index=INDEX)
    yield INDEX
    es.indices.delete(index=INDEX)


@pytest.fixture(scope="module")
def shop(es: Elasticsearch, index: str, embedder: LocalEmbedder) -> HybridSearch:
    return HybridSearch(es, index=index, embedder=embedder, settings=_settings())


def _settings() -> Settings:
    return Settings.model_validate({"search": {"timeout_ms": 0}})


def _ids(found: SimilarResponse) -> list[str]:
    return [hit.id for hit in found.hits]


class Model:
    """What a shelf is, over rows in memory; scores of words are Elasticsearch's own."""

    def __init__(self, es: Elasticsearch) -> None:
        self._es = es

    def shelf(self, ids: Sequence[str], group: str | None, price: int, size: int) -> list[str]:
        """What is shown, best first."""
        given = {self._name(id_, group) for id_ in ids}
        others = [
            id_
            for id_, row in ROWS.items()
            if row["price"] >= price and self._name(id_, group) not in given and id_ not in ids
        ]
        whole = [self._words(ids, others), self._nearest(ids, others)]
        for window in (100, 1000):
            best = self._fused([leg[:window] for leg in whole], group)
            if len(best) >= size or all(len(leg) < window for leg in whole):
                break
        return best[:size]

    def _fused(self, legs: Sequence[Sequence[str]], group: str | None) -> list[str]:
        """One of each group, by reciprocal ranks among the groups of each leg."""
        shown: dict[str, str] = {}
        for pair in zip_longest(*legs):
            for id_ in filter(None, pair):
                shown.setdefault(self._name(id_, group), id_)
        ranks: dict[str, float] = {}
        for leg in legs:
            names = list(dict.fromkeys(self._name(id_, group) for id_ in leg))
            for rank, name in enumerate(names, 1):
                ranks[name] = ranks.get(name, 0.0) + 1 / (60 + rank)
        return [shown[name] for name in sorted(ranks, key=lambda name: -ranks[name])]

    @staticmethod
    def _name(id_: str, group: str | None) -> str:
        return str(ROWS[id_].get(group, id_)) if group else id_

    def _nearest(self, ids: Sequence[str], others: Sequence[str]) -> list[str]:
        def unit(id_: str) -> np.ndarray[Any, Any]:
            vector = np.array(ROWS[id_]["embedding"], np.float64)
            return vector / np.linalg.norm(vector)

        given = [unit(id_) for id_ in ids if "embedding" in ROWS[id_]]
        if not given:
            return []
        mean = np.mean(given, axis=0)
        near = [id_ for id_ in others if "embedding" in ROWS[id_]]
        return sorted(near, key=lambda id_: -float(unit(id_) @ mean))[:1000]

    def _words(self, ids: Sequence[str], others: Sequence[str]) -> list[str]:
        """The category counts 10, the brand 1, next to the best title's words."""
        rows = [ROWS[id_] for id_ in ids]
        categories = {row["category"][-1] for row in rows if "category" in row}
        brands = {row["brand"] for row in rows if "brand" in row}
        titles = list(dict.fromkeys(row["title"] for row in rows if "title" in row))
        scores: dict[str, float] = {}
        for title in titles:
            match = {"title": {"query": title, "minimum_should_match": "30%"}}
            hits = self._es.search(index=INDEX, query={"match": match}, size=1000)["hits"]["hits"]
            for hit in hits:
                scores[hit["_id"]] = max(scores.get(hit["_id"], 0.0), hit["_score"])
        found: dict[str, float] = {}
        for id_ in others:
            same = categories & set(ROWS[id_].get("category", ()))
            if same or id_ in scores:
                branded = ROWS[id_].get("brand") in brands
                found[id_] = scores.get(id_, 0.0) + 10 * bool(same) + branded
        places = {id_: place for place, id_ in enumerate(ROWS)}
        return sorted(found, key=lambda id_: (-np.float32(found[id_]), places[id_]))[:1000]


def test_random_shelves_agree_with_brute_force(shop: HybridSearch, es: Elasticsearch) -> None:
    rng, model = random.Random(12), Model(es)
    for _ in range(40):
        ids = rng.sample(sorted(ROWS), rng.choice([1, 1, 2, 4]))
        size, price = rng.choice([5, 10, 30]), rng.choice([0, 0, 50])
        filters: Mapping[str, Any] = {"price": {"gte": price}} if price else {}
        found = shop.similar(ids, filters=filters, size=size)
        assert _ids(found) == model.shelf(ids, "group_id", price, size), ids


def test_no_product_itself_and_none_of_its_variants(shop: HybridSearch) -> None:
    variants = {id_ for id_, row in ROWS.items() if row.get("group_id") == "g1"}
    assert len(variants) == 3
    shown = _ids(shop.similar("p9", size=100))
    assert variants.isdisjoint(shown)
    groups = [ROWS[id_].get("group_id") for id_ in shown]
    named = [group for group in groups if group]
    assert len(named) == len(set(named)) > 5
    assert groups.count(None) > 5


def test_a_given_field_groups_in_place_of_the_alignment_s(shop: HybridSearch) -> None:
    found = shop.similar("p0", collapse="brand", size=10)
    # `p2` has no brand, so it is in no group.
    assert {hit.group for hit in found.hits} == {"a", "b", "c", None} - {ROWS["p0"]["brand"]}
    assert len(found.hits) == 3


def test_products_without_a_vector_are_compared_by_words_alone(shop: HybridSearch) -> None:
    found = shop.similar("p1")
    assert found.notes == ("no vector: p1",)
    assert {stage for hit in found.hits for stage in hit.stages} == {"bm25", "rrf"}
    both = shop.similar(["p1", "p3"])
    assert both.notes == ("no vector: p1",)
    assert "knn" in {stage for hit in both.hits for stage in hit.stages}


def test_products_without_words_are_compared_by_vectors_alone(shop: HybridSearch) -> None:
    found = shop.similar("p2")
    assert {stage for hit in found.hits for stage in hit.stages} == {"knn", "rrf"}
    assert len(found.hits) == 10


def test_nothing_is_like_a_product_without_both(shop: HybridSearch) -> None:
    found = shop.similar("p4")
    assert (found.hits, found.notes) == ([], ("no vector: p4",))


def test_hits_have_their_ranks_and_documents(shop: HybridSearch) -> None:
    found = shop.similar("p5", size=3)
    assert [hit.rank for hit in found.hits] == [1, 2, 3]
    assert [hit.stages["rrf"].rank for hit in found.hits] == [1, 2, 3]
    for hit in found.hits:
        assert hit.source == {k: v for k, v in ROWS[hit.id].items() if k != "embedding"}
        assert hit.product.title == ROWS[hit.id]["title"]
        assert hit.score == hit.stages["rrf"].score
    assert {"elasticsearch", "total"} <= found.timings.keys()


def test_unknown_products_are_named(shop: HybridSearch) -> None:
    with pytest.raises(RequestRefused, match="no such product: x, y") as refused:
        shop.similar(["x", "p3", "y"])
    assert refused.value.status == 404


@pytest.mark.parametrize("options", [{"size": 0}, {"size": 101}, {"colour": "red"}])
def test_what_cannot_be_answered_is_refused(shop: HybridSearch, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        shop.similar("p3", **options)
    with pytest.raises(InvalidRequest, match="1 to 20 ids"):
        shop.similar([])
    with pytest.raises(InvalidRequest, match="1 to 20 ids"):
        SimilarRequest(ids="p3")


def test_an_index_without_a_passport_is_refused(
    es: Elasticsearch, index_name: str, index: str, embedder: LocalEmbedder
) -> None:
    shop = HybridSearch(es, index=index, embedder=embedder, settings=_settings())
    es.indices.create(index=f"{index_name}-1", mappings={})
    es.indices.put_alias(index=f"{index_name}-1", name=index_name)
    shop._context = type(shop._context)(index=index_name, settings=_settings())
    with pytest.raises(IndexStateError):
        shop.similar("p3")


def test_asyncio_finds_the_same(
    node: EmbeddedNode, shop: HybridSearch, index: str, embedder: LocalEmbedder
) -> None:
    async def shown() -> list[str]:
        async with (
            AsyncElasticsearch(node.url) as client,
            AsyncHybridSearch(
                client, index=index, embedder=embedder, settings=_settings()
            ) as search,
        ):
            return _ids(await search.similar("p7", size=7))

    assert asyncio.run(shown()) == _ids(shop.similar("p7", size=7))
