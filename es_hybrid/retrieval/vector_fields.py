"""What a mapping says about vectors: which fields hold them, and what they were made with.

Also the types of the other fields, which decide what filters a vector leaf gets.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from es_hybrid.errors import RequestRefused
from es_hybrid.index.passport import Passport, passports_of
from es_hybrid.retrieval.field_types import FieldTypes, field_types


@dataclass(frozen=True, slots=True)
class VectorFields:
    """The vector fields of all indices that a name stands for.

    Attributes:
        names: `dense_vector` fields that every index has.
        passports: Their passports, without duplicates.
        indices: Names of the indices.
        without_passport: Names of those that have none.
        types: Which of the other fields are full text, and which are exact.
    """

    names: tuple[str, ...]
    passports: tuple[Passport, ...]
    indices: frozenset[str] = frozenset()
    without_passport: tuple[str, ...] = ()
    types: FieldTypes = dataclasses.field(default_factory=FieldTypes)

    def chosen(self, wanted: str | None, *, place: str, preferred: str | None = None) -> str:
        """The field to search: the requested one, else the passport's, else the only one.

        Args:
            preferred: Field whose passport wins if there are several.

        Raises:
            RequestRefused: there is no such field, or several to choose from.
        """
        if wanted is not None and wanted not in self.names:
            raise self._refused(f"[{wanted}] is not a dense_vector field", place)
        fields = {passport.vector_field for passport in self.passports} & set(self.names)
        choice = [wanted] if wanted is not None else sorted(fields) or list(self.names)
        if preferred in choice:
            return str(preferred)
        if not choice:
            raise self._refused("there is no dense_vector field", place)
        if len(choice) > 1:
            raise self._refused("there is more than one dense_vector field", place)
        return choice[0]

    def passport_of(self, field: str) -> Passport | None:
        """What the field's vectors were made with, if all indices agree."""
        of_field = [passport for passport in self.passports if passport.vector_field == field]
        return of_field[0] if len(of_field) == 1 else None

    def _refused(self, problem: str, place: str) -> RequestRefused:
        there = ", ".join(self.names) or "none"
        return RequestRefused(
            f"[es_hybrid] [vector_field]: {problem}; the index has: {there}",
            place=f"index {place}",
            remedy="name one with ext.es_hybrid.vector_field"
            if self.names
            else "create an index with `es-hybrid index create`, or add a dense_vector field",
        )


# Index (as in a path) -> its vector fields. The owner decides when to forget, and that no caller
# profits from what another was allowed to read.
KnownFields = MutableMapping[str, VectorFields]


def vector_fields(mappings: Mapping[str, Any]) -> VectorFields:
    """Read the answer to `GET /{index}/_mapping`."""
    found = {index: entry["mappings"] for index, entry in mappings.items()}
    names = [set(_dense_vectors(mapping.get("properties", {}))) for mapping in found.values()]
    passports = {index: passports_of(mapping) for index, mapping in found.items()}
    return VectorFields(
        indices=frozenset(mappings),
        names=tuple(sorted(set.intersection(*names))) if names else (),
        passports=tuple(dict.fromkeys(chain.from_iterable(passports.values()))),
        without_passport=tuple(sorted(index for index in passports if not passports[index])),
        types=field_types(found.values()),
    )


def _dense_vectors(properties: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, field in properties.items():
        if field.get("type") == "dense_vector":
            yield prefix + name
        # Vectors inside nested documents rank passages, not products.
        if field.get("type") != "nested":
            yield from _dense_vectors(field.get("properties", {}), f"{prefix}{name}.")
