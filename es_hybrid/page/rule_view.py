"""What the merchandising tab shows of rules: their states, their changes, and two lists of hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from es_hybrid.merchandising.rules.rule import RuleVersion
from es_hybrid.page.comparison import PAGE_SIZE, Cell, Mark, cell_of, mark_of
from es_hybrid.page.differences import text_of
from es_hybrid.page.words import PageWords
from es_hybrid.retrieval.response import SearchResponse

__all__ = ["PreviewColumn", "history_of", "preview_of", "state_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewColumn:
    """The first hits before or after; `why` has the rule that put a hit there."""

    name: str
    title: str
    found: str
    cells: Sequence[Cell]
    why: Mapping[str, str]


def state_of(version: RuleVersion) -> str:
    """`draft`, `ended`, `scheduled` or `live`."""
    rule, now = version.rule, datetime.now(UTC)
    if version.deleted or (rule.valid_until and rule.valid_until <= now):
        return "ended"
    if version.approved_by is None:
        return "draft"
    return "live" if rule.is_valid_at(now) else "scheduled"


def history_of(
    versions: Sequence[RuleVersion],
) -> list[tuple[RuleVersion, list[tuple[str, str, str]]]]:
    """Each version with its changes: (part of the rule, before, after).

    Args:
        versions: The newest first.
    """
    earlier = [*versions[1:], None]
    return [
        (after, list(_changes(before, after)))
        for before, after in zip(earlier, versions, strict=True)
    ]


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


def _changes(before: RuleVersion | None, after: RuleVersion) -> Iterator[tuple[str, str, str]]:
    old, new = _facts(before), _facts(after)
    for name in {**old, **new}:
        if old.get(name) != new.get(name):
            yield name, old.get(name, ""), new.get(name, "")


def _facts(version: RuleVersion | None) -> dict[str, str]:
    """Part of a rule -> as text; nothing of an ended one."""
    if version is None or version.deleted:
        return {}
    stored: dict[str, Any] = version.rule.model_dump(
        mode="json", exclude_defaults=True, exclude={"id"}
    )
    actions: Mapping[str, Any] = stored.pop("actions")
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
