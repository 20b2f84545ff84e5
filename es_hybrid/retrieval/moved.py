"""A search whose alias moves to another index meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeVar

from es_hybrid.errors import EsHybridError, RequestRefused
from es_hybrid.retrieval.execution.requests import mapping
from es_hybrid.retrieval.needs import Call, Need
from es_hybrid.retrieval.vector_fields import KnownFields, VectorFields, vector_fields

T = TypeVar("T")

logger = logging.getLogger(__name__)

# A switch takes one more run, and aliases do not move faster than searches run.
_RUNS = 5


class IndexMoved(Exception):
    """The name stands for other indices than when the search began."""


def settled(
    begin: Callable[[], Generator[Need, Any, T]], index: str, known: KnownFields
) -> Generator[Need, Any, T]:
    """The search, run again if its alias was moved to another index meanwhile.

    The leaves of a search are sent together, but each one resolves the alias separately: one may
    answer from the old index and one from the new. And what was read from the old mapping (vector
    field, passport) does not hold for the new index. So the index of every hit is compared with the
    indices that the name stood for, and a search that met a switch is run again.

    Args:
        begin: Starts the search.
        known: Forgets what was read from the former index.

    Raises:
        EsHybridError: as the search does.
    """
    for _ in range(_RUNS - 1):
        before = known.get(index)
        try:
            return (yield from _watched(begin(), index, known))
        except IndexMoved:
            logger.info("%s stands for another index now: searching again", index)
            known.pop(index, None)
        except RequestRefused:
            # For example, the new index lacks the vector field.
            if before is None or (yield from _read(index)) in (None, before):
                raise
            logger.info("%s has another mapping now: searching again", index)
            known.pop(index, None)
    return (yield from begin())


def _watched(
    search: Generator[Need, Any, T], index: str, known: KnownFields
) -> Generator[Need, Any, T]:
    """The same search; `IndexMoved` is thrown into it at an answer from an unexpected index."""
    seen: set[str] = set()
    try:
        need = next(search)
        while True:
            try:
                result = yield need
            except EsHybridError as error:
                need = search.throw(error)
                continue
            if isinstance(need, Call) and need.path.endswith("search"):
                seen.update(_indices(result.body))
                if (yield from _moved(seen, index, known)):
                    need = search.throw(IndexMoved())
                    continue
            need = search.send(result)
    except StopIteration as end:
        found: T = end.value
        return found


def _moved(seen: set[str], index: str, known: KnownFields) -> Generator[Need, Any, bool]:
    fields = known.get(index)
    if fields is None and len(seen) > 1:
        # Two indices in turn, or a name that stands for several: the mapping decides.
        fields = yield from _read(index)
        if fields is not None:
            known[index] = fields
    return fields is not None and not seen <= fields.indices


def _read(index: str) -> Generator[Need, Any, VectorFields | None]:
    """What the mapping says now; None if it may not be read."""
    reply = yield mapping(index)
    return vector_fields(reply.body) if reply.status < 400 else None


def _indices(answer: Any) -> set[str]:
    """The indices that the hits of an answer come from."""
    if not isinstance(answer, Mapping):
        return set()
    answers = answer.get("responses", [answer])
    return {hit["_index"] for each in answers for hit in each.get("hits", {}).get("hits", ())}
