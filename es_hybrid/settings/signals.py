"""Signals: what a shop knows of its products and wants to count in their order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from es_hybrid.errors import InvalidRequest
from es_hybrid.settings.section import Section

Modifier = Literal["none", "log1p", "sqrt", "reciprocal"]
Decay = Literal["gauss", "exp", "linear"]

# Units as Elasticsearch writes them, in milliseconds and in metres.
_TIME = {"ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7}
_LENGTH = {
    "mm": 0.001, "cm": 0.01, "m": 1.0, "km": 1000.0, "in": 0.0254, "ft": 0.3048, "yd": 0.9144,
    "mi": 1609.344, "nmi": 1852.0,
}  # fmt: skip
_MEASURE = re.compile(r"(\d+(?:\.\d+)?)([a-z]*)")


class Signal(Section):
    """One signal: a field's value, its decay, a filter or a random number, times a weight."""

    model_config = ConfigDict(allow_inf_nan=False)

    name: str | None = None
    """Name in explanations. Unset: its field, `filter` or `random`."""
    weight: float = 1.0
    """Factor of its value; below 0, it moves products down."""
    field: str | None = Field(None, min_length=1)
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
        if self.decay is None:
            if self.origin is not None or self.scale is not None:
                raise ValueError("origin and scale need a decay")
            return self
        if self.field is None or self.scale is None:
            raise ValueError("a decay needs field and scale")
        if self.modifier != "none":
            raise ValueError("set modifier or decay, not both")
        self.start(now=0.0)
        if self.span(self.scale) <= 0:
            raise ValueError("scale must be above 0")
        if self.span(self.offset) < 0:
            raise ValueError("offset must be at least 0")
        return self

    @property
    def label(self) -> str:
        """Its name in explanations and errors."""
        return self.name or self.field or ("filter" if self.filter is not None else "random")

    @property
    def reads(self) -> Literal["number", "date", "place"]:
        """What its field holds. A decay says so by its origin and by the unit of its scale."""
        if self.decay is None:
            return "number"
        if isinstance(self.origin, str) and "," in self.origin:
            return "place"
        has_unit = isinstance(self.scale, str) and not _is_number(self.scale)
        return "date" if has_unit else "number"

    def span(self, value: float | str) -> float:
        """A scale or offset as a number; in milliseconds for dates, in metres for places.

        Raises:
            ValueError: it cannot be read.
        """
        if not isinstance(value, str) or _is_number(value):
            if self.reads == "date" and float(value):
                raise ValueError(f"{value!r} needs a unit of time: {', '.join(_TIME)}")
            return float(value)
        units = {"number": {}, "date": _TIME, "place": _LENGTH}[self.reads]
        match = _MEASURE.fullmatch(value)
        if match is None or match[2] not in units:
            known = ", ".join(units) or "none, since origin is neither a date nor lat,lon"
            raise ValueError(f"cannot read the distance {value!r}; units: {known}")
        return float(match[1]) * units[match[2]]

    def start(self, now: float) -> tuple[float, ...]:
        """The origin of a decay: a number, epoch milliseconds, or latitude and longitude.

        Args:
            now: Epoch milliseconds.

        Raises:
            ValueError: it cannot be read.
        """
        if self.reads == "place":
            latitude, longitude = map(float, str(self.origin).split(","))
            if not (abs(latitude) <= 90 and abs(longitude) <= 180):
                raise ValueError(f"{self.origin!r} is no place on earth: write lat,lon")
            return latitude, longitude
        if self.reads == "date":
            if self.origin in (None, "now"):
                return (now,)
            if isinstance(self.origin, str) and not _is_number(self.origin):
                date = datetime.fromisoformat(self.origin)
                date = date if date.tzinfo else date.replace(tzinfo=UTC)
                return (date.timestamp() * 1000,)
        if self.origin is None or not _is_number(self.origin):
            raise ValueError("a decay over numbers needs a number as origin")
        return (float(self.origin),)


def read_signals(given: Sequence[Signal | Mapping[str, Any]]) -> tuple[Signal, ...]:
    """Signals, or mappings of their fields, validated.

    Raises:
        InvalidRequest: naming the signal and what is wrong with it.
    """
    if isinstance(given, str | Mapping) or not isinstance(given, Sequence):
        raise InvalidRequest("not a list", place="signals", remedy="put the signals into a list")
    return tuple(_read(place, each) for place, each in enumerate(given))


def _read(place: int, given: Signal | Mapping[str, Any]) -> Signal:
    try:
        return Signal.model_validate(given)
    except ValidationError as error:
        problems = [
            ".".join(map(str, problem["loc"])) + ": " * bool(problem["loc"])
            + problem["msg"].removeprefix("Value error, ")
            for problem in error.errors()
        ]  # fmt: skip
        raise InvalidRequest(
            "; ".join(problems), place=f"signals[{place}]", remedy="see docs/merchandising.md"
        ) from None


def _is_number(value: float | str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
