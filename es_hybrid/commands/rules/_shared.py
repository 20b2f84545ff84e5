"""What the commands of rules share."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import connected

if TYPE_CHECKING:
    from es_hybrid.merchandising.rules.rule import Rule, RuleVersion
    from es_hybrid.merchandising.rules.store import RuleStore
    from es_hybrid.settings import Settings


@contextlib.contextmanager
def rule_store(settings: Settings) -> Iterator[RuleStore]:
    """The store of the cluster's rules."""
    from es_hybrid.merchandising.rules.store import RuleStore

    with connected(settings) as client:
        yield RuleStore(client)


def read_rules(file: str) -> list[Rule]:
    """The rules in a file, or from standard input for `-`: one JSON object, or a list.

    Raises:
        InvalidRequest: the file cannot be read, or a rule is malformed.
    """
    from es_hybrid.errors import InvalidRequest
    from es_hybrid.merchandising.rules.rule import parse_rule

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidRequest(
            f"cannot be read as JSON: {error}",
            place=file,
            remedy="give one rule or a list of rules",
        ) from None
    return [parse_rule(each) for each in (found if isinstance(found, list) else [found])]


def state_of(version: RuleVersion) -> str:
    """`live`, `draft` or `deleted`; `waiting` or `over` outside of its time."""
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    if version.deleted:
        return "deleted"
    if version.approved_by is None:
        return "draft"
    if version.rule.is_valid_at(now):
        return "live"
    until = version.rule.valid_until
    return "over" if until is not None and until <= now else "waiting"


def print_versions(versions: Sequence[RuleVersion], *, as_json: bool) -> None:
    """A table of versions, or their JSON."""
    from rich.table import Table

    from es_hybrid.commands._output import console

    if as_json:
        click.echo(json.dumps([v.model_dump(mode="json", exclude_defaults=True) for v in versions],
                              indent=2, ensure_ascii=False))  # fmt: skip
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("id", "version", "state", "priority", "when", "actions", "author", "changed",
                 "note"):  # fmt: skip
        table.add_column(name)
    for each in versions:
        rule = each.rule
        when = " and ".join(
            f"{c.metadata} {c.type} {' | '.join(map(str, c.values))}" if c.values else c.type
            for c in rule.criteria
        )
        approved = f", approved by {each.approved_by}" if each.approved_by else ""
        author = each.author + ("" if each.approved_by == each.author else approved)
        table.add_row(
            rule.id, str(each.version), state_of(each), str(rule.priority), when,
            ", ".join(rule.actions.named), author, f"{each.changed:%Y-%m-%d %H:%M}", rule.note,
        )  # fmt: skip
    console().print(table)
