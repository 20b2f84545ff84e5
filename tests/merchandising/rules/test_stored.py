"""The head of the stored rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.merchandising.rules.stored import changed_since, with_change


def test_whoever_knows_a_listed_revision_reads_what_is_newer() -> None:
    head: Mapping[str, Any] = {}
    for revision in ("a", "b", "c"):
        head = with_change(head, revision, [f"{revision}{number}@1" for number in range(600)])
    assert head["revision"] == "c"
    assert changed_since(head, "c") == []
    assert changed_since(head, "b") == [f"c{number}@1" for number in range(600)]
    # Two writes of 600 are more than the head lists.
    assert changed_since(head, "a") is None
    assert changed_since(head, "") is None


def test_a_write_after_a_large_one_is_read_alone() -> None:
    head = with_change({}, "a", [f"r{number}@1" for number in range(1000)])
    head = with_change(head, "b", ["r1@2"])
    assert changed_since(head, "a") == ["r1@2"]
