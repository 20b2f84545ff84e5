from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.understanding.prices import prices


def _prices(query: str, *currencies: str) -> list[tuple[str, dict[str, Any]]]:
    found = [each.condition for each in prices(query, currencies=currencies)]
    return [(condition.text, dict(condition.filters)) for condition in found]


@pytest.mark.parametrize(
    ("query", "text", "bounds"),
    [
        ("shoes under $50", "under $50", {"lt": 50}),
        ("shoes < 50 €", "< 50 €", {"lt": 50}),
        ("shoes <50€", "<50€", {"lt": 50}),
        ("shoes up to £100", "up to £100", {"lte": 100}),
        ("shoes max. 30 EUR", "max. 30 EUR", {"lte": 30}),
        ("shoes not over $50", "not over $50", {"lte": 50}),
        ("shoes 50 dollars or less", "50 dollars or less", {"lte": 50}),
        ("shoes for around 50 euros", "for around 50 euros", {"gte": 40, "lte": 60}),
        ("shoes at least 50 euros", "at least 50 euros", {"gte": 50}),
        ("shoes $100+", "$100+", {"gte": 100}),
        ("shoes $20-$30", "$20-$30", {"gte": 20, "lte": 30}),
        ("shoes from 20 to 30 euros", "from 20 to 30 euros", {"gte": 20, "lte": 30}),
        ("more than 20 but less than 50 euros", "more than 20 but less than 50 euros",
         {"gt": 20, "lt": 50}),
        ("that costs less than 30 euros", "that costs less than 30 euros", {"lt": 30}),
        ("shoes in the 20 to 30 dollar range", "in the 20 to 30 dollar range",
         {"gte": 20, "lte": 30}),
        ("Zelt für unter 1.299,00 €", "für unter 1.299,00 €", {"lt": 1299}),
        ("Zelt bis max. 200 €", "bis max. 200 €", {"lte": 200}),
        ("Zelt nicht teurer als 200", "nicht teurer als 200", {"lte": 200}),
        ("Zelt ueber 100 Euro", "ueber 100 Euro", {"gt": 100}),
        ("Zelt zwischen 100 und 200€", "zwischen 100 und 200€", {"gte": 100, "lte": 200}),
        ("tente a moins de 200 €", "a moins de 200 €", {"lt": 200}),
        ("tente jusqu’à 200 €", "jusqu’à 200 €", {"lte": 200}),
        ("tente de 100 à 200 euros", "de 100 à 200 euros", {"gte": 100, "lte": 200}),
        ("tienda que no cueste más de 50 €", "que no cueste más de 50 €", {"lte": 50}),
        ("tienda por debajo de los 200 euros", "por debajo de los 200 euros", {"lt": 200}),
        ("tenda sotto i 200 euro", "sotto i 200 euro", {"lt": 200}),
        ("tent tussen 100 en 200 euro", "tussen 100 en 200 euro", {"gte": 100, "lte": 200}),
        ("barraca abaixo de R$200", "abaixo de R$200", {"lt": 200}),
        ("tält upp till 500 kr", "upp till 500 kr", {"lte": 500}),
        ("namiot do 500 zł", "do 500 zł", {"lte": 500}),
        ("палатка от 1000 до 5000 руб", "от 1000 до 5000 руб", {"gte": 1000, "lte": 5000}),
        ("五十元以下的礼物", "五十元以下的", {"lte": 50}),
        ("低于100元 鞋", "低于100元", {"lt": 100}),
        ("价格在100到200元之间的鞋", "价格在100到200元之间的", {"gte": 100, "lte": 200}),
        ("预算5000左右的笔记本", "预算5000左右的", {"gte": 4000, "lte": 6000}),
        ("２００元以上的鞋", "２００元以上的", {"gte": 200}),
        ("2万円以下のテント", "2万円以下の", {"lte": 20000}),
        ("1000円から2000円までのギフト", "1000円から2000円までの", {"gte": 1000, "lte": 2000}),
        ("〜3000円 ギフト", "〜3000円", {"lte": 3000}),
        ("5000円未満", "5000円未満", {"lt": 5000}),
        ("텐트 5만원 이하", "5만원 이하", {"lte": 50000}),
    ],
)  # fmt: skip
def test_a_price_with_its_words(query: str, text: str, bounds: dict[str, float]) -> None:
    assert _prices(query) == [(text, {"price": bounds})]


