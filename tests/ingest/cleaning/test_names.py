from __future__ import annotations

import pytest

from ingest.cleaning.names import currency_named, currency_numbered, language_named


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("EUR", "EUR"), ("eur", "EUR"), ("€", "EUR"), ("Euro", "EUR"), ("euros", "EUR"),
        ("US Dollar", "USD"), ("US dollars", "USD"), ("US $", "USD"), ("Swiss Franc", "CHF"),
        ("Schweizer Franken", "CHF"), ("livre sterling", "GBP"), ("人民币", "CNY"), ("日元", "JPY"),
        ("российских рублей", "RUB"), ("Kč", "CZK"), ("руб.", "RUB"), ("$", ""), ("kr.", ""),
        ("dollars", ""), ("Taler", None), ("PCS", None), ("", None), ("x" * 10_000, None),
    ],
)  # fmt: skip
def test_currencies(text: str, code: str | None) -> None:
    assert currency_named(text) == code


def test_numeric_currencies_are_not_taken_for_amounts() -> None:
    assert (currency_numbered("978"), currency_numbered("840")) == ("EUR", "USD")
    assert currency_named("978") is None


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("en", "en"), ("de_DE", "de-DE"), ("zh-Hans-CN", "zh-Hans-CN"), ("English", "en"),
        ("Deutsch", "de"), ("German", "de"), ("German (Germany)", "de"), ("allemand", "de"),
        ("中文", "zh"), ("Simplified Chinese", "zh-Hans"), ("Brazilian Portuguese", "pt-BR"),
        ("norsk", "no"), ("eng", "en"), ("ger", "de"), ("deu", "de"), ("iw", "he"), ("yue", "yue"),
    ],
)  # fmt: skip
def test_languages(text: str, tag: str) -> None:
    assert language_named(text) == tag


@pytest.mark.parametrize("text", ["Klingonish", "us", "jp", "cz", "e", "12", "", "x" * 10_000])
def test_what_is_no_language(text: str) -> None:
    with pytest.raises(ValueError, match=text[:20]):
        language_named(text)
