"""Values of a facet that mean the same: `Nike` and `耐克`, as `align values apply` writes them.

One document for each name that is searched, an index or an alias, in a hidden index of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

logger = logging.getLogger(__name__)

VALUE_CLASSES = "es-hybrid-values"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueClass:
    """Values of one field that mean the same.

    Attributes:
        id: Stays the same while the class grows.
        field: As a facet names it.
        labels: Language as products have it -> its value in this language.
        values: Those of most products first.
    """

    id: str
    field: str
    labels: Mapping[str, str]
    values: tuple[str, ...]

    def label(self, languages: Iterable[str]) -> str:
        """Its value in the first of these languages that it has; else its most frequent value.

        Where a language has no value, another region's counts: `pt-BR` for `pt`.
        """
        for language in languages:
            if language in self.labels:
                return self.labels[language]
            near = [label for tag, label in self.labels.items() if _main(tag) == _main(language)]
            if near:
                return near[0]
        return self.values[0]


@dataclass(frozen=True)
class ValueClasses:
    """The classes of one or several indices.

    Attributes:
        single: Fields of which no product has two values.
    """

    classes: Sequence[ValueClass] = ()
    single: frozenset[str] = frozenset()

    def of(self, name: str) -> list[ValueClass]:
        """The classes of a field."""
        return self._by_field.get(name, [])

    @property
    def fields(self) -> Iterable[str]:
        """The fields that have classes."""
        return self._by_field.keys()

    def same(self, name: str, value: Any) -> tuple[Any, ...]:
        """All values of a field that mean the same as this one, and itself."""
        return self._same.get((name, value), (value,)) if isinstance(value, str) else (value,)

    @cached_property
    def _by_field(self) -> Mapping[str, list[ValueClass]]:
        found: dict[str, list[ValueClass]] = {}
        for each in self.classes:
            found.setdefault(each.field, []).append(each)
        return found

    @cached_property
    def _same(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        return {(each.field, value): each.values for each in self.classes for value in each.values}


NO_CLASSES = ValueClasses()

_CLASSES = TypeAdapter(tuple[ValueClass, ...])


def classes_request(names: Iterable[str]) -> tuple[str, Mapping[str, Any]]:
    """Path and body of the request, a POST, that reads the classes of these indices or aliases."""
    return f"/{VALUE_CLASSES}/_mget", {"ids": sorted(names)}


def classes_in(answer: Mapping[str, Any]) -> ValueClasses:
    """The classes in the answer; a name may have none."""
    return ValueClasses(tuple(_read(answer.get("docs", ()))))


def class_document(classes: Sequence[ValueClass]) -> dict[str, Any]:
    """The classes as a document."""
    return {"classes": _CLASSES.dump_python(tuple(classes), mode="json")}


def _read(documents: Iterable[Mapping[str, Any]]) -> Iterator[ValueClass]:
    for document in documents:
        if document.get("found"):
            try:
                yield from _CLASSES.validate_python(document["_source"]["classes"])
            except (KeyError, ValidationError) as error:
                logger.warning("%s is damaged: %s", VALUE_CLASSES, error)


def _main(tag: str) -> str:
    return tag.partition("-")[0].lower()
