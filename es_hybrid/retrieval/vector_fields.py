"""What a mapping says about vectors: which fields hold them, and what they were made with.

Also the types of the other fields, which decide what filters a vector leaf gets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
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
        dims: Field -> dimensions of its vectors, if all indices agree. Not of bits.
        anywhere: `dense_vector` fields that some index has; None: the mapping cannot be read.
        types: Which of the other fields are full text, and which are exact.
    """

    names: tuple[str, ...]
    passports: tuple[Passport, ...]
    indices: frozenset[str] = frozenset()
    without_passport: tuple[str, ...] = ()
    dims: Mapping[str, int] = field(default_factory=dict)
    anywhere: frozenset[str] | None = frozenset()
    types: FieldTypes = field(default_factory=FieldTypes)

    def chosen(self, wanted: str | None, *, place: str, preferred: str | None = None) -> str:
        """The field to search: the requested one, else the passport's, else the only one.

        A requested field need not be in every index: Elasticsearch finds nothing in the others.

        Args:
            preferred: Field whose passport wins if there are several.

        Raises:
            RequestRefused: there is no such field, or several to choose from.
        """
        if self.anywhere is None:
            if wanted is None:
                raise RequestRefused(
                    "[es_hybrid] needs a [vector_field]: the mapping of an index in another "
                    "cluster cannot be read",
                    place=f"index {place}",
                )
            return wanted
        if not self.indices:  # nothing is found, whatever the field
            return wanted or preferred or ""
        if wanted is not None and wanted not in self.anywhere:
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


# What is known of indices in another cluster: Elasticsearch does not pass on their mappings.
REMOTE = VectorFields((), (), anywhere=None)


# Index (as in a path) -> its vector fields. The owner decides when to forget, and that no caller
# profits from what another was allowed to read.
KnownFields = MutableMapping[str, VectorFields]


def vector_fields(mappings: Mapping[str, Any]) -> VectorFields:
    """Read the answer to `GET /{index}/_mapping`."""
    found = {index: entry["mappings"] for index, entry in mappings.items()}
    dims = [dict(_dense_vectors(mapping.get("properties", {}))) for mapping in found.values()]
    passports = {index: passports_of(mapping) for index, mapping in found.items()}
    return VectorFields(
        indices=frozenset(mappings),
        names=tuple(sorted(set.intersection(*map(set, dims)))) if dims else (),
        passports=tuple(dict.fromkeys(chain.from_iterable(passports.values()))),
        without_passport=tuple(sorted(index for index in passports if not passports[index])),
        dims=_common(dims),
        anywhere=frozenset(chain.from_iterable(dims)),
        types=field_types(found.values()),
    )


def _common(dims: Sequence[Mapping[str, int | None]]) -> dict[str, int]:
    """What all say that say anything: an empty index has no dimensions yet."""
    said: dict[str, set[int]] = {}
    for name, number in chain.from_iterable(each.items() for each in dims):
        if number is not None:
            said.setdefault(name, set()).add(number)
    return {name: numbers.pop() for name, numbers in said.items() if len(numbers) == 1}


def _dense_vectors(
    properties: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, int | None]]:
    """Names of fields, and the dimensions of their vectors as far as known."""
    for name, mapped in properties.items():
        if mapped.get("type") == "dense_vector":
            yield prefix + name, None if mapped.get("element_type") == "bit" else mapped.get("dims")
        # Vectors inside nested documents rank passages, not products.
        if mapped.get("type") != "nested":
            yield from _dense_vectors(mapped.get("properties", {}), f"{prefix}{name}.")
