"""Differences of two products, field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

__all__ = ["Piece", "ProductField", "fields_of", "text_of"]

# The most telling fields first; all others follow in the product's own order.
_FIRST = ("title", "brand", "sku", "gtin", "attributes", "price", "category", "description")
# The column heads show the ids; the group is what the reviewer decides.
_OMITTED = ("id", "group")
# A word, a number with its decimals, or a single Chinese or Japanese character.
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[\u3040-\u30ff\u3400-\u9fff]|\w+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text.

    Attributes:
        own: Whether only this product has it.
    """

    text: str
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductField:
    """One field of both products."""

    name: str
    same: bool
    left: Sequence[Piece]
    right: Sequence[Piece]


def fields_of(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[ProductField]:
    """Every field that either product has.

    Between two languages only words with a digit are marked: sizes, model numbers and quantities
    should agree, while all other words differ anyway.
    """
    names = {**left, **right}
    order = [name for name in _FIRST if name in names]
    order += [name for name in names if name not in (*_FIRST, *_OMITTED)]
    every_word = left.get("lang") == right.get("lang")
    in_left, in_right = _tokens(left.values()), _tokens(right.values())
    fields = []
    for name in order:
        texts = text_of(left.get(name)), text_of(right.get(name))
        same = texts[0].casefold() == texts[1].casefold()
        pieces = [
            [Piece(text, False)] if same else _pieces(text, others, every_word)
            for text, others in zip(texts, (in_right, in_left), strict=True)
        ]
        fields.append(ProductField(name=name, same=same, left=pieces[0], right=pieces[1]))
    return fields


def _pieces(text: str, others: Set[str], every_word: bool) -> list[Piece]:
    """The text, split where marks begin and end."""
    pieces, end = [], 0
    for match in _TOKEN.finditer(text):
        token = _normal(match[0])
        if token in others or not (every_word or any(sign.isdigit() for sign in token)):
            continue
        pieces += [Piece(text[end : match.start()], False), Piece(match[0], True)]
        end = match.end()
    return [piece for piece in (*pieces, Piece(text[end:], False)) if piece.text]


def _tokens(values: Any) -> set[str]:
    return {_normal(token) for value in values for token in _TOKEN.findall(text_of(value))}


def _normal(token: str) -> str:
    """The token in lower case, with a decimal point: the comma is used in some countries."""
    return token.casefold().replace(",", ".")


def text_of(value: Any) -> str:
    """The value of a field as one text."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return " · ".join(f"{name}: {text_of(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(text_of(item) for item in value)
    return str(value)
