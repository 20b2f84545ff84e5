"""How a search is asked and fused."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from es_hybrid.settings.section import Section


class SearchSettings(Section):
    """How the two legs are asked and fused."""

    fields: tuple[str, ...] = (
        "title", "brand.text", "category.text", "description", "sku.text",
    )  # fmt: skip
    """The lexical leg's fields, scored as one; a boost is written `title^2`."""
    identifier_fields: tuple[str, ...] = ("sku", "gtin")
    """A product whose value here is the whole query comes first."""
    minimum_should_match: str = "2<75%"
    """Words a lexical hit must hold beside the vector leg; alone, any word will do."""
    window: int = Field(100, ge=1, le=10_000)
    """Hits taken from each leg."""
    num_candidates: int = Field(1000, ge=1, le=10_000)
    """Neighbours looked at on each shard; at least `window`."""
    rank_constant: int = Field(60, ge=1)
    """Of reciprocal rank fusion; the larger, the less the first ranks stand out."""
    bm25_weight: float = Field(1.0, ge=0)
    """Of the lexical leg."""
    knn_weight: float = Field(0.7, ge=0)
    """Of the vector leg. Measure with your own encoder: 0.7 suits the embedded one."""
    execution: Literal["auto", "native", "client"] = "auto"
    """Who runs retriever trees: the cluster where it may, the cluster alone, or es-hybrid alone."""
    sort_cutoff: float = Field(0.3, ge=0, le=1)
    """Share of the best fused score that a hit needs to be among those a `sort` puts in order."""
    phrase_boost: float = Field(0.25, ge=0)
    """For the query's words side by side in one field, added to their own score; 0: none."""
    fuzziness: Literal["", "AUTO", "1", "2"] = ""
    """Letters a word may differ by; a hit by other letters counts a tenth. Empty: none."""
    timeout_ms: int = Field(10_000, ge=0)
    """Milliseconds for a whole search; 0: as long as it takes."""
    embedding_share: float = Field(0.4, gt=0, le=1)
    """Of `timeout_ms`, for the query's vector; without it the lexical leg answers alone."""
    breaker_failures: int = Field(5, ge=1)
    """Failures in a row after which the embedder or the reranker is left alone."""
    breaker_pause: float = Field(30.0, gt=0)
    """Seconds for which it is; then one search tries it again."""

    @model_validator(mode="after")
    def _candidates_cover_window(self) -> SearchSettings:
        if self.num_candidates < self.window:
            raise ValueError(
                f"num_candidates ({self.num_candidates}) is below window ({self.window})"
            )
        return self
