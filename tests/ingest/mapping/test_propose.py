from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.errors import SettingsError
from es_hybrid.settings import IngestSettings, Settings, load_settings
from ingest.cleaning.clean import Cleaner
from ingest.mapping import Proposal, as_toml, columns_of, propose, write_settings
from ingest.mapping.columns import Column, is_gtin, is_language, is_url
from ingest.mapping.names import FIELDS, name_score, plain
from ingest.sources import Row, guess_format, open_rows
from training.data import DATA

GERMAN = (
    "Artikel-Nr.;Bezeichnung;Langtext;Marke;Warengruppe;Bruttopreis;EAN;Bild-URL;Lagerbestand\n"
    + "".join(
        f"A{n:04};Wasserkocher Modell {n};Ein Kocher aus Edelstahl mit {n} Watt Leistung.;"
        f"Marke {n % 7};Küche > Kocher;1.{n:03},99 €;{ean};https://shop.example/{n}.jpg;{n % 3}\n"
        for n, ean in enumerate(["4006381333931", "5901234123457", "0882780756328"] * 20)
    )
)
CHINESE = "商品编号,商品名称,商品描述,品牌,商品分类,售价,条形码,更新时间\n" + "".join(
    f"{n},冰丝男士短袖T恤 第{n}款,透气速干的夏季运动上衣，适合跑步和健身。,耐克,"
    f"服装/男装/T恤,{n}9.00,4006381333931,2026-11-{n:02}T08:00:00Z\n"
    for n in range(1, 21)
)


def proposed(rows: list[dict[str, Any]]) -> Proposal:
    return propose(columns_of(rows))


def from_file(path: Path, count: int = 1000) -> Proposal:
    rows = open_rows(str(path), guess_format(str(path)))
    return proposed([dict(row.values) for row, _ in zip(rows, range(count), strict=False)])


def test_a_german_csv(tmp_path: Path) -> None:
    path = tmp_path / "artikel.csv"
    path.write_text(GERMAN)
    found = from_file(path)
    assert found.fields == {
        "id": "Artikel-Nr.",
        "title": "Bezeichnung",
        "description": "Langtext",
        "brand": "Marke",
        "category": "Warengruppe",
        "price": "Bruttopreis",
        "gtin": "EAN",
    }
    assert {name: value for name, (value, _) in found.settings.items()} == {
        "decimal_separator": ","
    }
    assert [column.name for column in found.unused] == ["Bild-URL", "Lagerbestand"]
    assert found.missing == ["currency", "sku", "lang", "attributes"]


def test_a_chinese_csv(tmp_path: Path) -> None:
    path = tmp_path / "商品.csv"
    path.write_text(CHINESE)
    found = from_file(path)
    assert found.fields == {
        "id": "商品编号",
        "title": "商品名称",
        "description": "商品描述",
        "brand": "品牌",
        "category": "商品分类",
        "price": "售价",
        "gtin": "条形码",
    }
    assert found.settings["category_separator"][0] == "/"
    assert found.version is not None
    assert '# version = "更新时间"' in as_toml(found)


def test_shopify_s_export_needs_no_mapping(tmp_path: Path) -> None:
    path = tmp_path / "products_export.csv"
    path.write_text(
        "Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Variant SKU,"
        "Variant Price\n"
        + "".join(
            f"vest-{n},Classic Vest {n},<p>Light and warm</p>,Nordwind,Vests,Size,S,V-{n},63.50\n"
            for n in range(20)
        )
    )
    result = run(str(path))
    assert result.exit_code == 0
    assert "# Shopify's product export, no mapping needed:\n" in result.stdout
    assert "#   id = \"Handle\": 'vest-0/S', 'vest-1/S', 'vest-2/S'\n" in result.stdout
    assert "#   price = \"Variant Price\": '63.50'\n" in result.stdout
    assert tomllib.loads(result.stdout) == {"ingest": {"fields": {}}}
    assert "# not found: currency, gtin, lang\n" in result.stdout


@pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not there")
@pytest.mark.parametrize(
    ("name", "fields", "own", "separator"),
    [
        ("chorus-icecat", {"gtin": "ean"}, {"id", "title", "sku", "attributes", "lang"}, None),
        ("oracle-oe-multilingual", {}, {"id", "title", "sku", "price", "currency"}, None),
        ("adventureworks-multilingual", {}, {"id", "title", "brand", "category"}, "/"),
    ],
)
def test_real_feeds(
    name: str, fields: dict[str, str], own: set[str], separator: str | None
) -> None:
    found = from_file(DATA / name / "products.jsonl")
    assert found.fields == fields
    assert own <= set(found.chosen)
    assert found.settings.get("category_separator", (None, ""))[0] == separator


