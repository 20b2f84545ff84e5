"""Typed access to one JSON object, with the type rules of Elasticsearch's parser.

Numbers may be strings, and an object may replace a list of one. Anything else of the wrong type is
refused with Elasticsearch's message.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from es_hybrid.retrieval.request import MAX_TEXT_CHARS
from es_hybrid.retrieval.retriever_dsl.refusals import (
    ILLEGAL,
    PARSING,
    X_CONTENT,
    inside,
    refused,
    token,
    unknown_field,
)

T = TypeVar("T")

# Integers are Java's.
_LEAST, _MOST = -(1 << 31), (1 << 31) - 1


class Fields:
    """The parameters of one retriever."""

    def __init__(self, kind: str, value: Mapping[str, Any], known: Sequence[str]) -> None:
        """Refuse unknown parameters."""
        self.kind = kind
        self._value = value
        for name in value:
            if name not in known:
                raise unknown_field(kind, name, known)

    def __contains__(self, name: str) -> bool:
        return name in self._value

    def required(self, *names: str) -> None:
        """Refuse an object without one of these."""
        missing = [name for name in names if name not in self._value]
        if missing:
            raise refused(f"Required [{', '.join(missing)}]")

    def raw(self, name: str) -> Any:
        """The value as written; None if it is missing."""
        return self._value.get(name)

    def string(self, name: str) -> str | None:
        """A string."""
        return self._of(name, ("VALUE_STRING",), str)

    def text(self, name: str) -> str | None:
        """A string that a model reads, which may not be too long."""
        text = self.string(name)
        if text is not None and len(text) > MAX_TEXT_CHARS:
            raise refused(
                f"[{self.kind}] [{name}] must have at most [{MAX_TEXT_CHARS}] characters, found "
                f"[{len(text)}]"
            )
        return text

    def integer(self, name: str) -> int | None:
        """An integer of 32 bits; a fraction is truncated."""
        given = self._of(name, ("VALUE_NUMBER", "VALUE_STRING"), lambda value: int(float(value)))
        if given is not None and not _LEAST <= given <= _MOST:
            bounds = f"{_LEAST} - {_MOST}"
            reason = f"Numeric value ({given}) out of range of int ({bounds})"
            with inside(self.kind, name):
                raise refused(reason, type=X_CONTENT)
        return given

    def number(self, name: str) -> float | None:
        """A number."""
        return self._of(name, ("VALUE_NUMBER", "VALUE_STRING"), _finite)

    def boolean(self, name: str) -> bool | None:
        """A boolean, or its name as a string."""
        return self._of(name, ("VALUE_BOOLEAN", "VALUE_STRING"), _boolean)

    def strings(self, name: str) -> list[str] | None:
        """A list of strings, or one string; a number in a list counts as its text."""
        found = self._of(name, ("START_ARRAY", "VALUE_STRING"), _listed)
        for each in found or ():
            if not isinstance(each, str | int | float):
                raise self._wrong_type(name, each)
        return None if found is None else [_text(each) for each in found]

    def mapping(self, name: str) -> Mapping[str, Any] | None:
        """An object."""
        return self._of(name, ("START_OBJECT",), dict)

    def mappings(self, name: str) -> list[Mapping[str, Any]] | None:
        """A list of objects, or one object."""
        found = self._of(name, ("START_ARRAY", "START_OBJECT"), _listed)
        for each in found or ():
            if not isinstance(each, Mapping):
                raise self._wrong_type(name, each)
        return found

    def vector(self, name: str) -> list[float] | str | None:
        """A list of numbers, one number, or the hex or base64 form of a list."""
        tokens = ("START_ARRAY", "START_OBJECT", "VALUE_STRING", "VALUE_NUMBER")
        given = self._of(name, tokens, lambda value: value)
        if given is None or isinstance(given, str):
            return given
        # Almost all are, and checking 512 numbers one by one is slow.
        if type(given) is list and _FLOATS.issuperset(map(type, given)) and _are_finite(given):
            return given
        parts = given if isinstance(given, Sequence | Mapping) else [given]
        with inside(self.kind, name):
            if isinstance(parts, Mapping):
                raise refused("Unknown type [START_OBJECT] for parsing vector", type=PARSING)
            for found in map(token, parts):
                if found not in ("VALUE_NUMBER", "VALUE_STRING"):
                    raise refused(f"Type [{found}] not supported for query vector", type=PARSING)
        return self._of(name, tokens, lambda _: [_finite(part) for part in parts])

    def _of(self, name: str, tokens: Sequence[str], read: Callable[[Any], T]) -> T | None:
        if name not in self._value:
            return None
        value = self._value[name]
        if token(value) not in tokens:
            raise self._wrong_type(name, value)
        try:
            return read(value)
        except (TypeError, ValueError, OverflowError):
            cause = {"type": "number_format_exception", "reason": f'For input string: "{value}"'}
            raise refused(
                f"[{self.kind}] failed to parse field [{name}]", type=X_CONTENT, cause=cause
            ) from None

    def _wrong_type(self, name: str, value: Any) -> Exception:
        reason = f"[{self.kind}] {name} doesn't support values of type: {token(value)}"
        return refused(reason, type=X_CONTENT)


def truth(value: Any) -> bool:
    """A boolean option of a body.

    Raises:
        RequestRefused: the value is neither true nor false.
    """
    try:
        return _boolean(value)
    except ValueError:
        raise refused(
            f"Failed to parse value [{value}] as only [true] or [false] are allowed.", type=ILLEGAL
        ) from None


def whole(value: Any) -> int:
    """An integer option of a body.

    Raises:
        RequestRefused: the value is not a number.
    """
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        raise refused(f'For input string: "{value}"', type="number_format_exception") from None


def number(value: Any) -> float:
    """A number option of a body.

    Raises:
        RequestRefused: the value is not a number.
    """
    try:
        return _finite(value)
    except (TypeError, ValueError):
        raise refused(f'For input string: "{value}"', type="number_format_exception") from None


_FLOATS = frozenset([float])


def _are_finite(numbers: Sequence[float]) -> bool:
    return all(map(math.isfinite, numbers))


def _finite(value: Any) -> float:
    if not math.isfinite(read := float(value)):
        raise ValueError(value)
    return read


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError(value)


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, str | Mapping) else list(value)
