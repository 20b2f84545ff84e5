"""The format of an answer."""

from __future__ import annotations

from tests.serve.live import LINES, RRF, msearch_lines, search
from tests.serve.running import ask


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
