"""The form of a rule."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from es_hybrid.merchandising.rules.rule import Rule

RULE = {
    "id": "summer",
    "criteria": [{"type": "contains", "values": ["shirt"]}],
    "actions": {"pin": ["17"], "route": {"mode": "bm25"}},
    "valid_until": "2027-01-01T00:00:00Z",
}


def test_a_rule_survives_storage() -> None:
    rule = Rule.model_validate(RULE)
    assert Rule.model_validate_json(rule.model_dump_json()) == rule
    assert rule.criteria[0].metadata == "query"


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("id", "a b"),
        ("valid_until", "2027-01-01T00:00:00"),
        ("criteria", [{"type": "looks_like", "values": ["x"]}]),
        ("actions", {"pins": ["17"]}),
        ("actions", {"boost": [{"filter": {"brand": "Nike"}, "weight": 0}]}),
    ],
)
def test_a_malformed_rule_is_refused(part: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=part):
        Rule.model_validate({**RULE, part: value})
