"""Trees executed by es-hybrid, compared with Elasticsearch and with brute force over the rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from es_hybrid.errors import EmbeddingError, RequestRefused, RerankError, RerankSkipped
from es_hybrid.retrieval.needs import ScoreDocuments
from es_hybrid.retrieval.nodes import (
    Child,
    DocumentText,
    Knn,
    Linear,
    Node,
    Pinned,
    Rerank,
    Rescorer,
    Rrf,
    Standard,
)
from es_hybrid.retrieval.plan import Plan
from es_hybrid.retrieval.response import Retrieved, StageRank
from tests.retrieval.live import Row, Searcher, vector_of

WINDOW = 30
RED_KETTLE = Standard(query={"match": {"title": "red kettle"}}, label="bm25")
NEAR = Knn(field="embedding", vector=vector_of("red kettle"), k=20, num_candidates=400, label="knn")
HYBRID = Rrf(children=(Child(RED_KETTLE), Child(NEAR, 0.7)), rank_window_size=WINDOW, label="rrf")
BRANDS = {"brands": {"terms": {"field": "brand"}}}


def _plan(searcher: Searcher, root: Node = HYBRID, **options: Any) -> Plan:
    return Plan(root=root, index=searcher.index, **options)


def _ids(retrieved: Retrieved) -> list[str]:
    return [hit["_id"] for hit in retrieved.hits]


def _matching(products: dict[str, Row], *words: str) -> set[str]:
    return {id_ for id_, row in products.items() if set(words) & set(row["title"].split())}


def _nearest(products: dict[str, Row], text: str, k: int) -> list[str]:
    """The nearest by cosine, computed here."""
    ids = list(products)
    vectors = np.array([products[id_]["embedding"] for id_ in ids])
    cosines = vectors @ vector_of(text) / np.linalg.norm(vectors, axis=1)
    return [ids[place] for place in np.argsort(-cosines)[:k]]


def _lexical(searcher: Searcher, query: dict[str, Any], size: int) -> list[tuple[str, float]]:
    hits = searcher.es.search(index=searcher.index, query=query, size=size)["hits"]["hits"]
    return [(hit["_id"], hit["_score"]) for hit in hits]


def _fused(legs: Sequence[Sequence[str]], weights: Sequence[float]) -> list[str]:
    """Rank fusion by brute force; the ids are the positions of the documents."""
    scores: dict[str, np.float32] = {}
    for leg, weight in zip(legs, weights, strict=True):
        for rank, id_ in enumerate(leg, 1):
            share = np.float32(weight) * np.float32(1 / (60 + rank))
            scores[id_] = np.float32(scores.get(id_, np.float32(0)) + share)
    return sorted(scores, key=lambda id_: (-scores[id_], int(id_[1:])))


def test_rrf_is_the_fusion_of_its_leaves(searcher: Searcher, products: dict[str, Row]) -> None:
    found = searcher.execute(_plan(searcher, size=WINDOW))
    lexical = [id_ for id_, _ in _lexical(searcher, dict(RED_KETTLE.query or {}), WINDOW)]
    expected = _fused([lexical, _nearest(products, "red kettle", 20)], [1.0, 0.7])
    assert _ids(found) == expected[:WINDOW]
    assert found.answer["hits"]["max_score"] == found.hits[0]["_score"]
    for rank, hit in enumerate(found.hits, 1):
        assert found.stages_of(hit)["rrf"] == StageRank(rank, hit["_score"])


def test_ties_stand_in_the_order_of_the_index(searcher: Searcher) -> None:
    """Equal weights: the legs' rank-mates that only one leg has score the same."""
    root = replace(HYBRID, children=(Child(RED_KETTLE), Child(NEAR)))
    for options in ({}, {"collapse": {"field": "stock"}}):
        found = searcher.execute(_plan(searcher, root, size=WINDOW, **options))
        by_score: dict[float, list[int]] = {}
        for hit in found.hits:
            by_score.setdefault(hit["_score"], []).append(int(hit["_id"][1:]))
        if not options:
            assert any(len(tied) > 1 for tied in by_score.values())
        assert all(tied == sorted(tied) for tied in by_score.values())


@pytest.mark.parametrize("aggs", [None, BRANDS, {"mean": {"avg": {"field": "price"}}}])
def test_total_and_aggregations_are_the_union_s(
    searcher: Searcher, products: dict[str, Row], aggs: dict[str, Any] | None
) -> None:
    found = searcher.execute(_plan(searcher, aggs=aggs))
    union = _matching(products, "red", "kettle") | set(_nearest(products, "red kettle", 20))
    assert found.answer["hits"]["total"] == {"value": len(union), "relation": "eq"}
    if aggs is BRANDS:
        counted = Counter(products[id_]["brand"] for id_ in union)
        buckets = found.answer["aggregations"]["brands"]["buckets"]
        assert {bucket["key"]: bucket["doc_count"] for bucket in buckets} == counted
    elif aggs:
        mean = found.answer["aggregations"]["mean"]["value"]
        assert mean == pytest.approx(np.mean([products[id_]["price"] for id_ in union]))


