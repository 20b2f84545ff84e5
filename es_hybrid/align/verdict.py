"""From a score to a decision: thresholds, and what stands above them.

Numbers on a product count more than any model: an equal GTIN merges, another GTIN keeps apart, and
so does 1.7 l from 1.5 l. Where a GTIN and a quantity contradict each other, a person looks.
"""

from __future__ import annotations

from typing import NamedTuple

from es_hybrid.align.compare.facts import FactComparison, Facts
from es_hybrid.align.records import PairOutcome
from es_hybrid.settings.align import Thresholds

__all__ = ["PairVerdict", "verdict"]

# Of a pair that one of the rules settled.
_SURE, _UNLIKELY = 0.99, 0.1


class PairVerdict(NamedTuple):
    """Score in [0, 1] after the rules, decision, and the rule that decided."""

    score: float
    decision: PairOutcome
    rule: str


def verdict(
    left: Facts,
    right: Facts,
    compared: FactComparison,
    score: float,
    thresholds: Thresholds,
    *,
    same_side: bool,
) -> PairVerdict:
    """Decide a pair.

    Args:
        score: The scorer's.
        same_side: Whether both are of one catalogue; then an equal SKU names the same product. Of
            two catalogues the brand must be equal too.
    """
    key = _equal_key(left, right, same_side)
    if compared.other_quantity:
        differ = f"numbers differ: {compared.other_quantity}"
        if key:
            between = (thresholds.merge + thresholds.review) / 2
            return PairVerdict(between, "review", f"{key}, but {differ}")
        return PairVerdict(min(score, _UNLIKELY), "discard", differ)
    if key:
        return PairVerdict(max(score, _SURE), "merge", key)
    if left.gtins and right.gtins:
        return PairVerdict(min(score, _UNLIKELY), "discard", "gtin conflict")
    rules: dict[PairOutcome, str] = {
        "merge": f"score >= {thresholds.merge:g}",
        "review": f"{thresholds.review:g} <= score < {thresholds.merge:g}",
        "discard": f"score < {thresholds.review:g}",
    }
    decision = thresholds.outcome(score)
    return PairVerdict(score, decision, rules[decision])


def _equal_key(left: Facts, right: Facts, same_side: bool) -> str:
    """Which number both share, in words; else empty."""
    if left.gtins & right.gtins:
        return "gtin equal"
    if (left.gtins and right.gtins) or not left.sku or left.sku != right.sku:
        return ""
    if same_side:
        return "sku equal"
    return "brand and sku equal" if left.brand and left.brand == right.brand else ""
