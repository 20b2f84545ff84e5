"""Alignment: finding the same product in several languages or catalogues."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from es_hybrid.settings.section import Section

PairOutcome = Literal["merge", "review", "discard"]
"""What happens to a pair."""


class Thresholds(Section):
    """Scores from which a pair is merged or reviewed, in [0, 1]."""

    merge: float = Field(0.9, ge=0, le=1)
    review: float = Field(0.7, ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> Thresholds:
        if self.review > self.merge:
            raise ValueError("review is above merge")
        return self

    def outcome(self, score: float) -> PairOutcome:
        """The outcome for a score in [0, 1]."""
        if score >= self.merge:
            return "merge"
        return "review" if score >= self.review else "discard"

    def rule(self, score: float) -> str:
        """Why a score in [0, 1] has this outcome."""
        if score >= self.merge:
            return f"score >= {self.merge:g}"
        if score >= self.review:
            return f"{self.review:g} <= score < {self.merge:g}"
        return f"score < {self.review:g}"


class AlignSettings(Section):
    """Alignment: finding the same product in several languages or catalogues, `es-hybrid align`."""

    store: Path = Path(".es-hybrid/align/default.sqlite")
    """SQLite file of an alignment: its pairs, decisions and groups."""
    merge: float = Field(0.9, ge=0, le=1)
    """Score from which two products are merged, 0 to 1."""
    review: float = Field(0.7, ge=0, le=1)
    """Score from which a pair is left for review, 0 to 1. Pairs below it are discarded."""
    thresholds: dict[str, Thresholds] = Field({})
    """`merge` and `review` by category, the first level of its path, e.g. `{Toys = {merge = 0.95,
    review = 0.8}}`. Categories not listed use the values above."""
    instructions: dict[str, str] = Field({})
    """Category -> name of one of `rerank.instructions`. Categories not listed use `general`."""
    candidates: int = Field(20, ge=1, le=1000)
    """Number of candidates per product and per language of the other side, 1 to 1000."""
    rerank_from: float = Field(0.05, ge=0, le=1)
    """Vector score from which the reranker also scores a pair, 0 to 1, if it supports both
    languages."""
    weights: Path | None = None
    """Weights file written by `align calibrate --fit`. Unset: weights fitted for the embedded
    encoder."""
    duplicates: bool = False
    """Whether a side may contain a product more than once per language. If not, a group takes one
    product per side and language."""

    @property
    def values_store(self) -> Path:
        """File of the facet values that mean the same, next to `store`."""
        return self.store.with_name(f"{self.store.stem}-values.sqlite")

    def thresholds_of(self, category: str) -> Thresholds:
        """The thresholds of a category, or the general ones."""
        return self.thresholds.get(category) or Thresholds(merge=self.merge, review=self.review)

    @model_validator(mode="after")
    def _usable(self) -> AlignSettings:
        Thresholds(merge=self.merge, review=self.review)
        return self
