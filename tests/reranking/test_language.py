"""A model does not score languages that it does not support."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from es_hybrid.reranking import language
from es_hybrid.reranking.language import misfit
from training.data import CHORUS

ENGLISH = [
    "Stainless steel electric kettle, 1.7 litres, with automatic switch-off and a removable filter",
    "Waterproof action camera with remote control and two batteries for long days outside",
    "Bluetooth speaker with deep bass, splash proof, twenty hours of music on one charge",
    "Gaming laptop with a fast graphics card and a quiet cooling system",
] * 5
CHINESE = [
    "不锈钢电热水壶 1.7升 自动断电 可拆卸滤网",
    "防水运动相机 4K高清 带无线遥控器和两块电池",
    "蓝牙音箱 重低音 防溅水 一次充电可播放二十小时音乐",
] * 5
# What shoppers say in a sentence.
SENTENCES = [
    "something to keep my coffee hot outside",
    "a quiet keyboard for the office",
    "cheap printer that prints both sides",
    "I need a bag for my 15 inch laptop",
    "headphones for running in the rain",
    "gift for a gamer under 50 dollars",
    "how can I connect my old monitor to a new macbook",
    "extend wifi to the garden",
    "underwater camera for diving",
    "screen that does not hurt my eyes",
    "charge my phone in the car",
    "tv for a small kitchen",
    "protect my computer from power cuts",
    "big screen for watching football",
    "storage for family photos",
    "which toner fits the brother hl 2030",
    "wireless speaker for the shower",
    "baby monitor with night vision",
    "phone for my grandmother with big buttons",
    "record lectures at university",
    "hang the television on the wall",
    "make my old laptop faster",
    "listen to music in bed without disturbing anyone",
    "scan old photo negatives",
    "play games with friends on the couch",
]
FOREIGN_SENTENCES = [
    "etwas um meinen Kaffee draußen warm zu halten",
    "leise Tastatur fürs Büro",
    "günstiger Drucker der beidseitig druckt",
    "Kopfhörer zum Laufen im Regen",
    "Geschenk für einen Gamer unter 50 Euro",
    "WLAN im Garten erweitern",
    "Kamera zum Tauchen unter Wasser",
    "Handy für meine Oma mit großen Tasten",
    "quelque chose pour garder mon café au chaud dehors",
    "clavier silencieux pour le bureau",
    "imprimante pas chère recto verso",
    "sac pour mon ordinateur portable 15 pouces",
    "casque pour courir sous la pluie",
    "étendre le wifi au jardin",
    "appareil photo pour plonger sous l'eau",
    "téléphone pour ma grand-mère avec de grosses touches",
]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("electric kettle", None),
        ("1.7", None),
        ("Bluetooth", None),
        ("underwater camera for diving", None),
        ("something to keep my coffee hot outside", None),
        ("gift for a gamer under 50 dollars", None),
        ("which toner fits the brother hl 2030", None),
        ("leise Tastatur fürs Büro", "this query looks like de"),
        ("sac pour mon ordinateur portable 15 pouces", "this query looks like fr"),
        ("蓝牙音箱", "this query looks like zh"),
        ("书", "this query looks like zh"),
        ("Bluetoothスピーカー", "this query looks like ja"),
        ("электрический чайник", "this query looks like ru"),
        ("Wasserkocher mit Temperaturanzeige", "this query looks like de"),
        ("bouilloire électrique en acier", "this query looks like fr"),
    ],
)
def test_queries_over_english_products(query: str, why: str | None) -> None:
    reason = misfit({"en"}, query, ENGLISH)
    assert reason == (why and f"the model is for en, {why}")


def test_products_in_another_language() -> None:
    assert misfit({"en"}, "kettle", CHINESE) == "the model is for en, these products look like zh"
    assert misfit({"en", "zh"}, "kettle", CHINESE) is None
    assert misfit({"en", "zh"}, "电热水壶", ENGLISH) is None
    assert misfit({"ja", "zh"}, "kettle", CHINESE) is not None


def test_the_language_tags_of_products_are_trusted() -> None:
    titles = ["HP LaserJet 1020 printer", "HP DesignJet 4000 Printer printer", "OKI C110 printer"]
    assert misfit({"en"}, "printer", titles) == "the model is for en, these products look like fr"
    assert misfit({"en"}, "printer", titles, ["en", "en_GB", "EN-us"]) is None
    assert misfit({"en"}, "printer", titles, ["en", "en", ""]) is None
    assert misfit({"en"}, "printer", titles, ["zh-CN", "zh", "en"]) is not None
    # Too few say so, or they say it in a way of their own.
    for langs in (["", "", "en"], ["English"] * 3):
        assert misfit({"en"}, "printer", titles, langs) is not None


def test_a_model_without_listed_languages_suits_all() -> None:
    assert misfit(frozenset(), "蓝牙音箱", CHINESE) is None
    assert misfit({"en"}, "蓝牙音箱", []) is None
    assert misfit({"en"}, "?", ["12", "!!"]) is None


@pytest.mark.skipif(not CHORUS.exists(), reason=f"{CHORUS} is not there")
def test_real_queries_over_products_that_contain_their_words() -> None:
    """Shop queries over an English catalogue, their translations into five languages, sentences."""
    products = [
        f"{row['title']}. {row.get('description') or ''}"[:600]
        for row in map(json.loads, (CHORUS / "products.jsonl").read_bytes().splitlines())
    ]
    folded = [product.casefold() for product in products]
    queries = [(text, "en sentence") for text in SENTENCES]
    queries += [(text, "foreign sentence") for text in FOREIGN_SENTENCES]
    for name in ("queries.tsv", "queries.i18n.tsv"):
        for line in (CHORUS / name).read_text(encoding="utf-8").splitlines():
            _, query, tag = line.split("\t")[:3]
            queries.append((query, tag))
    asked: Counter[str] = Counter()
    fits: Counter[str] = Counter()
    for text, tag in queries:
        words = text.casefold().split()
        held = [sum(word in product for word in words) for product in folded]
        best = sorted(range(len(products)), key=lambda i: -held[i])[:50]
        asked[tag] += 1
        fits[tag] += misfit({"en"}, text, [products[i] for i in best]) is None
    assert fits["en"] >= 0.9 * asked["en"]
    assert fits["en sentence"] >= 0.9 * asked["en sentence"]
    assert fits["foreign sentence"] == 0
    assert fits["zh-CN"] <= 0.15 * asked["zh-CN"]
    assert fits["ja"] <= 0.15 * asked["ja"]


def test_the_cost_does_not_depend_on_the_length_of_the_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[int] = []

    class Counting:
        def findall(self, text: str) -> list[str]:
            read.append(len(text))
            return text.split()

    monkeypatch.setattr(language, "_WORD", Counting())
    language.misfit(frozenset(["en"]), "kettle " * 10**5, ["scale and more words " * 10**4] * 1000)
    assert max(read) <= 2000
    assert sum(read) < 250_000
