from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import RowError, SettingsError
from es_hybrid.records import Product
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
            "ean": ["0882780756328", 88698629123],
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
        gtin=("0882780756328", "88698629123"),
        description="Fast. Quiet.",
        brand="Nike",
        category=("Kitchen", "Kettles"),
        price=1299.0,
        currency="EUR",
        lang="pt-BR",
        attributes={
            "size.height": "20",
            "size.unit": "cm",
            "colours": "red, blue",
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
        ({"price": "12,99"}, "price: '12,99' is not a price with the decimal separator '.'"),
        ({"price": float("nan")}, "price: nan is not finite"),
        ({"price": float("inf")}, "price: inf is not finite"),
        ({"price": 10**400}, "price: 1000"),
        ({"price": -0.01}, "price: -0.01 is negative"),
        ({"price": True}, "price: is a boolean"),
        ({"price": "€5", "currency": "USD"}, "currency: USD, but the price is in EUR"),
        ({"currency": "Taler"}, "currency: 'Taler' is not a currency code"),
        ({"lang": "Englisch"}, "lang: 'Englisch' is not a language tag"),
        ({"brand": "é" * 16_384}, "brand: 32,768 bytes, Elasticsearch allows 32,766"),
        ({"category": ["x" * 33_000]}, "category: 33,003 bytes"),
        ({"gtin": ["x" * 33_000]}, "gtin: 33,000 bytes"),
        ({"attributes": {"a": "x" * 33_000}}, "attributes: 33,001 bytes"),
        ({"attributes": "colour: red"}, "attributes: not JSON"),
        ({"attributes": ["red"]}, "attributes: is a list"),
        ({"attributes": {"a": b"raw"}}, "attributes: is a bytes"),
    ],
)
def test_bad_values(values: dict[str, Any], message: str) -> None:
    field, _, told = message.partition(": ")
    assert problem(values).startswith(f"shop.csv:7 id=1 field={field}: {told}")


def test_the_price_remedy_names_the_setting() -> None:
    assert problem({"price": "12,99"}).endswith("; correct it, or set ingest.decimal_separator")


def test_attributes_nested_without_end() -> None:
    nested: dict[str, Any] = {"x": 1}
    for _ in range(5000):
        nested = {"a": nested}
    assert "nested too deeply" in problem({"attributes": nested})


def test_a_mapped_field_is_named_with_its_column() -> None:
    assert problem({"preis": "x"}, fields={"price": "preis"}).startswith(
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
