"""Every benchmark runs: `python -m benchmarks.X --smoke`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode

ROOT = Path(__file__).parents[2]
WITH_ELASTICSEARCH = (
    "encoders", "events", "forgiving", "forgiving_numbers", "forgiving_values", "ingest", "quality",
    "query_vectors", "rules", "scale", "search", "search_scale", "serve", "serve_memory", "siege",
    "similar", "small_reranker", "spread", "suggest", "synonyms", "throughput", "tune", "variants",
    "vector_size", "zero_results",
)  # fmt: skip
WITHOUT = (
    "align", "embedded_encoder", "evaluate", "facet_values", "forgiving_phrases", "rerank",
    "rerank_bundled", "rerank_gpu", "startup",
)  # fmt: skip
INDICES = "bench-*,training-*"
RIVALS = {
    "ingest": ("langchain", "haystack"),
    "rerank": ("sentence-transformers",),
    "rerank_bundled": ("sentence-transformers",),
    "rerank_gpu": ("transformers", "vllm"),
}


def _run(name: str, *arguments: str, data: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(data)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def url(node: EmbeddedNode, es: Elasticsearch) -> Iterator[str]:
    yield node.url
    for index in es.indices.get(index=INDICES):
        es.indices.delete(index=index)


@pytest.mark.parametrize("name", WITH_ELASTICSEARCH)
def test_a_benchmark_with_elasticsearch_runs(name: str, url: str, tmp_path: Path) -> None:
    assert _measured(name, _run(name, "--smoke", "--url", url, data=tmp_path))


@pytest.mark.parametrize("name", WITHOUT)
def test_a_benchmark_without_elasticsearch_runs(name: str, tmp_path: Path) -> None:
    assert _measured(name, _run(name, "--smoke", data=tmp_path))


def _measured(name: str, output: str) -> list[str]:
    """The benchmark's ratios, each marked as one of a smoke run; every rival is mentioned."""
    ratios = [line for line in output.splitlines() if "RATIO" in line]
    assert all(line.startswith("SMOKE RATIO ") for line in ratios)
    for rival in RIVALS.get(name, ()):
        assert rival in output
    return ratios


def test_every_benchmark_is_smoke_tested() -> None:
    commands = {
        path.stem
        for path in (ROOT / "benchmarks").glob("*.py")
        if "parse_arguments(" in path.read_text("utf-8")
    }
    assert commands - {"command"} == {*WITH_ELASTICSEARCH, *WITHOUT}