def test_values_identify_columns_that_names_do_not() -> None:
    rows = [
        {
            "c1": f"X-{n}",
            "c2": f"A long woollen scarf of the sort {n}",
            "c3": "Clothing > Scarves",
            "c4": f"€ {n}.50",
            "c5": "4006381333931",
            "c6": "EUR",
            "c7": {"colour": "red"},
            "c8": f"It is warm, it is soft, and it is made of the wool of sheep number {n}. " * 3,
            "c9": "https://shop.example/a.jpg",
        }
        for n in range(30)
    ]
    found = proposed(rows)
    assert found.fields == {
        "id": "c1", "title": "c2", "category": "c3", "price": "c4", "gtin": "c5", "currency": "c6",
        "attributes": "c7", "description": "c8",
    }  # fmt: skip
    assert [column.name for column in found.unused] == ["c9"]


def test_values_overrule_names() -> None:
    rows: list[dict[str, Any]] = [
        {"id": n // 2, "key": f"k{n}", "title": f"https://shop.example/{n}", "name": f"Scarf {n}",
         "price": "on request", "price_eur": n, "ean": "1234567890123", "brand_id": 7}
        for n in range(20)
    ]  # fmt: skip
    found = proposed(rows)
    assert found.fields == {"id": "key", "title": "name", "price": "price_eur"}


def test_a_column_that_is_mostly_empty_is_chosen_only_alone() -> None:
    rows = [{"id": n, "name": f"Mug {n}", "price": "7.5" if n % 8 == 3 else "", "list price": n,
             "brand": "Feld" if n == 1 else ""} for n in range(16)]  # fmt: skip
    assert proposed(rows).fields == {"title": "name", "price": "list price"}
    assert "brand" in proposed(rows).chosen


def test_prices_and_numbers_that_are_not_usable_count_as_empty() -> None:
    rows = [{"id": n, "title": f"Mug {n}", "price": "7.5" if n % 3 == 0 else "on request",
             "retail price": n, "gtin": "4.00639E+12", "ean": "4006381333931"}
            for n in range(16)]  # fmt: skip
    assert proposed(rows).fields == {"price": "retail price", "gtin": "ean"}
    for row in rows:
        del row["retail price"], row["ean"]
    assert proposed(rows).fields == {"gtin": ""}
    assert "price" in proposed(rows).chosen


@pytest.mark.parametrize(
    ("column", "value"), [("product_type", "simple"), ("type", "Variable"), ("Type", "bundle")]
)
def test_the_kind_of_a_product_is_not_its_category(column: str, value: str) -> None:
    rows = [{"id": n, "title": f"Mug {n}", column: value, "paths": "A/B"} for n in range(16)]
    assert "category" not in proposed(rows).fields
    named = [{"id": n, "title": f"Mug {n}", column: "Mugs", "categories": "Kitchen > Mugs"}
             for n in range(16)]  # fmt: skip
    assert proposed(named).fields == {"category": "categories"}


def test_an_id_that_occurs_twice_is_still_the_id() -> None:
    rows: list[dict[str, Any]] = [{"id": n, "row": n, "title": f"Mug {n}"} for n in range(40)]
    rows[7]["id"] = 6
    assert proposed(rows).fields == {}
    assert proposed(rows).chosen["id"].why == "unique values, but 1 occur again"


def test_objects_are_columns_by_dotted_names() -> None:
    rows = [
        {"id": n, "title": {"en": f"Mug {n}", "de": f"Becher {n}"}, "brand": {"name": "Feld"},
         "price": {"sale": {"x": 1}, "amount": "9.90", "currency": "EUR"},
         "attributes": {"brand": "no", "size": "M"}} for n in range(16)
    ]  # fmt: skip
    found = proposed(rows)
    assert found.fields == {
        "title": "title.en", "brand": "brand.name", "price": "price.amount",
        "currency": "price.currency",
    }  # fmt: skip
    assert "attributes" in found.chosen
    assert {"price.sale.x", "title.de"} <= {column.name for column in found.unused}


def test_lists_of_objects_are_reported() -> None:
    rows = [{"id": n, "name": f"Mug {n}", "offers": [{"price": 1}]} for n in range(16)]
    assert "# offers holds lists of objects. If they are variants" in as_toml(proposed(rows))


def test_what_is_left_out_is_left_out_by_the_load(tmp_path: Path) -> None:
    row = {"id": "1", "title": "Mug", "lang": "no tag at all", "attributes": "Color: Red"}
    found = proposed([row])
    assert set(found.left_out) == {"lang", "attributes"}
    path = tmp_path / "shop.toml"
    write_settings(found, path)
    assert 'lang = "" # left out: the values do not fit: ' in path.read_text()
    product, warnings = Cleaner(load_settings(path)).clean(Row("a:1", row))
    assert (product.attributes, warnings) == ({}, ())
    assert product.lang != "no tag at all"


def test_a_field_that_no_product_can_do_without() -> None:
    with pytest.raises(SettingsError, match="no product can do without title"):
        Cleaner(Settings(ingest=IngestSettings(fields={"title": ""})))


def test_a_sku_may_be_the_id_too() -> None:
    rows = [{"SKU": f"S{n}", "name": f"Scarf {n}"} for n in range(5)]
    assert proposed(rows).fields == {"id": "SKU", "sku": "SKU", "title": "name"}