@pytest.mark.parametrize(
    "query",
    [
        # Units, ages and sizes.
        "under 50 kg", "unter 5 mm", "bis 3 Jahre", "over 18", "shorts under 15 cm", "ab 3 Jahren",
        "from 2 to 4 years", "100-240V", "20-30 mm", "size 38-40", "bis 100 Watt", "under 50 ft",
        "less than 5 kg", "à partir de 6 ans", "jeu 3 à 6 ans", "hasta 3 años", "tot 100 kg",
        "100克以下", "3岁以上", "16GB以上", "5000mAh以上", "6畳〜8畳", "until 50%", "over 50% wool",
        "under 20 pounds", "max 90 kg", "laptop under 15 inch", "up to 50 km/h",
        "between 10 and 20 kg",
        "до 100 радиаторов", "до 5 рубашек", "treadmill 150 max", "身長150まで",
        "more than 20 pockets and big zips less than 50 litres",
        # Ambiguous: inches, ages.
        "tv under 50", "women over 50", "gifts for men under 30", "tv under 4k", "50以内",
        # Names.
        "under armour", "over ear", "unter Tisch", "air max 90 euro 42", "pull over 50 euros",
        "Partikelfilter ab Euro 5", "Euro 4 bis Euro 6", "Schuhe EUR 38-40", "UPS RM 8-12",
        "DB-9 RS-232",
        "fuser RM1-3525", "laptop 10SEK-217CA", "euro 2024",
        "1000块以上拼图", "100元内衣", "min 30 min 20 euro",
        # Money that is the product, or a discount.
        "$50 gift card", "50 Euro Gutschein", "100 dollar bill poster", "2 for 50 euros",
        "not under 50 euros",
    ],
)  # fmt: skip
def test_what_is_no_price(query: str) -> None:
    assert _prices(query) == []


@pytest.mark.parametrize(
    ("query", "bounds"),
    [
        ("laptop under 500", {"lt": 500}), ("gaming chair under 100 with headrest", {"lt": 100}),
        ("gifts under 19.99", {"lt": 19.99}), ("cheaper than 50", {"lt": 50}),
        ("Preis bis 50", {"lte": 50}), ("price range 20-50", {"gte": 20, "lte": 50}),
        ("手机1000以内", {"lte": 1000}), ("手机预算500", {"lte": 500}),
    ],
)  # fmt: skip
def test_numbers_that_are_prices_without_a_currency(query: str, bounds: dict[str, float]) -> None:
    assert [filters["price"] for _, filters in _prices(query)] == [bounds]


@pytest.mark.parametrize(
    "query",
    [
        "Größe 38 bis 50 Euro",
        "iPhone 13 bis 50 Euro"[:0] + "size 38 up to 50 euros",
        "ps 5 bis 50 €",
    ],
)
def test_the_number_of_a_product_begins_no_range(query: str) -> None:
    assert [filters for _, filters in _prices(query)] == [{"price": {"lte": 50}}]


@pytest.mark.parametrize(
    ("query", "currencies", "currency"),
    [
        ("under 50 €", ("EUR", "USD"), "EUR"),
        ("under 50 €", ("EUR",), None),
        ("under 50 €", ("GBP", "USD"), None),
        ("under $50", ("EUR", "CAD"), "CAD"),
        ("under $50", ("USD", "CAD"), None),
        ("under US$50", ("USD", "CAD"), "USD"),
        ("¥5000以下", ("JPY", "EUR"), "JPY"),
        ("under 500 kr", ("SEK", "DKK", "EUR"), None),
        ("under 500", ("EUR", "USD"), None),
        ("under 50 €", (), None),
    ],
)
def test_a_currency_filters_if_it_is_beyond_doubt(
    query: str, currencies: tuple[str, ...], currency: str | None
) -> None:
    ((_, filters),) = _prices(query, *currencies)
    assert filters.get("currency") == currency


def test_several_prices_in_one_query() -> None:
    assert _prices("500元以上1000元以下") == [
        ("500元以上", {"price": {"gte": 500}}),
        ("1000元以下", {"price": {"lte": 1000}}),
    ]
