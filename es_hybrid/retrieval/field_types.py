"""What a mapping says about its fields: which are full text, and which have exact values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# Types whose values are analyzed into words, so that a match has a degree.
_TEXT = frozenset(
    ("text", "match_only_text", "pattern_text", "search_as_you_type", "annotated_text",
     "semantic_text")
)  # fmt: skip
# Types that are no values to filter by.
_NEITHER = frozenset(
    ("object", "nested", "passthrough", "dense_vector", "sparse_vector", "rank_feature",
     "rank_features", "rank_vectors", "completion", "percolator")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldTypes:
    """The fields of all indices that a name stands for, by their full name.

    Attributes:
        text: Full text in one of the indices.
        exact: Keywords, numbers, dates, booleans and the like, wherever they are mapped.
        written: Field -> Elasticsearch's types for it, one unless the indices disagree.
    """

    text: frozenset[str] = frozenset()
    exact: frozenset[str] = frozenset()
    written: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def types_of(self, name: str) -> frozenset[str]:
        """Elasticsearch's types for a field, or a key of a `flattened` one; none if unmapped."""
        if name in self.written or not name:
            return self.written.get(name, frozenset())
        return self.types_of(name.rpartition(".")[0]) & {"flattened"}

    def is_text(self, field: str) -> bool:
        """Whether a field is full text, or part of one (`title._2gram`)."""
        return self._nearest(field) in self.text

    def is_exact(self, field: str) -> bool:
        """Whether a field is exact, or part of one (a key of a `flattened` field)."""
        return self._nearest(field) in self.exact

    def with_runtime(self, names: Iterable[str]) -> FieldTypes:
        """The same, with the runtime fields of a search, which are exact."""
        runtime = frozenset(names)
        return FieldTypes(self.text - runtime, self.exact | runtime, self.written)

    def _nearest(self, field: str) -> str:
        """The name, or that of the innermost field around it that the mapping has."""
        while field and field not in self.text and field not in self.exact:
            field = field.rpartition(".")[0]
        return field


def field_types(mappings: Iterable[Mapping[str, Any]]) -> FieldTypes:
    """The types of the fields in the mappings of several indices."""
    found = [pair for mapping in mappings for pair in _typed(mapping)]
    text = frozenset(name for name, type_ in found if type_ in _TEXT)
    exact = frozenset(name for name, type_ in found if type_ not in _TEXT | _NEITHER)
    written: dict[str, frozenset[str]] = {}
    for name, type_ in found:
        written[name] = written.get(name, frozenset()) | {type_}
    return FieldTypes(text, exact - text, written)


def _typed(mapping: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each field with its type; an alias has that of its field."""
    types = dict(_leaves(mapping.get("properties", {})))
    for name, mapped in types.items():
        target = types.get(mapped["path"], mapped) if mapped.get("type") == "alias" else mapped
        yield name, target.get("type", "object")
    for name, mapped in mapping.get("runtime", {}).items():
        yield name, mapped.get("type", "keyword")


def _leaves(
    properties: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field and sub-field with its mapping."""
    for name, mapped in properties.items():
        yield prefix + name, mapped
        for below in ("properties", "fields"):
            yield from _leaves(mapped.get(below, {}), f"{prefix}{name}.")
