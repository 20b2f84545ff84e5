from __future__ import annotations

import contextlib
import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import RowError, SettingsError
from es_hybrid.records import PRODUCT_FIELDS, Product
from es_hybrid.settings import IngestSettings, Settings, load_settings
from ingest.cleaning.clean import Cleaner
from ingest.sources import Row


def clean(values: dict[str, Any], **settings: Any) -> Product:
    cleaner = Cleaner(Settings(ingest=IngestSettings(**settings)))
    row = Row("shop.csv:7", {"id": "1", "title": "t", "lang": "en"} | values)
    return cleaner.clean(row).product


def problem(values: dict[str, Any], **settings: Any) -> str:
    with pytest.raises(RowError) as error:
        clean(values, **settings)
    assert error.value.remedy
    return str(error.value)


def test_a_whole_row() -> None:
    product = clean(
        {
            "id": " A-1 ",
            "title": "<b>Kettle</b> 1.7&nbsp;L",
            "sku": 4820,
            "ean": ["0882780756328", 36000291452],
            "description": "<p>Fast.</p><p>Quiet.</p>",
            "brand": "Ｎｉｋｅ",
            "category": "Kitchen &gt; Kettles >",
            "price": "€ 1.299,00",
            "lang": "pt_br",
            "attributes": {
                "size": {"height": 20.0, "unit": "cm"},
                "colours": ["red", None, "blue"],
                "volume": 1.7,
                "cordless": True,
                "made": date(2026, 1, 2),
                "none": None,
                "blank": " ",
                "nan": float("nan"),
            },
            "unknown": "ignored",
        },
        fields={"gtin": "ean"},
        decimal_separator=",",
    )
    assert product == Product(
        id="A-1",
        title="Kettle 1.7 L",
        sku="4820",
        gtin=("0882780756328", "036000291452"),
        description="Fast. Quiet.",
        brand="Nike",
        category=("Kitchen", "Kettles"),
        price=1299.0,
        currency="EUR",
        lang="pt-BR",
        attributes={
            "size.height": "20",
            "size.unit": "cm",
            "colours": ("red", "blue"),
            "volume": "1.7",
            "cordless": "true",
            "made": "2026-01-02",
        },
    )


@pytest.mark.parametrize(("given_id", "product_id"), [(7, "7"), ("007", "007"), ("ID ü", "ID ü")])
def test_ids(given_id: Any, product_id: str) -> None:
    assert clean({"id": given_id}).id == product_id


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "id: missing"), ("", "id: missing"), ("  ", "id: blank"),
        (12.0, "id: 12.0 is a fractional number"), (True, "id: True is a boolean"),
        (["1"], "id: ['1'] is a list"), ("é" * 257, "id: 514 bytes, Elasticsearch allows 512"),
        ("\ud83d", "id: not valid Unicode"),
    ],
)  # fmt: skip
def test_bad_ids(value: Any, message: str) -> None:
    field, _, told = message.partition(": ")
    said = problem({"id": value, "sku": "K-17"})
    assert said.startswith(f"shop.csv:7 sku=K-17 field={field}: {told}")
    assert said.encode()  # can be printed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"title": None}, "title: missing"),
        ({"title": "<p>\u200b</p>"}, "title: blank after cleaning"),
        ({"title": ["a"]}, "title: is a list"),
        ({"title": "x\udc00"}, "title: half a surrogate pair (U+DC00) at character 2"),
    ],
)
def test_values_that_reject_the_row(values: dict[str, Any], message: str) -> None:
    field, _, told = message.partition(": ")
    assert problem(values).startswith(f"shop.csv:7 id=1 field={field}: {told}")


WARNINGS = [
    ({"price": "12,99"}, "price", "decimal separator", "'12,99' is not a price with the decimal "
     "separator '.'; correct it, or set ingest.decimal_separator"),
    ({"price": "on request"}, "price", "not a price", "'on request' is not a price; correct it"),
    ({"price": "5-7"}, "price", "not a single amount", "'5-7' is not a single amount; correct it"),
    ({"price": float("inf")}, "price", "not a price", "inf is not finite; write a number or no"),
    ({"price": 10**400}, "price", "not a price", "1000"),
    ({"price": -0.01}, "price", "negative", "-0.01 is negative; write 0 or more, or nothing"),
    ({"price": True}, "price", "not a price", "is a boolean; write a number"),
    ({"price": [1, 2]}, "price", "not a price", "is a list; write a number"),
    ({"price": {"amount": 1299, "currency": "eur"}}, "price", "not a single amount", "{'amount': "),
    ({"price": {"min": "1.00", "max": "2.00"}}, "price", "not a single amount", "{'min': '1.00'"),
    ({"price": "€5", "currency": "USD"}, "price", "two currencies", "in EUR, but the currency is"),
    ({"currency": "Taler"}, "currency", "not a currency", "'Taler' is not a currency; use ISO 4"),
    ({"lang": "Klingonish"}, "lang", "not a language", "'Klingonish' is not a language; use a B"),
    ({"brand": "é" * 16_384}, "brand", "too long", "32,768 bytes, Elasticsearch allows 32,766; "),
    ({"brand": ["a", "b"]}, "brand", "not text", "is a list; write text, or map another column "),
    ({"sku": "\ud83d"}, "sku", "not Unicode", "half a surrogate pair (U+D83D) at character 1; "),
    ({"category": ["x" * 33_000]}, "category", "too long", "33,003 bytes"),
    ({"gtin": "4006381333932"}, "gtin", "check digit", "'4006381333932' has a wrong check digit"),
    ({"attributes": "colour: red"}, "attributes", "not JSON", "not JSON: unexpected character"),
    ({"attributes": {"a": b"raw"}}, "attributes", "not text", "is a bytes; write text"),
    ({"description": "x" * 70_000}, "description", "too long", "70,000 characters; only the first"),
    ({"price": "\x1b[31m" * 30}, "price", "not a price", "'\\x1b[31m"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "field", "kind", "message"), WARNINGS)
