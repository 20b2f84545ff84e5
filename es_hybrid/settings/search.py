"""A shopper's search: its two legs, their fusion, and its time limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from es_hybrid.settings.section import Section
from es_hybrid.settings.signals import Signal


class SearchSettings(Section):
    """A shopper's search: its two legs, their fusion, and its time limits."""

    fields: tuple[str, ...] = (
        "title", "brand.text", "category.text", "description", "sku.text",
    )  # fmt: skip
    """Fields that the lexical leg searches, scored as one field. `title^2` boosts a field."""
    identifier_fields: tuple[str, ...] = ("sku", "gtin")
    """Fields that identify a product. A product ranks first if one of them is the whole query, as
    typed, with other separators, after a label, or as a GTIN with other zeros."""
    minimum_should_match: str = "2<75%"
    """Number of query words that a lexical hit must match, in Elasticsearch's syntax. Without the
    vector leg, one word is enough."""
    window: int = Field(100, ge=1, le=10_000)
    """Number of hits taken from each leg, 1 to 10,000."""
    num_candidates: int = Field(1000, ge=1, le=10_000)
    """Number of nearest neighbours to consider on each shard, up to 10,000; at least `window`."""
    rank_constant: int = Field(60, ge=1)
    """Constant `k` of reciprocal rank fusion, from 1. The larger it is, the less the top ranks
    weigh."""
    bm25_weight: float = Field(1.0, ge=0)
    """Weight of the lexical leg in the fusion, from 0."""
    knn_weight: float = Field(0.7, ge=0)
    """Weight of the vector leg in the fusion, from 0. 0.7 suits the embedded encoder; measure for
    yours."""
    execution: Literal["auto", "native", "client"] = "auto"
    """Where retriever trees run: `native` is the cluster, `client` is es-hybrid, and `auto` is the
    cluster if its license and version allow it."""
    sort_cutoff: float = Field(0.3, ge=0, le=1)
    """Minimum score of the hits that `sort` orders, as a fraction of the best fused score, 0 to
    1."""
    phrase_boost: float = Field(0.25, ge=0)
    """Boost for query words that are adjacent in one field, added to their score. 0 disables it."""
    spelling: bool = True
    """Correct words that the catalogue does not use, by the words that it uses. Needs the
    vocabulary that loads, `index promote` and `index learn` store."""
    synonyms: str = ""
    """File of synonyms, in Solr's format; `es://NAME` is a set of Elasticsearch's synonyms API.
    Unset: none."""
    conditions: bool = True
    """Apply prices and exclusions that a query states, such as `under 50 dollars` or `without
    stripes`, as filters, and rank products of the brand, category, colour or size that it names
    higher."""
    floor: bool = True
    """Find nothing if no product has the words of a query and none is close enough in meaning.
    Needs the floor that `index calibrate` and `index promote` measure."""
    similar: int = Field(6, ge=0, le=100)
    """Maximum number of nearest products to return apart, as `similar`, if nothing was found; 0
    returns none."""
    signals: tuple[Signal, ...] = ()
    """What the shop knows of its products and wants to count in their order, as
    `[[search.signals]]`. See docs/merchandising.md."""
    signal_combine: Literal["sum", "product"] = "sum"
    """How the values of several signals are combined: `sum` or `product`."""
    signal_bound: float = Field(0.3, gt=0)
    """How far signals may move a product at most: as a fraction of the best fused score."""
    limit_per: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Keyword or number field -> most hits of one value on a page: `{ brand = 3 }`. Further hits
    move to later pages."""
    diversity: float = Field(0.0, ge=0, le=1)
    """How much hits should differ from those above them, by their vectors: 0, not at all, to 1."""
    rules: bool = True
    """Apply the merchandising rules in the index `es-hybrid-rules`."""
    timeout_ms: int = Field(10_000, ge=0)
    """Milliseconds for a whole search. 0 disables the limit."""
    embedding_share: float = Field(0.4, gt=0, le=1)
    """Fraction of `timeout_ms` for embedding the query, up to 1. After that the lexical leg answers
    alone."""
    breaker_failures: int = Field(5, ge=1)
    """Consecutive failures after which the embedder or the reranker is probed with a harmless text.
    If it fails at that, it gets no requests for a while."""
    breaker_pause: float = Field(30.0, gt=0)
    """Seconds without requests until the next probe."""

    @model_validator(mode="after")
    def _candidates_cover_window(self) -> SearchSettings:
        if self.num_candidates < self.window:
            raise ValueError(
                f"num_candidates ({self.num_candidates}) is below window ({self.window})"
            )
        return self
