"""What the merchandising tab shows of rules: their states, their history, and two lists of hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from es_hybrid.merchandising.rules.rule import Rule, RuleVersion
from es_hybrid.page.comparison import PAGE_SIZE, Cell, Mark, cell_of, mark_of
from es_hybrid.page.differences import text_of
from es_hybrid.page.words import PageWords
from es_hybrid.retrieval.response import SearchResponse

__all__ = [
    "PreviewColumn",
    "RuleRow",
    "VersionRow",
    "history_of",
    "list_of",
    "preview_of",
    "state_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """A rule in the list, by its latest version."""

    id: str
    state: str
    priority: int
    author: str
    changed: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One version of a rule; `differs` has (field, before, after)."""

    version: int
    changed: str
    author: str
    approved_by: str
    differs: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewColumn:
    """The first hits before or after; `why` names the rule that put a hit there."""

    name: str
    title: str
    found: str
    cells: Sequence[Cell]
    why: Mapping[str, str]


def list_of(rules: Sequence[RuleVersion]) -> list[RuleRow]:
    """The rules, the last changed one first."""
    now = datetime.now(UTC)
    return [
        RuleRow(
            id=each.rule.id,
            state=state_of(each, now),
            priority=each.rule.priority,
            author=each.author,
            changed=_minute(each.changed),
            note=each.rule.note,
        )
        for each in sorted(rules, key=lambda each: each.changed, reverse=True)
    ]


def state_of(version: RuleVersion, now: datetime) -> str:
    """`draft`, `ended`, `scheduled` or `live`."""
    rule = version.rule
    if version.approved_by is None:
        return "draft"
    if version.deleted or (rule.valid_until and rule.valid_until <= now):
        return "ended"
    return "scheduled" if rule.valid_from and rule.valid_from > now else "live"


def history_of(versions: Sequence[RuleVersion]) -> list[VersionRow]:
    """The versions of a rule, newest first, each with its differences from the one before."""
    ordered = sorted(versions, key=lambda each: each.version)
    rows = [
        VersionRow(
            version=after.version,
            changed=_minute(after.changed),
            author=after.author,
            approved_by=after.approved_by or "",
            differs=list(_differences(before, after)),
        )
        for before, after in zip([None, *ordered], ordered, strict=False)
    ]
    return rows[::-1]


def _minute(time: datetime) -> str:
    """A time in UTC, to the minute."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def preview_of(
    before: SearchResponse, after: SearchResponse | None, words: PageWords
) -> list[PreviewColumn]:
    """The first hits of both searches, with the way of each; `after` is None without a rule."""
    left = _column("before", words.before, before, words, {})
    if after is None:
        return [left]
    kept = {hit.id for hit in after.hits}
    gone = Mark(kind="down", sign=words.gone_mark, title=words.gone_mark)
    ranks = {hit.id: hit.rank for hit in before.hits}
    marks = {hit.id: mark_of(ranks.get(hit.id), hit.rank, words) for hit in after.hits}
    return [
        replace(left, cells=[c if c.id in kept else replace(c, mark=gone) for c in left.cells]),
        _column("after", words.after, after, words, marks),
    ]


def _differences(
    before: RuleVersion | None, after: RuleVersion | None
) -> Iterator[tuple[str, str, str]]:
    old, new = (_facts(each.rule) if each and not each.deleted else {} for each in (before, after))
    for name in {**old, **new}:
        if old.get(name) != new.get(name):
            yield name, old.get(name, ""), new.get(name, "")


def _facts(rule: Rule) -> dict[str, str]:
    """Part of a rule -> as text."""
    stored: dict[str, Any] = rule.model_dump(mode="json", exclude_defaults=True, exclude={"id"})
    actions: Mapping[str, Any] = stored.pop("actions", {})
    return {name: text_of(value) for name, value in {**stored, **actions}.items()}


def _column(
    name: str, title: str, found: SearchResponse, words: PageWords, marks: Mapping[str, Mark]
) -> PreviewColumn:
    pins = {hit: rule.id for rule in found.rules for hit in rule.changed.get("pin", ())}
    return PreviewColumn(
        name=name,
        title=title,
        found=words.found.format(n=f"{found.total:,}"),
        cells=[cell_of(hit, hit.rank, mark=marks.get(hit.id)) for hit in found.hits[:PAGE_SIZE]],
        why={hit: words.pinned_by.format(rule=rule) for hit, rule in pins.items()},
    )
