"""A sample of an index's vectors, read back from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.errors import EvaluationError
from es_hybrid.index.document import read_vector
from es_hybrid.index.pages import read_hits

# A vector of 4,096 dims is some 50 kB of JSON.
_PAGE = 200
# The same products in every run, so that two runs can be compared.
_SEED = 7


@dataclass(frozen=True, slots=True)
class VectorSample:
    """Products drawn by chance.

    Attributes:
        vectors: `[n, dims]` float32, in the order of ids and titles.
        total: Products of the index that have a vector.
    """

    ids: list[str]
    titles: list[str]
    vectors: NDArray[np.float32]
    total: int


def read_sample(
    client: Elasticsearch,
    index: str,
    *,
    vector_field: str,
    title_field: str,
    most: int,
    always: Collection[str] = (),
) -> VectorSample:
    """Draw up to `most` products, and those of `always` that are there.

    Raises:
        EvaluationError: no document has a vector, or vectors cannot be read back.
    """
    with_vector = {"exists": {"field": vector_field}}
    by_chance = {"random_score": {"seed": _SEED, "field": "_seq_no"}}
    drawn = {"function_score": {"query": with_vector, **by_chance}}
    total = int(client.count(index=index, query=with_vector)["count"])
    fields = [title_field, vector_field]
    found: dict[str, Mapping[str, Any]] = {}
    for hit in _hits(client, index, drawn, fields):
        found[hit["_id"]] = hit["_source"]
        if len(found) >= most:
            break
    missing = sorted(set(always) - set(found))
    for start in range(0, len(missing), _PAGE):
        wanted = {"ids": {"values": missing[start : start + _PAGE]}}
        query = {"bool": {"filter": [wanted, with_vector]}}
        found.update((hit["_id"], hit["_source"]) for hit in _hits(client, index, query, fields))
    vectors = [_value(source, vector_field) for source in found.values()]
    if not vectors or any(vector is None for vector in vectors):
        raise EvaluationError(
            "no vector can be read back from it" if vectors else "no document has a vector",
            place=f"index {index}, field {vector_field}",
            remedy="the mapping's _source must not leave the field out"
            if vectors
            else "load products into it first",
        )
    return VectorSample(
        ids=list(found),
        titles=[str(_value(source, title_field) or "") for source in found.values()],
        vectors=np.stack([read_vector(vector) for vector in vectors]),
        total=total,
    )


def _hits(
    client: Elasticsearch, index: str, query: Mapping[str, Any], fields: Sequence[str]
) -> Iterator[dict[str, Any]]:
    return read_hits(
        client,
        index,
        size=_PAGE,
        query=query,
        sort=[{"_score": "desc"}],
        # By name: some servers leave vectors out of `_source` otherwise.
        source_includes=list(fields),
    )


def _value(source: Mapping[str, Any], path: str) -> Any:
    """A field of a document, also `name.en` of an object; of a list the first."""
    value: Any = source.get(path)
    if value is None and "." in path:
        first, _, rest = path.partition(".")
        inner = source.get(first)
        value = _value(inner, rest) if isinstance(inner, Mapping) else None
    return value
