"""Searches that show one hit of each group, by brute force: pages, order, totals and facets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from benchmarks.made_variants import GROUP, made_rows
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import RequestRefused
from es_hybrid.node import EmbeddedNode
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from tests.search.grouped import (
    Model,
    Row,
    counted,
    group_of,
    ids_of,
    loaded,
    pages,
    settings_for,
)

INDEX = "test-search-variants"
QUERIES = ("red shirt", "cotton", "wool sweater for winter", "jacket")


@pytest.fixture(scope="module")
def settings(node: EmbeddedNode, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_for(node.url, INDEX, tmp_path_factory.mktemp("variants"))


@pytest.fixture(scope="module")
def rows(
    es: Elasticsearch, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Row]]:
    made = list(made_rows(30))
    loaded(settings, made, tmp_path_factory.mktemp("rows"))
    yield {row["id"]: row for row in made}
    for version in es.indices.get(index=INDEX):
        es.indices.delete(index=version)


@pytest.fixture(scope="module")
def shop(
    es: Elasticsearch, rows: dict[str, Row], embedder: LocalEmbedder, settings: Settings
) -> HybridSearch:
    return HybridSearch(es, index=INDEX, embedder=embedder, settings=settings)


@pytest.mark.parametrize("text", QUERIES)
@pytest.mark.parametrize("mode", ["hybrid", "knn"])
def test_every_page_is_full_and_each_product_is_on_one(
    shop: HybridSearch, rows: dict[str, Row], text: str, mode: Any
) -> None:
    model = Model(shop, rows, text, mode=mode)
    expected = model.best()
    found = pages(shop, text, mode=mode, size=7, facets=["brand"])
    assert ids_of(found) == expected
    assert [len(page.hits) for page in found[:-1]] == [7] * (len(found) - 1)
    assert {page.total for page in found} == {len(expected)}
    assert [hit.rank for page in found for hit in page.hits] == [*range(1, len(expected) + 1)]
    groups = [hit.group for page in found for hit in page.hits]
    assert groups == [rows[id_].get("attributes", {}).get("parent") for id_ in expected]
    brands = counted(rows, model.matches(), lambda row: row["brand"], groups=False)
    assert [page.facets["brand"] for page in found] == [brands] * len(found)


@pytest.mark.parametrize("text", QUERIES)
def test_facets_count_products_or_groups(
    shop: HybridSearch, rows: dict[str, Row], text: str
) -> None:
    model, facets = Model(shop, rows, text), ["brand", "attributes.colour", "price:30,60"]
    ticked = {"brand": ["Brand 3", "Brand 5", "Brand 8"]}

    def price(row: Row) -> str:
        return "*-30" if row["price"] < 30 else "30-60" if row["price"] < 60 else "60-*"

    for groups in (False, True):
        found = shop.search(
            text, collapse=GROUP, facets=facets, selected=ticked,
            facets_by="group" if groups else "product",
        )  # fmt: skip
        everything = model.matches()
        kept = [id_ for id_ in everything if rows[id_]["brand"] in ticked["brand"]]
        coloured = [id_ for id_ in kept if "attributes" in rows[id_]]
        wanted = counted(rows, everything, lambda row: row["brand"], groups=groups)
        assert found.facets["brand"] == wanted
        wanted = counted(rows, coloured, lambda row: row["attributes"]["colour"], groups=groups)
        assert found.facets["attributes.colour"] == wanted
        ranges = {"*-30": 0, "30-60": 0, "60-*": 0} | counted(rows, kept, price, groups=groups)
        assert found.facets["price:30,60".partition(":")[0]] == ranges
        assert found.total == len({group_of(rows[id_]) for id_ in kept})


def test_the_best_variant_of_the_query_is_shown(shop: HybridSearch) -> None:
    for colour in ("red", "blue", "black"):
        hits = shop.search(f"{colour} shirt", collapse=GROUP).hits
        shirts = [hit for hit in hits if hit.group and "shirt" in hit.source["title"]]
        assert shirts
        assert all(colour in hit.source["title"] for hit in shirts)


def test_ticked_variants_alone_are_shown(shop: HybridSearch, rows: dict[str, Row]) -> None:
    found = pages(shop, "shirt", selected={"attributes.colour": "green"}, size=5)
    hits = [hit for page in found for hit in page.hits]
    assert {hit.source["attributes"]["colour"] for hit in hits} == {"green"}
    assert len({hit.group for hit in hits}) == len(hits) == found[0].total


def test_groups_are_sorted_by_their_best_variant(shop: HybridSearch, rows: dict[str, Row]) -> None:
    fused = Model(shop, rows, "cotton").fused()
    for order, sign in (("price", 1), ("price:desc", -1)):
        by_price = sorted(fused, key=lambda id_: sign * rows[id_]["price"])
        expected = Model(shop, rows, "cotton").best(by_price)
        found = pages(shop, "cotton", sort=[order], cutoff=0, size=7)
        assert ids_of(found) == expected
        assert {page.total for page in found} == {len(expected)}


def test_a_cutoff_bounds_what_is_grouped(shop: HybridSearch, rows: dict[str, Row]) -> None:
    model = Model(shop, rows, "jacket")
    _, stages = shop.search_in_stages("jacket", collapse=GROUP, cutoff=0)
    scores = {key.id: place.score for key, place in stages["rrf"].items()}
    assert list(scores) == model.fused()
    kept = [id_ for id_ in model.fused() if scores[id_] >= 0.5 * max(scores.values())]
    found = pages(shop, "jacket", cutoff=0.5, size=5)
    assert ids_of(found) == model.best(kept)
    assert found[0].total == len(model.best(kept))


def test_pinned_products_and_exact_numbers_come_first(
    shop: HybridSearch, rows: dict[str, Row]
) -> None:
    expected = Model(shop, rows, "cotton").best()
    pin = "P007-13"
    found = ids_of(pages(shop, "cotton", pinned=[pin], size=9))
    assert found[0] == pin
    assert found[1:] == [id_ for id_ in expected if group_of(rows[id_]) != "P007"]


def test_scores_of_groups_are_explained(shop: HybridSearch) -> None:
    for options in ({}, {"pinned": ["P003-01"]}, {"page": 5}, {"mode": "bm25"}):
        for hit in shop.search("cotton", collapse=GROUP, explain=True, **options).hits:
            assert hit.explanation is not None
            if hit.id != "P003-01":
                value, parts = hit.explanation["value"], hit.explanation["details"]
                if "rrf" in hit.explanation["description"]:
                    assert value == pytest.approx(hit.score)
                    assert value == pytest.approx(
                        sum(
                            p["value"] and w / (60 + p["value"])
                            for p, w in zip(parts, (1, 0.7), strict=True)
                        )
                    )


class _Shortest:
    """Prefers short texts, and remembers what it read."""

    languages: frozenset[str] = frozenset()
    weight = 1.0

    def __init__(self) -> None:
        self.read: list[list[str]] = []

    def score(
        self, query: str, documents: Sequence[str], *_: Any, **__: Any
    ) -> NDArray[np.float32]:
        self.read.append(list(documents))
        return np.array([1 / len(text) for text in documents], dtype=np.float32)

    def close(self) -> None:
        pass


def _of_most_groups(documents: Sequence[str], rows: dict[str, Row], count: int) -> list[str]:
    """The first of each group, then the second of each, in the order of the documents."""
    groups = [group_of(rows[id_]) for id_ in documents]
    turns = [groups[:at].count(group) for at, group in enumerate(groups)]
    chosen = sorted(range(len(documents)), key=lambda at: (turns[at], at))[:count]
    return [documents[at] for at in sorted(chosen)]


def test_documents_of_most_groups_are_reranked_before_they_are_grouped(
    es: Elasticsearch, embedder: LocalEmbedder, rows: dict[str, Row], settings: Settings
) -> None:
    reranker = _Shortest()
    shop = HybridSearch(es, index=INDEX, embedder=embedder, reranker=reranker, settings=settings)
    model = Model(shop, rows, "cotton", rerank=False)
    fused = model.fused()
    top = _of_most_groups(fused, rows, settings.rerank.window)
    assert len({group_of(rows[id_]) for id_ in top}) == len(model.best(fused))
    found = shop.search("cotton", collapse=GROUP, size=5)
    [texts] = reranker.read
    assert all(rows[id_]["title"] in text for id_, text in zip(top, texts, strict=True))
    lengths = {id_: len(text) for id_, text in zip(top, texts, strict=True)}
    rest = [id_ for id_ in model.documents() if id_ not in lengths]
    best = model.best([*sorted(lengths, key=lengths.__getitem__), *rest])
    assert [hit.id for hit in found.hits] == best[:5]
    assert found.hits[0].stages["rerank"].rank == 1
    reranker.read.clear()
    assert ids_of([shop.search("cotton", collapse=GROUP, size=5, page=2)]) == best[5:10]


@pytest.mark.parametrize("sort", [None, [{"price": "asc"}]])
def test_bodies_fill_their_pages_too_and_show_what_is_in_each_group(
    shop: HybridSearch, rows: dict[str, Row], sort: Any
) -> None:
    """As in Elasticsearch, products without a value are one group."""
    body: dict[str, Any] = {
        "query": {"match": {"title": "cotton"}},
        "ext": {"es_hybrid": {"text": "cotton", "window": 6, "rerank": False}},
    }
    if sort:
        body |= {"sort": sort, "track_scores": True}
    inner = {"name": "variants", "size": 50, "_source": ["title"]}
    collapse = {"field": "sku", "inner_hits": inner}
    found = [
        shop.answer({**body, "collapse": collapse, "size": 2, "from": first}) for first in (0, 2, 4)
    ]
    shown = [hit for page in found for hit in page.hits]
    groups = [hit.get("fields", {}).get("sku", [None])[0] for hit in shown]
    assert len(groups) == len(set(groups)) == 6
    assert None in groups
    assert len({page.total for page in found}) == 1
    scores = found[0].read_whole_stages()["rrf"]
    ranked = {key.id: place.score for key, place in scores.items()}
    if not sort:
        firsts: dict[Any, str] = {}
        for id_ in ranked:
            firsts.setdefault(rows[id_].get("sku"), id_)
        assert [hit["_id"] for hit in shown] == list(firsts.values())[:6]
    for hit, group in zip(shown, groups, strict=True):
        assert hit["_score"] == pytest.approx(ranked[hit["_id"]])
        below = hit["inner_hits"]["variants"]["hits"]["hits"]
        assert {rows[each["_id"]].get("sku") for each in below} == {group}
        members = [id_ for id_ in ranked if rows[id_].get("sku") == group]
        assert [each["_id"] for each in below][: len(members)] == members[:50]
        scores_shown = [each["_score"] for each in below]
        assert scores_shown == pytest.approx([ranked.get(each["_id"], 0.0) for each in below])
        if sort:
            assert hit["sort"] == [min(rows[id_]["price"] for id_ in members)]


def test_a_field_that_the_index_lacks_is_named(shop: HybridSearch) -> None:
    with pytest.raises(RequestRefused, match="no mapping found for `parent`"):
        shop.search("shirt", collapse="parent")
    with pytest.raises(RequestRefused, match="title"):
        shop.search("shirt", collapse="title")
