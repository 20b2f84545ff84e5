"""Paths of texts in a search body, such as `query.bool.must[*].multi_match.query`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

# Parameters of a query that hold its text -> these are options of the query around them.
_TEXT = ("query", "value")
_EACH = "[*]"


class TypedText(NamedTuple):
    """A text in a body.

    Attributes:
        kind: Kind of the query around it, such as `multi_match`.
        text: As written there.
    """

    kind: str
    text: str


class TextPath:
    """A path in a body.

    `*` is any key and `**` any number of them. A list counts as each of its items, as Elasticsearch
    takes one clause for a list of one; `[*]` says so for readers. A path ends at a string, or at an
    object with the string as `query` or `value`.

    Attributes:
        sign: What a body contains if it has such a path.
    """

    def __init__(self, path: str) -> None:
        self._keys = tuple(key.removesuffix(_EACH) for key in path.split("."))
        named = [key for key in self._keys if "*" not in key]
        kinds = [key for key in named if key not in _TEXT]
        self.sign = f'"{[*named, *kinds][-1]}"'.encode() if named else b""

    def texts(self, body: Any) -> Iterator[TypedText]:
        """The texts at this path, in the order of the body."""
        return _Walk().texts(body, self._keys, "")


class _Walk:
    """A walk through one body, which enters nothing twice with the same keys left."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def texts(self, value: Any, keys: tuple[str, ...], kind: str) -> Iterator[TypedText]:
        """The texts at these keys below a value.

        Args:
            kind: Kind of the query around it.
        """
        if isinstance(value, list):
            for item in value:
                yield from self.texts(item, keys, kind)
        elif not keys:
            yield from _at_end(value, kind)
        elif isinstance(value, Mapping) and self._is_new(value, keys):
            yield from self._below(value, keys, kind)

    def _below(
        self, value: Mapping[str, Any], keys: tuple[str, ...], kind: str
    ) -> Iterator[TypedText]:
        first, rest = keys[0], keys[1:]
        if first == "**":
            yield from self.texts(value, rest, kind)
            for name, below in value.items():
                yield from self.texts(below, keys, name)
        elif first == "*":
            for below in value.values():  # a field: the query around it keeps its name
                yield from self.texts(below, rest, kind)
        elif first in value:
            yield from self.texts(value[first], rest, kind if first in _TEXT else first)

    def _is_new(self, value: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
        place = (id(value), len(keys))
        if place in self._seen:
            return False
        self._seen.add(place)
        return True


def _at_end(value: Any, kind: str) -> Iterator[TypedText]:
    if isinstance(value, Mapping):
        value = next((value[name] for name in _TEXT if name in value), None)
    if isinstance(value, str):
        yield TypedText(kind, value)
