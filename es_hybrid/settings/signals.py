"""Signals: what a shop knows of its products and wants to count in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from es_hybrid.settings.section import Section

Modifier = Literal["none", "log1p", "sqrt", "reciprocal"]
Decay = Literal["gauss", "exp", "linear"]


class Signal(Section):
    """One signal: a field's value, its decay, a filter or a random number, times a weight."""

    name: str | None = None
    """Name in explanations. Unset: its field, `filter` or `random`."""
    weight: float = 1.0
    """Factor of its value; below 0, it moves products down."""
    field: str | None = None
    """Number, date or geo_point field of the product."""
    modifier: Modifier = "none"
    """What is made of a number: `none`, `log1p`, `sqrt` or `reciprocal`."""
    missing: float = 0.0
    """Value of a product without the field, after modifier and decay."""
    decay: Decay | None = None
    """The value falls from 1 at `origin` by this curve: `gauss`, `exp` or `linear`."""
    origin: float | str | None = None
    """Number, date (`now` by default) or `lat,lon` where a decay starts."""
    scale: float | str | None = None
    """Distance from `offset` at which a decay has fallen to `at_scale`: `20`, `30d`, `5km`."""
    offset: float | str = 0
    """Distance from `origin` up to which a decay stays at 1."""
    at_scale: float = Field(0.5, gt=0, lt=1)
    """Value of a decay at `scale`."""
    filter: Mapping[str, Any] | None = None
    """The value is 1 for products that match these filters, as in a search, and 0 for others."""
    seed: int | None = None
    """The value is a random number in [0, 1), the same for a product whenever the seed is."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if sum(each is not None for each in (self.field, self.filter, self.seed)) != 1:
            raise ValueError("set one of field, filter and seed")
        if self.decay is not None and (self.field is None or self.scale is None):
            raise ValueError("a decay needs field and scale")
        return self