def test_a_product_is_usable_without_the_value(
    values: dict[str, Any], field: str, kind: str, message: str
) -> None:
    row = Row("shop.csv:7", {"id": "1", "title": "t", "lang": "en"} | values)
    product, warnings = Cleaner(Settings()).clean(row)
    ((found, of_kind, said),) = warnings
    assert (found, of_kind) == (field, kind)
    assert said.startswith(message)
    assert said.isprintable()
    assert len(said) < 200
    if field != "description":
        assert getattr(product, field) in (None, "", (), {}, "en")


def test_a_bad_price_rejects_the_row_if_the_shop_wants_it() -> None:
    reject = {"bad_price": "reject"}
    assert problem({"price": "POA"}, **reject).endswith("'POA' is not a price; correct it")
    assert "in EUR, but the" in problem({"price": "€5", "currency": "USD"}, **reject)
    assert clean({"price": "NULL"}, **reject).price is None


def test_null_words_are_absent_in_every_field_but_the_title() -> None:
    null = dict.fromkeys(set(PRODUCT_FIELDS) - {"id", "title", "lang"}, "NULL")
    assert clean(null | {"title": "None"}) == Product(id="1", title="None", lang="en")
    assert "title: missing" in problem({"title": r"\N"})
    assert "field=id: missing" in problem({"id": "#REF!"})


def test_guards_of_spreadsheets_are_removed_in_every_field() -> None:
    guarded = {"id": "'-1", "title": "'-40° cable", "sku": "'=MC2", "brand": "'@home",
               "category": "'+Size", "gtin": "'4006381333931"}  # fmt: skip
    product = clean(guarded)
    assert (product.id, product.title, product.sku) == ("-1", "-40° cable", "=MC2")
    assert (product.brand, product.category) == ("@home", ("+Size",))
    assert product.gtin == ("4006381333931",)
    assert Cleaner(Settings()).row_id(Row("a:1", guarded)) == "-1"


def test_words_for_currency_and_language() -> None:
    assert clean({"price": 9.9, "currency": "US Dollar"}).currency == "USD"
    assert clean({"price": 9.9, "currency": 978}).currency == "EUR"
    assert clean({"price": "9.90", "currency": "$"}, default_currency="USD").currency == "USD"
    assert clean({"lang": "Deutsch"}).lang == "de"


def test_nested_money() -> None:
    product = clean({"price": {"amount": "12.99", "currencyCode": "EUR"}})
    assert (product.price, product.currency) == (12.99, "EUR")
    assert clean({"price": [12.5]}).price == 12.5


def test_several_categories() -> None:
    product = clean({"category": "Clothing > Caps, Winter"})
    assert product.category == ("Clothing", "Caps")
    assert product.other_categories == (("Winter",),)


def test_a_row_without_warnings_has_none() -> None:
    row = Row("a:1", {"id": "1", "title": "t", "lang": "en", "price": "9.90"})
    assert Cleaner(Settings()).clean(row).warnings == ()


