"""Schemathesis on the OpenAPI document: no answer is a 5xx, and every answer is as documented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from elasticsearch import Elasticsearch
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from es_hybrid.node import EmbeddedNode
from tests.fakes.models import FakeEmbedder, FakeReranker
from tests.serve.live import make_index
from tests.serve.running import serving

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def api(node: EmbeddedNode, es: Elasticsearch) -> Iterator[Any]:
    """The document of a server whose configured index exists, so that searches find hits."""
    index = "test-serve-openapi"
    es.indices.delete(index=index, ignore_unavailable=True)
    make_index(es, index, FakeEmbedder.identity)
    with serving(
        node.url, embedder=FakeEmbedder(), reranker=FakeReranker(), index={"name": index}
    ) as url:
        yield schemathesis.openapi.from_url(f"{url}/v1/openapi.json")
    es.indices.delete(index=index)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/search", "POST"),
        ("/similar", "POST"),
        ("/v1/rerank", "POST"),
        ("/healthz", "GET"),
        ("/readyz", "GET"),
        ("/metrics", "GET"),
    ],
)
def test_no_request_breaks_an_endpoint(api: Any, path: str, method: str) -> None:
    operation = api[path][method]
    answered: set[int] = set()

    @settings(
        max_examples=100 if method == "POST" else 10,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def holds(case: Any) -> None:
        if isinstance(case.body, dict):  # a short one leads to 504 by design
            case.body.pop("timeout_ms", None)
            if case.body.get("ids"):  # random ones are of no product
                case.body["ids"] = ["1", "2"]
        answered.add(case.call_and_validate(checks=CHECKS).status_code)

    holds()
    assert 200 in answered, "every request was refused, so little is proved"
