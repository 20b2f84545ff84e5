"""Rules matched in memory find what checking every criterion of every rule finds."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from es_hybrid.merchandising.rules.criteria import matches
from es_hybrid.merchandising.rules.matching import RuleSet, facts_of
from es_hybrid.merchandising.rules.rule import Rule, RuleVersion

NOW = datetime(2026, 11, 30, tzinfo=UTC)
WORDS = ["red", "shirt", "Ärmel", "裙", "tee", "😀", "redshirt", "t-shirt", "r", "10"]


def version(
    *criteria: dict[str, Any], number: int = 1, draft: bool = False, **fields: Any
) -> RuleVersion:
    given = {"id": "r", "criteria": criteria or [{"type": "always"}], "actions": {"pin": ["1"]}}
    return RuleVersion(
        rule=Rule.model_validate(given | fields),
        version=number,
        author="ann",
        changed=NOW,
        approved_by=None if draft else "ann",
    )


def fired(rules: RuleSet, words: str = "red shirt", **context: Any) -> list[str]:
    return [each.rule.id for each in rules.fired(facts_of(words, "products", context), NOW)]


def test_all_criteria_must_be_met() -> None:
    shirts = {"type": "contains", "values": ["SHIRT"]}
    business = {"type": "exact", "metadata": "channel", "values": ["b2b", "fleet"]}
    rules = RuleSet([version(shirts, business)])
    assert fired(rules, channel="b2b") == ["r"]
    assert fired(rules, "a Red Shirt", channel=["shop", "fleet"]) == ["r"]
    assert fired(rules, channel="b2c") == []
    assert fired(rules) == []
    assert fired(rules, "red", channel="b2b") == []


@pytest.mark.parametrize(
    ("criterion", "context", "met"),
    [
        ({"type": "exact", "metadata": "index", "values": ["products"]}, {}, True),
        # A request cannot say that it is another one.
        ({"type": "exact", "metadata": "index", "values": ["b"]}, {"index": "b"}, False),
        ({"type": "exact", "values": ["b"]}, {"query": "b"}, False),
        ({"type": "exact", "metadata": "loyal", "values": ["true"]}, {"loyal": True}, True),
        ({"type": "exact", "metadata": "n", "values": [5]}, {"n": "5"}, True),
        ({"type": "gte", "metadata": "basket", "values": [100]}, {"basket": "100"}, True),
        ({"type": "gt", "metadata": "basket", "values": [100]}, {"basket": [1, 100]}, False),
        ({"type": "prefix", "metadata": "page", "values": ["/men/"]}, {"page": "/men/shoes"}, True),
        ({"type": "prefix", "metadata": "page", "values": ["/men/"]}, {"page": "/Men/a"}, False),
        ({"type": "exact", "values": ["t-shirt"]}, {}, False),
        ({"type": "fuzzy", "values": ["red shrit"]}, {}, True),
        ({"type": "always"}, {}, True),
    ],
)
def test_facts(criterion: dict[str, Any], context: dict[str, Any], met: bool) -> None:
    assert fired(RuleSet([version(criterion)]), **context) == (["r"] if met else [])


def test_the_values_are_cleaned_as_the_query_is() -> None:
    rules = RuleSet([version({"type": "exact", "values": ["Ｔ‑Shirt"]})])
    assert fired(rules, "t-shirt") == ["r"]


@pytest.mark.parametrize(
    "value",
    [None, {"a": 1}, [[1]], [None], pytest.param(10**400, id="huge"), float("nan"), "", "😀"],
)
def test_odd_facts_meet_nothing(value: Any) -> None:
    kinds = ("exact", "prefix", "suffix", "contains", "fuzzy", "lt")
    rules = RuleSet(
        version({"type": kind, "metadata": "odd", "values": ["1"]}, id=kind) for kind in kinds
    )
    assert fired(rules, odd=value) == []


def test_long_facts_are_cut() -> None:
    rules = RuleSet([version({"type": "suffix", "metadata": "page", "values": ["x"]})])
    assert fired(rules, page="a" * 2000 + "x") == []
    assert fired(rules, page=["a"] * 100 + ["x"]) == []
    assert fired(rules, page=["a"] * 99 + ["x"]) == ["r"]


def test_order_is_by_priority_then_id() -> None:
    rules = RuleSet([version(id="b"), version(id="c", priority=-1), version(id="a"),
                     version(id="d", priority=7)])  # fmt: skip
    assert fired(rules) == ["d", "a", "b", "c"]


def test_a_window_opens_and_closes_by_itself() -> None:
    hour = timedelta(hours=1)
    rules = RuleSet([version(valid_from=NOW + hour, valid_until=NOW + 2 * hour)])
    opened = [len(rules.fired(facts_of("x", "i", {}), NOW + n * hour / 2)) for n in range(5)]
    assert opened == [0, 0, 1, 1, 0]


def test_the_last_approved_version_counts() -> None:
    rules = RuleSet([version(number=2, priority=2), version(priority=1)])
    assert rules.live["r"].version == 2
    assert rules.changed([version(number=3, draft=True)]).live["r"].version == 2
    assert rules.changed([version(number=3)]).live["r"].version == 3
    ended = version(number=3).model_copy(update={"deleted": True})
    assert len(rules.changed([ended, version(id="x")])) == 1


def test_filing_loses_no_rule_and_adds_none() -> None:
    rng = random.Random(19)

    def text(limit: int) -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(1, limit)))

    def criterion() -> dict[str, Any]:
        kind = rng.choice(["exact", "prefix", "suffix", "contains", "fuzzy", "lt", "lte", "gt",
                           "gte", "always"])  # fmt: skip
        if kind == "always":
            return {"type": kind}
        if kind in ("lt", "lte", "gt", "gte"):
            values: list[Any] = [rng.randint(-3, 3) for _ in range(rng.randint(1, 2))]
            return {"type": kind, "metadata": "number", "values": values}
        values = [rng.randint(0, 3)] if rng.random() < 0.1 else [text(2), text(3)]
        return {"type": kind, "metadata": rng.choice(["query", "page"]), "values": values}

    versions = [
        version(*(criterion() for _ in range(rng.randint(1, 3))), id=f"r{number}")
        for number in range(600)
    ]
    rules = RuleSet(versions)
    met = 0
    for _ in range(400):
        facts = facts_of(text(4), "i", {"page": [text(3), rng.randint(0, 3)], "number":
                                        rng.choice([rng.randint(-3, 3), "2", "x"])})  # fmt: skip
        expected = [
            each.rule.id
            for each in versions
            if all(
                criterion.type == "always"
                or any(
                    matches(
                        criterion.type,
                        [v.lower() if isinstance(v, str) and criterion.metadata == "query" else v
                         for v in criterion.values],
                        fact,
                    )
                    for fact in facts[criterion.metadata]
                )
                for criterion in each.rule.criteria
            )
        ]  # fmt: skip
        found = [each.rule.id for each in rules.fired(facts, NOW)]
        assert found == sorted(expected)
        met += len(found)
    assert met > 400
