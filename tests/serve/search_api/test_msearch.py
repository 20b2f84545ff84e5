"""Multi-searches."""

from __future__ import annotations

import orjson

from es_hybrid.serve.json_text import MAX_CONTAINERS
from es_hybrid.serve.search_api.msearch import parse_msearch, parse_search
from tests.serve.live import LINES, RRF, ids, msearch_lines
from tests.serve.running import ask


def test_the_answers_keep_the_order_of_the_searches(served: str, products: str) -> None:
    lines = msearch_lines(
        {}, {"query": {"match": {"title": "blue"}}},
        {"index": [products]}, {"retriever": RRF, "size": 1},
        {"index": "no-such-index"}, {"retriever": RRF},
        {"index": "no-such-index"}, {"query": {"match_all": {}}},
        {}, {"retriever": {"rrf": {"retrievers": 1}}},
        {"search_type": "dfs_query_then_fetch"}, {"query": {"match": {"title": "shoe"}}},
    )  # fmt: skip
    answer = ask(served, f"/{products}/_msearch", method="POST", body=lines, headers=LINES).json()
    outcomes = [
        ids(each) if "hits" in each else (each["status"], each["error"]["type"])
        for each in answer["responses"]
    ]
    missing = (404, "index_not_found_exception")
    assert outcomes[0] == ["3"]
    assert len(outcomes[1]) == 1
    assert outcomes[2:4] == [missing, missing]
    assert outcomes[4][0] == 400
    assert outcomes[5] == ["1"]


def test_invalid_lines_are_refused_by_elasticsearch(served: str, products: str) -> None:
    for lines in (
        b'{}\n{"retriever": \n',
        b'{"index":\n{"retriever": {}}\n',
        b'{"retriever": {}}\n',
    ):
        got = ask(served, "/_msearch", method="POST", body=lines, headers=LINES)
        assert got.status == 400
        assert got.json()["error"]["root_cause"]


def test_the_limit_of_one_search_is_not_that_of_all() -> None:
    """Thousands of searches with filters are ordinary; one with as many objects is not."""
    body = {
        "query": {"bool": {"must": {"match": {"title": "kettle"}}, "filter": [{"term": {"a": 1}}]}},
        "aggs": {"brand": {"terms": {"field": "brand"}}},
        "ext": {"es_hybrid": {"text": "kettle"}},
    }
    lines = b"".join(b"{}\n" + orjson.dumps(body) + b"\n" for _ in range(3000))
    assert len(parse_msearch(lines, "shop")) == 3000
    clauses = [{"term": {"a": number}} for number in range(MAX_CONTAINERS)]
    large = orjson.dumps(body | {"query": {"bool": {"should": clauses}}})
    assert parse_search(large, "shop") == []
    assert parse_msearch(b"{}\n" + large + b"\n", "shop") == []
    assert parse_msearch(b"{}\n{}\n" * (10 * MAX_CONTAINERS), "shop") == []
