"""The vectors that an index stores, in the shortest form that the cluster knows.

As base64 of their bytes, 50 vectors of 512 numbers take 140 kB and 2 ms, as JSON numbers 317 kB and
16 ms (Elasticsearch 9.5.3 on two cores). Elasticsearch packs them from 9.4 on; some versions before
refuse to read them from doc values at all.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import numpy as np

from es_hybrid.index.document import read_vector
from es_hybrid.retrieval.execution.abilities import Accepting
from es_hybrid.retrieval.execution.diversify import Floats
from es_hybrid.retrieval.execution.page import documents_query
from es_hybrid.retrieval.execution.requests import checked
from es_hybrid.retrieval.needs import Call, Need
from es_hybrid.retrieval.plan import Key, Plan

# Shorter vectors point nowhere: what they would is a matter of rounding.
_SMALLEST = 1e-6

# Makes the request for a search body.
Ask = Callable[[Mapping[str, Any]], Call]
# The vectors of these hits in a field; hits without one are absent.
ReadVectors = Callable[[Sequence[Key], str], Generator[Need, Any, Mapping[Key, Floats]]]


def read_vectors(
    plan: Plan, ask: Ask, packed: Accepting, keys: Sequence[Key], field: str
) -> Generator[Need, Any, Mapping[Key, Floats]]:
    """The vectors of hits that a plan found: see `ReadVectors`."""
    body = {
        **plan.settings,
        "query": documents_query(keys),
        "size": len(keys),
        "_source": False,
        "track_total_hits": False,
    }
    hits = yield from hits_with_vectors(body, field, plan.index, ask, packed)
    vectors = {Key(hit["_index"], hit["_id"]): vector_of(hit, field) for hit in hits}
    return {key: vector for key, vector in vectors.items() if vector is not None}


def hits_with_vectors(
    body: Mapping[str, Any], field: str, index: str, ask: Ask, packed: Accepting
) -> Generator[Need, Any, Sequence[Mapping[str, Any]]]:
    """The hits of a search body, from which `vector_of` reads the vectors.

    Args:
        packed: Which indices give them as base64.

    Raises:
        RequestRefused: with Elasticsearch's own error.
    """
    pack = index in packed
    if pack:
        fetched = [{"field": field, "format": "binary"}]
        reply = yield ask({**body, "docvalue_fields": fetched})
        if reply.status < 400:
            return _hits(reply.body)
    fields = [*body.get("fields", ()), field]
    answer = checked((yield ask({**body, "fields": fields})))
    if pack:
        packed.refused(index)
    return _hits(answer)


def vector_of(hit: Mapping[str, Any], field: str) -> Floats | None:
    """The `[dims]` float32 vector of a hit, if it has one."""
    values = hit.get("fields", {}).get(field)
    if not values:
        return None
    # As base64 or, before 9.4, as a list inside the list; as a `field`, the numbers themselves.
    return read_vector(values[0] if isinstance(values[0], str | list) else values)


def unit_of(vector: Floats | None) -> Floats | None:
    """The vector with length 1; None without one, or if it has no direction."""
    if vector is None or (length := float(np.linalg.norm(vector))) < _SMALLEST:
        return None
    return vector / np.float32(length)


def _hits(answer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    hits: Sequence[Mapping[str, Any]] = answer["hits"]["hits"]
    return hits
