from __future__ import annotations

import time
from datetime import date
from typing import Any

import orjson
import pytest

from ingest.cleaning.attributes import AttributeValue, attributes_of
from ingest.cleaning.problems import FieldProblem, FieldWarning


def read(value: Any) -> tuple[dict[str, AttributeValue], list[str]]:
    """The attributes, and the kinds of the warnings."""
    warnings: list[FieldWarning] = []
    return attributes_of(value, warnings.append), [warning.kind for warning in warnings]


@pytest.mark.parametrize(
    ("value", "attributes"),
    [
        ({"colours": ["red", None, "blue", "red"]}, {"colours": ("red", "blue")}),
        ({"colours": ["red"], "sizes": []}, {"colours": "red"}),
        ({"a": {"b": {"c": 2.0}}}, {"a.b.c": "2"}),
        ({"made": date(2026, 1, 2), "cordless": True}, {"made": "2026-01-02", "cordless": "true"}),
        ({"none": None, "blank": " ", "nan": float("nan"), "null": "NULL"}, {}),
        ('{"a": {"b": [1, 2]}}', {"a.b": ("1", "2")}),
        ([("size", "M")], {"size": "M"}),
        (
            [{"name": "Colour", "value": "red"}, {"name": "Size", "options": ["S", "M"]}],
            {"Colour": "red", "Size": ("S", "M")},
        ),
        (
            [{"name": "Colour", "value": "red"}, {"name": "Colour", "value": "blue"}],
            {"Colour": ("red", "blue")},
        ),
        ([], {}),
        ("", {}),
        (None, {}),
    ],
)
def test_attributes(value: Any, attributes: dict[str, AttributeValue]) -> None:
    assert read(value) == (attributes, [])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("colour: red", "not JSON: "), (["red"], "is a list"), (7, "is a int"),
        ('"red"', "is a str"), ([{"name": "a", "value": 1}, "b"], "is a list"),
    ],
)  # fmt: skip
def test_what_is_no_object(value: Any, message: str) -> None:
    with pytest.raises(FieldProblem) as error:
        read(value)
    assert error.value.message.startswith(message)


def test_one_bad_attribute_leaves_the_others() -> None:
    bad = {"bytes": b"raw", "half": "\ud83d", "long": "é" * 17_000, "colour": "red"}
    assert read(bad) == ({"colour": "red"}, ["not text", "not Unicode", "too long"])
    nested: dict[str, Any] = {"x": 1}
    for _ in range(5000):
        nested = {"a": nested}
    assert read({"deep": nested, "colour": "red"}) == ({"colour": "red"}, ["nested too deeply"])


MARKUP = "<p><b id=1>" * 900


@pytest.mark.parametrize(
    "value",
    [
        {str(n): MARKUP for n in range(1500)},
        {str(n): b"raw" for n in range(200_000)},
        {"x" * 2**23: "a", "b": "c"},
        {"x" * 200: {"y" * 200: dict.fromkeys(map(str, range(100_000)), "a")}},
        orjson.dumps({str(n): "x" for n in range(500_000)}).decode(),
        {"list": ["x" * 100] * 160_000},
    ],
)
def test_a_hostile_object_takes_no_time_and_few_warnings(value: Any) -> None:
    started = time.process_time()
    attributes, kinds = read(value)
    assert len(kinds) == 1
    assert sum(map(len, attributes)) < 1_000_000
    assert time.process_time() - started < 15
