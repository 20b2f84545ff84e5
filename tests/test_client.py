from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.client import reason_of

INNER = {"type": "number_format_exception", "reason": 'For input\nstring: "x"'}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("no permission", "no permission"),
        ({"type": "timeout_exception"}, "timeout_exception"),
        ({"reason": "failed to parse"}, "failed to parse"),
        (
            {"reason": "failed to parse", "caused_by": {"reason": "middle", "caused_by": INNER}},
            'failed to parse: For input string: "x"',
        ),
        ({"reason": "all shards failed", "root_cause": [INNER]}, 'For input string: "x"'),
        ({"reason": "all shards failed", "root_cause": []}, "all shards failed"),
    ],
)
def test_an_error_in_one_line(error: Any, reason: str) -> None:
    assert reason_of(error) == reason


def test_a_long_reason_keeps_its_beginning_and_its_end() -> None:
    reason = reason_of({"reason": f"value [{'x' * 5_000}] is no number"})
    assert len(reason) == 500
    assert reason.startswith("value [")
    assert reason.endswith("] is no number")