def test_the_common_search_is_one_or_two_requests_and_the_uncommon_four(
    searcher: Searcher,
) -> None:
    two: list[dict[str, Any]] = [
        {},
        {"aggs": BRANDS},
        {"fetch": {"highlight": {"fields": {"title": {}}}, "_source": ["brand"]}},
        {"selected": {"term": {"brand": "a"}}, "aggs": BRANDS},
        {"suggest": {"s": {"text": "rad", "term": {"field": "title"}}}},
    ]
    for options in two:
        searcher.execute(_plan(searcher, **options))
        assert searcher.paths == ["POST _msearch", "POST _search"], options
    one: list[dict[str, Any]] = [
        {"size": WINDOW},
        {"size": 0, "aggs": BRANDS},
        {"fetch": {"_source": False}},
        {"explain": True, "profile": True, "track_total_hits": True},
    ]
    for options in one:
        searcher.execute(_plan(searcher, **options))
        assert searcher.paths == ["POST _msearch"], options
    long: list[dict[str, Any]] = [
        {"aggs": {"mean": {"avg": {"field": "price"}}}},
        {"collapse": {"field": "brand"}},
        {"of_candidates": True, "sort": ["price"]},
        {"of_candidates": True, "cutoff": 0.5},
        {"post_filter": {"term": {"brand": "a"}}},
    ]
    for options in long:
        searcher.execute(_plan(searcher, **options))
        assert searcher.paths == ["POST _pit", "POST _msearch", "POST _search", "DELETE _pit"]


def test_short_and_long_find_the_same(searcher: Searcher) -> None:
    """What is answered by the leaves' own hits equals what the page's own request finds."""
    for size, from_ in ((5, 0), (10, 10), (30, 25), (5, 40)):
        plan = _plan(searcher, size=size, from_=from_, aggs=BRANDS)
        short = searcher.execute(plan)
        assert searcher.paths[0] == "POST _msearch"
        assert set(searcher.paths[1:]) <= {"POST _search"}
        # The same with an aggregation that cannot be added up.
        long = searcher.execute(replace(plan, aggs={**BRANDS, "mean": {"avg": {"field": "price"}}}))
        assert len(searcher.calls) == 4
        assert [(h["_id"], h["_score"], h["_source"]) for h in short.hits] == [
            (h["_id"], h["_score"], h["_source"]) for h in long.hits
        ]
        assert short.answer["hits"]["total"] == long.answer["hits"]["total"]
        assert short.answer["hits"]["max_score"] == long.answer["hits"]["max_score"]
        brands = short.answer["aggregations"]["brands"]
        assert brands == long.answer["aggregations"]["brands"]


def test_pages_are_cut_from_the_window_and_end_with_it(searcher: Searcher) -> None:
    whole = _ids(searcher.execute(_plan(searcher, size=WINDOW)))
    pages = [_ids(searcher.execute(_plan(searcher, size=7, from_=at))) for at in range(0, 42, 7)]
    assert [id_ for page in pages for id_ in page] == whole
    assert pages[-1] == []
    beyond = searcher.execute(_plan(searcher, from_=WINDOW + 5))
    assert beyond.answer["hits"]["max_score"] is None


@pytest.mark.parametrize("root", [RED_KETTLE, NEAR, replace(RED_KETTLE, query=None)])
def test_a_leaf_alone_is_answered_as_elasticsearch_answers_it(
    searcher: Searcher, root: Node
) -> None:
    """`first` is nothing Elasticsearch knows, so this runs here; without it the cluster does."""
    plan = _plan(searcher, root, size=12, from_=3, aggs=BRANDS, track_total_hits=True)
    native = searcher.execute(plan)
    ours = searcher.execute(replace(plan, first=("nothing",)))
    assert searcher.paths == ["POST _msearch"]
    assert ours.answer["hits"] == native.answer["hits"]
    assert ours.answer["aggregations"] == native.answer["aggregations"]
    assert ours.answer.keys() == native.answer.keys()
    assert [ours.stages_of(hit) for hit in ours.hits] == [
        native.stages_of(hit) for hit in native.hits
    ]


