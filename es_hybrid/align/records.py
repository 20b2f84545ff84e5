"""The scored pairs of an alignment, and people's decisions about them."""

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
        left_id: Id of the product that candidates were found for. Ids are text: some have leading
            zeros.
        left_title: Title of the left product.
        left_lang: BCP 47 tag, or empty.
        right_id: Id of the candidate.
        right_title: Title of the candidate.
        right_lang: BCP 47 tag, or empty.
        category: The category whose thresholds and instruction apply; empty for the general ones.
        score: Probability that both are the same product, in [0, 1].
        decision: Made by the thresholds, the rules, or a person.
        rule: The reason, such as `score >= 0.9`, `gtin equal`, `numbers differ: 1.7 l / 1.5 l` or
            `person: Ann, same box`.
        scorer: `vectors` or `reranker`.
        instruction: The reranker's instruction; empty if the vectors scored.
        model: Name, revision and checksum of the model that scored.
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
        """(left id, right id), the key of its decisions."""
        return self.left_id, self.right_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPair:
    """A pair for a person to decide.

    Attributes:
        record: The scored pair.
        left: Every filled field of the left product, by the names of `Product`.
        right: The same for the right product.
    """

    record: PairRecord
    left: Mapping[str, Any]
    right: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person's decision about a pair. It overrides every score until it is undone.

    Attributes:
        id: Counts from 1 in the order of the decisions.
        accept: Whether both are the same product.
        by: The person's name.
        reason: The person's reason, or empty.
        time: UTC, ISO 8601.
        undone_by: Name of the person who undid it, or empty.
        undone_at: Time of the undo, or empty.
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
