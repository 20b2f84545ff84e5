"""The conformance table of docs/retrievers.md names existing tests and every parameter."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from es_hybrid.retrieval.retriever_dsl import body, extension
from es_hybrid.retrieval.retriever_dsl.retrievers import PARSERS

HERE = Path(__file__).parent
PAGE = (HERE / "../../docs/retrievers.md").resolve().read_text("utf-8")
TABLES = PAGE.partition("## Conformance")[2].partition("\n## ")[0]
LINES = [line for line in TABLES.splitlines() if line.startswith("| ")]
HEADERS = [
    "| parameter | native | here | tested by | differences |",
    "| the name stands for | native | here | tested by |",
]
ROWS = [line for line in LINES if line not in HEADERS and not line.startswith("| --- ")]


def _tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_names_tests_that_exist(row: str) -> None:
    parameter, native, here, tested, *differences = map(str.strip, row.split("|")[1:-1])
    assert all((parameter, native, here, *differences))
    named = re.findall(r"`([\w/.]+\.py)::(test_\w+)`", tested)
    assert named
    # Nothing but names of tests, so that each is checked.
    assert tested == ", ".join(f"`{path}::{test}`" for path, test in named)
    for path, test in named:
        assert test in _tests(HERE / path)


def test_the_table_says_where_each_retriever_runs_and_what_differs() -> None:
    assert [line for line in LINES if line in HEADERS] == HEADERS
    assert len(ROWS) > 40


def test_every_parameter_of_the_language_has_a_row() -> None:
    table = "\n".join(ROWS)
    for kind in PARSERS:
        assert f"**{kind}**" in table
    for name in body._FETCH - {"script_fields", "track_scores"} | body._READ - {"aggregations"}:
        assert f"`{name}`" in PAGE or f"**{name}" in table or name in ("ext", "retriever")
    for name in extension._KNOWN:
        assert f"| `{name}` |" in PAGE


def test_the_page_s_own_example_is_understood() -> None:
    code = PAGE.partition("shop.answer(")[2].partition(")\n```")[0]
    plan = body.parse_body(ast.literal_eval(code.strip()), index="products", params={})
    assert (plan.root.kind, plan.size) == ("rrf", 10)
