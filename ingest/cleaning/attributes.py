"""Attributes: an object of any depth, or JSON text -> short texts by dotted name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import orjson

from ingest.cleaning.given import given
from ingest.cleaning.problems import FieldProblem, FieldWarning, Warn, kind_of
from ingest.cleaning.text import keyword_of, text_of

AttributeValue: TypeAlias = str | tuple[str, ...]

# Deeper than shops nest their attributes, and far below the recursion limit.
_MAX_DEPTH = 20
_MAX_NAME_CHARS = 256
# Characters of a value that may be one of many rows.
_SHORT = 32
_SCALARS = frozenset((str, int, float))
# All names and values of a product together, in characters.
_MAX_CHARS = 262_144
# The members of `{"name": "Colour", "value": "red"}`, as shop systems list attributes.
_NAMES = ("name", "key", "label")
_VALUES = ("value", "values", "option", "options")


_TOO_LONG = FieldProblem(
    "attributes",
    "too long",
    f"a name of more than {_MAX_NAME_CHARS} characters, or more than {_MAX_CHARS:,} in all",
    "shorten them",
)


def attributes_of(value: Any, warn: Warn) -> dict[str, AttributeValue]:
    """Texts, or lists of texts, by dotted name; what is left out has a warning of each kind."""
    if value is None:
        return {}
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, list | tuple):
        value = _by_name(value)
    if not isinstance(value, Mapping):
        raise FieldProblem(
            "attributes", "not an object", f"is {kind_of(value)}", "write an object: name -> value"
        )
    warnings: dict[str, FieldWarning] = {}
    found = _Flattening(lambda found: warnings.setdefault(found.kind, found) and None).texts(value)
    for warning in warnings.values():
        warn(warning)
    return found


def _parsed(text: str) -> Any:
    if not text.strip():
        return {}
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise FieldProblem(
            "attributes", "not JSON", f"not JSON: {error}", "write a JSON object"
        ) from None


def _by_name(values: list[Any] | tuple[Any, ...]) -> Any:
    """A Parquet map, which arrives as a list of pairs, or a list of named values, as a mapping."""
    if all(isinstance(pair, tuple) and len(pair) == 2 for pair in values):
        return dict(values)
    named: dict[str, list[Any]] = {}
    for item in values:
        name = _first(item, _NAMES) if isinstance(item, Mapping) else None
        if not isinstance(name, str):
            return list(values)
        held = _first(item, _VALUES)
        named.setdefault(name, []).extend(held if isinstance(held, list | tuple) else [held])
    return {name: held[0] if len(held) == 1 else held for name, held in named.items()}


def _first(item: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((item[name] for name in names if name in item), None)


class _Flattening:
    """One object of any depth, read within a budget of characters."""

    def __init__(self, warn: Warn) -> None:
        self._warn = warn
        self._chars_left = _MAX_CHARS
        self._found: dict[str, AttributeValue] = {}

    def texts(self, values: Mapping[Any, Any]) -> dict[str, AttributeValue]:
        """Text, or several of a list, by dotted name."""
        self._read(values, "", _MAX_DEPTH)
        return self._found

    def _read(self, values: Mapping[Any, Any], prefix: str, depth: int) -> None:
        for key, value in values.items():
            name = prefix + _attribute_name(str(key)[: _MAX_NAME_CHARS + 1])
            text: AttributeValue
            try:
                if type(value) in _SCALARS:  # almost all are
                    text = self._text(value, name)
                elif isinstance(value, Mapping):
                    self._nested(value, f"{name}.", depth - 1)
                    continue
                elif isinstance(value, list | tuple):
                    text = self._several(value, name)
                else:
                    text = self._text(value, name)
            except FieldProblem as problem:
                self._warn(problem.warning)
                continue
            if text and name:
                self._found[name] = text

    def _nested(self, values: Mapping[Any, Any], prefix: str, depth: int) -> None:
        if depth:
            self._read(values, prefix, depth)
        else:
            message = f"nested deeper than {_MAX_DEPTH} levels; flatten it"
            self._warn(FieldWarning("attributes", "nested too deeply", message))

    def _several(self, values: Sequence[Any], name: str) -> AttributeValue:
        texts = (self._text(value, name) for value in values)
        found = tuple(dict.fromkeys(text for text in texts if text))
        return found[0] if len(found) == 1 else found

    def _text(self, value: Any, name: str) -> str:
        kind, name_chars, chars = type(value), len(name), 0
        if kind is str:
            chars = len(value)
            self._chars_left -= name_chars + chars
        if self._chars_left < 0 or name_chars > _MAX_NAME_CHARS:
            raise _TOO_LONG
        if chars <= _SHORT and kind in _SCALARS:
            return _short_text(value)
        return keyword_of("attributes", given(value), self._warn)


@lru_cache(maxsize=16_384, typed=True)
def _short_text(value: str | float) -> str:
    """Cleaned once: `Cotton` and 40 are values of thousands of rows."""
    return keyword_of("attributes", given(value), _ignore)


@lru_cache(maxsize=4096)
def _attribute_name(key: str) -> str:
    """Cleaned once: every row has the same few hundred names."""
    try:
        return text_of("attributes", key, _ignore)
    except FieldProblem:
        return ""


def _ignore(_: FieldWarning) -> None:
    """Names are cut before, and short texts have nothing to warn of."""
