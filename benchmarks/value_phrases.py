"""Queries that name brands, colours, sizes and categories of a catalogue, made from templates."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import NamedTuple

from es_hybrid.understanding.condition import Condition
from es_hybrid.understanding.phrases import split_conditions, values_named
from es_hybrid.understanding.vocabulary import Vocabulary


class Template(NamedTuple):
    """A way to ask: `{brand}`, `{colour}`, `{size}` and `{category}` are to be understood.

    Neither `{n}`, a thing, nor `{other}`, a category that the query is not for.
    """

    language: str
    text: str


class Phrase(NamedTuple):
    """A query and the value of each kind that it names."""

    query: str
    named: Mapping[str, str]
    held_out: bool


# None of them is a category of the catalogues.
THINGS = {
    "en": ("desk lamp", "umbrella", "garden chair", "tape measure", "water jug", "alarm clock"),
    "de": ("Schreibtischlampe", "Regenschirm", "Gartenstuhl", "Handyhalter", "Wecker"),
    "fr": ("parapluie", "chaise de jardin", "réveil", "lampe de bureau"),
    "es": ("paraguas", "silla de jardín", "despertador", "lámpara"),
    "it": ("ombrello", "sedia", "sveglia"),
    "nl": ("paraplu", "tuinstoel", "wekker"),
    "zh": ("雨伞", "台灯", "闹钟"),
    "ja": ("傘", "目覚まし時計", "デスクライト"),
}
# As shoppers write them -> what the catalogues have.
COLOURS = {
    "de": {"schwarzer": "Black", "weißer": "White", "roter": "Red", "blauer": "Blue"},
    "fr": {"noir": "Black", "blanche": "White", "rouge": "Red", "verte": "Green"},
    "es": {"negro": "Black", "blanca": "White", "rojo": "Red", "azul": "Blue"},
    "it": {"nero": "Black", "bianca": "White", "rossa": "Red"},
    "nl": {"zwarte": "Black", "witte": "White", "rode": "Red"},
    "zh": {"黑色": "Black", "白色": "White", "红色": "Red", "蓝色": "Blue"},
    "ja": {"ブラック": "Black", "ホワイト": "White", "白い": "White"},
}

SEEN = (
    Template("en", "{brand} {n}"),
    Template("en", "{n} {brand}"),
    Template("en", "{n} by {brand}"),
    Template("en", "{colour} {n}"),
    Template("en", "{n} {colour}"),
    Template("en", "{colour} {brand} {n}"),
    Template("en", "{category}"),
    Template("en", "cheap {category}"),
    Template("en", "{brand} {category}"),
    Template("en", "{colour} {category}"),
    Template("en", "{category} for travelling"),
    Template("en", "{n} size {size}"),
    Template("en", "{brand} {n} size {size}"),
    Template("en", "{n} for {other}"),
    Template("de", "{n} von {brand}"),
    Template("de", "{colour} {n}"),
    Template("de", "{n} Größe {size}"),
    Template("fr", "{n} {brand}"),
    Template("fr", "{n} {colour}"),
    Template("fr", "{n} taille {size}"),
    Template("es", "{n} {colour} {brand}"),
    Template("es", "{n} talla {size}"),
    Template("zh", "{colour}{n}"),
    Template("zh", "{brand}{n}"),
    Template("zh", "{n} {size}码"),
    Template("ja", "{colour} {n}"),
)
HELD_OUT = (
    Template("en", "{brand} {colour} {n}"),
    Template("en", "a {colour} {n} from {brand}"),
    Template("en", "{n} in {colour}"),
    Template("en", "best {brand} {category}"),
    Template("en", "{category} {brand}"),
    Template("en", "{category} {colour} size {size}"),
    Template("en", "new {colour} {category} with warranty"),
    Template("en", "{category}, {colour}"),
    Template("en", "{n} with {other}"),
    Template("en", "{other} replacement part"),
    Template("en", "size {size} {n} {colour}"),
    Template("en", "{n} ({brand})"),
    Template("de", "{brand} {n} {colour}"),
    Template("de", "{n} Gr. {size}"),
    Template("de", "günstiger {n} {brand}"),
    Template("fr", "{n} {brand} {colour}"),
    Template("fr", "{n} en taille {size}"),
    Template("es", "{n} de {brand}"),
    Template("es", "{n} {colour}"),
    Template("it", "{n} {colour}"),
    Template("it", "{n} taglia {size}"),
    Template("nl", "{colour} {n}"),
    Template("nl", "{n} maat {size} {brand}"),
    Template("zh", "{brand}{colour}{n}"),
    Template("zh", "{colour}的{n} 尺码{size}"),
    Template("ja", "{brand} {n}"),
    Template("ja", "{n} {size}サイズ"),
)


def phrases(vocabulary: Vocabulary, *, count: int, seed: int) -> list[Phrase]:
    """`count` queries, half of them from the templates held out.

    Args:
        vocabulary: Of the catalogue whose values are named: all brands, colours of one word and
            categories of ten products or more.
    """
    source = random.Random(seed)
    choose = _choices(vocabulary, source)
    made = []
    for held_out, templates in ((False, SEEN), (True, HELD_OUT)):
        chosen = source.sample(templates, len(templates))
        made += [
            _phrase(chosen[number % len(chosen)], held_out, choose) for number in range(count // 2)
        ]
    return made


def understood(query: str, vocabulary: Vocabulary) -> tuple[str, tuple[Condition, ...]]:
    """The words that remain, and all that is understood."""
    words, conditions = split_conditions(query, currencies=vocabulary.currencies)
    return words, (*conditions, *values_named(words, vocabulary))


def is_right(phrase: Phrase, vocabulary: Vocabulary) -> bool:
    """Whether exactly the values named are understood."""
    _, conditions = understood(phrase.query, vocabulary)
    return {each.kind for each in conditions} == phrase.named.keys() and all(
        any(phrase.named[each.kind] in values for values in each.values.values())
        for each in conditions
    )


_Choice = Callable[[str], tuple[str, str]]


def _choices(vocabulary: Vocabulary, source: random.Random) -> Mapping[str, _Choice]:
    """Kind -> a function of the language that chooses how a value is written, and the value."""
    values = vocabulary.values
    least = min(10, vocabulary.documents // 100)
    brands = [brand for brand, count in values["brand"].items() if count >= least]
    categories = [
        path
        for path, count in values["category"].items()
        if count >= least and path.replace(" ", "").replace(">", "").isalpha()
    ]
    colours = {
        value
        for field, counts in values.items()
        if field.endswith(("product_colour", ".colour"))
        for value, count in counts.items()
        if count >= least and value.isascii() and value.isalpha()
    }

    def colour(language: str) -> tuple[str, str]:
        if language in COLOURS:
            return source.choice(sorted(COLOURS[language].items()))
        chosen = source.choice(sorted(colours))
        return chosen.lower(), chosen

    def category(_: str) -> tuple[str, str]:
        path = source.choice(categories)
        name = path.rpartition(" > ")[2].lower()
        return (name.removesuffix("s") if source.random() < 0.5 else name), path

    def brand(_: str) -> tuple[str, str]:
        chosen = source.choice(brands)
        return source.choice((chosen, chosen.lower())), chosen

    def size(_: str) -> tuple[str, str]:
        chosen = source.choice(("L", "42", "44", "38", "40"))
        return source.choice((chosen, chosen.lower())), chosen

    return {
        "brand": brand, "colour": colour, "category": category, "size": size,
        "n": lambda language: (source.choice(THINGS[language]), ""),
        "other": lambda language: (category(language)[0], ""),
    }  # fmt: skip


def _phrase(template: Template, held_out: bool, choose: Mapping[str, _Choice]) -> Phrase:
    chosen = {
        name: choice(template.language)
        for name, choice in choose.items()
        if f"{{{name}}}" in template.text
    }
    query = template.text.format(**{name: written for name, (written, _) in chosen.items()})
    return Phrase(query, {name: value for name, (_, value) in chosen.items() if value}, held_out)
