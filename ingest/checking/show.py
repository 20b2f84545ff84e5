"""The report of `ingest check`, as text and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import orjson

from es_hybrid.settings import Settings
from ingest.checking.feed import FeedReport, Prices
from ingest.checking.target import TargetReport

_SHOWN = 8


def as_json(feed: FeedReport, target: TargetReport) -> str:
    """The whole report as indented JSON."""
    body = dataclasses.asdict(feed) | {
        "products": feed.products,
        "index": dataclasses.asdict(target),
    }
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()


def as_lines(feed: FeedReport, target: TargetReport, settings: Settings) -> str:
    """The report as about twenty lines of text."""
    lines = [f"{feed.rows:,} rows: {feed.products:,} fine, {feed.rejected:,} would be rejected"]
    lines += feed.unreadable
    lines += feed.notes
    lines += _problems(feed)
    lines += feed.remarks.lines()
    lines += [f"{name:<11}{fact}" for name, fact in _facts(feed, target, settings).items()]
    return "\n".join(lines)


def _problems(feed: FeedReport) -> Iterator[str]:
    for group in feed.problems:
        field = f"{group.field}: " if group.field else ""
        yield f"{group.rows:>9,}  {field}{group.remedy}"
        yield from (f"{'':<11}  {message}" for message in group.first)
        if group.rows > len(group.first):
            yield f"{'':<11}  and {group.rows - len(group.first):,} more"


def _facts(feed: FeedReport, target: TargetReport, settings: Settings) -> dict[str, str]:
    facts = {"ids": _ids(feed)}
    if feed.products:
        texts = feed.texts
        limit = settings.ingest.text_max_chars
        facts |= {
            "filled": ", ".join(
                f"{name} {count / feed.products:.0%}"
                for name, count in feed.filled.items()
                if name not in ("id", "title", "lang")
            ),
            "languages": _counts(feed.languages),
            "categories": f"{_counts(feed.categories)} ({feed.paths:,} paths)"
            if feed.paths
            else "none",
            "prices": "; ".join(map(_priced, feed.prices.items())) or "none",
            "texts": f"median {texts.median:,} characters, 95 % up to {texts.p95:,}, longest "
            f"{texts.longest:,}; {texts.cut:,} truncated at ingest.text_max_chars = {limit:,}",
        }
    return facts | {"index": f"{target.index} {target.message}"}


def _ids(feed: FeedReport) -> str:
    if not feed.repeated:
        return "no duplicates"
    some = "; ".join(f"{one.id} at {', '.join(one.places)}" for one in feed.duplicates)
    return (
        f"{feed.repeated:,} rows have the id of another row, and the last one would count: {some}"
    )


def _priced(item: tuple[str, Prices]) -> str:
    currency, prices = item
    return (
        f"{currency or 'no currency'} {prices.lowest:,.2f} to {prices.highest:,.2f}, "
        f"median {prices.median:,.2f} ({prices.products:,})"
    )


def _counts(counts: Mapping[str, int]) -> str:
    shown = ", ".join(
        f"{name or 'unknown'} {count:,}" for name, count in list(counts.items())[:_SHOWN]
    )
    more = len(counts) - _SHOWN
    return f"{shown}, {more:,} more" if more > 0 else shown