@pytest.mark.parametrize("field", [name for name in PRODUCT_FIELDS if name != "id"])
@pytest.mark.parametrize("unit", ["1a", "<a", "a\u0301\u0327", "-", "&amp;", "<p><b id=1>", "["])
def test_one_hostile_field_takes_no_time(field: str, unit: str) -> None:
    """2 MiB of it; some took hours."""
    started = time.process_time()
    row = Row("a:1", {"id": "1", "title": "t", "lang": "en"} | {field: unit * (2**21 // len(unit))})
    with contextlib.suppress(RowError):
        warnings = len(Cleaner(Settings()).clean(row).warnings)  # a short value, should it fail
        assert warnings
    assert time.process_time() - started < 10


def test_a_mapped_field_is_named_with_its_column() -> None:
    assert problem({"preis": "x"}, fields={"price": "preis"}, bad_price="reject").startswith(
        "shop.csv:7 id=1 field=price column='preis': 'x' is not a price"
    )


def test_a_row_is_named_by_its_sku_else_its_id_and_briefly() -> None:
    assert problem({"sku": "K\n17" + "x" * 100, "title": ""}).startswith(
        f"shop.csv:7 sku=K 17{'x' * 56}… field=title: "
    )
    assert problem({"id": "\ud83d", "title": ""}).startswith(
        "shop.csv:7 id=\\ud83d field=title: blank"
    )


@pytest.mark.parametrize(
    ("value", "version"),
    [
        (0, 0), ("17", 17), (17.0, 17), (Decimal(17), 17), (2**63 - 1, 2**63 - 1),
        ("1970-01-02", 86_400_000), ("1970-01-01T01:00:00+01:00", 0),
        ("2026-11-21T09:30:00.123Z", 1_795_253_400_123), (date(1970, 1, 2), 86_400_000),
        (datetime(1970, 1, 1, 0, 0, 1), 1000),
    ],
)  # fmt: skip
def test_versions(value: Any, version: int) -> None:
    cleaner = Cleaner(Settings(ingest=IngestSettings(fields={"version": "changed"})))
    assert cleaner.version(Row("shop.csv:7", {"id": "1", "changed": value})) == version


@pytest.mark.parametrize("value", [None, "", -1, 2**63, 1.5, True, "yesterday", "1969-12-31", []])
def test_bad_versions(value: Any) -> None:
    cleaner = Cleaner(Settings(ingest=IngestSettings(fields={"version": "changed"})))
    with pytest.raises(RowError, match=r"^shop.csv:7 id=1 field=version column='changed': ") as bad:
        cleaner.version(Row("shop.csv:7", {"id": "1", "changed": value}))
    assert bad.value.remedy.startswith("write a whole number >= 0, or a time such as ")


def test_a_version_is_taken_only_where_it_is_mapped() -> None:
    assert Cleaner(Settings()).version(Row("a:1", {"version": "3.1"})) is None


def test_defaults() -> None:
    assert clean({"price": 5}, default_currency="EUR").currency == "EUR"
    assert clean({}, default_currency="EUR").currency == ""
    assert clean({"lang": None}, default_lang="de_at").lang == "de-AT"
    assert clean({"lang": "", "title": "冰丝男士短袖T恤"}).lang == "zh"
    assert clean({"price": Decimal("9.90")}).price == 9.9
    assert clean({"price": " "}).price is None
    assert clean({"gtin": "4006381333931, 4006381333948"}).gtin == (
        "4006381333931",
        "4006381333948",
    )
    assert clean({"attributes": '{"a": {"b": 2}}'}).attributes == {"a.b": "2"}
    assert clean({"attributes": [("size", "M")]}).attributes == {"size": "M"}
    assert clean({"category": "A|B"}, category_separator="|").category == ("A", "B")


@pytest.mark.parametrize("title", ["Red kettle", "Enamel Mug", "Sony WH-1000"])
def test_the_language_is_empty_if_the_text_does_not_show_it(title: str) -> None:
    assert clean({"lang": None, "title": title}).lang in ("", "en")


def test_the_language_is_one_of_index_languages_if_the_shop_set_them(tmp_path: Path) -> None:
    row = Row("a:1", {"id": "1", "title": "Wasserkocher aus Edelstahl mit Temperaturanzeige"})
    swedish = Row("a:2", {"id": "2", "title": "Vattenkokare i rostfritt stål med termometer"})
    assert Cleaner(Settings()).clean(row).product.lang == "de"
    assert Cleaner(Settings()).clean(swedish).product.lang == "sv"
    path = tmp_path / "es-hybrid.toml"
    path.write_text('[index]\nlanguages = ["en", "fr"]\n')
    assert Cleaner(load_settings(path)).clean(row).product.lang in ("", "en", "fr")


def test_mapping_of_an_unknown_field_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match=r"ingest\.fields: no such product field: prise"):
        Cleaner(Settings(ingest=IngestSettings(fields={"prise": "x"})))
    with pytest.raises(SettingsError, match=r"ingest\.default_lang: 'german'"):
        Cleaner(Settings(ingest=IngestSettings(default_lang="german")))


def test_required_columns_are_the_mapped_ones() -> None:
    cleaner = Cleaner(Settings(ingest=IngestSettings(fields={"id": "nr", "price": "preis"})))
    assert cleaner.required_columns == ("nr", "title", "preis")


def test_a_row_that_could_not_be_read_keeps_its_problem() -> None:
    unreadable = RowError("not JSON", place="a.jsonl:1", remedy="correct it")
    with pytest.raises(RowError) as error:
        Cleaner(Settings()).clean(Row("a.jsonl:1", problem=unreadable))
    assert error.value is unreadable
