"""A caller's own body with `ext.es_hybrid`: query, facets and pages keep their meaning."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import EmbeddingError, RequestRefused
from es_hybrid.index.passport import Passport
from es_hybrid.merchandising.rules.stored import RULES_INDEX
from es_hybrid.retrieval.needs import ScoreDocuments
from es_hybrid.retrieval.response import Retrieved, StageRank
from tests.retrieval.live import MAPPING, Row, Searcher, vector_of

MATCH: dict[str, Any] = {"match": {"title": "red kettle"}}
BRANDS = {"brands": {"terms": {"field": "brand"}}}
EXT: dict[str, Any] = {"es_hybrid": {"text": "red kettle"}}
IN_STOCK: dict[str, Any] = {"range": {"stock": {"gte": 1}}}
NOT_A: dict[str, Any] = {"term": {"brand": "a"}}
FILTERED: dict[str, Any] = {"bool": {"must": MATCH, "filter": IN_STOCK, "must_not": [NOT_A]}}
BOOSTED: dict[str, Any] = {
    "function_score": {
        "query": FILTERED,
        "functions": [{"filter": {"range": {"price": {"lte": 50}}}, "weight": 3}],
        "score_mode": "sum",
    }
}


def _ids(retrieved: Retrieved) -> list[str]:
    return [hit["_id"] for hit in retrieved.hits]


def _near(products: dict[str, Row], k: int, text: str = "red kettle") -> set[str]:
    ids = list(products)
    vectors = np.array([products[id_]["embedding"] for id_ in ids])
    cosines = vectors @ vector_of(text) / np.linalg.norm(vectors, axis=1)
    return {ids[place] for place in np.argsort(-cosines)[:k]}


def _matching(products: dict[str, Row]) -> set[str]:
    return {id_ for id_, row in products.items() if {"red", "kettle"} & set(row["title"].split())}


@pytest.mark.parametrize("query", [FILTERED, BOOSTED])
def test_the_vector_leaf_obeys_the_query_s_own_filters(
    searcher: Searcher, products: dict[str, Row], query: dict[str, Any]
) -> None:
    found = searcher.answer({"query": query, "aggs": BRANDS, "size": 50, "ext": EXT})
    allowed = {id_: r for id_, r in products.items() if r["stock"] >= 1 and r["brand"] != "a"}
    union = _matching(allowed) | _near(allowed, 100)
    assert set(_ids(found)) <= union
    assert found.total == len(union)
    counted = Counter(products[id_]["brand"] for id_ in union)
    buckets = found.answer["aggregations"]["brands"]["buckets"]
    assert {bucket["key"]: bucket["doc_count"] for bucket in buckets} == counted


def test_the_query_is_the_lexical_leaf_verbatim(searcher: Searcher) -> None:
    found = searcher.answer({"query": BOOSTED, "size": 50, "ext": EXT})
    native = searcher.es.search(index=searcher.index, query=BOOSTED, size=100)["hits"]["hits"]
    scores = {hit["_id"]: StageRank(rank, hit["_score"]) for rank, hit in enumerate(native, 1)}
    legs = {hit["_id"]: found.stages_of(hit) for hit in found.hits}
    assert any("bm25" in stages for stages in legs.values())
    for id_, stages in legs.items():
        if "bm25" in stages:
            assert stages["bm25"] == scores[id_]


def test_the_vector_leaf_s_filter_can_be_one_s_own(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    ext = {"es_hybrid": {"text": "red kettle", "filter": {"term": {"brand": "b"}}}}
    found = searcher.answer({"query": FILTERED, "size": 100, "ext": ext})
    near = [hit["_id"] for hit in found.hits if "knn" in found.stages_of(hit)]
    assert {products[id_]["brand"] for id_ in near} == {"b"}
    unfiltered = searcher.answer(
        {"query": FILTERED, "size": 100, "ext": {"es_hybrid": {"text": "x", "filter": []}}}
    )
    near = [hit["_id"] for hit in unfiltered.hits if "knn" in unfiltered.stages_of(hit)]
    assert "a" in {products[id_]["brand"] for id_ in near}


def test_the_answer_reports_the_filters_of_the_vector_leaf(searcher: Searcher) -> None:
    query = {"bool": {"must": [MATCH, {"term": {"brand": "b"}}], "filter": IN_STOCK}}
    found = searcher.answer({"query": query, "ext": EXT})
    assert found.filters == (IN_STOCK, {"term": {"brand": "b"}})
    runtime = {"title": {"type": "keyword"}}
    whole = {"match": {"title": "lamp"}}
    body = {"query": {"bool": {"must": whole}}, "runtime_mappings": runtime, "ext": EXT}
    assert searcher.answer(body).filters == (whole,)


def test_searched_texts_are_no_filters(searcher: Searcher, products: dict[str, Row]) -> None:
    """Some shops also put the words into `filter`, to bound what they score."""
    bounded = {"bool": {"must": MATCH, "filter": [MATCH, IN_STOCK]}}
    ext = {"es_hybrid": {"text": "red kettle", "searched": ["red kettle"]}}
    found = searcher.answer({"query": bounded, "size": 100, "ext": ext})
    assert found.filters == (IN_STOCK,)
    assert not set(_ids(found)) <= _matching(products)
    declared = searcher.answer({"query": bounded, "size": 100, "ext": EXT})
    assert declared.filters == (MATCH, IN_STOCK)
    assert set(_ids(declared)) <= _matching(products)


def test_the_text_is_cleaned_and_that_of_a_plain_body_is_not(searcher: Searcher) -> None:
    """A plain body gets what Elasticsearch would give it."""
    typed = "\u200bｒｅｄ  kettle’s"
    searcher.answer({"query": MATCH, "ext": {"es_hybrid": {"text": typed}}})
    builder = {"text_embedding": {"model_id": "any", "model_text": typed}}
    knn = {"field": "embedding", "query_vector_builder": builder, "k": 3, "num_candidates": 10}
    searcher.answer({"retriever": {"knn": knn}})
    assert [need.text for need in searcher.embedded] == ["red kettle's", typed]


def test_ext_is_not_sent_to_elasticsearch(searcher: Searcher) -> None:
    searcher.answer({"query": MATCH, "ext": EXT})
    assert "es_hybrid" not in str([call.body for call in searcher.calls])


def test_options_reach_the_leaves(searcher: Searcher) -> None:
    ext = {
        "es_hybrid": {
            "text": "red kettle", "vector_field": "embedding", "window": 40,
            "num_candidates": 77, "rank_constant": 20, "weights": {"vector": 0},
        }
    }  # fmt: skip
    found = searcher.answer({"query": MATCH, "ext": ext})
    sent = searcher.sent("_msearch").body
    assert isinstance(sent, list)
    assert (sent[1]["size"], sent[3]["knn"]["k"], sent[3]["knn"]["num_candidates"]) == (40, 40, 77)
    assert found.hits[0]["_score"] == pytest.approx(1 / 21, rel=1e-6)


def test_post_filter_fills_the_page_and_leaves_the_facets(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    body = {"query": MATCH, "aggs": BRANDS, "size": 50, "ext": EXT}
    whole = searcher.answer(body)
    found = searcher.answer({**body, "post_filter": {"term": {"brand": "b"}}})
    assert found.answer["aggregations"] == whole.answer["aggregations"]
    union = _matching(products) | _near(products, 100)
    of_brand = {id_ for id_ in union if products[id_]["brand"] == "b"}
    assert found.total == len(of_brand)
    assert set(_ids(found)) <= of_brand
    assert len(found.hits) == min(50, len(of_brand))


def test_a_sorted_body_orders_the_candidates(searcher: Searcher, products: dict[str, Row]) -> None:
    ext = {"es_hybrid": {"text": "red kettle", "window": 20}}
    pages = [
        searcher.answer({"query": MATCH, "sort": "price", "size": 5, "from": at, "ext": ext})
        for at in (0, 5, 10)
    ]
    prices = [products[id_]["price"] for page in pages for id_ in _ids(page)]
    assert prices == sorted(prices)
    assert {page.total for page in pages} == {20}
    relevance = searcher.answer({"query": MATCH, "sort": ["_score", "price"], "ext": ext})
    assert relevance.total == searcher.answer({"query": MATCH, "ext": ext}).total
    assert relevance.hits[0]["_score"] is not None


@pytest.mark.parametrize("page", [{}, {"collapse": {"field": "brand"}}])
def test_a_sort_by_relevance_shows_its_other_keys(
    searcher: Searcher, products: dict[str, Row], page: dict[str, Any]
) -> None:
    """As Elasticsearch does: values in `sort`, and no `max_score`."""
    sort: list[Any] = [{"_score": {"order": "desc"}}, {"price": "desc"}, "stock"]
    body = {"query": MATCH, "size": 20, **page}
    found = searcher.answer({**body, "sort": sort, "ext": EXT})
    native = searcher.es.search(index=searcher.index, **body, sort=sort).body
    assert found.answer["hits"]["max_score"] is native["hits"]["max_score"] is None
    assert found.hits[0].keys() == native["hits"]["hits"][0].keys()
    # They order equal scores of the lexical leaf, too.
    order = searcher.es.search(index=searcher.index, query=MATCH, sort=sort, size=100)
    places = {hit["_id"]: place for place, hit in enumerate(order["hits"]["hits"], 1)}
    for hit in found.hits:
        if "bm25" in (stages := found.stages_of(hit)):
            assert stages["bm25"].rank == places[hit["_id"]]
    for hit in found.hits:
        row = products[hit["_id"]]
        assert hit["sort"] == [hit["_score"], row["price"], row["stock"]]


def test_groups_highlights_and_other_aggregations_keep_their_meaning(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    body = {
        "query": MATCH, "collapse": {"field": "brand"}, "highlight": {"fields": {"title": {}}},
        "aggs": {"mean": {"avg": {"field": "price"}}},
        "ext": {"es_hybrid": {**EXT["es_hybrid"], "num_candidates": 100}},
    }  # fmt: skip
    found = searcher.answer(body)
    brands = [products[id_]["brand"] for id_ in _ids(found)]
    assert sorted(brands) == ["a", "b", "c", "d", "e"]
    union = _matching(products) | _near(products, 100)
    mean = np.mean([products[id_]["price"] for id_ in union])
    assert found.answer["aggregations"]["mean"]["value"] == pytest.approx(mean)
    assert any("<em>" in str(hit.get("highlight")) for hit in found.hits)


def test_rescoring_and_min_score_belong_to_the_lexical_leaf(searcher: Searcher) -> None:
    rescore = {"window_size": 30, "query": {"rescore_query": {"match": {"title": "lamp"}}}}
    native = searcher.es.search(index=searcher.index, query=MATCH, rescore=rescore, size=100)
    found = searcher.answer({"query": MATCH, "rescore": rescore, "size": 50, "ext": EXT})
    scores = {hit["_id"]: hit["_score"] for hit in native["hits"]["hits"]}
    ranked = [found.stages_of(hit) for hit in found.hits]
    for hit, stages in zip(found.hits, ranked, strict=True):
        if "bm25" in stages:
            assert stages["bm25"].score == pytest.approx(scores[hit["_id"]])
    bounded = searcher.answer({"query": MATCH, "min_score": 1.5, "size": 50, "ext": EXT})
    for hit in bounded.hits:
        if "bm25" in (stages := bounded.stages_of(hit)):
            assert stages["bm25"].score >= 1.5


def test_a_dead_embedder_leaves_the_body_s_own_query(searcher: Searcher) -> None:
    def dead(text: str) -> list[float]:
        raise EmbeddingError("cannot be reached")

    searcher.embed = dead
    found = searcher.answer({"query": BOOSTED, "aggs": BRANDS, "ext": EXT})
    native = searcher.es.search(index=searcher.index, query=BOOSTED, aggs=BRANDS)
    assert found.degraded == ("embedding: cannot be reached",)
    assert _ids(found) == [hit["_id"] for hit in native["hits"]["hits"]]
    assert found.total == native["hits"]["total"]["value"]
    assert found.answer["aggregations"] == native["aggregations"]


def _passport() -> Passport:
    return Passport(
        vector_field="embedding", model="m", revision="", dims=8, similarity="cosine",
        query_instruction="", text_template=("title", "brand"), text_max_chars=100,
    )  # fmt: skip


def test_the_passport_names_the_field_and_what_the_reranker_reads(
    searcher: Searcher, es: Elasticsearch, index_name: str
) -> None:
    mapping = {**MAPPING, "_meta": _passport().to_meta()}
    mapping["properties"] = {**MAPPING["properties"], "other": MAPPING["properties"]["embedding"]}
    es.indices.create(index=index_name, mappings=mapping)
    row = {"title": "red kettle", "brand": "Acme", "embedding": vector_of("p")}
    es.index(index=index_name, id="1", document=row, refresh=True)
    read: list[str] = []

    def score(need: ScoreDocuments) -> list[float]:
        read.extend(need.documents)
        return [0.5] * len(need.documents)

    searcher.score = score
    found = searcher.answer({"query": MATCH, "ext": EXT}, index=index_name)
    assert found.reranked == 1
    assert read == ["red kettle. Acme"]
    read.clear()
    # The page shows less than the reranker reads.
    for source in (False, ["brand"], {"includes": ["brand"]}):
        narrow = searcher.answer({"query": MATCH, "_source": source, "ext": EXT}, index=index_name)
        assert read == ["red kettle. Acme"]
        assert narrow.hits[0].get("_source", {}).keys() <= {"brand"}
        read.clear()
    off = {"es_hybrid": {"text": "red kettle", "rerank": False}}
    assert searcher.answer({"query": MATCH, "ext": off}, index=index_name).reranked == 0
    field = {"es_hybrid": {"text": "red kettle", "rerank": {"field": "title"}}}
    shown = searcher.answer({"query": MATCH, "_source": False, "ext": field}, index=index_name)
    assert read == ["red kettle"]
    assert "_source" not in shown.hits[0]
    assert "fields" not in shown.hits[0]


def test_without_a_text_that_it_could_read_the_reranker_is_left_out_with_a_note(
    searcher: Searcher, es: Elasticsearch, index_name: str
) -> None:
    es.indices.create(index=index_name, mappings=MAPPING)
    row = {"title": "red kettle", "embedding": vector_of("p")}
    es.index(index=index_name, id="1", document=row, refresh=True)
    searcher.score = lambda need: [0.5] * len(need.documents)
    found = searcher.answer({"query": MATCH, "ext": EXT}, index=index_name)
    assert (len(found.hits), found.reranked, found.degraded) == (1, 0, ())
    (note,) = found.notes
    assert note.startswith("rerank: the index has no passport")
    field = {"es_hybrid": {**EXT["es_hybrid"], "rerank": {"field": "title"}}}
    found = searcher.answer({"query": MATCH, "ext": field}, index=index_name)
    assert (found.reranked, found.notes) == (1, ())
    sorted_page = {"query": MATCH, "ext": EXT, "sort": ["price"]}
    assert searcher.answer(sorted_page, index=index_name).notes == ()
    asked = {"es_hybrid": {**EXT["es_hybrid"], "rerank": True}}
    with pytest.raises(RequestRefused, match="needs a \\[field\\]"):
        searcher.answer({"query": MATCH, "ext": asked}, index=index_name)


@pytest.mark.parametrize(
    "body",
    [
        {"query": MATCH, "ext": EXT},
        {
            "retriever": {
                "rrf": {
                    "retrievers": [
                        {"standard": {"query": MATCH}},
                        {
                            "knn": {
                                "field": "embedding",
                                "k": 1,
                                "num_candidates": 1,
                                "query_vector_builder": {"text_embedding": {"model_text": "x"}},
                            }
                        },
                    ]
                }
            }
        },
    ],
)
def test_vectors_of_other_dimensions_are_refused_with_both_numbers(
    searcher: Searcher, es: Elasticsearch, index_name: str, body: dict[str, Any]
) -> None:
    field = {"type": "dense_vector", "dims": 3}
    properties = {**MAPPING["properties"], "embedding": field}
    es.indices.create(index=index_name, mappings={"properties": properties})
    with pytest.raises(RequestRefused) as refused:
        searcher.answer(body, index=index_name)
    reason = refused.value.message
    assert reason.startswith("[embedding] holds vectors of 3 dimensions, but the embedder's have 8")
    assert "section embedding" in reason


@pytest.mark.parametrize(
    ("ext", "body", "reason"),
    [
        ({}, {}, "Required [text]"),
        ({"text": " "}, {}, "[es_hybrid] [text] cannot be empty"),
        ({"text": "\u200b"}, {}, "[es_hybrid] [text] cannot be empty"),
        ({"text": 3}, {}, "[es_hybrid] text doesn't support values of type: VALUE_NUMBER"),
        ({"text": "x", "texxt": "y"}, {}, "[es_hybrid] unknown field [texxt] did you mean [text]?"),
        ("x", {}, "[ext] es_hybrid doesn't support values of type: VALUE_STRING"),
        ({"text": "x", "window": 0}, {}, "[es_hybrid] [window] must be in [1, 10000], found [0]"),
        ({"text": "x", "weights": {"vector": -1}}, {}, "[weight] must be non-negative"),
        ({"text": "x", "cutoff": 2}, {}, "[es_hybrid] [cutoff] must be in [0, 1], found [2.0]"),
        ({"text": "x", "vector_field": "brand"}, {}, "[brand] is not a dense_vector field"),
        ({"text": "x", "rerank": True}, {}, "[es_hybrid] [rerank] needs a [field]"),
        ({"text": "x", "rerank": {"field": "title"}}, {}, "no reranker is configured"),
        ({"text": "x"}, {"knn": {}}, "cannot specify [ext.es_hybrid] and [knn]"),
        ({"text": "x"}, {"search_after": [1]}, "cannot specify [ext.es_hybrid] and [search_after]"),
        (
            {"text": "x"},
            {"from": 9995, "size": 10},
            "Result window is too large, from + size must be less than or equal to: [10000] but "
            "was [10005]",
        ),
        (
            {"text": "x", "cutoff": 0.5},
            {"from": 10_000, "sort": "price"},
            "less than or equal to: [10000] but was [10010]",
        ),
        ({"text": "x"}, {"zzz": 1}, "Unknown key for a VALUE_NUMBER in [zzz]."),
    ],
)
def test_what_is_wrong_is_named(
    searcher: Searcher, ext: Any, body: dict[str, Any], reason: str
) -> None:
    with pytest.raises(RequestRefused) as refused:
        searcher.answer({"query": MATCH, **body, "ext": {"es_hybrid": ext}})
    assert refused.value.status == 400
    assert reason in refused.value.message


def test_an_index_without_vectors_says_so(
    searcher: Searcher, es: Elasticsearch, index_name: str
) -> None:
    es.indices.create(index=index_name, mappings={"properties": {"title": {"type": "text"}}})
    with pytest.raises(RequestRefused, match="there is no dense_vector field"):
        searcher.answer({"query": MATCH, "ext": EXT}, index=index_name)
    with pytest.raises(RequestRefused) as refused:
        searcher.answer({"query": MATCH, "ext": EXT}, index="test-no-such-index")
    assert refused.value.status == 404


SIGNALS = [
    {"field": "price", "modifier": "log1p", "weight": -0.1},
    {"filter": {"stock": {"gte": 1}}, "weight": 0.25},
]


def test_signals_move_the_hits_and_leave_no_trace(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    body = {"query": {**MATCH}, "aggs": BRANDS, "size": 50, "post_filter": NOT_A}
    plain, found = (
        searcher.answer({**body, "ext": {"es_hybrid": {"text": "red kettle", **given}}})
        for given in ({}, {"signals": SIGNALS})
    )
    paths = [call.path for call in searcher.calls if not call.path.startswith(f"/{RULES_INDEX}/")]
    assert [path.rpartition("/")[2] for path in paths] == ["_mapping", "_msearch", "_search"]
    assert _ids(found) != _ids(plain)
    assert found.answer["aggregations"] == plain.answer["aggregations"]
    assert found.total == plain.total
    assert found.hits[0].keys() == plain.hits[0].keys()
    fused = {hit["_id"]: found.stages_of(hit)["rrf"].score for hit in found.hits}
    best = found.read_whole_stages()["rrf"]
    top = max(place.score for place in best.values())
    for hit in found.hits:
        row = products[hit["_id"]]
        by = -0.1 * math.log10(1 + row["price"]) + 0.25 * (row["stock"] >= 1)
        assert hit["_score"] >= fused[hit["_id"]] / top + by - 1e-6
    assert found.answer["hits"]["max_score"] == found.hits[0]["_score"]


def test_a_page_that_shows_a_signal_s_field_is_read_apart(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    ext = {"es_hybrid": {"text": "red kettle", "signals": SIGNALS}}
    body = {"query": MATCH, "size": 5, "ext": ext, "_source": False}
    found = searcher.answer({**body, "fields": ["price"]})
    assert _ids(found) == _ids(searcher.answer(body))
    for hit in found.hits:
        assert hit["fields"] == {"price": [products[hit["_id"]]["price"]]}


@pytest.mark.parametrize(
    ("signals", "problem"),
    [
        ([{"field": "price", "seed": 1}], r"\[es_hybrid\] signals\[0\]: set one of field"),
        ("price", r"\[es_hybrid\] signals doesn't support values of type: VALUE_STRING"),
        ([{"seed": 1}] * 21, r"\[signals\] must have at most \[20\] entries"),
        ([{"field": "brand"}], r"signal brand: \[brand\] is of type keyword, not a number"),
    ],
)
def test_signals_that_make_no_sense_are_refused(
    searcher: Searcher, signals: Any, problem: str
) -> None:
    with pytest.raises(RequestRefused, match=problem):
        searcher.answer(
            {"query": MATCH, "ext": {"es_hybrid": {"text": "red kettle", "signals": signals}}}
        )
