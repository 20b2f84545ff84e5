"""Decoding the JSON of callers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from es_hybrid.errors import RequestRefused
from es_hybrid.serve.json_text import check_depth, decoded, has_at_most

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
)


def containers(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(containers, value.values()))
    return 1 + sum(map(containers, value)) if isinstance(value, list) else 0


@settings(deadline=None)
@given(value=JSON, ascii_only=st.booleans())
def test_objects_and_lists_are_counted_outside_strings(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode()
    count = containers(value)
    assert has_at_most(text, count)
    assert count == 0 or not has_at_most(text, count - 1)


@pytest.mark.parametrize(
    "text",
    [b'"' + b'\\"' * 4_000_000, b'"' + b"[" * 8_000_000, b'""' * 4_000_000 + b"[" * 4_000_000],
)
def test_counting_reads_each_byte_once(text: bytes) -> None:
    """Looking for the end of a string from each quote would take hours."""
    assert has_at_most(text, 10) == (text[-2:] != b"[[" or text[1:2] == b"[")


@pytest.mark.parametrize("text", [b"[1,2,3]", b'{"a":[1],"b":2}', b"[[[]]]"])
def test_too_many_values_are_refused(text: bytes) -> None:
    assert decoded(text, max_values=3, max_depth=5) == json.loads(text)
    with pytest.raises(RequestRefused, match="more than 2 values"):
        decoded(text, max_values=2, max_depth=5)


def test_depth_is_counted_in_objects_and_lists() -> None:
    check_depth([[{"a": 1}], "x"], 3)
    check_depth("scalar", 1)
    with pytest.raises(RequestRefused, match="nested deeper than 2 levels"):
        check_depth([[{"a": 1}], "x"], 2)


@pytest.mark.parametrize("text", [b'"\\ud83d"', b'{"\\udc00":1}', b"NaN", b"\xff"])
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        decoded(text, max_values=3, max_depth=5)
