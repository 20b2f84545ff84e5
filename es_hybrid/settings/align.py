"""How products are aligned."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from es_hybrid.settings.section import Section

Outcome = Literal["merge", "review", "discard"]
"""What becomes of a pair."""


class Thresholds(Section):
    """From which score on a pair is merged, and from which on a person looks."""

    merge: float = Field(0.9, ge=0, le=1)
    review: float = Field(0.7, ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> Thresholds:
        if self.review > self.merge:
            raise ValueError("review is above merge")
        return self

    def outcome(self, score: float) -> Outcome:
        """What a score in [0, 1] says by itself."""
        if score >= self.merge:
            return "merge"
        return "review" if score >= self.review else "discard"


class AlignSettings(Section):
    """How the same product is found in several languages or catalogues, `es-hybrid align`."""

    store: Path = Path(".es-hybrid/align/default.sqlite")
    """The file that holds an alignment: pairs, decisions and groups."""
    merge: float = Field(0.9, ge=0, le=1)
    """From this score on two products are merged."""
    review: float = Field(0.7, ge=0, le=1)
    """From this score on a person decides; below it a pair is discarded."""
    thresholds: dict[str, Thresholds] = Field({})
    """Others by category (the first step of its path): `{Toys = {merge = 0.95, review = 0.8}}`."""
    instructions: dict[str, str] = Field({})
    """Which of `rerank.instructions` applies, by category; `general` where none is named."""
    candidates: int = Field(20, ge=1, le=1000)
    """Products looked at for each product and each language of the other side."""
    rerank_from: float = Field(0.05, ge=0, le=1)
    """Vectors' score from which on the reranker is asked as well, where it knows both languages."""
    weights: Path | None = None
    """File made by `align calibrate --fit`. Unset: weights fitted for the embedded encoder."""
    duplicates: bool = False
    """Whether one side may hold a product twice in a language; else a group takes one of each."""

    def thresholds_of(self, category: str) -> Thresholds:
        """Those of a category; without any of its own, those of all."""
        return self.thresholds.get(category) or Thresholds(merge=self.merge, review=self.review)

    @model_validator(mode="after")
    def _usable(self) -> AlignSettings:
        Thresholds(merge=self.merge, review=self.review)
        return self
