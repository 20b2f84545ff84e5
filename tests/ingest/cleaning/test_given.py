from __future__ import annotations

from typing import Any

import pytest

from ingest.cleaning.given import given, given_title


@pytest.mark.parametrize(
    "value",
    [
        "NULL", "null", "(null)", r"\N", "None", "nan", "NaN", "<NA>", "NA", "N/A", "n/a", "nil",
        "undefined", "-", "--", "–", "?", "…", " NULL ", "#N/A", "#REF!", "#NAME?", "#DIV/0!",
        "#BEZUG!", "#¡VALOR!", "#NV", float("nan"), None,
    ],
)  # fmt: skip
def test_what_means_no_value(value: Any) -> None:
    assert given(value) is None


@pytest.mark.parametrize(
    "value",
    ["NAN", "Nan", "Nil", "0", "no", "#1", "#metoo", "#FIT!Band", "Null & Co", "", 0, False, 1.5],
)
def test_what_is_a_value(value: Any) -> None:
    assert given(value) == value


@pytest.mark.parametrize("title", ["None", "nan", "null", "?", "NA"])
def test_a_product_may_be_called_so(title: str) -> None:
    assert given_title(title) == title


@pytest.mark.parametrize("title", ["NULL", r"\N", "#REF!", "(null)"])
def test_no_product_is_called_so(title: str) -> None:
    assert given_title(title) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("'-40-CABLE", "-40-CABLE"), ("'+SIZE", "+SIZE"), ("'=MC2", "=MC2"), ("'@home", "@home"),
        ("'\t=1+1", "\t=1+1"), ("'\r-1", "\r-1"), ("'0123", "0123"),
        ("'+' sign", "'+' sign"), ("'90s jacket", "'90s jacket"), ("'n' roll", "'n' roll"),
        ("'", "'"), ("-40", "-40"),
    ],
)  # fmt: skip
def test_the_guard_of_a_spreadsheet_is_removed(text: str, meant: str) -> None:
    assert given(text) == given_title(text) == meant


def test_a_guarded_null_word_is_no_value() -> None:
    assert given("'-") is None
