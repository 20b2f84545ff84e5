"""Signals of a search as a node of its tree."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from es_hybrid.errors import InvalidRequest, RequestRefused
from es_hybrid.filters import filter_clauses
from es_hybrid.retrieval.execution.tree import walk
from es_hybrid.retrieval.field_types import FieldTypes
from es_hybrid.retrieval.nodes import Clause, Node, Signals, signal_clause
from es_hybrid.settings.search import SearchSettings
from es_hybrid.settings.signals import Signal

_NUMBERS = frozenset(
    ("long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float",
     "unsigned_long", "boolean")
)  # fmt: skip
# What a signal reads -> types of fields that have it.
_SUITABLE = {
    "number": _NUMBERS,
    "date": frozenset(("date", "date_nanos")),
    "place": frozenset(("geo_point",)),
}

# How the names of signals begin that rules make. Their field may be one that another index has: it
# then moves nothing, and fails no search.
OF_RULES = "rule "


def with_signals(
    root: Node, signals: Sequence[Signal], search: SearchSettings, window: int
) -> Node:
    """The tree with the signals on top, if there are any.

    Args:
        window: Number of hits that they move.

    Raises:
        InvalidRequest: a filter cannot be read.
    """
    if not signals:
        return root
    return Signals(
        label="signals",
        child=root,
        signals=tuple(signals),
        clauses={
            signal_clause(place): _clause(each)
            for place, each in enumerate(signals)
            if each.filter is not None
        },
        combine=search.signal_combine,
        bound=search.signal_bound,
        rank_window_size=window,
    )


def check_signals(root: Node, types: FieldTypes, runtime: Container[str] = ()) -> None:
    """Refuse signals that read fields which the index lacks, or of another kind.

    Args:
        types: Types of the index's fields.
        runtime: Fields that the search itself defines.

    Raises:
        RequestRefused: naming the signal and the field.
    """
    signals = [each for node in walk(root) if isinstance(node, Signals) for each in node.signals]
    for signal in signals:
        if signal.label.startswith(OF_RULES):
            continue
        for field in [signal.field] if signal.field else signal.filter or ():
            if field in runtime or field.startswith("_"):
                continue
            found = types.types_of(field)
            if not found:
                raise _refused(signal, f"no index has a field [{field}]")
            if signal.field and not found <= _SUITABLE[signal.reads]:
                problem = f"[{field}] is of type {', '.join(sorted(found))}, not a {signal.reads}"
                raise _refused(signal, problem)


def _clause(signal: Signal) -> Clause:
    given: Mapping[str, Any] = signal.filter or {}
    try:
        return {"bool": {"filter": filter_clauses(given)}}
    except InvalidRequest as error:
        raise InvalidRequest(
            error.message, place=f"signal {signal.label}: {error.place}", remedy=error.remedy
        ) from None


def _refused(signal: Signal, problem: str) -> RequestRefused:
    # In one text, as the answer to a request has no other place for it.
    return RequestRefused(
        f"signal {signal.label}: {problem}; map the field, name another one, or search without "
        "this signal"
    )
