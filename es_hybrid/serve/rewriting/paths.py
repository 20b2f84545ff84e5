"""Paths of texts in a search body, such as `query.bool.must[*].multi_match.query`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

# Parameters of a query that hold its text -> these are options of the query around them.
_TEXT = ("query", "value")
_EACH = "[*]"
_FILTER = "filter"


class TypedText(NamedTuple):
    """A text in a body.

    Attributes:
        kind: Kind of the query around it, such as `multi_match`.
        text: As written there.
        declared: Whether it is inside a `filter`.
    """

    kind: str
    text: str
    declared: bool = False


class TextPath:
    """A path in a body.

    `*` is any key and `**` any number of them. A list counts as each of its items, as Elasticsearch
    takes one clause for a list of one; `[*]` says so for readers. A path ends at a string, or at an
    object with the string as `query` or `value`.

    Attributes:
        signs: What the bytes of a body contain if it has such a path, the rarest first.
    """

    def __init__(self, path: str) -> None:
        self._keys = tuple(key.removesuffix(_EACH) for key in path.split("."))
        named = list(dict.fromkeys(key for key in self._keys if "*" not in key))
        named.reverse()  # the kind of the query is behind its place
        named.sort(key=_TEXT.__contains__)  # every search has a `query`
        self.signs = tuple(f'"{key}"'.encode() for key in named)

    def texts(self, body: Any) -> Iterator[TypedText]:
        """The texts at this path, in the order of the body."""
        return _Walk().texts(body, self._keys, "")


class _Walk:
    """A walk through one body, which enters nothing twice with the same keys left."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def texts(
        self, value: Any, keys: tuple[str, ...], kind: str, declared: bool = False
    ) -> Iterator[TypedText]:
        """The texts at these keys below a value.

        Args:
            kind: Kind of the query around it.
            declared: Whether it is inside a `filter`.
        """
        if isinstance(value, list):
            for item in value:
                yield from self.texts(item, keys, kind, declared)
        elif not keys:
            yield from _at_end(value, kind, declared)
        elif isinstance(value, dict) and self._is_new(value, keys):
            yield from self._below(value, keys, kind, declared)

    def _below(
        self, value: dict[str, Any], keys: tuple[str, ...], kind: str, declared: bool
    ) -> Iterator[TypedText]:
        first, rest = keys[0], keys[1:]
        if first == "**":
            yield from self.texts(value, rest, kind, declared)
            for name, below in value.items():
                yield from self.texts(below, keys, name, declared or name == _FILTER)
        elif first == "*":
            for below in value.values():  # a field: the query around it keeps its name
                yield from self.texts(below, rest, kind, declared)
        elif first in value:
            within = kind if first in _TEXT else first
            yield from self.texts(value[first], rest, within, declared or first == _FILTER)

    def _is_new(self, value: dict[str, Any], keys: tuple[str, ...]) -> bool:
        place = (id(value), len(keys))
        if place in self._seen:
            return False
        self._seen.add(place)
        return True


def _at_end(value: Any, kind: str, declared: bool) -> Iterator[TypedText]:
    if isinstance(value, dict):
        value = next((value[name] for name in _TEXT if name in value), None)
    if isinstance(value, str):
        yield TypedText(kind, value, declared)
