"""Summary of an alignment as text and as an HTML page."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from es_hybrid.align.decisions import ReviewStore
from es_hybrid.align.journal import Journal
from es_hybrid.align.records import Decision, PairRecord
from es_hybrid.align.store import now

__all__ = ["Overview", "as_html", "as_text", "overview"]

_SHOWN = 50
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;"
    "color:#222}table{border-collapse:collapse;margin:.5rem 0 2rem}td,th{padding:.25rem .7rem;"
    "border-bottom:1px solid #ddd;text-align:left;vertical-align:top}td.n{text-align:right;"
    "font-variant-numeric:tabular-nums}h2{font-size:1.1rem;margin-top:2rem}"
)

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""Title, header, rows."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts and examples of an alignment.

    Attributes:
        facts: The sources and models of the run.
        counts: As `ReviewStore.counts`.
        rules: Number of pairs by the rule that decided, without details.
        categories: Category -> number of pairs by decision.
        sizes: Number of groups by their size.
        waiting: Pairs for review, most likely first.
        decisions: People's decisions, latest first.
    """

    facts: dict[str, str]
    counts: dict[str, int]
    rules: Counter[str]
    categories: dict[str, Counter[str]]
    sizes: Counter[int]
    waiting: list[PairRecord]
    decisions: list[Decision]


def overview(journal: Journal, store: ReviewStore) -> Overview:
    """Summarize an alignment; pairs are read one by one."""
    rules: Counter[str] = Counter()
    categories: dict[str, Counter[str]] = {}
    for record in journal.records():
        rules[record.rule.partition(":")[0]] += 1
        categories.setdefault(record.category or "-", Counter())[record.decision] += 1
    return Overview(
        facts=journal.facts,
        counts=store.counts(),
        rules=rules,
        categories=categories,
        sizes=Counter(Counter(journal.groups().values()).values()),
        waiting=[pair.record for pair in store.queue(_SHOWN)],
        decisions=list(islice(reversed(store.decisions()), _SHOWN)),
    )


def as_text(found: Overview) -> str:
    """The overview as plain text."""
    lines = []
    for title, header, rows in _tables(found):
        lines += [title, "  " + "  ".join(header)]
        lines += ["  " + "  ".join(row) for row in rows]
        lines.append("")
    return "\n".join(lines)


def as_html(found: Overview) -> str:
    """The overview as one self-contained page; every value is escaped."""
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Alignment</title>',
        f"<style>{_STYLE}</style><h1>Alignment</h1><p>{html.escape(now())}</p>",
    ]
    for title, header, rows in _tables(found):
        head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
        parts.append(f"<h2>{html.escape(title)}</h2><table><tr>{head}</tr>{body}</table>")
    return "\n".join(parts) + "</html>\n"


def _tables(found: Overview) -> Iterator[Table]:
    yield "Run", ("fact", "value"), sorted(found.facts.items())
    counts = [(name, f"{count:,}") for name, count in found.counts.items()]
    yield "Pairs", ("decision", "pairs"), counts
    rules = [(rule, f"{count:,}") for rule, count in found.rules.most_common()]
    yield "Rules", ("rule", "pairs"), rules
    yield (
        "Categories",
        ("category", "merge", "review", "discard"),
        [
            (name, *(f"{by[outcome]:,}" for outcome in ("merge", "review", "discard")))
            for name, by in sorted(found.categories.items())
        ],
    )
    sizes = [(str(size), f"{count:,}") for size, count in sorted(found.sizes.items())]
    yield "Groups", ("products", "groups"), sizes
    if found.waiting:
        yield (
            "For review",
            ("score", "left", "right", "why"),
            [
                (
                    f"{record.score:.3f}",
                    f"{record.left_id} {record.left_title}",
                    f"{record.right_id} {record.right_title}",
                    record.rule,
                )
                for record in found.waiting
            ],
        )
    if found.decisions:
        yield "Decisions", ("id", "left", "right", "decision", "by", "reason", "undone by"), [
            (
                str(each.id), each.left_id, each.right_id, "accept" if each.accept else "reject",
                each.by, each.reason, each.undone_by,
            )
            for each in found.decisions
        ]  # fmt: skip


def _cell(text: str) -> str:
    number = ' class="n"' if text.replace(",", "").replace(".", "").isdigit() else ""
    return f"<td{number}>{html.escape(text)}</td>"
