"""Prints what the server would make of a search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from es_hybrid.serve.rewriting.explained import SearchExplanation

_WIDTH = 14


def explanation_lines(found: SearchExplanation) -> Iterator[str]:
    """One line for each part that is known."""
    yield _line("index", found.index or "all")
    yield _line("answered by", found.answered_by)
    for name, why in found.rules.items():
        yield _line("rule", f"{name}: {why}")
    if found.problem:
        yield _line("problem", found.problem)
    if found.text:
        yield _line("text", found.text)
    if found.plan is None:
        return
    plan = found.plan
    yield _line("lexical", _json(plan.lexical))
    yield _line("vector", f"{plan.vector_field}, {plan.window} nearest of {plan.num_candidates}")
    for clause in plan.filters:
        yield _line("  filter", _json(clause))
    if not plan.filters:
        yield _line("  filter", "none")
    yield _line("fusion", f"rrf, weights {plan.weights[0]:g} and {plan.weights[1]:g}")
    yield _line("rerank", "yes" if plan.rerank else "no")
    yield _line("sort", "relevance" if plan.sort is None else _json(plan.sort))
    yield _line("kept", ", ".join(plan.kept) or "nothing else")


def _line(name: str, value: str) -> str:
    return f"{name:<{_WIDTH}}{value}"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
