"""A merchandising rule: when it applies, and what it does to a search."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from es_hybrid.merchandising.rules.criteria import CriterionType

__all__ = ["Actions", "Criterion", "Route", "Rule", "RuleVersion", "Weighted"]

# Metadata of the shopper's words, cleaned; everything else is from the context of the request.
QUERY = "query"


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, use_attribute_docstrings=True
    )


class Criterion(_Model):
    """A condition on the query or on a fact about the caller, as in Elasticsearch's query rules."""

    type: CriterionType
    metadata: str = QUERY
    """`query`, `index`, or a name in the context of the request."""
    values: tuple[str | float, ...] = ()
    """Any of these is enough. Not for `always`."""


class Weighted(_Model):
    """Products to move up or down."""

    filter: Mapping[str, Any]
    """As in a search: `{"brand": "Nike"}`."""
    weight: float = Field(0.1, gt=0)
    """As a fraction of the best score; see `signal_bound`."""


class Route(_Model):
    """How to search."""

    mode: Literal["hybrid", "bm25", "knn"] | None = None
    rerank: bool | None = None


class Actions(_Model):
    """What a rule does. At least one."""

    pin: tuple[str, ...] = ()
    """Ids shown first, in this order, if they pass the filters."""
    exclude: tuple[str, ...] = ()
    """Ids never shown."""
    boost: tuple[Weighted, ...] = ()
    bury: tuple[Weighted, ...] = ()
    filter: Mapping[str, Any] = Field(default_factory=dict)
    """Only products that pass are found; as in a search."""
    synonyms: tuple[str, ...] = ()
    """Lines in Solr's format: `sofa, couch` or `tee => t-shirt`."""
    replace: str | None = None
    """Searched instead of the query."""
    redirect: str | None = None
    """Address that the shop should show instead, reported in the answer."""
    route: Route | None = None


class Rule(_Model):
    """One rule."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,200}$")]
    criteria: tuple[Criterion, ...]
    """All must be met."""
    actions: Actions
    priority: int = 0
    """Of two rules that contradict each other, the one with the higher priority wins."""
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    note: str = ""


class RuleVersion(_Model):
    """One version of a rule, as stored; never changed afterwards.

    Only approved versions apply: of a rule, the last of them.
    """

    rule: Rule
    version: int
    """From 1."""
    author: str
    changed: datetime
    approved_by: str | None = None
    """None: a draft."""
    deleted: bool = False
    """Ends the rule."""
