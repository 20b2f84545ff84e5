"""Documents that are read after the ranking are those that the leaves would have returned."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import BadRequestError, Elasticsearch

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.needs import Call
from es_hybrid.retrieval.response import Retrieved
from tests.retrieval.live import Searcher, make_index, rows, vector_of

RRF: dict[str, Any] = {
    "rrf": {
        "retrievers": [
            {"standard": {"query": {"match": {"title": "red kettle"}}}},
            {"knn": {"field": "embedding", "query_vector": vector_of("red kettle"),
                     "k": 30, "num_candidates": 200}},
        ],
        "rank_window_size": 30,
    }
}  # fmt: skip
RERANKED: dict[str, Any] = {
    "text_similarity_reranker": {
        "retriever": RRF, "field": "title", "inference_text": "red kettle", "rank_window_size": 12,
    }
}  # fmt: skip
NESTED: dict[str, Any] = {
    "linear": {
        "retrievers": [{"retriever": RRF, "weight": 2.0, "normalizer": "minmax"},
                       {"retriever": {"standard": {"query": {"match": {"title": "lamp"}}}}}],
        "rank_window_size": 30,
    }
}  # fmt: skip


@pytest.fixture
def searcher(es: Elasticsearch, index_name: str) -> Searcher:
    make_index(es, index_name, rows(120))
    return Searcher(es, index_name, score=lambda need: [len(each) for each in need.documents])


def _shown(retrieved: Retrieved) -> dict[str, Any]:
    return {name: part for name, part in retrieved.answer.items() if name != "took"}


@pytest.mark.parametrize("retriever", [RRF, RERANKED, NESTED])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"_source": ["title", "br*"], "version": True},
        {"_source": {"excludes": ["embedding"]}, "seq_no_primary_term": True},
        {"_source": False, "fields": ["brand", {"field": "price"}]},
        {"docvalue_fields": ["stock"], "from": 3},
        {"highlight": {"fields": {"title": {}}}},
        {"highlight": {"fields": {"title": {"number_of_fragments": 0}}, "encoder": "html",
                       "highlight_query": {"match": {"title": "lamp"}}}},
    ],
)  # fmt: skip
def test_they_are_those_of_the_leaves(
    searcher: Searcher,
    retriever: dict[str, Any],
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The union of three leaves is not counted in one round trip.
    body = {
        "retriever": retriever,
        "size": 5,
        "track_total_hits": retriever is not NESTED,
        **options,
    }
    apart = searcher.answer(body)
    if retriever is not NESTED or "highlight" not in options:
        assert searcher.paths == ["POST _msearch"] * 2
        assert searcher.calls[0].body[1]["_source"] is False  # type: ignore[index]
    monkeypatch.setattr("es_hybrid.retrieval.execution.documents._WORTH", 1000)
    together = searcher.answer(body)
    assert searcher.paths == ["POST _msearch"]
    assert apart.hits
    assert _shown(apart) == _shown(together)
    assert apart.stages == together.stages


def test_a_reranked_page_behind_the_window_is_read_as_well(searcher: Searcher) -> None:
    found = searcher.answer({"retriever": RERANKED, "size": 5, "from": 5})
    assert searcher.paths == ["POST _msearch"] * 2
    assert all(hit["_source"]["title"] for hit in found.hits)


@pytest.mark.parametrize("how", ["updated", "deleted"])
def test_a_document_that_changes_meanwhile_is_not_shown_otherwise_than_it_matched(
    searcher: Searcher, how: str
) -> None:
    """It changes between the leaves and the documents, the worst moment."""
    es, index = searcher.es, searcher.index
    cheap = {"rrf": {**RRF["rrf"], "filter": {"range": {"price": {"gte": 1}}}}}
    body = {"retriever": cheap, "size": 12}
    first = searcher.answer(body).hits[0]["_id"]

    def change(call: Call) -> None:
        if len(searcher.calls) != 2:
            return
        if how == "updated":
            es.update(index=index, id=first, doc={"price": 0.5}, refresh=True)
        else:
            es.delete(index=index, id=first, refresh=True)

    searcher.before = change
    found = [hit["_id"] for hit in searcher.answer(body).hits]
    assert searcher.paths == ["POST _msearch"] * 3
    assert first not in found
    assert len(found) == 12


def test_what_cannot_be_shown_is_refused_in_elasticsearchs_words(searcher: Searcher) -> None:
    wrong: dict[str, Any] = {"docvalue_fields": [{"field": "brand", "format": "0.00"}]}
    with pytest.raises(BadRequestError) as theirs:
        searcher.es.search(index=searcher.index, query={"match": {"title": "red"}}, **wrong)
    reason = theirs.value.body["error"]["root_cause"][0]["reason"]
    with pytest.raises(RequestRefused) as ours:
        searcher.answer({"retriever": RRF, "size": 5, **wrong})
    assert reason in str(ours.value.body())
