"""From a score to a decision: rules, then thresholds.

Numbers on a product override any model: an equal GTIN merges a pair; different GTINs or quantities
(1.7 l and 1.5 l) discard it. If GTIN and quantity contradict each other, a person decides.
"""

from __future__ import annotations

from typing import NamedTuple

from es_hybrid.align.compare.facts import FactComparison, Facts
from es_hybrid.align.records import PairOutcome
from es_hybrid.settings.align import Thresholds

__all__ = ["PairVerdict", "verdict"]

# Scores of a pair that a rule decides.
_SURE, _UNLIKELY = 0.99, 0.1


class PairVerdict(NamedTuple):
    """The score in [0, 1] after the rules, the decision, and the rule that decided."""

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
        score: The score of the vectors or the reranker.
        same_side: Whether both come from one catalogue; then an equal SKU means the same product.
            Otherwise the brand must be equal too.
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
    return PairVerdict(score, thresholds.outcome(score), thresholds.rule(score))


def _equal_key(left: Facts, right: Facts, same_side: bool) -> str:
    """The number that both share, in words; empty if there is none."""
    if left.gtins & right.gtins:
        return "gtin equal"
    if (left.gtins and right.gtins) or not left.sku or left.sku != right.sku:
        return ""
    if same_side:
        return "sku equal"
    return "brand and sku equal" if left.brand and left.brand == right.brand else ""