@pytest.mark.parametrize("field", FIELDS)
def test_no_name_is_listed_twice_for_a_field(field: str) -> None:
    from ingest.mapping.names import _NAMES

    assert len(set(_NAMES[field])) == len(_NAMES[field])
    for name in _NAMES[field]:
        assert plain(name) == name
        assert name_score(field, name) > 0.9


@pytest.mark.parametrize(
    ("field", "column", "fits"),
    [
        ("title", "ProductName", True), ("title", "product_title", True),
        ("title", "title_de", True),
        ("title", "商品名称（必填）", True), ("title", "image title", False),
        ("price", "Price (EUR)", True), ("price", "min_price", False),
        ("brand", "brand_id", False), ("category", "category_code", False),
        ("description", "Unternehmen", False), ("price", "Preis", True),
    ],
)  # fmt: skip
def test_names(field: str, column: str, fits: bool) -> None:
    assert (name_score(field, column) > 0) == fits


def test_looks_of_values() -> None:
    assert is_gtin("4006381333931, 5901234123457")
    assert not is_gtin("4006381333932")
    assert is_url("https://a/b.png")
    assert not is_url("a/b")
    assert is_language("zh-CN")
    assert not is_language("DE")
    column = Column("x", 4, ("a > b", "a > c", "a"))
    assert (column.category_separator, column.filled, column.distinct) == (">", 0.75, 3)


# The command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["ingest", "map", *arguments])


def test_the_printed_section_is_toml_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("artikel.csv").write_text(GERMAN)
    result = run("artikel.csv")
    assert result.exit_code == 0
    assert result.stdout.startswith("# artikel.csv: 60 rows examined\n")
    parsed = tomllib.loads(result.stdout)
    assert parsed["ingest"]["fields"]["title"] == "Bezeichnung"
    assert (
        'gtin = "EAN" # the check digit is right in 100%: '
        "'4006381333931', '5901234123457', '0882780756328'"
    ) in result.stdout
    assert "#   Lagerbestand: numbers: '0', '1', '2'" in result.stdout
    assert not Path("es-hybrid.toml").exists()


def test_written_into_a_settings_file_whose_other_lines_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("artikel.csv").write_text(GERMAN)
    kept = '# our shop\n[elasticsearch]\nurl = "http://es:9200"  # the big one\n'
    Path("es-hybrid.toml").write_text(
        kept + '\n[ingest]\ndefault_currency = "EUR"\n[ingest.fields]\ntitle = "old"\nsku = "old"\n'
    )
    Path("es-hybrid.toml").chmod(0o600)
    result = run("artikel.csv", "--write")
    assert (result.exit_code, result.stderr) == (0, "written to es-hybrid.toml\n")
    assert Path("es-hybrid.toml").read_text().startswith(kept)
    settings = load_settings()
    assert settings.ingest.fields["title"] == "Bezeichnung"
    assert "sku" not in settings.ingest.fields
    assert (settings.ingest.decimal_separator, settings.ingest.default_currency) == (",", "EUR")
    assert stat.S_IMODE(Path("es-hybrid.toml").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artikel.csv", "es-hybrid.toml"]
    # A load takes it from there.
    assert run("artikel.csv", "--write").exit_code == 0


def test_a_settings_file_is_made_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("商品.csv").write_text(CHINESE)
    assert run("商品.csv", "--write").exit_code == 0
    assert load_settings().ingest.fields["title"] == "商品名称"


@pytest.mark.parametrize(
    "before",
    [
        '[ingest]\nfields = {title = "old"}\ndefault_lang = "de"\n',
        '[ingest]\nfields.title = "old"\n[index]\nname = "p"\n',
        'ingest.default_lang = "de"\n',
        '[ingest.fields]\ntitle = "old"\n\n[search]\nknn_weight = 0.5\n',
    ],
)
def test_every_way_to_write_the_table(tmp_path: Path, before: str) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(before)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    rows = [{"nr": f"a{n}", "name": f"Scarf {n}"} for n in range(5)]
    write_settings(proposed(rows), link)
    assert link.is_symlink()
    assert load_settings(path).ingest.fields == {"id": "nr", "title": "name"}
    now, then = tomllib.loads(path.read_text()), tomllib.loads(before)
    for section in (now, then):
        section.setdefault("ingest", {}).pop("fields", None)
    assert now == then


def test_a_settings_file_that_would_not_load_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("artikel.csv").write_text(GERMAN)
    other = tmp_path / "other.toml"
    other.write_text("[ingest\n")
    result = run("artikel.csv", "--write", "--config", str(other))
    assert result.exit_code == 2
    assert other.read_text() == "[ingest\n"


def test_nothing_that_could_be_an_id(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("colour,size\n" + "red,M\n" * 5)
    result = run(str(path))
    assert result.exit_code == 1
    assert result.stderr == "no column found for id and title: map it by hand\n"
    path.write_text("id,title\n1,2,3\n")
    result = run(str(path))
    assert result.exit_code == 2
    assert "no row can be read; run `es-hybrid ingest check` to see why" in result.output
