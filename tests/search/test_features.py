"""The parts of a shop's page: ticked facets, sorting, groups, highlights, pinned ids."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import ElasticsearchError, InvalidRequest
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Hit
from es_hybrid.search import HybridSearch

QUERY = "wireless headphones"
EVERYTHING = 377
MODES = ["hybrid", "bm25", "knn"]


def _ids(hits: list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


def _counted(hits: list[Hit], field: str) -> dict[str, int]:
    return dict(Counter(hit.source[field] for hit in hits if field in hit.source))


def test_an_unknown_option_is_refused(shop: HybridSearch) -> None:
    with pytest.raises(InvalidRequest, match="unknown option colour"):
        shop.search("kettle", colour="red")


def test_a_whole_request_is_searched_as_its_options_are(shop: HybridSearch) -> None:
    request = SearchRequest(text="kettle", size=3)
    assert shop.search(request).hits == shop.search("kettle", size=3).hits
    assert len(shop.search(request, size=2).hits) == 2


@pytest.mark.parametrize("mode", MODES)
def test_ticked_values_cut_the_hits_and_every_facet_but_their_own(
    shop: HybridSearch, mode: Any
) -> None:
    facets = ["brand", "lang", "currency"]
    found = shop.search(QUERY, mode=mode, size=EVERYTHING, page=1).hits
    ticked = {"lang": ["en", "fr"], "currency": ["USD", "EUR"]}

    def holds(hit: Hit, *fields: str) -> bool:
        return all(hit.source.get(field) in ticked[field] for field in fields)

    response = shop.search(QUERY, mode=mode, size=EVERYTHING, facets=facets, selected=ticked)
    kept = [hit for hit in found if holds(hit, "lang", "currency")]
    assert _ids(response.hits) == _ids(kept)
    assert response.total == len(kept)
    assert response.facets["brand"] == _counted(kept, "brand")
    assert response.facets["lang"] == _counted(
        [hit for hit in found if holds(hit, "currency")], "lang"
    )
    assert response.facets["currency"] == _counted(
        [hit for hit in found if holds(hit, "lang")], "currency"
    )
    assert len(response.facets["lang"]) > len(ticked["lang"])


def test_filters_narrow_their_own_facet_too(shop: HybridSearch) -> None:
    response = shop.search(QUERY, filters={"lang": ["en", "fr"]}, facets=["lang"])
    assert set(response.facets["lang"]) == {"en", "fr"}


def test_sorting_orders_the_candidates_and_describes_them(shop: HybridSearch) -> None:
    best = shop.search(QUERY, size=100).hits
    response = shop.search(QUERY, sort=["price:desc"], cutoff=0, size=30, facets=["lang"])
    priced = sorted((hit.source["price"] for hit in best if "price" in hit.source), reverse=True)
    assert [hit.source["price"] for hit in response.hits] == priced[:30]
    assert response.total == len(best) == 100
    assert response.pages == 4
    assert response.facets["lang"] == _counted(best, "lang")
    assert [hit.rank for hit in response.hits] == list(range(1, 31))
    pages = [
        hit
        for page in (1, 2, 3, 4)
        for hit in shop.search(QUERY, sort=["price:desc"], cutoff=0, size=30, page=page).hits
    ]
    assert {hit.id for hit in pages} == set(_ids(best))
    assert shop.search(QUERY, sort=["price:desc"], cutoff=0, size=30, page=5).hits == []


def test_sorting_leaves_out_what_is_hardly_relevant(shop: HybridSearch) -> None:
    best = shop.search("electric kettle 1.7 L", size=100).hits
    kept = {hit.id for hit in best if hit.score >= 0.3 * best[0].score}
    response = shop.search("electric kettle 1.7 L", sort=["price"], size=100)
    assert {hit.id for hit in response.hits} == kept
    assert response.total == len(kept) < 100


def test_equal_sort_values_stand_by_relevance(shop: HybridSearch) -> None:
    best = shop.search(QUERY, size=100).hits
    by_lang = sorted(best, key=lambda hit: hit.source["lang"])
    assert _ids(shop.search(QUERY, sort=["lang"], cutoff=0, size=100).hits) == _ids(by_lang)


def test_a_cutoff_keeps_the_hits_with_their_share_of_the_best_score(shop: HybridSearch) -> None:
    best = shop.search(QUERY, size=100).hits
    kept = [hit for hit in best if hit.score >= 0.5 * best[0].score]
    response = shop.search(QUERY, cutoff=0.5, facets=["lang"], size=7)
    assert 7 < len(kept) < 100
    assert response.total == len(kept)
    assert response.pages == -(-len(kept) // 7)
    assert response.facets["lang"] == _counted(kept, "lang")
    sorted_ = shop.search(QUERY, cutoff=0.5, sort=["price"], size=100)
    assert {hit.id for hit in sorted_.hits} == set(_ids(kept))


def test_groups_show_their_best_product_and_leave_no_holes(shop: HybridSearch) -> None:
    best = shop.search(QUERY, size=100).hits
    first = {hit.source.get("brand", hit.id): hit for hit in reversed(best)}
    response = shop.search(QUERY, collapse="brand", size=10)
    expected = sorted(first.values(), key=lambda hit: hit.rank)
    assert _ids(response.hits) == _ids(expected)[:10]
    assert [hit.group for hit in response.hits] == [
        hit.source.get("brand") for hit in expected[:10]
    ]
    pages = [
        shop.search(QUERY, collapse="brand", size=10, page=page)
        for page in range(2, response.pages + 1)
    ]
    shown = [hit for page in (response, *pages) for hit in page.hits]
    assert len({hit.source.get("brand", hit.id) for hit in shown}) == len(shown) == response.total
    assert all(len(page.hits) == 10 for page in pages[:-1])


def test_groups_of_ticked_products(shop: HybridSearch) -> None:
    response = shop.search(
        QUERY, collapse="brand", selected={"lang": "en"}, facets=["lang"], size=99
    )
    assert response.total == len(response.hits)
    assert {hit.source["lang"] for hit in response.hits} == {"en"}
    assert len(response.facets["lang"]) > 1


def test_matches_are_marked_and_the_products_own_text_is_escaped(
    shop: HybridSearch, es: Elasticsearch, embedder: LocalEmbedder, catalogue: str
) -> None:
    marked = {
        hit.id: hit.highlight
        for hit in shop.search("kettle <b>", highlight=["title", "description"]).hits
    }
    assert any(
        "<em>Kettle</em>" in text for mark in marked.values() for text in mark.get("title", ())
    )
    document = {
        "title": "Kettle <script>alert(1)</script>",
        "lang": "en",
        "embedding": embedder.embed_query("Kettle").tolist(),
    }
    es.index(index=catalogue, id="markup", document=document, refresh=True)
    try:
        response = shop.search("kettle script", highlight=["title"], filters={"lang": "en"})
        [title] = next(h for h in response.hits if h.id == "markup").highlight["title"]
        assert "<script>" not in title
        assert "&lt;<em>script</em>&gt;" in title
    finally:
        es.delete(index=catalogue, id="markup", refresh=True)


def test_a_hit_without_the_words_has_no_mark(shop: HybridSearch) -> None:
    response = shop.search("家用意式咖啡机 可以打奶泡", highlight=["title"])
    assert response.hits[0].id == "KIT-008-en"
    assert response.hits[0].highlight == {}


def test_each_hit_can_say_how_its_score_came_about(shop: HybridSearch) -> None:
    for hit in shop.search(QUERY, explain=True).hits:
        assert hit.explanation is not None
        assert hit.explanation["value"] == pytest.approx(hit.score)
        assert "rrf" in hit.explanation["description"]
    assert shop.search(QUERY).hits[0].explanation is None


def test_pinned_products_come_first_in_their_order_if_they_pass_the_filters(
    shop: HybridSearch,
) -> None:
    plain = shop.search(QUERY, size=50)
    pinned = ["KIT-008-en", plain.hits[7].id, "no-such-id", "APP-001-zh"]
    response = shop.search(QUERY, size=50, pinned=pinned)
    first = ["KIT-008-en", plain.hits[7].id, "APP-001-zh"]
    assert _ids(response.hits)[:3] == first
    assert _ids(response.hits)[3:] == [id_ for id_ in _ids(plain.hits) if id_ not in first][:47]
    assert [hit.rank for hit in response.hits] == list(range(1, 51))
    assert [hit.stages["pinned"].rank for hit in response.hits[:3]] == [1, 2, 3]
    assert all("pinned" not in hit.stages for hit in response.hits[3:])
    whole = set(_ids(shop.search(QUERY, size=100).hits))
    assert plain.total == len(whole)
    assert response.total == len(whole | set(first))
    english = {"lang": "en"}
    narrowed: list[dict[str, Any]] = [
        {"pinned": pinned, "filters": english},
        {"pinned": pinned, "selected": english},
    ]
    for options in narrowed:
        hits = shop.search(QUERY, **options).hits
        assert hits[0].id == "KIT-008-en"
        assert {hit.source["lang"] for hit in hits} == {"en"}


@pytest.mark.parametrize("mode", ["bm25", "knn"])
def test_pinning_works_on_a_single_leg(shop: HybridSearch, mode: Any) -> None:
    hits = shop.search(QUERY, mode=mode, pinned=["APP-001-zh"]).hits
    assert hits[0].id == "APP-001-zh"
    assert _ids(hits)[1:] == _ids(shop.search(QUERY, mode=mode, size=9).hits)


def test_a_sku_stays_first_when_the_page_is_cut_or_grouped(shop: HybridSearch) -> None:
    narrow: list[dict[str, Any]] = [{"cutoff": 0.9}, {"collapse": "sku"}]
    for options in narrow:
        hits = shop.search("KX-4820B", **options).hits
        assert hits[0].source["sku"] == "KX-4820B"


def test_what_cannot_be_sorted_by_is_named(shop: HybridSearch) -> None:
    with pytest.raises(ElasticsearchError, match="nonsense"):
        shop.search(QUERY, sort=["nonsense"])
    with pytest.raises(InvalidRequest, match="cannot read the order"):
        shop.search(QUERY, sort=["price:up"])


def test_pages_says_how_far_one_can_turn(shop: HybridSearch) -> None:
    response = shop.search(QUERY, size=10)
    assert response.pages == -(-response.total // 10)
    last = shop.search(QUERY, size=10, page=response.pages)
    assert last.hits
    assert np.isfinite([hit.score for hit in last.hits]).all()
