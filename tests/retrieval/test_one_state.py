"""A page shows one state of the index, also during writes."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.needs import Call
from tests.retrieval.live import Row, Searcher, make_index, rows, vector_of

COUNT = 120
RETRIEVER: dict[str, Any] = {
    "rrf": {
        "retrievers": [
            {"standard": {"query": {"match": {"title": "red kettle"}}}},
            {"knn": {"field": "embedding", "query_vector": vector_of("red kettle"),
                     "k": 20, "num_candidates": 200}},
        ],
        "rank_window_size": 30,
    }
}  # fmt: skip
GENERATIONS = {"generations": {"cardinality": {"field": "generation"}}}


@pytest.fixture
def written(es: Elasticsearch, index_name: str) -> Searcher:
    make_index(es, index_name, _generation(0))
    return Searcher(es, index_name)


def _generation(number: int) -> dict[str, Row]:
    """A new version of the whole catalogue: other titles, brands and vectors."""
    return {id_: {**row, "generation": number} for id_, row in rows(COUNT, number).items()}


def _write(es: Elasticsearch, index: str, number: int) -> None:
    """One refresh makes all products of a generation visible at once."""
    bulk(es, ({"_index": index, "_id": i, **r} for i, r in _generation(number).items()))
    es.indices.refresh(index=index)


def test_what_is_written_between_two_requests_is_not_seen(written: Searcher) -> None:
    """The write happens between the leaves and the page, the worst moment."""
    number = iter(range(1, 100))
    turned: list[str] = []

    def write(call: Call) -> None:
        if call.method == "POST" and not call.path.endswith("_pit"):
            _write(written.es, written.index, next(number))
            turned.append(call.path)

    before = written.answer({"retriever": RETRIEVER, "aggs": GENERATIONS})
    written.before = write
    found = written.answer({"retriever": RETRIEVER, "aggs": GENERATIONS})
    assert turned == ["/_msearch", "/_search"]
    assert found.answer["hits"] == before.answer["hits"]
    assert found.answer["aggregations"] == before.answer["aggregations"]
    assert {hit["_source"]["generation"] for hit in found.hits} == {0}


def test_under_a_writer_no_page_of_a_point_in_time_mixes_two_generations(
    written: Searcher,
) -> None:
    stop = threading.Event()
    last = [0]

    def keep_writing() -> None:
        while not stop.is_set():
            last[0] += 1
            _write(written.es, written.index, last[0])

    writer = threading.Thread(target=keep_writing)
    writer.start()
    seen = set()
    try:
        for _ in range(25):
            found = written.answer({"retriever": RETRIEVER, "aggs": GENERATIONS})
            generations = {hit["_source"]["generation"] for hit in found.hits}
            assert len(generations) == 1
            assert found.answer["aggregations"]["generations"]["value"] == 1
            seen |= generations
    finally:
        stop.set()
        writer.join()
    assert len(seen) > 1, "nothing was written meanwhile"


def test_under_a_writer_every_hit_of_one_request_is_as_its_leaf_matched_it(
    written: Searcher,
) -> None:
    stop = threading.Event()
    last = [0]

    def keep_writing() -> None:
        while not stop.is_set():
            last[0] += 1
            _write(written.es, written.index, last[0])

    writer = threading.Thread(target=keep_writing)
    writer.start()
    filtered = {"rrf": {**RETRIEVER["rrf"], "filter": {"term": {"brand": "a"}}}}
    seen = set()
    try:
        for _ in range(25):
            found = written.answer({"retriever": filtered})
            assert written.paths == ["POST _msearch"]
            for hit in found.hits:
                row = hit["_source"]
                seen.add(row["generation"])
                assert row == {
                    name: value
                    for name, value in _generation(row["generation"])[hit["_id"]].items()
                    if name != "embedding"
                }
                assert row["brand"] == "a"
                if "knn" not in found.stages_of(hit):
                    assert {"red", "kettle"} & set(row["title"].split())
    finally:
        stop.set()
        writer.join()
    assert len(seen) > 1, "nothing was written meanwhile"


def test_a_point_in_time_is_closed_also_when_the_search_fails(written: Searcher) -> None:
    def open_contexts() -> int:
        nodes = written.es.nodes.stats(metric="indices", index_metric="search")["nodes"]
        return int(sum(node["indices"]["search"]["open_contexts"] for node in nodes.values()))

    contexts = open_contexts()
    written.answer({"retriever": RETRIEVER, "aggs": GENERATIONS})
    wrong: dict[str, Any] = {"rrf": {"retrievers": [{"standard": {"query": {"matchx": {}}}}]}}
    with pytest.raises(RequestRefused, match="unknown query"):
        written.answer({"retriever": wrong, "collapse": {"field": "brand"}})
    assert written.paths == ["POST _pit", "POST _msearch", "DELETE _pit"]
    assert open_contexts() == contexts
