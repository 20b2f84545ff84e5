"""`typed_keys`."""

from __future__ import annotations

from es_hybrid.node import EmbeddedNode
from tests.serve.live import AGGS, RRF, search


def test_typed_keys_are_elasticsearchs_own(served: str, node: EmbeddedNode, products: str) -> None:
    suggest = {"words": {"text": "rad", "term": {"field": "title"}}}
    plain = {"query": {"match_all": {}}, "aggs": AGGS, "suggest": suggest}
    native = search(node.url, products, plain, "?typed_keys=true").json()
    ours = search(
        served, products, {"retriever": RRF, "aggs": AGGS, "suggest": suggest}, "?typed_keys=true"
    ).json()
    assert set(native["aggregations"]) == {"sterms#brand", "filters#cheap"}
    assert ours["aggregations"] == native["aggregations"]
    assert ours["suggest"] == native["suggest"]