@pytest.mark.parametrize("child", [RED_KETTLE, NEAR])
def test_rescoring_a_ranking_made_here_gives_what_the_cluster_gives(
    searcher: Searcher, child: Node
) -> None:
    rescore = {"window_size": 15, "query": {"rescore_query": {"match": {"title": "lamp"}}}}
    inner = Rescorer(child=child, rescore=(rescore,))
    plan = _plan(searcher, Rescorer(child=inner, rescore=(rescore,)), size=15)
    native = searcher.execute(plan)
    assert searcher.paths == ["POST _search"]
    here = Searcher(searcher.es, searcher.index, execution="auto")
    refused = {"type": "parsing_exception", "reason": "unknown retriever [rescorer]"}
    here.abilities.learn({"error": refused}, sent={"rescorer"})
    ours = here.execute(plan)
    assert here.paths.count("POST _search") == 3  # rescored twice, and the page
    assert [(h["_id"], pytest.approx(h["_score"], rel=1e-5)) for h in ours.hits] == [
        (h["_id"], h["_score"]) for h in native.hits
    ]
    assert ours.answer["hits"]["total"] == native.answer["hits"]["total"]


def test_linear_adds_up_weighted_normalised_scores(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    root = Linear(
        children=(Child(RED_KETTLE, 2.0, "minmax"), Child(NEAR, 0.5, "l2_norm")),
        rank_window_size=WINDOW,
    )
    found = searcher.execute(_plan(searcher, root, size=WINDOW))
    lexical = _lexical(searcher, dict(RED_KETTLE.query or {}), WINDOW)
    low, high = lexical[-1][1], lexical[0][1]
    expected = {id_: 2 * (score - low) / (high - low) for id_, score in lexical}
    near = _nearest(products, "red kettle", 20)
    vectors = [np.array(products[id_]["embedding"]) for id_ in near]
    wanted = np.array(vector_of("red kettle"))
    scores = [(1 + v @ wanted / np.linalg.norm(v) / np.linalg.norm(wanted)) / 2 for v in vectors]
    for id_, score in zip(near, scores, strict=True):
        expected[id_] = expected.get(id_, 0) + 0.5 * score / np.linalg.norm(scores)
    assert {h["_id"]: h["_score"] for h in found.hits} == pytest.approx(
        {h["_id"]: expected[h["_id"]] for h in found.hits}, rel=1e-4, abs=1e-6
    )
    best = sorted(expected.values(), reverse=True)[:WINDOW]
    assert [h["_score"] for h in found.hits] == pytest.approx(best, rel=1e-4, abs=1e-6)


def test_linear_leaves_out_what_scores_below_min_score_and_counts_the_rest(
    searcher: Searcher,
) -> None:
    root = Linear(children=(Child(RED_KETTLE, 1.0, "minmax"), Child(NEAR)), min_score=0.9)
    everything = searcher.execute(_plan(searcher, replace(root, min_score=None), size=10))
    found = searcher.execute(_plan(searcher, root, size=10, aggs=BRANDS))
    expected = [hit["_id"] for hit in everything.hits if hit["_score"] >= 0.9]
    assert 0 < len(expected) < 10
    assert _ids(found) == expected
    assert found.total == len(expected)
    buckets = found.answer["aggregations"]["brands"]["buckets"]
    assert sum(bucket["doc_count"] for bucket in buckets) == len(expected)


def test_filters_of_every_level_hold_below(searcher: Searcher, products: dict[str, Row]) -> None:
    cheap: dict[str, Any] = {"range": {"price": {"lte": 60}}}
    stocked: dict[str, Any] = {"range": {"stock": {"gte": 1}}}
    brand: dict[str, Any] = {"terms": {"brand": ["a", "b", "c"]}}
    inner = replace(HYBRID, filters=(stocked,))
    leaf = replace(RED_KETTLE, filters=(brand,))
    root = Rrf(children=(Child(inner), Child(leaf)), filters=(cheap,), rank_window_size=WINDOW)
    found = searcher.execute(_plan(searcher, root, size=WINDOW, aggs=BRANDS))

    def holds(row: Row) -> bool:
        return bool(row["price"] <= 60)

    in_stock = {id_: row for id_, row in products.items() if holds(row) and row["stock"] >= 1}
    of_brand = {id_: r for id_, r in products.items() if holds(r) and r["brand"] in "abc"}
    union = (
        _matching(in_stock, "red", "kettle")
        | set(_nearest(in_stock, "red kettle", 20))
        | _matching(of_brand, "red", "kettle")
    )
    assert set(_ids(found)) <= union
    assert found.total == len(union)


def test_three_levels_fuse_what_each_level_fused(searcher: Searcher) -> None:
    lamps = Standard(query={"match": {"title": "lamp"}})
    inner = replace(HYBRID, rank_window_size=30)
    middle = Rrf(children=(Child(inner), Child(lamps)), rank_window_size=25)
    outer = Linear(children=(Child(middle, 10.0), Child(lamps, 1.0, "minmax")), rank_window_size=20)
    found = searcher.execute(_plan(searcher, outer, size=20, explain=True))
    first = _ids(searcher.execute(_plan(searcher, inner, size=25)))
    second = [id_ for id_, _ in _lexical(searcher, {"match": {"title": "lamp"}}, 25)]
    middle_order = _fused([first, second], [1.0, 1.0])[:20]
    third = _lexical(searcher, {"match": {"title": "lamp"}}, 20)
    low, high = third[-1][1], third[0][1]
    ranked = searcher.execute(_plan(searcher, middle, size=20))
    assert _ids(ranked) == middle_order
    scores = {hit["_id"]: 10 * hit["_score"] for hit in ranked.hits}
    for id_, score in third:
        scores[id_] = scores.get(id_, 0.0) + (score - low) / ((high - low) or 1)
    assert {h["_id"]: h["_score"] for h in found.hits} == pytest.approx(
        {h["_id"]: scores[h["_id"]] for h in found.hits}, rel=1e-4
    )
    top = found.hits[0]["_explanation"]
    assert top["value"] == found.hits[0]["_score"]
    assert "rrf score" in str(top)
    assert "weight(title:" in str(top)


def test_a_selection_narrows_hits_and_total_but_not_the_facets(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    """In one request and, with what cannot be added up, in four: the same."""
    union = _matching(products, "red", "kettle") | set(_nearest(products, "red kettle", 20))
    of_brand = {id_ for id_ in union if products[id_]["brand"] == "a"}
    counted = Counter(products[id_]["brand"] for id_ in union)
    plan = _plan(searcher, size=WINDOW, selected={"term": {"brand": "a"}}, aggs=BRANDS)
    four = replace(plan, aggs={**BRANDS, "mean": {"avg": {"field": "price"}}})
    answers = [searcher.execute(each) for each in (plan, four)]
    assert _ids(answers[0]) == _ids(answers[1])
    for found in answers:
        assert set(_ids(found)) <= of_brand
        assert len(found.hits) == min(WINDOW, len(of_brand))
        assert found.total == len(of_brand)
        buckets = found.answer["aggregations"]["brands"]["buckets"]
        assert {bucket["key"]: bucket["doc_count"] for bucket in buckets} == counted


def test_a_sorted_page_is_cut_from_the_candidates(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    candidates = _ids(searcher.execute(_plan(searcher, size=WINDOW)))
    plan = _plan(
        searcher, size=8, of_candidates=True, sort=[{"price": "desc"}, "_score"], aggs=BRANDS
    )
    pages = [searcher.execute(replace(plan, from_=at)) for at in range(0, 40, 8)]
    shown = [hit["_id"] for page in pages for hit in page.hits]
    # Of equal prices the better ranked comes first.
    assert shown == sorted(candidates, key=lambda id_: -products[id_]["price"])
    counted = Counter(products[id_]["brand"] for id_ in candidates)
    for page in pages:
        assert page.total == len(candidates)
        buckets = page.answer["aggregations"]["brands"]["buckets"]
        assert {bucket["key"]: bucket["doc_count"] for bucket in buckets} == counted
        assert all(len(hit["sort"]) == 2 for hit in page.hits)


def test_a_cut_off_leaves_the_best_by_their_fused_score(searcher: Searcher) -> None:
    everything = searcher.execute(_plan(searcher, size=WINDOW))
    best = everything.hits[0]["_score"]
    share = everything.hits[9]["_score"] / best - 1e-6
    expected = [hit["_id"] for hit in everything.hits if hit["_score"] >= share * best]
    found = searcher.execute(
        _plan(searcher, size=WINDOW, of_candidates=True, cutoff=share, aggs=BRANDS)
    )
    assert 10 <= len(expected) < WINDOW
    assert _ids(found) == expected
    assert found.total == len(expected)


def test_collapsed_groups_show_their_best_and_hold_the_rest(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    ranked = searcher.execute(_plan(searcher, size=WINDOW))
    best: dict[str, str] = {}
    for id_ in _ids(ranked):
        best.setdefault(products[id_]["brand"], id_)
    inner = {"name": "same", "size": 3}
    found = searcher.execute(_plan(searcher, collapse={"field": "brand", "inner_hits": inner}))
    assert _ids(found) == list(best.values())
    scores = {hit["_id"]: hit["_score"] for hit in ranked.hits}
    for hit in found.hits:
        assert hit["_score"] == scores[hit["_id"]]
        below = hit["inner_hits"]["same"]["hits"]["hits"]
        assert below[0]["_id"] == hit["_id"]
        assert [each["_score"] for each in below] == [scores.get(e["_id"], 0.0) for e in below]


def test_post_filter_thins_the_finished_window(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    ranked = _ids(searcher.execute(_plan(searcher, size=WINDOW)))
    found = searcher.execute(
        _plan(searcher, size=WINDOW, post_filter={"term": {"brand": "a"}}, aggs=BRANDS)
    )
    kept = [id_ for id_ in ranked if products[id_]["brand"] == "a"]
    assert _ids(found)[: len(kept)] == kept
    assert found.answer["hits"]["max_score"] == found.hits[0]["_score"]
    assert len(found.answer["aggregations"]["brands"]["buckets"]) == 5


def test_pinned_documents_come_first_in_their_order(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    cheap = tuple(id_ for id_, row in products.items() if row["price"] <= 50)[:3]
    dear = next(id_ for id_, row in products.items() if row["price"] > 90)
    root = Pinned(
        child=HYBRID,
        documents=((None, cheap[2]), (searcher.index, cheap[0]), (None, dear), (None, "none")),
        filters=({"range": {"price": {"lte": 50}}},),
        rank_window_size=WINDOW,
    )
    plain = searcher.execute(_plan(searcher, root, size=WINDOW))
    assert _ids(plain)[:3] == [cheap[2], cheap[0], dear]
    filtered = searcher.execute(_plan(searcher, replace(root, filtered=True), size=WINDOW))
    assert _ids(filtered)[:2] == [cheap[2], cheap[0]]
    assert dear not in _ids(filtered)
    for found in (plain, filtered):
        scores = [hit["_score"] for hit in found.hits]
        assert scores == sorted(scores, reverse=True)
        assert len(set(_ids(found))) == len(found.hits)
    assert (plain.total or 0) == (filtered.total or 0) + 1


def test_more_pinned_documents_than_the_window_come_in_their_order(searcher: Searcher) -> None:
    wanted = [f"p{number}" for number in (90, 30, 70, 10, 50)]
    root = Pinned(child=HYBRID, documents=tuple((None, id_) for id_ in wanted), rank_window_size=3)
    found = searcher.execute(_plan(searcher, root, size=3))
    assert _ids(found) == wanted[:3]
    everything = searcher.execute(_plan(searcher, replace(root, rank_window_size=WINDOW)))
    assert found.total == everything.total


def test_what_a_pinned_retriever_pins_inside_another_is_in_the_order_of_the_index(
    searcher: Searcher,
) -> None:
    """It is organic there: Elasticsearch caps the scores, which are then equal."""
    inner = Pinned(child=HYBRID, documents=((None, "p70"), (None, "p30")), rank_window_size=WINDOW)
    root = Pinned(child=inner, documents=((None, "p90"),), rank_window_size=WINDOW)
    found = searcher.execute(_plan(searcher, root, size=4))
    assert _ids(found)[:3] == ["p90", "p30", "p70"]
    assert [hit["_score"] for hit in found.hits[1:3]] == [1.7014118e38] * 2


def _by_length(need: ScoreDocuments) -> list[float]:
    return [len(document) / 100 for document in need.documents]


def test_the_reranker_orders_the_window_by_the_text_of_a_field(searcher: Searcher) -> None:
    searcher.score = _by_length
    fused = searcher.execute(_plan(searcher, size=WINDOW))
    root = Rerank(child=HYBRID, text="red kettle", field="title", rank_window_size=10)
    for options in ({}, {"collapse": {"field": "price"}}):
        found = searcher.execute(_plan(searcher, root, **options))
        window = fused.hits[:10]
        # Elasticsearch adds 1 to a score that is not negative.
        lengths = {hit["_id"]: 1 + len(hit["_source"]["title"]) / 100 for hit in window}
        assert found.reranked == 10
        scores = [hit["_score"] for hit in found.hits]
        assert scores == pytest.approx(sorted(lengths.values(), reverse=True)[: len(scores)])
        assert all(hit["_score"] == pytest.approx(lengths[hit["_id"]]) for hit in found.hits)
        assert all("title" not in hit.get("fields", {}) for hit in found.hits)


def test_what_is_not_scored_in_time_keeps_its_fused_order(searcher: Searcher) -> None:
    fused = _ids(searcher.execute(_plan(searcher, size=WINDOW)))
    searcher.score = lambda need: [0.1, 0.9, *[float("nan")] * (len(need.documents) - 2)]
    root = Rerank(
        child=HYBRID, text="x", document=lambda id_, source: DocumentText(source["title"]),
        rank_window_size=10, keep_rest=True, label="rerank",
    )  # fmt: skip
    found = searcher.execute(_plan(searcher, root, size=WINDOW))
    assert _ids(found) == [fused[1], fused[0], *fused[2:]]
    assert found.reranked == 2
    assert found.degraded == ("rerank: 8 of 10 were not scored in time",)
    assert [("rerank" in found.stages_of(hit)) for hit in found.hits[:3]] == [True, True, False]


def test_the_reranker_gets_the_language_stored_with_each_product(searcher: Searcher) -> None:
    asked: list[ScoreDocuments] = []

    def score(need: ScoreDocuments) -> list[float]:
        asked.append(need)
        return [0.5] * len(need.documents)

    searcher.score = score
    described = Rerank(
        child=HYBRID, text="x", document=lambda id_, source: DocumentText(source["title"], "de")
    )
    for root in (described, Rerank(child=HYBRID, text="x", field="title")):
        searcher.execute(_plan(searcher, root))
    assert asked[0].documents == asked[1].documents
    assert [set(need.langs) for need in asked] == [{"de"}, {""}]


def test_what_follows_the_reranked_window_is_reached_by_later_pages(searcher: Searcher) -> None:
    plain = _ids(searcher.execute(_plan(searcher, RED_KETTLE, size=25)))
    searcher.score = lambda need: list(range(len(need.documents)))
    root = Rerank(child=RED_KETTLE, text="x", field="title", rank_window_size=10, keep_rest=True)
    pages = [
        _ids(searcher.execute(_plan(searcher, root, size=5, from_=at))) for at in (0, 5, 10, 20)
    ]
    assert pages[0] + pages[1] == plain[:10][::-1]
    assert (pages[2], pages[3]) == (plain[10:15], plain[20:25])
    cut = replace(root, keep_rest=False)
    assert _ids(searcher.execute(_plan(searcher, cut, size=5, from_=10))) == []


@pytest.mark.parametrize("pinned", [False, True])
def test_nothing_is_reranked_that_no_page_shows(searcher: Searcher, pinned: bool) -> None:
    asked: list[int] = []

    def score(need: ScoreDocuments) -> list[float]:
        asked.append(len(need.documents))
        return list(range(len(need.documents)))

    searcher.score = score
    root: Node = Rerank(child=HYBRID, text="x", field="title", rank_window_size=10, keep_rest=True)
    pins = 2 if pinned else 0
    if pinned:
        root = Pinned(child=root, documents=((None, "p7"), (None, "p9")), rank_window_size=WINDOW)
    whole = searcher.execute(_plan(searcher, root, size=WINDOW))
    behind = searcher.execute(_plan(searcher, root, size=8, from_=10 + pins))
    facets = searcher.execute(_plan(searcher, root, size=0))
    assert asked == [10]
    assert _ids(behind) == _ids(whole)[10 + pins : 18 + pins]
    assert (behind.reranked, facets.reranked) == (0, 0)
    searcher.execute(_plan(searcher, root, size=8, from_=9 + pins))
    assert asked == [10, 10]


def test_logits_are_shown_as_elasticsearch_shows_them(searcher: Searcher) -> None:
    """In float32; equal ones are in the order of the index, and `min_score` means the bare ones."""
    fused = _ids(searcher.execute(_plan(searcher, size=10)))
    numbers = [-9.5, 4.25, -2.5, 0.3, -2.5, 12.0, -0.25, 4.25, 0.0, -40.0]
    logits = dict(zip(fused, numbers, strict=True))
    asked: list[ScoreDocuments] = []

    def score(need: ScoreDocuments) -> list[float]:
        asked.append(need)
        return list(logits.values())

    searcher.score = score
    root = Rerank(child=HYBRID, text="x", field="title", rank_window_size=10)
    found = searcher.execute(_plan(searcher, root))
    expected = sorted(logits, key=lambda id_: (-logits[id_], int(id_[1:])))
    assert _ids(found) == expected
    shown = [max(logits[id_], 0) + math.exp(min(logits[id_], 0)) for id_ in expected]
    assert [hit["_score"] for hit in found.hits] == [float(str(np.float32(s))) for s in shown]
    assert asked[0].raw
    bounded = searcher.execute(_plan(searcher, replace(root, min_score=-0.25)))
    assert _ids(bounded) == [id_ for id_ in expected if logits[id_] >= -0.25]


def test_a_shop_s_own_reranking_shows_scores_from_0_to_1(searcher: Searcher) -> None:
    asked: list[ScoreDocuments] = []

    def score(need: ScoreDocuments) -> list[float]:
        asked.append(need)
        return [place / 10 for place in range(len(need.documents))]

    searcher.score = score
    root = Rerank(child=HYBRID, text="x", field="title", rank_window_size=10, interpolated=True)
    found = searcher.execute(_plan(searcher, root))
    scores = [hit["_score"] for hit in found.hits]
    assert scores == pytest.approx([number / 10 for number in range(9, -1, -1)])
    assert not asked[0].raw


def test_a_score_of_the_rerankers_own_still_decides_what_is_counted(searcher: Searcher) -> None:
    searcher.score = lambda need: list(range(len(need.documents)))
    root = Rerank(child=HYBRID, text="x", field="title", rank_window_size=10, min_score=6)
    assert searcher.execute(_plan(searcher, root, size=0)).answer["hits"]["total"]["value"] == 4


@pytest.mark.parametrize(
    "options",
    [
        {"aggs": BRANDS},
        {"aggs": BRANDS, "selected": {"term": {"brand": "a"}}},
        {"aggs": {"by_price": {"avg": {"field": "price"}}}},
        {"aggs": BRANDS, "collapse": {"field": "brand"}},
        {"track_total_hits": 5},
    ],
)
def test_facets_alone_are_those_of_the_search_with_hits(
    searcher: Searcher, options: dict[str, Any]
) -> None:
    whole = searcher.execute(_plan(searcher, size=5, **options)).answer
    for _ in range(2):  # the vector leaf as a section and as a query
        alone = searcher.execute(_plan(searcher, size=0, **options)).answer
        assert alone["hits"] == {"total": whole["hits"]["total"], "max_score": None, "hits": []}
        assert alone.get("aggregations") == whole.get("aggregations")


def test_a_weak_reranker_shares_the_order_with_the_first_stage(searcher: Searcher) -> None:
    fused = _ids(searcher.execute(_plan(searcher, size=10)))
    # It likes the last best, a little: enough alone, too little against the first stage.
    searcher.score = lambda need: np.linspace(0.5, 0.6, len(need.documents)).tolist()
    root = Rerank(child=HYBRID, text="x", field="title", rank_window_size=10)
    pure = replace(root, interpolated=False)
    mixed = replace(root, interpolated=True)
    assert _ids(searcher.execute(_plan(searcher, pure, size=10))) == fused[::-1]
    assert _ids(searcher.execute(_plan(searcher, mixed, size=10))) == fused[::-1]
    searcher.weight = 0.5
    assert _ids(searcher.execute(_plan(searcher, pure, size=10))) == fused[::-1]
    found = searcher.execute(_plan(searcher, mixed, size=10))
    assert _ids(found) == fused
    scores = [hit["_score"] for hit in found.answer["hits"]["hits"]]
    assert scores[0] == pytest.approx(0.5 * 0.5 + 0.5)
    assert scores[-1] == pytest.approx(0.5 * 0.6)


def test_a_dead_reranker_leaves_the_fused_order_where_that_is_allowed(searcher: Searcher) -> None:
    def dead(need: ScoreDocuments) -> list[float]:
        raise RerankError("cannot be reached")

    fused = _ids(searcher.execute(_plan(searcher)))
    searcher.score = dead
    root = Rerank(child=HYBRID, text="x", field="title")
    with pytest.raises(RerankError):
        searcher.execute(_plan(searcher, root))
    for plan in (
        _plan(searcher, root, degrade=True),
        _plan(searcher, replace(root, allow_failures=True)),
    ):
        found = searcher.execute(plan)
        assert _ids(found) == fused
        assert found.degraded == ("rerank: cannot be reached",)
        assert found.reranked == 0


def test_a_reranker_that_does_not_suit_is_noted_and_no_failure(searcher: Searcher) -> None:
    def skipped(need: ScoreDocuments) -> list[float]:
        raise RerankSkipped("the model is for en")

    searcher.score = skipped
    found = searcher.execute(_plan(searcher, Rerank(child=HYBRID, text="x", field="title")))
    assert found.notes == ("rerank: the model is for en",)
    assert found.degraded == ()


def test_a_dead_embedder_leaves_the_lexical_leaf_with_its_own_query(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    def dead(text: str) -> list[float]:
        raise EmbeddingError("cannot be reached")

    searcher.embed = dead
    lexical = replace(
        RED_KETTLE,
        query={"match": {"title": {"query": "red kettle", "operator": "and"}}},
        alone={"match": {"title": "red kettle"}},
    )
    near = replace(NEAR, vector=None, text="red kettle")
    root = replace(HYBRID, children=(Child(lexical), Child(near)))
    with pytest.raises(EmbeddingError):
        searcher.execute(_plan(searcher, root))
    found = searcher.execute(_plan(searcher, root, degrade=True, aggs=BRANDS))
    assert found.degraded == ("embedding: cannot be reached",)
    assert found.total == len(_matching(products, "red", "kettle"))
    with pytest.raises(EmbeddingError):
        searcher.execute(_plan(searcher, near, degrade=True))


def test_after_one_failure_no_other_text_is_waited_for(searcher: Searcher) -> None:
    asked: list[str] = []

    def dead(text: str) -> list[float]:
        asked.append(text)
        raise EmbeddingError("too slow")

    searcher.embed = dead
    near = [Child(replace(NEAR, vector=None, text=text)) for text in ("red", "lamp")]
    root = Rrf(children=(Child(RED_KETTLE), *near))
    assert searcher.execute(_plan(searcher, root, degrade=True)).degraded == (
        "embedding: too slow",
    )
    assert asked == ["red"]


def test_a_facet_of_too_many_values_is_counted_by_elasticsearch(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leaves are asked for fewer values than there are, and nothing is reranked twice."""
    asked: list[ScoreDocuments] = []

    def score(need: ScoreDocuments) -> list[float]:
        asked.append(need)
        return [0.5] * len(need.documents)

    searcher.score = score
    prices = {"prices": {"terms": {"field": "price", "size": 3}}}
    plan = _plan(searcher, Rerank(child=HYBRID, text="x", field="title"), aggs=prices)
    exact = searcher.execute(plan)
    assert searcher.paths == ["POST _msearch", "POST _search"]
    monkeypatch.setattr("es_hybrid.retrieval.execution.aggregations.BUCKETS", 5)
    found = searcher.execute(plan)
    assert searcher.paths[-4:] == ["POST _pit", "POST _msearch", "POST _search", "DELETE _pit"]
    assert len(searcher.calls) == 5
    assert len(asked) == 2
    assert found.answer["aggregations"] == exact.answer["aggregations"]
    assert found.answer["hits"] == exact.answer["hits"]


def test_two_leaves_of_one_kind_are_distinguished(searcher: Searcher) -> None:
    lamps = Standard(query={"match": {"title": "lamp"}})
    plain = replace(RED_KETTLE, label=None)
    root = Rrf(children=(Child(plain), Child(lamps)), rank_window_size=WINDOW)
    found = searcher.execute(_plan(searcher, root, size=WINDOW))
    seen = {stage for hit in found.hits for stage in found.stages_of(hit)}
    assert seen == {"standard", "standard#2", "rrf"}


def test_one_text_is_embedded_once(searcher: Searcher) -> None:
    asked: list[str] = []

    def embed(text: str) -> list[float]:
        asked.append(text)
        return vector_of(text)

    searcher.embed = embed
    near = replace(NEAR, vector=None, text="red kettle")
    other = replace(near, text="lamp")
    searcher.execute(_plan(searcher, Rrf(children=(Child(near), Child(near), Child(other)))))
    assert asked == ["red kettle", "lamp"]


def test_a_named_clause_puts_its_hits_first_and_spares_the_reranker(searcher: Searcher) -> None:
    exact = {"term": {"title": {"value": "lamp", "boost": 0.001, "_name": "identifier"}}}
    lexical = replace(RED_KETTLE, query={"bool": {"should": [RED_KETTLE.query, exact]}})
    root = replace(HYBRID, children=(Child(lexical), Child(NEAR)), rank_window_size=200)
    searcher.score = _by_length
    plan = _plan(searcher, root, size=200)
    named = {h["_id"] for h in searcher.execute(plan).hits if "identifier" in h.get(
        "matched_queries", ())}  # fmt: skip
    assert named
    reranked = replace(
        plan, root=Rerank(child=root, text="x", field="title"), first=("identifier",)
    )
    found = searcher.execute(reranked)
    assert set(_ids(found)[: len(named)]) == named
    assert found.reranked == 0


def test_clauses_that_come_first_do_so_in_their_order(searcher: Searcher) -> None:
    named = [
        {"term": {"title": {"value": word, "boost": 0.001, "_name": name}}}
        for word, name in (("lamp", "second"), ("chair", "first"))
    ]
    lexical = replace(RED_KETTLE, query={"bool": {"should": [RED_KETTLE.query, *named]}})
    root = replace(HYBRID, children=(Child(lexical), Child(NEAR)), rank_window_size=200)
    plan = replace(_plan(searcher, root, size=200), first=("first", "second"))
    names = [set(hit.get("matched_queries", ())) for hit in searcher.execute(plan).hits]
    places = [0 if "first" in found else 1 if "second" in found else 2 for found in names]
    assert set(places) == {0, 1, 2}
    assert places == sorted(places)


def test_a_refused_leaf_refuses_the_search_in_elasticsearch_s_words(searcher: Searcher) -> None:
    wrong = replace(NEAR, field="title")
    with pytest.raises(RequestRefused) as refused:
        searcher.execute(
            _plan(searcher, replace(HYBRID, children=(Child(RED_KETTLE), Child(wrong))))
        )
    error = refused.value.body()["error"]
    assert (refused.value.status, refused.value.type) == (400, "status_exception")
    assert error["reason"] == (
        "[rrf] search failed - retrievers '[knn]' returned errors. "
        "All failures are attached as suppressed exceptions."
    )
    assert "only supported on [dense_vector]" in refused.value.message


@pytest.mark.parametrize("options", [{}, {"collapse": {"field": "brand"}}])
def test_a_missing_index_is_a_404(searcher: Searcher, options: dict[str, Any]) -> None:
    with pytest.raises(RequestRefused) as refused:
        searcher.execute(replace(_plan(searcher, **options), index="test-no-such-index"))
    assert (refused.value.status, refused.value.type) == (404, "index_not_found_exception")
