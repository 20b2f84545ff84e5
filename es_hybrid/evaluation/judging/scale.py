"""The grades that people and an LLM give."""

from __future__ import annotations

from collections.abc import Mapping

HIGHEST = 3

GRADES: Mapping[int, str] = {
    0: "irrelevant: a shopper would be annoyed to see it",
    1: "related: of use together with what is wanted, or of the same kind, but not wanted",
    2: "acceptable: close to what is wanted, with a part that does not fit",
    3: "exact: all that the query asks for",
}
"""Grade -> what it means."""
