"""States and changes of rules, and the lists of hits before and after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from es_hybrid.merchandising.rules.rule import Rule, RuleVersion
from es_hybrid.page.rule_view import history_of, preview_of, state_of
from es_hybrid.page.words import WORDS
from es_hybrid.retrieval.response import FiredRule, Hit, SearchResponse

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def _version(
    number: int = 1, *, approved: bool = True, deleted: bool = False, **rule: Any
) -> RuleVersion:
    made = {"id": "r", "criteria": [{"type": "always"}], "actions": {"pin": ["1"]}, **rule}
    return RuleVersion(
        rule=Rule.model_validate(made),
        version=number,
        author="Ann",
        changed=NOW,
        approved_by="Bob" if approved else None,
        deleted=deleted,
    )


@pytest.mark.parametrize(
    ("version", "state"),
    [
        (_version(), "live"),
        (_version(approved=False), "draft"),
        (_version(valid_from=NOW + DAY), "scheduled"),
        (_version(valid_until=NOW - DAY), "ended"),
        (_version(valid_from=NOW - DAY, valid_until=NOW + DAY), "live"),
        (_version(deleted=True), "ended"),
    ],
)
def test_a_rule_has_one_state(version: RuleVersion, state: str) -> None:
    assert state_of(version) == state


def test_the_history_says_what_each_version_changed() -> None:
    actions = {"pin": ["2", "1"], "filter": {"price": {"lte": 50}}}
    versions = [
        _version(4, actions=actions, priority=2, deleted=True),
        _version(3, actions=actions, priority=2),
        _version(2, priority=2, approved=False),
        _version(1),
    ]
    assert [(each.version, changes) for each, changes in history_of(versions)] == [
        (
            4,
            [
                ("criteria", "type: always", ""),
                ("priority", "2", ""),
                ("pin", "2, 1", ""),
                ("filter", "price: lte: 50", ""),
            ],
        ),
        (3, [("pin", "1", "2, 1"), ("filter", "", "price: lte: 50")]),
        (2, [("priority", "", "2")]),
        (1, [("criteria", "", "type: always"), ("pin", "", "1")]),
    ]


def _found(ids: Sequence[str], rules: Sequence[FiredRule] = ()) -> SearchResponse:
    hits = [
        Hit(id=id_, rank=rank, score=1.0, source={"title": f"Title {id_}"}, stages={})
        for rank, id_ in enumerate(ids, 1)
    ]
    return SearchResponse(hits=hits, total=len(ids), rules=rules)


def test_both_lists_show_where_hits_went() -> None:
    fired = FiredRule(id="r", version=1, changed={"pin": ["c"], "exclude": ["a"]})
    before, after = preview_of(_found("abcd"), _found("cbde", [fired]), WORDS["en"])
    assert [(cell.id, cell.mark and cell.mark.sign) for cell in before.cells] == [
        ("a", "out"),
        ("b", None),
        ("c", None),
        ("d", None),
    ]
    assert [(cell.id, cell.mark and cell.mark.sign) for cell in after.cells] == [
        ("c", "▲2"),
        ("b", "="),
        ("d", "▲1"),
        ("e", "new"),
    ]
    assert (before.why, after.why) == ({}, {"c": "pinned by r"})
    assert (before.found, after.found) == ("4 found", "4 found")


def test_without_a_rule_there_is_one_list_of_ten() -> None:
    (only,) = preview_of(_found("abcdefghijkl"), None, WORDS["en"])
    assert [cell.id for cell in only.cells] == list("abcdefghij")
