"""`es-hybrid index describe`."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_an_index_is_created_once_and_described(node: EmbeddedNode, index_name: str) -> None:
    target = ("--url", node.url, "--index", index_name)
    created = run("index", "create", *target)
    assert created.exit_code == 0, created.output
    first = f"{index_name}-v0001"
    assert f"created {first}: 512 dims of universal-sentence-encoder-multilingual" in created.stdout
    again = run("index", "create", "--url", node.url, "--index", first)
    assert again.exit_code == 2
    assert again.stderr.startswith(f"error: index {first}: the index already exists; ")
    described = json.loads(run("index", "describe", *target, "--json").stdout)
    assert described["documents"] == 0
    assert described["passport"]["similarity"] == "cosine"
    assert described["vector_options"]["index_options"]["type"] == "int8_hnsw"
    lines = run("index", "describe", *target).stdout.splitlines()
    assert "documents    0, 0 with a vector" in lines
    assert "vector field embedding, 512 dims, cosine, int8_hnsw" in lines
