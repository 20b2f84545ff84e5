"""The format of an answer."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from es_hybrid.node import EmbeddedNode
from es_hybrid.serve.search_api.presentation import filtered
from tests.serve.live import AGGS, LINES, RRF, msearch_lines, search
from tests.serve.running import ask


@pytest.mark.parametrize(
    "path",
    [
        "took,hits.hits._id",
        "hits.total",
        "**._source.title",
        "hits.hits._source.t*",
        "-hits.hits._source,-took",
        "aggregations.*.buckets.key",
        "aggregations,-**.doc_count",
        "hits.hits.*,-hits.hits._source.embedding",
        "nothing",
        "_shards.*",
        "hits.**.brand",
    ],
)
def test_filter_path_means_what_it_means_to_elasticsearch(
    node: EmbeddedNode, products: str, path: str
) -> None:
    """Compares the node's filtered answer with its whole answer, filtered here."""
    body = {"query": {"match": {"title": "red"}}, "aggs": AGGS}
    native = search(node.url, products, body, f"?filter_path={quote(path)}").json()
    ours = filtered(search(node.url, products, body).json(), path.split(","))
    for answer in (native, ours):
        answer.pop("took", None)  # two searches, two values
    assert ours == native


def test_filter_path_of_an_answer_of_ours(served: str, products: str) -> None:
    query = "?filter_path=hits.hits._id&pretty"
    got = search(served, products, {"retriever": RRF, "size": 1}, query)
    assert got.json().keys() == {"hits"}
    assert got.json()["hits"]["hits"][0].keys() == {"_id"}
    assert got.body.startswith(b'{\n  "hits"')


def test_totals_as_numbers(served: str, products: str) -> None:
    query = "?rest_total_hits_as_int=true"
    assert search(served, products, {"retriever": RRF}, query).json()["hits"]["total"] == 3
    lines = msearch_lines(
        {"index": products}, {"retriever": RRF}, {"index": products}, {"query": {"match_all": {}}}
    )
    answers = ask(served, f"/_msearch{query}", method="POST", body=lines, headers=LINES).json()
    assert [answer["hits"]["total"] for answer in answers["responses"]] == [3, 3]
