"""A merchandising rule: when it applies, and what it does to a search."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from es_hybrid.cleaning import clean_query
from es_hybrid.errors import EsHybridError, InvalidRequest
from es_hybrid.filters import filter_clauses
from es_hybrid.merchandising.rules.criteria import ORDERS, CriterionType, number_of
from es_hybrid.understanding.synonym_rules import parse_synonyms

__all__ = ["Actions", "Criterion", "Route", "Rule", "RuleVersion", "Weighted", "parse_rule"]

# Metadata of the shopper's words, cleaned; everything else is from the context of the request.
QUERY = "query"
# Metadata of the index or alias that is searched.
INDEX_NAME = "index"

# Browsers read `//host` and `/\\host` as another site, and skip line breaks.
_ADDRESS = re.compile(r"(?:https?://|/(?![/\\]))[^\s\x00-\x1f]*")


def _readable(filters: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        filter_clauses(filters)
    except EsHybridError as error:
        raise ValueError(str(error)) from None
    return filters


def _parsable(lines: tuple[str, ...]) -> tuple[str, ...]:
    try:
        parse_synonyms(lines, place="line")
    except EsHybridError as error:
        raise ValueError(str(error)) from None
    return lines


def _with_words(text: str) -> str:
    if not clean_query(text):
        raise ValueError("no word to search for")
    return text


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("no address: write https://..., http://... or a path such as /sale")
    return text


_Text = Annotated[str, Field(min_length=1, max_length=1000)]
_Id = Annotated[str, Field(min_length=1, max_length=512)]
_Filters = Annotated[Mapping[str, Any], AfterValidator(_readable)]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        str_strip_whitespace=True,
        use_attribute_docstrings=True,
    )


class Criterion(_Model):
    """A condition on the query or on a fact about the caller, as in Elasticsearch's query rules."""

    type: CriterionType
    metadata: _Id = QUERY
    """`query`, `index`, or a name in the context of the request."""
    values: tuple[_Text | float, ...] = ()
    """Any of these is enough. Not for `always`."""

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        if bool(self.values) == (self.type == "always"):
            raise ValueError("`always` has no values, every other type needs one")
        if self.metadata == QUERY and any(
            isinstance(v, str) and not clean_query(v) for v in self.values
        ):
            raise ValueError("a value for the query has no word")
        if self.type in ORDERS and any(number_of(value) is None for value in self.values):
            raise ValueError(f"`{self.type}` compares numbers")
        return self


class Weighted(_Model):
    """Products to move up or down."""

    filter: Annotated[_Filters, Field(min_length=1)]
    """As in a search: `{"brand": "Nike"}`."""
    weight: float = Field(0.1, gt=0)
    """As a fraction of the best score; see `signal_bound`."""


class Route(_Model):
    """How to search."""

    mode: Literal["hybrid", "bm25", "knn"] | None = None
    rerank: bool | None = None


class Actions(_Model):
    """What a rule does. At least one."""

    pin: Annotated[tuple[_Id, ...], Field(max_length=100)] = ()
    """Ids shown first, in this order, if they pass the filters."""
    exclude: Annotated[tuple[_Id, ...], Field(max_length=1000)] = ()
    """Ids never shown."""
    boost: Annotated[tuple[Weighted, ...], Field(max_length=20)] = ()
    bury: Annotated[tuple[Weighted, ...], Field(max_length=20)] = ()
    filter: _Filters = Field(default_factory=dict)
    """Only products that pass are found; as in a search."""
    synonyms: Annotated[tuple[_Text, ...], Field(max_length=100), AfterValidator(_parsable)] = ()
    """Lines in Solr's format: `sofa, couch` or `tee => t-shirt`."""
    replace: Annotated[_Text, AfterValidator(_with_words)] | None = None
    """Searched instead of the query."""
    redirect: Annotated[_Text, AfterValidator(_address)] | None = None
    """Address that the shop should show instead, reported in the answer."""
    route: Route | None = None

    @model_validator(mode="after")
    def _do_something(self) -> Self:
        if not self.named or self.route == Route():
            raise ValueError("the rule does nothing: give it an action")
        if both := set(self.pin) & set(self.exclude):
            raise ValueError(f"{min(both)} is pinned and excluded")
        return self

    @cached_property
    def named(self) -> Mapping[str, Any]:
        """Action -> value, as in JSON, without those that the rule does not have."""
        given = self.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in given.items() if value}


class Rule(_Model):
    """One rule."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,200}$")]
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=100)]
    """All must be met."""
    actions: Actions
    priority: int = 0
    """Of two rules that contradict each other, the one with the higher priority wins."""
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    note: str = ""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise ValueError("valid_until is not after valid_from")
        return self

    def is_valid_at(self, time: datetime) -> bool:
        """Whether a time is from `valid_from` to before `valid_until`."""
        started = self.valid_from is None or self.valid_from <= time
        return started and (self.valid_until is None or time < self.valid_until)


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


def parse_rule(value: Any) -> Rule:
    """The rule in a JSON object.

    Raises:
        InvalidRequest: it is malformed, or could not run.
    """
    try:
        return Rule.model_validate(value)
    except ValidationError as error:
        name = value.get("id") if isinstance(value, Mapping) else None
        problems = [
            f"{'.'.join(map(str, each['loc'])) or 'rule'}: {each['msg']}" for each in error.errors()
        ]
        raise InvalidRequest(
            "; ".join(problems[:5]),
            place=f"rule {name or '?'}",
            remedy="see docs/merchandising.md for the form of a rule",
        ) from None
