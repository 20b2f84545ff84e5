"""What alignment says of a pair of products, and what people say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from es_hybrid.retrieval.response import StageRank
from es_hybrid.settings.align import PairOutcome

__all__ = ["Decision", "PairOutcome", "PairRecord", "ReviewPair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRecord:
    """One scored pair: what was compared, the score, and the rule that decided.

    Attributes:
        left_id: Of the product that was looked for. Ids are texts: some have leading zeros.
        left_title: As the product has it.
        left_lang: BCP 47 tag, or empty.
        right_id: Of the candidate that was found for it.
        right_title: As the product has it.
        right_lang: BCP 47 tag, or empty.
        category: Whose thresholds and instruction were used; empty: those of all.
        score: In [0, 1]; how likely both are the same product.
        decision: By the thresholds, the rules, or a person.
        rule: Why, as `score >= 0.9`, `gtin equal`, `numbers differ: 1.7 l / 1.5 l` or
            `person: Ann, same box`.
        scorer: `vectors` or `reranker`.
        instruction: The reranker's; empty where the vectors scored.
        model: Name, revision and checksum of what scored.
        stages: Stage -> rank from 1 and score: `knn`, `bm25`, `rrf`, `back` (the left product
            among the right one's neighbours), `gtin`, `sku`.
        time: UTC, ISO 8601.
    """

    left_id: str
    left_title: str
    left_lang: str
    right_id: str
    right_title: str
    right_lang: str
    category: str = ""
    score: float
    decision: PairOutcome
    rule: str
    scorer: str
    instruction: str = ""
    model: str = ""
    stages: Mapping[str, StageRank]
    time: str

    @property
    def pair(self) -> tuple[str, str]:
        """(left id, right id), by which a decision finds it."""
        return self.left_id, self.right_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPair:
    """A pair for a person to look at.

    Attributes:
        record: What was found out by itself.
        left: Every filled field of the left product, by the names of `Product`.
        right: The same of the right one.
    """

    record: PairRecord
    left: Mapping[str, Any]
    right: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person decided about a pair. It wins over every score until it is undone.

    Attributes:
        id: Counted from 1 in the order of the decisions.
        accept: Whether both are the same product.
        by: The person's name.
        reason: In the person's words, or empty.
        time: UTC, ISO 8601.
        undone_by: Who took it back, or empty.
        undone_at: When, or empty.
    """

    id: int
    left_id: str
    right_id: str
    accept: bool
    by: str
    reason: str
    time: str
    undone_by: str = ""
    undone_at: str = ""
