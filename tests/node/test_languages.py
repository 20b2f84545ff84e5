"""The analyzers of languages, compared with Lucene's own tests and Elasticsearch's documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from elasticsearch import Elasticsearch

# Words that Lucene's tests of each analyzer expect.
GOLDEN = {
    "arabic": ("كبير كبيرة مشروب مشروبات أمريكيين", "كبير كبير مشروب مشروب امريك"),
    "brazilian": ("boa boainain boas boicotado quiproquo", "boa boainain boas boicot quiproqu"),
    "cjk": ("一二三四五 あいう abc", "一二 二三 三四 四五 あい いう abc"),
    "czech": ("Pokud mluvime o volnem Česká Republika", "mluvim voln česk republik"),
    "danish": ("undersøg undersøgelse på", "undersøg undersøg"),
    "english": ("books the steven's steven\uff07s", "book steven steven"),
    "finnish": ("edeltäjiinsä edeltäjistään olla", "edeltäj edeltäj"),
    "french": ("le la chien les aux lances habitable éléments", "chien lanc habitabl element"),
    "german": ("Tischen Schaltflächen Schaltflaechen", "tisch schaltflach schaltflach"),
    "hungarian": ("babakocsi babakocsijáért által", "babakocs babakocs"),
    "italian": ("abbandonata abbandonati dallo dell'Italia", "abbandonat abbandonat ital"),
    "portuguese": ("quilométricas quilométricos não", "quilometric quilometric"),
    "russian": ("Вместе с тем о силе энергии имели", "вмест сил энерг имел"),
    "spanish": ("chicana chicano los", "chican chican"),
    "swedish": ("jaktkarlarne jaktkarlens och", "jaktkarl jaktkarl"),
    "turkish": ("ağacı ağaç dolayı Kıbrıs'ta Gölü'ne", "ağaç ağaç kıbrıs göl"),
}  # fmt: skip

# Elasticsearch's documentation lists the parts of each analyzer, from which a custom analyzer can
# be rebuilt. Most are: lowercase, the stop words of the language, its stemmer.
STEMMERS = {
    "armenian": "armenian", "basque": "basque", "brazilian": "brazilian", "bulgarian": "bulgarian",
    "czech": "czech", "danish": "danish", "estonian": "estonian", "finnish": "finnish",
    "galician": "galician", "hungarian": "hungarian", "indonesian": "indonesian",
    "latvian": "latvian", "lithuanian": "lithuanian", "norwegian": "norwegian",
    "portuguese": "light_portuguese", "romanian": "romanian", "russian": "russian",
    "spanish": "light_spanish", "swedish": "swedish",
}  # fmt: skip


def stop(words: str | list[str], **parameters: object) -> dict[str, object]:
    return {"type": "stop", "stopwords": words, **parameters}


def stemmer(language: str) -> dict[str, object]:
    return {"type": "stemmer", "language": language}


def elision(articles: str) -> dict[str, object]:
    return {"type": "elision", "articles": articles.split(), "articles_case": True}


def lowercase(language: str) -> dict[str, object]:
    return {"type": "lowercase", "language": language}


CJK_STOP_WORDS = """
    a and are as at be but by for if in into is it no not of on or s such t that the their then
    there these they this to was will with www
