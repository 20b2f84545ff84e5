"""The form of a rule."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import InvalidRequest
from es_hybrid.merchandising.rules.rule import Rule, parse_rule

RULE = {
    "id": "summer",
    "criteria": [{"type": "contains", "values": ["shirt"]}],
    "actions": {"pin": ["17"], "route": {"mode": "bm25"}},
    "valid_until": "2027-01-01T00:00:00Z",
}


def test_the_example_of_the_documentation_is_a_rule() -> None:
    page = (Path(__file__).parents[3] / "docs/merchandising.md").read_text("utf-8")
    rules = page.partition("\n## Rules\n")[2]
    example = re.findall(r"```json\n(.*?)```", rules, re.DOTALL)[0]
    assert parse_rule(json.loads(example)).id == "summer-sale"


def test_a_rule_survives_storage() -> None:
    rule = Rule.model_validate(RULE)
    assert Rule.model_validate_json(rule.model_dump_json()) == rule
    assert rule.criteria[0].metadata == "query"


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("id", "a b", "id"),
        ("valid_until", "2027-01-01T00:00:00", "valid_until"),
        ("valid_from", "2028-01-01T00:00:00Z", "valid_until is not after valid_from"),
        ("criteria", [], "criteria"),
        ("criteria", [{"type": "looks_like", "values": ["x"]}], "criteria"),
        ("criteria", [{"type": "contains", "values": ["\u200b"]}], "has no word"),
        ("criteria", [{"type": "exact"}], "every other type needs one"),
        ("criteria", [{"type": "always", "values": ["x"]}], "`always` has no values"),
        ("criteria", [{"type": "lt", "metadata": "n", "values": ["x"]}], "`lt` compares numbers"),
        ("actions", {}, "does nothing"),
        ("actions", {"pin": [], "route": {}}, "does nothing"),
        ("actions", {"pins": ["17"]}, "pins"),
        ("actions", {"pin": ["1"], "exclude": ["1"]}, "1 is pinned and excluded"),
        ("actions", {"boost": [{"filter": {"brand": "Nike"}, "weight": 0}]}, "weight"),
        ("actions", {"boost": [{"filter": {}}]}, "filter"),
        ("actions", {"filter": {"price": {"near": 3}}}, "unknown operator 'near'"),
        ("actions", {"synonyms": ["a, "]}, "a phrase is missing"),
        ("actions", {"replace": "\u200b"}, "no word"),
        *(
            ("actions", {"redirect": address}, "no address")
            for address in ("javascript:alert(1)", "//evil.example", "data:x", "shop.example",
                            "/\\\\evil.example", "https://a\nb")
        ),
    ],
)  # fmt: skip
def test_a_rule_that_could_not_run_is_refused(part: str, value: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=f"rule .*{re.escape(message)}"):
        parse_rule({**RULE, part: value})
