"""`diversify` and `random_reranker`, here and as the node runs them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from es_hybrid.errors import EmbeddingError, RequestRefused
from es_hybrid.retrieval.execution.random_rerank import next_float
from es_hybrid.retrieval.needs import ScoreDocuments
from tests.retrieval.live import Searcher, vector_of

RED = {"standard": {"query": {"match": {"title": "red kettle"}}}}
NEAR = {
    "knn": {
        "field": "embedding", "query_vector": vector_of("red"), "k": 20, "num_candidates": 400,
    }
}  # fmt: skip
TEXT = {"text_embedding": {"model_id": "any", "model_text": "blue"}}


def _diversify(child: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    mmr = {"type": "mmr", "field": "embedding", "lambda": 0.6, "size": 6, "rank_window_size": 30}
    return {"diversify": {"retriever": child, **mmr, **parameters}}


def _shown(hits: Sequence[Mapping[str, Any]]) -> list[tuple[str, float]]:
    return [(hit["_id"], hit["_score"]) for hit in hits]


def test_diversifying_here_gives_what_the_cluster_gives(searcher: Searcher) -> None:
    rng = random.Random(3)
    for trial in range(40):
        window = rng.randint(1, 40)
        retriever = _diversify(
            rng.choice([RED, NEAR]),
            **{"lambda": rng.choice([0, 0.3, 0.7, 1])},
            size=rng.randint(1, window),
            rank_window_size=window,
            **({"query_vector": vector_of(f"q{trial}")} if trial % 3 else {}),
            **({"filter": {"term": {"brand": "a"}}} if trial % 4 else {}),
        )
        body = {
            "retriever": retriever,
            "from": rng.choice([0, 0, 2]),
            "size": 10,
            "aggs": {"brands": {"terms": {"field": "brand"}}},
            "_source": False,
        }
        body["size"] = min(10, window)
        native = searcher.es.search(index=searcher.index, body=body)
        here = searcher.answer(body).answer
        assert _shown(here["hits"]["hits"]) == _shown(native["hits"]["hits"]), retriever
        assert here["hits"]["total"] == native["hits"]["total"]
        assert here["hits"]["max_score"] == native["hits"]["max_score"]
        assert here["aggregations"] == native["aggregations"]
        assert "fields" not in str(here["hits"]["hits"])


def test_what_the_cluster_runs_is_sent_as_written(searcher: Searcher) -> None:
    searcher.execution = "auto"
    body = {"retriever": _diversify(RED, query_vector_builder=TEXT), "_source": False}
    found = searcher.answer(body)
    assert searcher.paths == ["GET _mapping", "POST _search"]
    sent: Any = searcher.sent("_search").body
    assert sent["retriever"]["diversify"]["query_vector"] == vector_of("blue")
    searcher.execution = "client"
    assert _shown(searcher.answer(body).hits) == _shown(found.hits)


def test_a_fusion_that_runs_here_is_diversified_here(searcher: Searcher) -> None:
    fused = {"rrf": {"retrievers": [RED, NEAR], "rank_window_size": 30}}
    searcher.execution = "auto"
    plain = searcher.answer({"retriever": fused, "size": 30})
    order = [hit["_id"] for hit in plain.hits]
    body = {"retriever": _diversify(fused), "explain": True}
    found = searcher.answer(body)
    ids = [hit["_id"] for hit in found.hits]
    assert len(ids) == 6
    assert ids == [id_ for id_ in order if id_ in ids] != order[:6]
    assert found.answer["hits"]["total"] == plain.answer["hits"]["total"]
    assert "fields" not in found.hits[0]
    assert found.hits[0]["_explanation"]["details"]
    # Inside a fusion, collapsed and in four requests.
    inside = {"rrf": {"retrievers": [_diversify(RED), NEAR], "rank_window_size": 20}}
    collapsed = searcher.answer({"retriever": inside, "collapse": {"field": "brand"}, "size": 5})
    assert len({hit["fields"]["brand"][0] for hit in collapsed.hits}) == len(collapsed.hits) > 1


def test_a_vector_the_cluster_would_build_needs_the_cluster(searcher: Searcher) -> None:
    lookup = {"lookup": {"id": "p3", "index": searcher.index, "path": "embedding"}}
    body = {"retriever": _diversify(RED, query_vector_builder=lookup)}
    searcher.execution = "auto"
    assert len(searcher.answer(body).hits) == 6
    searcher.execution = "client"
    with pytest.raises(RequestRefused, match=r"\[lookup\] is not available over a retriever"):
        searcher.answer(body)


def test_without_a_vector_for_the_text_hits_keep_their_order(searcher: Searcher) -> None:
    def dead(text: str) -> list[float]:
        raise EmbeddingError("dead")

    searcher.embed = dead
    found = searcher.answer({"retriever": _diversify(RED, query_vector_builder=TEXT), "size": 10})
    plain = searcher.answer({"retriever": RED, "size": 10})
    assert _shown(found.hits) == _shown(plain.hits)
    assert found.degraded == ("embedding: dead",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 40},
        {"size": 0},
        {"lambda": 1.5},
        {"lambda": None},
        {"query_vector": "aabb"},
        {"type": "other"},
        {"type": None},
        {"zzz": 1},
        {"query_vector": [1.0], "query_vector_builder": TEXT},
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_as_the_node_refuses_it(
    searcher: Searcher, wrong: dict[str, Any]
) -> None:
    retriever = _diversify(RED, **wrong)
    retriever["diversify"] = {k: v for k, v in retriever["diversify"].items() if v is not None}
    if "query_vector_builder" in wrong:
        reason = "can have one of [query_vector] or [query_vector_builder], but not both"
    else:
        native = searcher.es.options(ignore_status=400).search(
            index=searcher.index, body={"retriever": retriever}
        )
        reason = native["error"].get("caused_by", native["error"])["reason"]
        reason = reason.partition("] ")[2] if reason.startswith("[1:") else reason
    with pytest.raises(RequestRefused) as refused:
        searcher.answer({"retriever": retriever})
    assert reason in refused.value.message
    assert refused.value.status == 400


def test_a_random_order_depends_on_seed_and_position(searcher: Searcher) -> None:
    everything: dict[str, Any] = {"standard": {"query": {"match_all": {}}}}

    def shuffled(**parameters: Any) -> list[tuple[str, float]]:
        body = {"retriever": {"random_reranker": {"retriever": everything, **parameters}}}
        return _shown(searcher.answer({**body, "_source": False}).hits)

    # Documents of one bulk request are in its order.
    first = shuffled(seed=7, rank_window_size=10)
    expected = sorted(((next_float(7 + n), f"p{n}") for n in range(10)), reverse=True)
    assert [id_ for id_, _ in first] == [id_ for _, id_ in expected]
    assert [score for _, score in first] == pytest.approx([score for score, _ in expected])
    assert shuffled(seed=7, rank_window_size=10) == first != shuffled(seed=8, rank_window_size=10)
    assert shuffled(rank_window_size=10) == shuffled(seed=0, rank_window_size=10)
    assert len(shuffled(rank_window_size=50)) == 10


def test_a_fusion_is_shuffled_and_the_cluster_asked_first(searcher: Searcher) -> None:
    searcher.execution = "auto"
    fused = {"rrf": {"retrievers": [RED, NEAR], "rank_window_size": 20}}
    body = {"retriever": {"random_reranker": {"retriever": fused, "rank_window_size": 20}}}
    found = searcher.answer({**body, "size": 20})
    assert searcher.abilities.refused == {"random_reranker", "rrf"}
    plain = searcher.answer({"retriever": fused, "size": 20})
    ids = [hit["_id"] for hit in found.hits]
    assert set(ids) == {hit["_id"] for hit in plain.hits}
    assert ids != [hit["_id"] for hit in plain.hits]


def test_the_best_chunk_of_a_text_decides(searcher: Searcher) -> None:
    """The stand-in for a reranker prefers short texts that begin with the query's word."""
    read: list[str] = []

    def score(need: ScoreDocuments) -> list[float]:
        read.extend(need.documents)
        return [text.count("kettle") / len(text.split()) for text in need.documents]

    searcher.score = score
    rerank = {
        "retriever": RED, "field": "title", "inference_text": "kettle", "rank_window_size": 20,
        "chunk_rescorer": {"size": 2, "chunking_settings": {
            "strategy": "word", "max_chunk_size": 10, "overlap": 0}},
    }  # fmt: skip
    plain = {name: value for name, value in rerank.items() if name != "chunk_rescorer"}
    # Titles have fewer than ten words: each is a chunk.
    hits = searcher.answer({"retriever": {"text_similarity_reranker": rerank}}).hits
    whole = searcher.answer({"retriever": {"text_similarity_reranker": plain}}).hits
    assert _shown(hits) == _shown(whole)
    read.clear()
    found = searcher.es.search(index=searcher.index, query={"match": {"title": "kettle"}}, size=1)
    id_, title = found["hits"]["hits"][0]["_id"], found["hits"]["hits"][0]["_source"]["title"]
    long = " ".join(["lamp"] * 30 + ["kettle kettle"] + ["chair"] * 30)
    searcher.es.update(index=searcher.index, id=id_, doc={"title": long}, refresh=True)
    try:
        one = {**rerank, "retriever": {"standard": {"query": {"ids": {"values": [id_]}}}}}
        (hit,) = searcher.answer({"retriever": {"text_similarity_reranker": one}}).hits
        assert read == ["kettle kettle " + "chair " * 8]
        assert hit["_id"] == id_
        recursive = {"chunking_settings": {"strategy": "recursive", "max_chunk_size": 50}}
        with pytest.raises(RequestRefused, match=r"\[sentence\], \[word\] and \[none\] only"):
            searcher.answer(
                {"retriever": {"text_similarity_reranker": {**one, "chunk_rescorer": recursive}}}
            )
    finally:
        searcher.es.update(index=searcher.index, id=id_, doc={"title": title}, refresh=True)
