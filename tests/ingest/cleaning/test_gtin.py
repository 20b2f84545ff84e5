from __future__ import annotations

import time
from typing import Any

import pytest

from ingest.cleaning.gtin import gtins_of
from ingest.cleaning.problems import FieldWarning

EAN, UPC, EAN8 = "4006381333931", "036000291452", "96385074"


def read(value: Any) -> tuple[tuple[str, ...], list[str]]:
    """The numbers, and the kinds of the warnings."""
    warnings: list[FieldWarning] = []
    numbers = gtins_of(value, warnings.append)
    assert all(warning.field == "gtin" and len(warning.message) < 200 for warning in warnings)
    return numbers, [warning.kind for warning in warnings]


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        (EAN, (EAN,)),
        (int(EAN), (EAN,)),
        (float(EAN), (EAN,)),
        (f"{EAN}.0", (EAN,)),
        ("4 006381 333931", (EAN,)),
        ("4-006381-333931", (EAN,)),
        (f"'{EAN}", (EAN,)),
        (f"{EAN}, {UPC}", (EAN, UPC)),
        (f"{EAN} {EAN8}", (EAN, EAN8)),
        (f"{EAN};{EAN8}|{UPC}/{EAN}", (EAN, EAN8, UPC)),
        ([EAN, int(EAN8), None, ""], (EAN, EAN8)),
        (f"EAN: {EAN}", (EAN,)),
        (f"GTIN-13 {EAN} UPC-A: {UPC}", (EAN, UPC)),
        (f"GTIN14: 0{EAN}", (f"0{EAN}",)),
        ("ISBN-13: 978-3-16-148410-0", ("9783161484100",)),
        ("ISBN 3-16-148410-X", ("9783161484100",)),
        ("36000291452", (UPC,)),  # a spreadsheet took the zero
        (None, ()),
        ("", ()),
        ("N/A", ()),
        (["-", "NULL"], ()),
    ],
)
def test_numbers(value: Any, numbers: tuple[str, ...]) -> None:
    assert read(value) == (numbers, [])


@pytest.mark.parametrize(
    ("value", "numbers", "kinds"),
    [
        ("4.00639E+12", (), ["scientific notation"]),
        ("4,00639E+12", (), ["scientific notation"]),
        (f"4.00639E+12; {EAN}", (EAN,), ["scientific notation"]),
        ("4006381333932", (), ["check digit"]),
        ("0", (), ["not a number"]),
        ("0000000000000", (), ["check digit"]),
        ("does not apply", (), ["not a number"]),
        ("40", (), ["not a number"]),
        ("1234567", (), ["not a number"]),
        ("3-16-148410-0", (), ["check digit"]),
        ({"ean": EAN}, (), ["not a number"]),
        (True, (), ["not a number"]),
        (4.5, (), ["not a number"]),
        ("\ud83d\x1b[31m", (), ["not a number"]),
        (["x"] * 1000 + ["4006381333932"] * 1000, (), ["not a number", "check digit"]),
    ],
)
def test_what_is_left_out(value: Any, numbers: tuple[str, ...], kinds: list[str]) -> None:
    assert read(value) == (numbers, kinds)


def test_the_message_says_what_a_spreadsheet_did() -> None:
    warnings: list[FieldWarning] = []
    gtins_of("4.00639E+12", warnings.append)
    (warning,) = warnings
    assert warning.message == (
        "'4.00639E+12' lost its last digits in a spreadsheet; format the column as text and export "
        "it again"
    )


@pytest.mark.parametrize("text", ["1 " * 2**20, "EAN" * 2**19, "-" * 2**21, "9" * 2**21])
def test_a_hostile_text_takes_no_time(text: str) -> None:
    started = time.process_time()
    assert read(text)[0] == ()
    assert time.process_time() - started < 10
