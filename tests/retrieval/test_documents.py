"""Documents that are read after the ranking are those that the leaves would have returned."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import BadRequestError, Elasticsearch

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.needs import Call, Need, Reply
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


@pytest.fixture(params=["first search", "known to be one shard"])
def numbered(request: pytest.FixtureRequest, searcher: Searcher) -> bool:
    """Whether the leaves return sequence numbers: a first search does not know the shards."""
    if request.param == "first search":
        return False
    searcher.answer({"retriever": RRF})
    return True


def _leaf(searcher: Searcher) -> dict[str, Any]:
    """The body of the first leaf that was sent."""
    body: dict[str, Any] = searcher.sent("_msearch").body[1]  # type: ignore[index, assignment]
    return body


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
    numbered: bool,
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
        assert searcher.paths == ["POST _msearch", "POST _search"]
        least = {"stored_fields": "_none_"} if numbered else {"_source": False}
        assert least.items() <= _leaf(searcher).items()
    monkeypatch.setattr("es_hybrid.retrieval.execution.documents._WORTH", 1000)
    together = searcher.answer(body)
    assert searcher.paths == ["POST _msearch"]
    assert apart.hits
    assert _shown(apart) == _shown(together)
    assert apart.stages == together.stages


def test_a_reranked_page_behind_the_window_is_read_as_well(searcher: Searcher) -> None:
    found = searcher.answer({"retriever": RERANKED, "size": 5, "from": 5})
    assert searcher.paths == ["POST _msearch", "POST _search"]
    assert all(hit["_source"]["title"] for hit in found.hits)


@pytest.mark.parametrize("how", ["updated", "deleted"])
def test_a_document_that_changes_meanwhile_is_not_shown_otherwise_than_it_matched(
    searcher: Searcher, numbered: bool, how: str
) -> None:
    """It changes between the leaves and the documents, the worst moment."""
    es, index = searcher.es, searcher.index
    cheap = {"rrf": {**RRF["rrf"], "filter": {"range": {"price": {"gte": 1}}}}}
    body = {"retriever": cheap, "size": 12}
    if not numbered:
        searcher.abilities = Abilities()
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
    assert searcher.paths == ["POST _msearch", "POST _search", "POST _msearch"]
    assert first not in found
    assert len(found) == 12


class _Failing(Searcher):
    """A cluster that answers the request for the documents with a status."""

    status: int

    def _serve(self, need: Need) -> Any:
        if isinstance(need, Call) and need.path.endswith("_search"):
            self.calls.append(need)
            cause = {"type": "es_rejected_execution_exception", "reason": "busy"}
            return Reply(self.status, {"error": {"root_cause": [cause], **cause}})
        return super()._serve(need)


@pytest.fixture
def failing(searcher: Searcher) -> _Failing:
    return _Failing(searcher.es, searcher.index)


def test_a_busy_cluster_is_not_asked_for_the_documents_of_all_hits(failing: _Failing) -> None:
    failing.status = 429
    with pytest.raises(RequestRefused, match="busy") as refused:
        failing.answer({"retriever": RRF, "size": 5})
    assert refused.value.status == 429
    assert failing.paths == ["POST _msearch", "POST _search"]


def test_documents_that_cannot_be_read_apart_come_with_the_leaves(failing: _Failing) -> None:
    failing.status = 503
    found = failing.answer({"retriever": RRF, "size": 5})
    assert failing.paths == ["POST _msearch", "POST _search", "POST _msearch"]
    assert all(hit["_source"]["title"] for hit in found.hits)


def test_what_cannot_be_shown_is_refused_in_elasticsearchs_words(searcher: Searcher) -> None:
    wrong: dict[str, Any] = {"docvalue_fields": [{"field": "brand", "format": "0.00"}]}
    with pytest.raises(BadRequestError) as theirs:
        searcher.es.search(index=searcher.index, query={"match": {"title": "red"}}, **wrong)
    reason = theirs.value.body["error"]["root_cause"][0]["reason"]
    with pytest.raises(RequestRefused) as ours:
        searcher.answer({"retriever": RRF, "size": 5, **wrong})
    assert reason in str(ours.value.body())


@pytest.mark.parametrize("options", [{}, {"_source": ["brand"]}, {"from": 8}])
def test_an_id_comes_with_its_document(searcher: Searcher, options: dict[str, Any]) -> None:
    body = {"retriever": RRF, "size": 5, **options}
    expected = searcher.answer(body, stages_in_full=True)
    assert "stored_fields" not in _leaf(searcher)
    found = searcher.answer(body)
    assert _leaf(searcher)["stored_fields"] == "_none_"
    assert _shown(found) == _shown(expected)
    assert found.stages == expected.stages
    assert len(expected.read_whole_stages()["standard"]) > 5
    assert all(key.id.startswith("p") for key in expected.read_whole_stages()["standard"])


@pytest.mark.parametrize("moved", ["to more shards", "to another index"])
def test_a_number_means_nothing_in_another_index(
    es: Elasticsearch, searcher: Searcher, index_name: str, moved: str
) -> None:
    alias, other = f"{index_name}-alias", f"{index_name}-other"
    es.indices.put_alias(index=index_name, name=alias)
    body = {"retriever": RRF, "size": 5}
    for _ in range(2):
        searcher.answer(body, index=alias)
    assert _leaf(searcher)["stored_fields"] == "_none_"
    products = {id_.replace("p", "q"): row for id_, row in reversed(rows(120).items())}
    make_index(es, other, products, shards=3 if moved == "to more shards" else 1)
    swap = [
        {"remove": {"index": index_name, "alias": alias}},
        {"add": {"index": other, "alias": alias}},
    ]

    def swapped(call: Call) -> None:
        if len(searcher.calls) == (1 if moved == "to more shards" else 2):
            es.indices.update_aliases(actions=swap)
            searcher.before = lambda call: None

    searcher.before = swapped
    found = searcher.answer(body, index=alias)
    assert [hit["_id"][0] for hit in found.hits] == ["q"] * 5
    searcher.answer(body, index=alias)
    assert ("stored_fields" in _leaf(searcher)) is (moved == "to another index")


def test_an_index_that_finds_no_number_is_asked_for_ids(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one whose documents have none."""
    body = {"retriever": RRF, "size": 5}
    expected = searcher.answer(body)
    monkeypatch.setattr(
        "es_hybrid.retrieval.execution.documents._numbers_query",
        lambda keys: {"match_none": {}},
    )
    assert _shown(searcher.answer(body)) == _shown(expected)
    assert searcher.paths == ["POST _msearch", "POST _search", "POST _msearch"]
    assert _shown(searcher.answer(body)) == _shown(expected)
    assert searcher.paths == ["POST _msearch", "POST _search"]
    assert "stored_fields" not in _leaf(searcher)


def test_nested_documents_have_the_number_of_their_product_and_are_not_shown(
    es: Elasticsearch, index_name: str
) -> None:
    nested = {"type": "nested", "properties": {"size": {"type": "keyword"}}}
    make_index(es, index_name, {})
    es.indices.put_mapping(index=index_name, properties={"variants": nested})
    for id_, row in rows(60).items():
        es.index(index=index_name, id=id_, document={**row, "variants": [{"size": "S"}] * 3})
    es.indices.refresh(index=index_name)
    searcher = Searcher(es, index_name)
    expected, found = (searcher.answer({"retriever": RRF, "size": 5}) for _ in range(2))
    assert _leaf(searcher)["stored_fields"] == "_none_"
    assert searcher.paths == ["POST _msearch", "POST _search"]
    assert _shown(found) == _shown(expected)
