"""`es-hybrid eval check`."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode


def test_the_vector_search_of_an_index_is_checked(
    node: EmbeddedNode, catalogue: str, tmp_path: Path
) -> None:
    queries = tmp_path / "queries.tsv"
    queries.write_text("1\twireless mouse\n2\tWasserkocher 1,7 l\n3\tT-shirt homme\n", "utf-8")
    target = ["--url", node.url, "--index", catalogue, "--queries", str(queries)]
    arguments = ["eval", "check", *target]
    done = CliRunner().invoke(main, [*arguments, "--num-candidates", "100", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["index_type"] == "int8_hnsw"
    assert found["products"] == 377
    assert found["present"] == 1000
    assert found["recommended"] in (100, 1000)
    names = [each["filter_name"] for each in found["results"]]
    assert len({*names}) == 5
    assert all(each["recall_top"] > 0.9 for each in found["results"])
    shown = CliRunner().invoke(main, [*arguments, "--num-candidates", "1000"])
    assert shown.stdout.startswith("int8_hnsw, 377 vectors, 3 queries, k = 100")
    assert "the present 1,000 are enough" in shown.stdout
