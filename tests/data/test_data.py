from __future__ import annotations

import json
from collections import Counter, defaultdict
from importlib.resources import files
from typing import Any

import pytest

DATA = files("es_hybrid.data")
LANGUAGES = {"zh", "en", "fr", "es", "de"}
CURRENCIES = {"zh": "CNY", "en": "USD", "fr": "EUR", "es": "EUR", "de": "EUR"}
KEYS = {
    "id",
    "sku",
    "group",
    "title",
    "description",
    "brand",
    "category",
    "price",
    "currency",
    "lang",
    "gtin",
    "attributes",
}


def lines(name: str) -> list[str]:
    return (DATA / name).read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def products() -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines("products.jsonl")]


@pytest.fixture(scope="module")
def queries() -> list[tuple[str, str, str]]:
    rows = []
    for line in lines("queries.tsv"):
        qid, text, lang = line.split("\t")
        rows.append((qid, text, lang))
    return rows


@pytest.fixture(scope="module")
def qrels() -> list[tuple[str, str, int]]:
    rows = []
    for line in lines("qrels.txt"):
        qid, iteration, product_id, grade = line.split(" ")
        assert iteration == "0"
        rows.append((qid, product_id, int(grade)))
    return rows


def check_digit(first_twelve: str) -> str:
    """GS1 General Specifications, 7.9: weights 1 and 3 in turn from the left."""
    total = sum(int(digit) * weight for digit, weight in zip(first_twelve, [1, 3] * 6, strict=True))
    return str(-total % 10)


def test_check_digit_of_a_published_example() -> None:
    assert check_digit("629104150021") == "3"


def test_catalogue_is_large_enough_and_even(products: list[dict[str, Any]]) -> None:
    by_lang = Counter(product["lang"] for product in products)
    by_category = Counter(product["category"].split(" > ")[0] for product in products)
    assert len(products) >= 300
    assert set(by_lang) == LANGUAGES
    assert min(by_lang.values()) >= 60
    assert len(by_category) == 10
    assert min(by_category.values()) >= 30


def test_every_product_is_complete(products: list[dict[str, Any]]) -> None:
    for product in products:
        where = product["id"]
        assert set(product) == KEYS, where
        texts = [value for key, value in product.items() if key not in {"price", "attributes"}]
        assert all(isinstance(text, str) and text == text.strip() != "" for text in texts), where
        assert product["id"] == f"{product['group']}-{product['lang']}"
        assert product["price"] > 0, where
        assert product["currency"] == CURRENCIES[product["lang"]], where
        assert product["attributes"], where
        assert all(isinstance(value, str) and value for value in product["attributes"].values())


def test_ids_and_copy_are_unique(products: list[dict[str, Any]]) -> None:
    for key in ("id", "title", "description"):
        repeated = [value for value, n in Counter(p[key] for p in products).items() if n > 1]
        assert repeated == [], key


def test_gtins_are_valid_and_of_no_company(products: list[dict[str, Any]]) -> None:
    for product in products:
        gtin = product["gtin"]
        assert len(gtin) == 13, product["id"]
        assert gtin.isdigit(), product["id"]
        assert "20" <= gtin[:2] <= "29", product["id"]
        assert gtin[12] == check_digit(gtin[:12]), product["id"]


@pytest.mark.parametrize("key", ["gtin", "sku"])
def test_trade_numbers_and_groups_are_one_to_one(products: list[dict[str, Any]], key: str) -> None:
    numbers, groups = defaultdict(set), defaultdict(set)
    for product in products:
        numbers[product["group"]].add(product[key])
        groups[product[key]].add(product["group"])
    assert [group for group, found in numbers.items() if len(found) != 1] == []
    assert [number for number, found in groups.items() if len(found) != 1] == []


def test_most_products_stand_in_all_languages_and_some_in_few(
    products: list[dict[str, Any]],
) -> None:
    languages = defaultdict(set)
    for product in products:
        languages[product["group"]].add(product["lang"])
    assert sum(found == LANGUAGES for found in languages.values()) >= 60
    assert sum(len(found) <= 2 for found in languages.values()) >= 30


def test_brand_is_written_as_the_language_writes_it(products: list[dict[str, Any]]) -> None:
    by_brand = {
        brand: {p["lang"] for p in products if p["brand"] == brand} for brand in ("耐克", "Nike")
    }
    assert by_brand == {"耐克": {"zh"}, "Nike": LANGUAGES - {"zh"}}


def test_queries_cover_the_languages(queries: list[tuple[str, str, str]]) -> None:
    by_lang = Counter(lang for _, _, lang in queries)
    assert len(queries) >= 60
    assert len({qid for qid, _, _ in queries}) == len(queries)
    assert len({text for _, text, _ in queries}) == len(queries)
    assert set(by_lang) == LANGUAGES
    assert min(by_lang["zh"], by_lang["en"]) >= 10
    assert min(by_lang.values()) >= 8


def test_qrels_name_what_exists_once(
    products: list[dict[str, Any]],
    queries: list[tuple[str, str, str]],
    qrels: list[tuple[str, str, int]],
) -> None:
    assert {qid for qid, _, _ in qrels} == {qid for qid, _, _ in queries}
    assert {product_id for _, product_id, _ in qrels} <= {product["id"] for product in products}
    assert {grade for _, _, grade in qrels} == {0, 1, 2, 3}
    assert len({(qid, product_id) for qid, product_id, _ in qrels}) == len(qrels)


def test_every_query_has_an_exact_answer_and_a_trap(qrels: list[tuple[str, str, int]]) -> None:
    grades = defaultdict(set)
    for qid, _, grade in qrels:
        grades[qid].add(grade)
    assert [qid for qid, found in grades.items() if not {0, 3} <= found] == []


def test_all_languages_of_a_product_share_their_grade(
    products: list[dict[str, Any]], qrels: list[tuple[str, str, int]]
) -> None:
    group_of = {product["id"]: product["group"] for product in products}
    members = Counter(group_of.values())
    judged: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for qid, product_id, grade in qrels:
        judged[qid, group_of[product_id]].append(grade)
    for (qid, group), grades in judged.items():
        assert len(set(grades)) == 1, (qid, group)
        assert len(grades) == members[group], (qid, group)


def test_readme_states_the_counts(
    products: list[dict[str, Any]],
    queries: list[tuple[str, str, str]],
    qrels: list[tuple[str, str, int]],
) -> None:
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    groups = {product["group"] for product in products}
    assert f"{len(products)} rows of {len(groups)} products" in readme
    assert f"{len(queries)} queries" in readme
    assert f"{len(qrels):,} judgements" in readme
