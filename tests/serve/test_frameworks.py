"""Search frameworks, unmodified, against the server in front of a real Elasticsearch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from elasticsearch import Elasticsearch, dsl
from numpy.typing import NDArray

from es_hybrid.node import EmbeddedNode
from tests.fakes.models import FakeEmbedder, FakeReranker
from tests.serve import frameworks
from tests.serve.running import serving

# `make test` installs it.
PYTHON = Path(sys.prefix, "clients/bin/python")
BY_WORDS = ["red linen shirt", "blue linen shirt with long sleeves"]
BY_VECTOR = ["espresso machine", "french press", *reversed(BY_WORDS)]


def _near_coffee(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.tile(np.array(frameworks.QUERY, np.float32), (len(texts), 1))


@pytest.fixture(scope="module")
def url(node: EmbeddedNode) -> Iterator[str]:
    """A server with a reranker, as by default."""
    with serving(node.url, embedder=FakeEmbedder(_near_coffee), reranker=FakeReranker()) as url:
        yield url


def _fused(*rankings: Sequence[str]) -> list[str]:
    """The texts by the sum of 1 / (60 + rank), rank from 1."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, text in enumerate(ranking, 1):
            scores[text] = scores.get(text, 0) + 1 / (60 + rank)
    return sorted(scores, key=scores.__getitem__, reverse=True)


def _found(framework: str, url: str, index: str) -> frameworks.Found:
    if not PYTHON.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("the frameworks are not installed")
        pytest.skip("the frameworks are not installed: make .venv/clients.installed")
    done = subprocess.run(
        [PYTHON, frameworks.__file__, framework, url, index],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: frameworks.Found = json.loads(done.stdout)
    return found


HYBRID = _fused(BY_WORDS, BY_VECTOR)


@pytest.mark.parametrize(
    ("framework", "expected"),
    [
        ("langchain", {"hybrid": HYBRID, "filtered": BY_VECTOR[:2], "bare_line": HYBRID}),
        ("llama_index", {"hybrid": HYBRID, "filtered": BY_VECTOR[:2]}),
        ("haystack", {"hybrid": HYBRID}),
    ],
)
def test_a_framework_begins_indexes_and_finds_by_both_legs(
    url: str, index_name: str, framework: str, expected: frameworks.Found
) -> None:
    assert _found(framework, url, index_name) == expected


def test_elasticsearch_dsl_with_one_line_more(es: Elasticsearch, url: str, index_name: str) -> None:
    """On an index without a passport, which the reranker of the server cannot read."""
    vector = {"type": "dense_vector", "dims": 3, "similarity": "cosine"}
    properties = {"text": {"type": "text"}, "kind": {"type": "keyword"}, "vector": vector}
    es.indices.create(index=index_name, mappings={"properties": properties})
    for text, numbers in frameworks.ROWS.items():
        kind = "shirt" if "shirt" in text else "coffee"
        es.index(index=index_name, document={"text": text, "kind": kind, "vector": numbers})
    es.indices.refresh(index=index_name)
    with Elasticsearch(url) as client:
        search = dsl.Search(using=client, index=index_name).query("match", text="linen")
        search.aggs.bucket("kinds", "terms", field="kind")
        plain = search.execute()
        line = {"es_hybrid": {"text": "linen", "vector_field": "vector"}}
        hybrid = search.extra(ext=line).execute()
    assert [hit.text for hit in plain] == BY_WORDS
    assert [hit.text for hit in hybrid] == HYBRID
    kinds = {bucket.key: bucket.doc_count for bucket in hybrid.aggregations.kinds.buckets}
    assert kinds == {"shirt": 2, "coffee": 2}
    (note,) = hybrid.to_dict()["ext"]["es_hybrid"]["notes"]
    assert note.startswith("rerank: the index has no passport")