"""

RECIPES: dict[str, Sequence[str | dict[str, object]]] = {
    **{
        name: ["lowercase", stop(f"_{name}_"), stemmer(language)]
        for name, language in STEMMERS.items()
    },
    "arabic": [
        "lowercase", "decimal_digit", stop("_arabic_"), "arabic_normalization", stemmer("arabic"),
    ],
    "bengali": [
        "lowercase", "decimal_digit", "indic_normalization", "bengali_normalization",
        stop("_bengali_"), stemmer("bengali"),
    ],
    "catalan": [elision("d l m n s t"), "lowercase", stop("_catalan_"), stemmer("catalan")],
    "cjk": [
        "cjk_width", "lowercase", "cjk_bigram",
        stop(CJK_STOP_WORDS.split()),
    ],
    "dutch": [
        "lowercase", stop("_dutch_"),
        {
            "type": "stemmer_override",
            "rules": ["fiets=>fiets", "bromfiets=>bromfiets", "ei=>eier", "kind=>kinder"],
        },
        stemmer("dutch"),
    ],
    "english": [stemmer("possessive_english"), "lowercase", stop("_english_"), stemmer("english")],
    "french": [
        elision("l m t qu n s j d c jusqu quoiqu lorsqu puisqu"), "lowercase", stop("_french_"),
        stemmer("light_french"),
    ],
    "german": ["lowercase", stop("_german_"), "german_normalization", stemmer("light_german")],
    "greek": [lowercase("greek"), stop("_greek_"), stemmer("greek")],
    "hindi": [
        "lowercase", "decimal_digit", "indic_normalization", "hindi_normalization",
        stop("_hindi_"), stemmer("hindi"),
    ],
    "irish": [
        stop(["h", "n", "t"], ignore_case=True), elision("d m b"), lowercase("irish"),
        stop("_irish_"), stemmer("irish"),
    ],
    "italian": [
        elision(
            "c l all dall dell nell sull coll pell gl agl dagl degl negl sugl un m t s v d"
        ),
        "lowercase", stop("_italian_"), stemmer("light_italian"),
    ],
    "persian": [
        "lowercase", "decimal_digit", "arabic_normalization", "persian_normalization",
        stop("_persian_"), "persian_stem",
    ],
    "serbian": ["lowercase", stop("_serbian_"), stemmer("serbian"), "serbian_normalization"],
    "sorani": [
        "sorani_normalization", "lowercase", "decimal_digit", stop("_sorani_"), stemmer("sorani"),
    ],
    "turkish": ["apostrophe", lowercase("turkish"), stop("_turkish_"), stemmer("turkish")],
}  # fmt: skip

# Every analyzer gets every text: most rules of a language have no effect on another's.
TITLES = """
    Women's Running Shoes with the Softest Soles, 42 x 30 cm, Wi-Fi 2.4 GHz
    Laufschuhe für Damen, größte Auswahl an Häusern und Bücherregalen
    Chaussures d'homme à l'épreuve de l'eau, jusqu'à 40 °C, qualité élevée
    Zapatillas de correr para mujeres, los mejores precios de las tiendas
    Scarpe da corsa dell'Italia, gl'abiti eleganti degli uomini
    Sapatilhas de corrida para mulheres, não quilométricas, coleções infantis
    Hardloopschoenen voor kinderen, fietsen, bromfiets, eieren en boeken
    Беговые кроссовки для женщин, самые лучшие книги и часы
    أحذية الجري للنساء والكتب المدرسية ٤٢ مشروبات
    कपड़े और जूते महिलाओं के लिए किताबें ४२
    মহিলাদের জন্য দৌড়ানোর জুতা এবং বইগুলি ৪২
    کفش‌های ورزشی زنانه و کتاب‌ها ۴۲
    پێڵاوی ڕاکردن بۆ ژنان و کتێبەکان
    Γυναικεία παπούτσια για τρέξιμο και τα καλύτερα βιβλία
    Kadın koşu ayakkabıları, İstanbul'un kitapları ve ağacı IŞIK
    Løpesko for kvinner og bøkene; løbesko til kvinder; löparskor för kvinnorna
    Naisten juoksukengät ja kirjojen hyllyt; naiste jooksujalatsid ja raamatud
    Női futócipők és a könyvek; dámské běžecké boty a knihy; pantofi de alergare și cărțile
    Дамски маратонки за бягане и книгите; женске патике за трчање и књиге
    Bróga reatha na mban agus leabhair an t-athair n-aon D'fhág; zapatillas de dona i l'home
    Emakumeentzako zapatilak eta liburuak; sieviešu skriešanas apavi; moteriški bėgimo bateliai
    Կանացի սպորտային կոշիկներ և գրքեր
    Sepatu lari wanita dan buku-buku pelajaran; zapatillas das mulleres
    蓝牙耳机 运动鞋 ランニングシューズ ﾗﾝﾆﾝｸﾞ 女性用 런닝화 여성용 ＡＢＣ１２３
"""


def analyze(es: Elasticsearch, text: str, **analysis: Any) -> list[str]:
    return [token["token"] for token in es.indices.analyze(text=text, **analysis)["tokens"]]


@pytest.mark.parametrize("name", GOLDEN)
def test_words_are_those_that_lucene_expects(es: Elasticsearch, name: str) -> None:
    text, words = GOLDEN[name]
    assert analyze(es, text, analyzer=name) == words.split()


@pytest.mark.parametrize("name", RECIPES)
def test_an_analyzer_equals_its_documented_parts(es: Elasticsearch, name: str) -> None:
    chars = [{"type": "mapping", "mappings": ["\\u200C=>\\u0020"]}] if name == "persian" else []
    whole = es.indices.analyze(analyzer=name, text=TITLES)
    parts = es.indices.analyze(
        tokenizer="standard", filter=RECIPES[name], char_filter=chars, text=TITLES
    )
    assert parts["tokens"] == whole["tokens"]
    assert analyze(es, TITLES, analyzer=name) != analyze(es, TITLES, analyzer="standard")


def test_an_analyzer_takes_stop_words_and_words_not_to_stem(
    es: Elasticsearch, index_name: str
) -> None:
    analyzer = {"type": "german", "stopwords": ["neue"], "stem_exclusion": ["tische"]}
    es.indices.create(index=index_name, settings={"analysis": {"analyzer": {"a": analyzer}}})
    assert analyze(es, "Neue Tische für Häuser", index=index_name, analyzer="a") == [
        "tische", "fur", "haus",
    ]  # fmt: skip
