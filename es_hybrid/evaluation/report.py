"""Measured runs as rows and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from es_hybrid.evaluation.judgements import Qrels, Query
from es_hybrid.evaluation.measures import MEASURES, Run, mean, measure

ALL = "all"


def summarize(
    runs: Mapping[str, Run], qrels: Qrels, queries: Sequence[Query], *, by_language: bool
) -> list[dict[str, Any]]:
    """One row a language and mode: `{"lang", "queries", "mode", <measure>: mean in [0, 1]}`."""
    groups = {ALL: [query.id for query in queries]}
    if by_language:
        for query in queries:
            groups.setdefault(query.lang or "?", []).append(query.id)
    values = {mode: measure(run, qrels) for mode, run in runs.items()}
    return [
        {
            "lang": lang,
            "queries": len(ids),
            "mode": mode,
            **{name: mean({id_: values[mode][name][id_] for id_ in ids}) for name in MEASURES},
        }
        for lang, ids in groups.items()
        for mode in runs
    ]


def as_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The rows for a terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("lang", "queries", "mode", *MEASURES):
        table.add_column(name, justify="left" if name in ("lang", "mode") else "right")
    for row in rows:
        figures = (f"{row[name]:.3f}" for name in MEASURES)
        table.add_row(row["lang"], str(row["queries"]), row["mode"], *figures)
    return table
