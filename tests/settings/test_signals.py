"""Signals as they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import InvalidRequest, SettingsError
from es_hybrid.settings import load_settings
from es_hybrid.settings.signals import Signal, read_signals

AGE = {"field": "released", "decay": "exp", "scale": "30d"}
NEAR = {"field": "warehouse", "decay": "gauss", "origin": "52.5,13.4", "scale": "5km"}
PRICE = {"field": "price", "decay": "linear", "origin": 100, "scale": "50"}


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ({}, "set one of field, filter and seed"),
        ({"field": "price", "seed": 1}, "set one of field, filter and seed"),
        ({"field": ""}, "field: "),
        ({"field": "price", "colour": 1}, "colour: "),
        ({"field": "price", "weight": float("nan")}, "weight: "),
        ({"field": "price", "weight": "much"}, "weight: "),
        ({"field": "price", "modifier": "log"}, "modifier: "),
        ({"field": "price", "scale": 3}, "origin and scale need a decay"),
        ({"decay": "exp", "seed": 1}, "a decay needs field and scale"),
        ({**PRICE, "modifier": "sqrt"}, "set modifier or decay, not both"),
        ({**PRICE, "origin": None}, "a decay over numbers needs a number as origin"),
        ({**PRICE, "origin": "2026-01-01"}, "a decay over numbers needs a number as origin"),
        ({**PRICE, "scale": 0}, "scale must be above 0"),
        ({**PRICE, "offset": -1}, "offset must be at least 0"),
        ({**PRICE, "at_scale": 1}, "at_scale: "),
        ({**AGE, "scale": "30w"}, "cannot read the distance '30w'; units: ms, s, m, h, d"),
        ({**AGE, "offset": 3}, "3.0 needs a unit of time"),
        ({**AGE, "origin": "yesterday"}, "Invalid isoformat"),
        ({**NEAR, "scale": "5d"}, "cannot read the distance '5d'; units: mm, cm, m, km"),
        ({**NEAR, "origin": "95,13"}, "'95,13' is no place on earth"),
        ({**NEAR, "origin": "52.5,13.4,1"}, "too many values"),
        ({"field": "warehouse", "decay": "exp", "scale": "5km"}, "cannot read the distance '5km'"),
    ],
)
def test_a_signal_that_makes_no_sense_is_named(written: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        read_signals([{"field": "stock"}, written])
    assert raised.value.place == "signals[1]"
    assert problem in raised.value.message


@pytest.mark.parametrize("given", ["stock", {"field": "stock"}, 3])
def test_signals_are_a_list(given: Any) -> None:
    with pytest.raises(InvalidRequest, match="put the signals into a list"):
        read_signals(given)


def test_a_decay_says_what_its_field_holds() -> None:
    signals = read_signals([{"field": "stock"}, PRICE, AGE, {**AGE, "origin": "now"}, NEAR])
    assert [each.reads for each in signals] == ["number", "number", "date", "date", "place"]
    assert [each.start(now=7.0) for each in signals[1:]] == [(100,), (7,), (7,), (52.5, 13.4)]


@pytest.mark.parametrize(
    ("signal", "span", "number"),
    [
        (PRICE, "20", 20), (PRICE, 2.5, 2.5), (AGE, "1.5h", 5_400_000), (AGE, "0", 0),
        (AGE, "250ms", 250), (NEAR, "2mi", 3218.688), (NEAR, "5m", 5), (AGE, "5m", 300_000),
        (NEAR, 70, 70), (NEAR, "1nmi", 1852),
    ],
)  # fmt: skip
def test_distances_have_units(signal: dict[str, Any], span: Any, number: float) -> None:
    assert Signal.model_validate(signal).span(span) == pytest.approx(number)


def test_a_date_without_a_zone_is_in_utc() -> None:
    starts = [
        Signal.model_validate({**AGE, "origin": origin}).start(now=0)
        for origin in ("2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31T01:00:00+01:00")
    ]
    assert starts == [(1_769_817_600_000.0,)] * 3


def test_they_can_be_set_in_the_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "es-hybrid.toml"
    file.write_text(
        '[search]\nsignal_combine = "product"\n'
        '[[search.signals]]\nname = "margin"\nfield = "margin"\nweight = 0.2\n'
        "[[search.signals]]\nfilter = { in_stock = true }\n"
    )
    settings = load_settings(file).search
    assert settings.signal_combine == "product"
    assert [each.label for each in settings.signals] == ["margin", "filter"]
    file.write_text('[[search.signals]]\nfield = "margin"\nscale = 3\n')
    with pytest.raises(SettingsError, match=r"search\.signals\.0: origin and scale need a decay"):
        load_settings(file)
