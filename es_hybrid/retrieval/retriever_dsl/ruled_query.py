"""What merchandising rules do to a body with `ext.es_hybrid`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from es_hybrid.retrieval.compile.ruling import Ruling
from es_hybrid.retrieval.plan import Plan
from es_hybrid.retrieval.retriever_dsl.extension import Extension

_REPLACED = "rules: another text was searched by the vectors only, the body's query is its own"


def wants_rules(body: Mapping[str, Any]) -> bool:
    """Whether merchandising rules apply to a body with `ext.es_hybrid`."""
    extension = body["ext"]["es_hybrid"]
    return not isinstance(extension, Mapping) or extension.get("rules") is not False


def ruled(extension: Extension, ruling: Ruling) -> Extension:
    """The extension that the rules make of this one."""
    return replace(
        extension,
        text=ruling.replace or extension.text,
        signals=(*extension.signals, *ruling.signals),
        mode=ruling.mode or extension.mode,
        pinned=ruling.pin,
        rerank=extension.rerank if ruling.rerank is None else ruling.rerank,
    )


def with_ruling(plan: Plan, ruling: Ruling) -> Plan:
    """The plan of a ruled extension with what else the rules filter and exclude."""
    notes = (*plan.notes, _REPLACED) if ruling.replace else plan.notes
    root = replace(plan.root, filters=(*plan.root.filters, *ruling.clauses))
    return replace(plan, root=root, notes=notes)
