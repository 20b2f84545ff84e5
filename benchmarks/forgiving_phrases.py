"""Prices and exclusions that shoppers type, and how many of them are understood.

    python -m benchmarks.forgiving_phrases

The phrases are made from templates written as shoppers write, in 11 languages, some misspelt. The
parser was developed on one half of the templates; the other half was first run when it was done.
The plain queries are those of the sample catalogue and of the data sets of docs/data.md: what is
understood in them is printed to be read, since a plain query should mean nothing but its words.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from time import perf_counter
from typing import NamedTuple

from benchmarks.command import parse_arguments
from es_hybrid.evaluation.judgements import read_queries
from es_hybrid.understanding.condition import Condition
from es_hybrid.understanding.phrases import split_conditions
from training.data import DATA, SAMPLE


class Template(NamedTuple):
    """A way to ask: `{n}` a product, `{a}` and `{b}` amounts, `{x}` and `{y}` unwanted things.

    Attributes:
        price: Operator -> amount; `around` a.
        excluded: Which of x and y.
        words: What remains to be searched for.
    """

    language: str
    text: str
    price: str = ""
    excluded: str = ""
    words: str = "{n}"


class Phrase(NamedTuple):
    """A query and what it means."""

    query: str
    words: str
    filters: dict[str, dict[str, float]]
    excluded: tuple[str, ...]
    held_out: bool


NOUNS = {
    "en": ("running shoes", "desk lamp", "shirt", "headphones", "garden chair", "backpack"),
    "de": ("Laufschuhe", "Schreibtischlampen", "Hemden", "Kopfhörer", "Gartenstühle"),
    "fr": ("chaussures", "lampe de bureau", "chemise", "casque audio", "sac à dos"),
    "es": ("zapatillas", "lámpara de mesa", "camisa", "auriculares", "mochila"),
    "it": ("scarpe", "lampada", "camicia", "cuffie", "zaino"),
    "nl": ("schoenen", "bureaulamp", "overhemd", "koptelefoon", "rugzak"),
    "pt": ("sapatos", "candeeiro", "camisa", "auscultadores", "mochila"),
    "sv": ("skor", "skrivbordslampa", "skjorta", "hörlurar"),
    "pl": ("buty", "lampka", "koszula", "słuchawki"),
    "zh": ("运动鞋", "台灯", "衬衫", "耳机", "双肩包"),
    "ja": ("スニーカー", "デスクライト", "シャツ", "ヘッドホン", "リュック"),
}
UNWANTED = {
    "en": ("stripes", "buttons", "logo", "leather", "plastic", "laces"),
    "de": ("Streifen", "Knöpfe", "Logo", "Leder", "Plastik"),
    "fr": ("rayures", "boutons", "logo", "cuir", "plastique"),
    "es": ("rayas", "botones", "logo", "cuero", "plástico"),
    "it": ("righe", "bottoni", "logo", "pelle"),
    "nl": ("strepen", "knopen", "logo", "leer"),
    "pt": ("riscas", "botões", "logotipo", "couro"),
    "sv": ("ränder", "knappar", "läder"),
    "pl": ("guzików", "logo", "skóry"),
    "zh": ("条纹", "纽扣", "皮革", "塑料"),
    "ja": ("ストライプ", "ボタン", "ロゴ", "プラスチック"),
}

SEEN = (
    Template("en", "{n} under {a} dollars", "lt a"),
    Template("en", "{n} below ${a}", "lt a"),
    Template("en", "cheap {n} for less than {a} euros", "lt a", words="cheap {n}"),
    Template("en", "{n} between {a} and {b} euros", "gte a lte b"),
    Template("en", "{n} ${a}-${b}", "gte a lte b"),
    Template("en", "{n} up to {a} eur", "lte a"),
    Template("en", "{n} around {a} dollars", "around a"),
    Template("en", "{n} <{a}€", "lt a"),
    Template("de", "{n} unter {a} Euro", "lt a"),
    Template("de", "{n} bis {a} €", "lte a"),
    Template("de", "{n} zwischen {a} und {b} Euro", "gte a lte b"),
    Template("de", "günstige {n} für höchstens {a} Euro", "lte a", words="günstige {n}"),
    Template("de", "{n} ab {a} Euro", "gte a"),
    Template("de", "{n} {a}-{b}€", "gte a lte b"),
    Template("de", "{n} hoechstens {a} euro", "lte a"),
    Template("de", "{n} über {a} €", "gt a"),
    Template("fr", "{n} moins de {a} €", "lt a"),
    Template("fr", "{n} jusqu'à {a} euros", "lte a"),
    Template("fr", "{n} entre {a} et {b} euros", "gte a lte b"),
    Template("fr", "{n} a moins de {a} euros", "lt a"),
    Template("fr", "{n} de {a} à {b} €", "gte a lte b"),
    Template("fr", "{n} plus de {a} euros", "gt a"),
    Template("es", "{n} de {a} a {b} euros", "gte a lte b"),
    Template("es", "{n} por menos de {a} €", "lt a"),
    Template("es", "{n} hasta {a} euros", "lte a"),
    Template("es", "{n} entre {a} y {b} euros", "gte a lte b"),
    Template("es", "{n} más de {a} euros", "gt a"),
    Template("es", "{n} por debajo de {a} euros", "lt a"),
    Template("it", "{n} meno di {a} euro", "lt a"),
    Template("nl", "{n} onder de {a} euro", "lt a"),
    Template("pt", "{n} até {a} euros", "lte a"),
    Template("zh", "{a}元以下的{n}", "lte a"),
    Template("zh", "{n} {a}元以内", "lte a"),
    Template("zh", "{a}-{b}元的{n}", "gte a lte b"),
    Template("zh", "低于{a}元的{n}", "lt a"),
    Template("zh", "{n} 不超过{a}元", "lte a"),
    Template("zh", "{n} {a}元左右", "around a"),
    Template("ja", "{a}円以下の{n}", "lte a"),
    Template("ja", "{n} {a}円以内", "lte a"),
    Template("ja", "{a}円から{b}円の{n}", "gte a lte b"),
    Template("ja", "予算{a}円 {n}", "lte a"),
    Template("ja", "{n} 〜{a}円", "lte a"),
    Template("en", "{n} without {x}", excluded="x"),
    Template("en", "{n} with no {x}", excluded="x"),
    Template("en", "{n} -{x}", excluded="x"),
    Template("en", "{n} without any {x}", excluded="x"),
    Template("de", "{n} ohne {x}", excluded="x"),
    Template("de", "{n} ohne {x} und {y}", excluded="xy"),
    Template("fr", "{n} sans {x}", excluded="x"),
    Template("es", "{n} sin {x}", excluded="x"),
    Template("it", "{n} senza {x}", excluded="x"),
    Template("nl", "{n} zonder {x}", excluded="x"),
    Template("pt", "{n} sem {x}", excluded="x"),
    Template("zh", "{n} 不含{x}", excluded="x"),
    Template("zh", "不要{x}的{n}", excluded="x"),
    Template("ja", "{x}なしの{n}", excluded="x"),
    Template("ja", "{n} {x}不使用", excluded="x"),
)
HELD_OUT = (
    Template(
        "en",
        "looking for a {n} that costs less than {a} dollars",
        "lt a",
        words="looking for a {n}",
    ),
    Template("en", "{n} not more than {a} euros", "lte a"),
    Template("en", "{n} $ {a} or less", "lte a"),
    Template("en", "{n} priced from {a} to {b} euro", "gte a lte b"),
    Template("en", "{n} {a} bucks max", "lte a"),
    Template("en", "{n} cheaper than {a}$", "lt a"),
    Template("en", "{n} at least {a} euros", "gte a"),
    Template("en", "{n} less then {a} euros", "lt a"),
    Template("en", "UNDER {a} EUROS {n}", "lt a"),
    Template("en", "{n} (max. {a} €)", "lte a"),
    Template("en", "{n} in the {a} to {b} dollar range", "gte a lte b"),
    Template("en", "{n} budget {a} euro", "lte a"),
    Template("de", "suche {n} die nicht mehr als {a} Euro kosten", "lte a", words="suche {n}"),
    Template("de", "{n} für max. {a}€", "lte a"),
    Template("de", "{n} günstiger als {a} Euro", "lt a"),
    Template("de", "{n} von {a} bis {b} euro", "gte a lte b"),
    Template("de", "{n} um die {a} Euro", "around a"),
    Template("de", "{n} mindestens {a} euro", "gte a"),
    Template("de", "{n} Preis bis {a}", "lte a"),
    Template("fr", "{n} pas plus de {a} €", "lte a"),
    Template("fr", "{n} à partir de {a} euros", "gte a"),
    Template("fr", "{n} max {a}€", "lte a"),
    Template("fr", "{n} environ {a} euros", "around a"),
    Template("fr", "{n} en dessous de {a} euros", "lt a"),
    Template("fr", "{n} {a} euros maximum", "lte a"),
    Template("fr", "{n} moins cher que {a} €", "lt a"),
    Template("es", "{n} menos de {a} euros", "lt a"),
    Template("es", "{n} que no cueste más de {a} euros", "lte a"),
    Template("es", "{n} máximo {a} €", "lte a"),
    Template("es", "{n} desde {a} euros", "gte a"),
    Template("es", "{n} {a} euros o menos", "lte a"),
    Template("es", "{n} alrededor de {a} euros", "around a"),
    Template("it", "{n} tra {a} e {b} euro", "gte a lte b"),
    Template("it", "{n} sotto i {a} euro", "lt a"),
    Template("it", "{n} fino a {a}€", "lte a"),
    Template("nl", "{n} tussen {a} en {b} euro", "gte a lte b"),
    Template("nl", "{n} minder dan {a} euro", "lt a"),
    Template("nl", "{n} tot {a} euro", "lte a"),
    Template("pt", "{n} abaixo de {a} euros", "lt a"),
    Template("pt", "{n} entre {a} e {b} euros", "gte a lte b"),
    Template("sv", "{n} under {a} kr", "lt a"),
    Template("pl", "{n} do {a} zł", "lte a"),
    Template("zh", "{a}块钱以内的{n}", "lte a"),
    Template("zh", "{n} {a}到{b}元", "gte a lte b"),
    Template("zh", "{n} 最多{a}元", "lte a"),
    Template("zh", "价格在{a}到{b}元之间的{n}", "gte a lte b"),
    Template("zh", "{n} {a}元以上", "gte a"),
    Template("zh", "预算{a}元的{n}", "lte a"),
    Template("ja", "{a}円未満の{n}", "lt a"),
    Template("ja", "{n} {a}円以上", "gte a"),
    Template("ja", "{n} {a}円〜{b}円", "gte a lte b"),
    Template("ja", "{a}円くらいの{n}", "around a"),
    Template("ja", "{n} {a}円まで", "lte a"),
    Template("ja", "{a}円以下で買える{n}", "lte a"),
    Template("en", "{n}, no {x}", excluded="x"),
    Template("en", "{n} without {x} or {y}", excluded="xy"),
    Template("en", "{n} but no {x}", excluded="x"),
    Template("en", "{n} w/o {x}", excluded="x"),
    Template("en", "{n} without {x} for kids", excluded="x", words="{n} for kids"),
    Template("en", "{n} without {x} under {a} euros", "lt a", "x"),
    Template("de", "{n} ohne {x} für Kinder", excluded="x", words="{n} für Kinder"),
    Template("de", "{n} ohne {x} oder {y}", excluded="xy"),
    Template("de", "{n} ohne {x} unter {a} Euro", "lt a", "x"),
    Template("de", "{n} aber ohne {x}", excluded="x"),
    Template("fr", "{n} sans {x} ni {y}", excluded="xy"),
    Template("fr", "{n} mais sans {x}", excluded="x"),
    Template("fr", "{n} sans {x} pour enfant", excluded="x", words="{n} pour enfant"),
    Template("es", "{n} sin {x} ni {y}", excluded="xy"),
    Template("es", "{n} pero sin {x}", excluded="x"),
    Template("es", "{n} sin {x} para niños", excluded="x", words="{n} para niños"),
    Template("it", "{n} senza {x} e {y}", excluded="xy"),
    Template("nl", "{n} zonder {x} voor kinderen", excluded="x", words="{n} voor kinderen"),
    Template("sv", "{n} utan {x}", excluded="x"),
    Template("pl", "{n} bez {x}", excluded="x"),
    Template("zh", "不带{x}的{n}", excluded="x"),
    Template("zh", "{n}不要{x}", excluded="x"),
    Template("zh", "不含{x}和{y}的{n}", excluded="xy"),
    Template("ja", "{x}抜きの{n}", excluded="x"),
    Template("ja", "{n} {x}なし", excluded="x"),
    Template("ja", "{x}以外の{n}", excluded="x"),
)


def phrases(seed: int = 0, *, count: int = 120) -> list[Phrase]:
    """`count` queries, half of them from the templates held out."""
    source = random.Random(seed)
    made = []
    for held_out, templates in ((False, SEEN), (True, HELD_OUT)):
        chosen = source.sample(templates, len(templates))
        made += [
            _phrase(chosen[number % len(chosen)], held_out, source) for number in range(count // 2)
        ]
    return made


def is_right(phrase: Phrase) -> bool:
    """Whether exactly the filters, the exclusions and the remaining words are understood."""
    words, conditions = split_conditions(phrase.query, currencies=())
    prices = [condition.filters for condition in conditions if condition.filters]
    excluded = tuple(word for condition in conditions for word in condition.excluded)
    expected = [phrase.filters] if phrase.filters else []
    return (words, prices, excluded) == (phrase.words, expected, phrase.excluded)


def _phrase(template: Template, held_out: bool, source: random.Random) -> Phrase:
    language = template.language
    low, high = _amounts(language, source)
    x, y = source.sample(UNWANTED[language], 2)
    things = {"n": source.choice(NOUNS[language]), "x": x, "y": y}
    written = {"a": _written(low, language, source), "b": _written(high, language, source)}
    return Phrase(
        query=template.text.format(**things, **written),
        words=template.words.format(**things),
        filters=_filters(template.price, low, high),
        excluded=tuple(things[name] for name in template.excluded),
        held_out=held_out,
    )


def _amounts(language: str, source: random.Random) -> tuple[float, float]:
    scale = {"zh": 10, "ja": 100, "sv": 10}.get(language, 1)
    low = source.choice((10, 15, 20, 25, 30, 50, 80, 100, 150, 1200))
    cents = source.choice((0, 0, 0, 0.99)) if scale == 1 else 0
    return low * scale + cents, low * scale * 2 + cents


def _written(amount: float, language: str, source: random.Random) -> str:
    """The amount as the language spells it, with and without thousands marks."""
    whole, cents = int(amount), round(amount * 100) % 100
    thousands, mark = {"en": (",", "."), "zh": (",", "."), "ja": (",", "."), "fr": (" ", ",")}.get(
        language, (".", ",")
    )
    digits = f"{whole:,}".replace(",", source.choice((thousands, "")))
    return f"{digits}{mark}{cents:02}" if cents else digits


def _filters(price: str, low: float, high: float) -> dict[str, dict[str, float]]:
    parts = price.split()
    amounts = {"a": low, "b": high}
    bounds = dict(zip(parts[::2], (amounts[name] for name in parts[1::2]), strict=True))
    if "around" in bounds:
        bounds = {"gte": round(low * 0.8, 2), "lte": round(low * 1.2, 2)}
    return {"price": bounds} if bounds else {}


def _plain_queries() -> Iterator[str]:
    for path in (SAMPLE / "queries.tsv", *sorted(DATA.glob("*/queries*.tsv"))):
        yield from (query.text for query in read_queries(path))


def main() -> None:
    """Print both measurements."""
    options = parse_arguments(__doc__, phrases=(120, 12), plain=(10_000, 50))
    made = phrases(count=options.phrases)
    for held_out, name in ((False, "seen"), (True, "held out")):
        half = [phrase for phrase in made if phrase.held_out == held_out]
        right = [phrase for phrase in half if is_right(phrase)]
        print(f"{name} templates: {len(right)} of {len(half)} right")
        for phrase in half:
            if phrase not in right:
                print("   wrong:", phrase, split_conditions(phrase.query, currencies=()))
    plain = list(islice(_plain_queries(), options.plain))
    began = perf_counter()
    meant: list[tuple[str, tuple[Condition, ...]]] = [
        (query, split_conditions(query, currencies=())[1]) for query in plain
    ]
    took = (perf_counter() - began) / len(plain) * 1000
    fired = [(query, conditions) for query, conditions in meant if conditions]
    print(f"plain queries: {len(fired)} of {len(plain)} mean more than words, {took:.3f} ms each")
    for query, conditions in fired:
        print("  ", [condition.text for condition in conditions], "in:", query)
    options.print_ratio("phrases_right", sum(map(is_right, made)) / len(made))
    options.print_ratio("plain_queries_understood", len(fired) / len(plain))


if __name__ == "__main__":
    main()
