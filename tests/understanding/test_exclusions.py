from __future__ import annotations

import pytest

from es_hybrid.understanding.exclusions import exclusions


def _excluded(query: str) -> list[tuple[str, tuple[str, ...]]]:
    found = [each.condition for each in exclusions(query)]
    return [(condition.text, condition.excluded) for condition in found]


@pytest.mark.parametrize(
    ("query", "text", "excluded"),
    [
        ("shirt without stripes", "without stripes", ("stripes",)),
        ("shirt with no stripes", "with no stripes", ("stripes",)),
        ("shirt no stripes", "no stripes", ("stripes",)),
        ("toy, wooden, no plastic", "no plastic", ("plastic",)),
        ("shirt not striped", "not striped", ("striped",)),
        ("shirt -striped", "-striped", ("striped",)),
        ("shirt but not red", "but not red", ("red",)),
        ("shirt without any stripes for men", "without any stripes", ("stripes",)),
        ("shirt without stripes blue", "without stripes", ("stripes",)),
        ("cola without added sugar", "without added sugar", ("sugar",)),
        ("drink without artificial sweeteners", "without artificial sweeteners",
         ("artificial sweeteners",)),
        ("chocolate without palm oil", "without palm oil", ("palm oil",)),
        ("drink without sugar, caffeine or milk", "without sugar, caffeine or milk",
         ("sugar", "caffeine", "milk")),
        ("shirt without stripes and with pockets", "without stripes", ("stripes",)),
        ("Limonade ohne Zucker", "ohne Zucker", ("Zucker",)),
        ("Hemd ohne Kragen und Knöpfe", "ohne Kragen und Knöpfe", ("Kragen", "Knöpfe")),
        ("Kleid ohne Ärmel schwarz", "ohne Ärmel", ("Ärmel",)),
        ("Hemd, bitte keine Streifen", "bitte keine Streifen", ("Streifen",)),
        ("boisson sans sucre ajouté", "sans sucre ajouté", ("sucre ajouté",)),
        ("robe sans manches noire", "sans manches", ("manches",)),
        ("chemise sans col ni boutons", "sans col ni boutons", ("col", "boutons")),
        ("bebida sin azúcar", "sin azúcar", ("azúcar",)),
        ("camiseta sin mangas", "sin mangas", ("mangas",)),
        ("maglietta senza maniche", "senza maniche", ("maniche",)),
        ("drank zonder suiker", "zonder suiker", ("suiker",)),
        ("bebida sem açúcar", "sem açúcar", ("açúcar",)),
        ("dryck utan socker", "utan socker", ("socker",)),
        ("buty bez sznurówek", "bez sznurówek", ("sznurówek",)),
        ("чай без сахара", "без сахара", ("сахара",)),
        ("可乐 不含糖", "不含糖", ("糖",)),
        ("不要条纹的衬衫", "不要条纹的", ("条纹",)),
        ("不含糖和咖啡因的饮料", "不含糖和咖啡因的", ("糖", "咖啡因")),
        ("除了红色以外的鞋", "除了红色以外的", ("红色",)),
        ("チョコ 砂糖不使用", "砂糖不使用", ("砂糖",)),
        ("ストライプなしのシャツ", "ストライプなしの", ("ストライプ",)),
        ("革以外の財布", "革以外の", ("革",)),
        ("ボタンのないシャツ", "ボタンのない", ("ボタン",)),
        ("설탕 없는 음료", "설탕 없는", ("설탕",)),
    ],
)  # fmt: skip
def test_an_exclusion_with_its_words(query: str, text: str, excluded: tuple[str, ...]) -> None:
    assert _excluded(query) == [(text, excluded)]


@pytest.mark.parametrize(
    "query",
    [
        # Product words.
        "wireless mouse", "sugar-free gum", "sleeveless dress", "seamless leggings",
        "non-stick pan",
        "souris sans fil", "legging sans couture", "ratón sin cable", "aspirapolvere senza fili",
        "zuckerfrei", "无糖可乐", "无线鼠标", "非接触式体温计", "不锈钢水壶",
        "種なしブドウ", "洋なしジュース",
        "Handtuchhalter ohne Bohren", "chemise sans repasser", "nicht rostende Schraube",
        # Names.
        "no name", "no iron shirt", "no. 5 chanel", "serum No 7", "no frost fridge",
        "harness no pull",
        "song without you", "sin city", "orang utan plüsch", "forget me not",
        "side panels not included", "mouse pad, non slip base", "Epson 2-3 -inch spindle",
        "not your mother's",
        "doctors without borders",
        # Hyphens.
        "wi-fi router", "sleeping bag -20 degrees", "anti -slip mat", "t -shirt", "Sony XM5 -Black",
        "Damen- und -herrenschuhe", "hülle iphone 12 -14", "shirt – blue",
        # What begins the query, and what has no object.
        "without sugar", "sans gluten", "sin azúcar", "Kaffee ohne", "shirt without for men",
        # Prose.
        "Tintenstrahldrucker ohne Kassette. Papiergröße: A4", "A light pan without a lid.",
        "有没有自动饮水的猫碗",
    ],
)  # fmt: skip
def test_what_is_no_exclusion(query: str) -> None:
    assert _excluded(query) == []


@pytest.mark.parametrize(
    ("query", "language"),
    [("Limonade ohne Zucker", "de"), ("可乐 不含糖", "zh"), ("shirt -striped", "")],
)
def test_the_language_is_that_of_the_excluding_word(query: str, language: str) -> None:
    assert [each.condition.language for each in exclusions(query)] == [language]
