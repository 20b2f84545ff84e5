"""The default instructions of the reranker, by category."""

from __future__ import annotations

__all__ = ["DEFAULT_INSTRUCTION", "INSTRUCTIONS"]

DEFAULT_INSTRUCTION = (
    "Given a shopper's search query, judge whether the product satisfies the query"
)

INSTRUCTIONS = {
    "search": DEFAULT_INSTRUCTION,
    "general": "Judge whether the document means the same product as the query",
    "baby": (
        "Judge whether the baby product is what the query asks for; age and weight range, fixing "
        "system and safety certificates such as ECE R44/04, ECE R129 or EN 71 must agree"
    ),
    "industrial": (
        "Judge whether the industrial part is what the query asks for; voltage, current, power, "
        "dimensions, thread and protection class must agree"
    ),
}
