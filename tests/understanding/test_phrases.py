from __future__ import annotations

from importlib.resources import files
from time import process_time

import pytest

from benchmarks.forgiving_phrases import is_right, phrases
from es_hybrid.understanding.phrases import split_conditions, values_named
from es_hybrid.understanding.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("shirt without stripes under 50 dollars", "shirt"),
        ("women's shoes, under 50 euros, size 38", "women's shoes, size 38"),
        ("tent (max. 200 €) green", "tent green"),
        ("blue shirt without stripes, cotton", "blue shirt, cotton"),
        ("Suche Hemden die nicht mehr als 50 Euro kosten", "Suche Hemden"),
        ("Stuhl ohne Armlehnen bis 100 Euro", "Stuhl"),
        ("Stuhl bis 100 Euro Damen ohne Armlehnen", "Stuhl Damen"),
        ("不要条纹的衬衫100元以下", "衬衫"),
        ("衬衫不要条纹100元以下", "衬衫"),
        ("ロゴなし Tシャツ 3000円以下", "Tシャツ"),
    ],
)
def test_the_remaining_words(query: str, words: str) -> None:
    assert split_conditions(query, currencies=())[0] == words


def test_conditions_come_in_the_order_of_the_query() -> None:
    _, conditions = split_conditions("shirt under 50 € without stripes from 20 €", currencies=())
    assert [condition.kind for condition in conditions] == ["price", "without", "price"]


def test_plain_queries_come_back_as_they_are() -> None:
    assert split_conditions("  Nike  Air Max, 90 ", currencies=()) == ("  Nike  Air Max, 90 ", ())


@pytest.mark.parametrize("query", ["under 50 dollars", "50元以下"])
def test_a_price_alone_filters_and_is_searched_for(query: str) -> None:
    words, conditions = split_conditions(query, currencies=())
    assert words == query
    assert [condition.kind for condition in conditions] == ["price"]


@pytest.mark.parametrize("query", ["不含糖", "砂糖不使用", "설탕 없는"])
def test_an_exclusion_alone_is_searched_for(query: str) -> None:
    assert split_conditions(query, currencies=()) == (query, ())


def test_a_decomposed_accent_is_read_as_a_composed_one() -> None:
    words, conditions = split_conditions("Zelt ho\u0308chstens 50 €", currencies=())
    assert (words, len(conditions)) == ("Zelt", 1)


def test_what_was_removed_stays_a_search_word() -> None:
    query = "shirt without stripes under 50 dollars"
    words, conditions = split_conditions(query, currencies=(), ignore=["Without  Stripes"])
    assert words == "shirt without stripes"
    assert [condition.text for condition in conditions] == ["under 50 dollars"]
    texts = ["without stripes", "under 50 dollars"]
    assert split_conditions(query, currencies=(), ignore=texts) == (query, ())


@pytest.mark.parametrize("seed", range(5))
def test_phrases_from_templates_are_understood(seed: int) -> None:
    made = phrases(seed)
    assert [phrase.query for phrase in made if not is_right(phrase)] == []


def test_the_bundled_queries_exclude_what_two_of_them_say() -> None:
    lines = files("es_hybrid.data").joinpath("queries.tsv").read_text("utf-8").splitlines()
    meant = [split_conditions(line.split("\t")[1], currencies=())[1] for line in lines]
    texts = [condition.text for conditions in meant for condition in conditions]
    assert texts == ["no plastic", "ohne Mittelstange"]


HOSTILE = (
    "9 ", "9,", "1.234", "under 50 ", "5-6 € ", "1 to ", "一元", "一", "不含糖和", "アなし",
    "ohne a,", "without.a", "(", " ", "-", " -abc", "a-", "for the ", ", ", ". A", "( ", "가 없는 ",
    "€", "k€",
)  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_time_is_linear_in_the_length(part: str) -> None:
    times = [_seconds(("x " + part * 4000)[:length] + " under 5 €") for length in (2000, 8000)]
    # Quadratic time would be sixteenfold; 10 ms are noise.
    assert times[1] < 9 * times[0] + 0.01


def _seconds(query: str) -> float:
    took = []
    for _ in range(3):
        began = process_time()
        split_conditions(query, currencies=())
        took.append(process_time() - began)
    return min(took)


def test_values_are_named_in_the_order_of_the_query() -> None:
    values = {"brand": {"Nike": 3}, "attributes.size": {"42": 3, "L": 2}}
    vocabulary = Vocabulary({}, values=values)
    found = values_named("shoes size 42 nike", vocabulary)
    assert [(each.kind, each.text) for each in found] == [("size", "size 42"), ("brand", "nike")]
    assert values_named("shoes size 42 nike", vocabulary, ignore=["NIKE", "Size 42"]) == ()
