"""Lists, filters and values as a person types them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from es_hybrid.errors import InvalidRequest
from es_hybrid.page.typed import comparable, context_of, filters_of, lines_of, typed, typed_filters


def test_a_context_has_values_and_no_bounds() -> None:
    context = context_of("channel=b2b; channel=vip; basket=120;")
    assert context == {"channel": ["b2b", "vip"], "basket": "120"}
    assert context_of("  ") == {}
    with pytest.raises(InvalidRequest, match="basket"):
        context_of("basket>=100")


@pytest.mark.parametrize(
    "text",
    ["brand=Nike", "brand=A; brand=B; price>=10; price<50", "brand!=Puma; day>=2026-01-31", ""],
)
def test_filters_come_back_as_they_were_typed(text: str) -> None:
    assert "; ".join(typed_filters(filters_of(text, "filter"))) == text


def test_an_operator_that_cannot_be_typed_is_left_out() -> None:
    assert list(typed_filters({"price": {"exists": True, "gt": 5}})) == ["price>5"]


def test_values_are_typed_as_people_write_them() -> None:
    noon = datetime(2026, 12, 24, 20, tzinfo=timezone(timedelta(hours=8)))
    texts = [typed(value) for value in (True, 5, 5.0, 0.25, "5.0", noon)]
    assert texts == ["true", "5", "5", "0.25", "5.0", "2026-12-24 12:00:00+00:00"]
    assert comparable({"a": [5], "b": ("x", True)}) == {"a": "5", "b": ["x", "true"]}
    assert comparable(noon) == comparable(noon.astimezone(UTC))


def test_blank_lines_are_no_items() -> None:
    assert lines_of(" a \n\n b c\r\n") == ["a", "b c"]
