from __future__ import annotations

import pytest

from es_hybrid.understanding.money import amounts
from es_hybrid.understanding.plain import plain


def _values(text: str) -> list[float]:
    return [amount.value for amount in amounts(plain(text))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.299,00 €", 1299), ("1,299.00", 1299), ("1 299,00 €", 1299), ("1'299 CHF", 1299),
        ("1.299", 1299), ("19,99", 19.99), ("19.9 €", 19.9), ("1,5 k€", 1500), ("$1.5k", 1500),
        ("2万円", 20000), ("1.5万元", 15000), ("5만원", 50000), ("2 mil euros", 2000),
        ("五十元", 50), ("一千五百元", 1500), ("两万元", 20000), ("百元", 100), ("五〇元", 50),
        ("50,- €", 50), ("19€99", 19.99), ("1.234.567 €", 1_234_567),
    ],
)  # fmt: skip
def test_amounts_as_they_are_spelt(text: str, value: float) -> None:
    assert _values(text) == [value]


@pytest.mark.parametrize("text", ["iphone15", "wh1000xm4", "1.2.3", "12345678901"])
def test_what_is_no_amount(text: str) -> None:
    assert _values(text) == []


@pytest.mark.parametrize(
    ("text", "currencies"),
    [
        ("50 euros", ("EUR",)), ("€50", ("EUR",)), ("EUR 50", ("EUR",)), ("£ 50", ("GBP",)),
        ("US$ 50", ("USD",)), ("R$50", ("BRL",)), ("50 zł", ("PLN",)),
        ("50元", ("CNY", "TWD", "HKD")), ("50美元", ("USD",)), ("5000円", ("JPY",)),
        ("¥5000", ("JPY", "CNY")), ("Rs.500", ("INR", "PKR", "LKR")),
        # Feet, emission standards, pieces of equipment and weights.
        ("50 ft", ()), ("Euro 5", ()), ("50 kg", ()), ("5 pounds", ()), ("RS-232", ()),
    ],
)  # fmt: skip
def test_signs_of_currencies(text: str, currencies: tuple[str, ...]) -> None:
    (amount,) = amounts(plain(text))
    assert amount.currencies == currencies


def test_places_are_those_of_the_sign_and_the_number() -> None:
    (amount,) = amounts("under $ 50 today")
    assert (amount.start, amount.end) == (6, 10)
