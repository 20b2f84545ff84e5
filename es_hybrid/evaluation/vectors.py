"""Read a sample of vectors from an index."""

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
from es_hybrid.index.shop_fields import value_at

# A vector with 4,096 dims is about 50 kB of JSON.
_PAGE = 200
# Every run draws the same products, so that runs can be compared.
_SEED = 7


@dataclass(frozen=True, slots=True)
class VectorSample:
    """A random sample of products.

    Attributes:
        vectors: `[n, dims]` float32, in the order of `ids` and `titles`.
        total: Products with a vector in the whole index.
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
    """Draw up to `most` random products, plus those of `always` that exist.

    Raises:
        EvaluationError: no document has a vector, or `_source` omits the vectors.
        PointInTimeLost: as in `read_hits`.
    """
    with_vector = {"exists": {"field": vector_field}}
    random_score = {"seed": _SEED, "field": "_seq_no"}
    drawn = {"function_score": {"query": with_vector, "random_score": random_score}}
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
    vectors = [value_at(source, vector_field) for source in found.values()]
    if not vectors or any(vector is None for vector in vectors):
        raise EvaluationError(
            "`_source` omits the vectors" if vectors else "no document has a vector",
            place=f"index {index}, field {vector_field}",
            remedy="include the field in the mapping's `_source`"
            if vectors
            else "load products first",
        )
    return VectorSample(
        ids=list(found),
        titles=[str(value_at(source, title_field) or "") for source in found.values()],
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
        # By name, because from 9.2 on `_source` omits vectors otherwise.
        source_includes=list(fields),
    )
