"""A search whose alias is pointed at another index while it runs.

The legs of a search go out together, yet each looks the alias up for itself: one may answer from
the old index and one from the new. And what was read of the old mapping (the vector field, the
passport) does not hold for the new. So the hits of every answer are held against the indices that
the name stood for, and a search that met a switch is run once more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping, MutableMapping
from typing import Any

from es_hybrid.errors import EsHybridError, RequestRefused
from es_hybrid.retrieval.execution.requests import mapping
from es_hybrid.retrieval.needs import Call, Need
from es_hybrid.retrieval.retrieved import Retrieved
from es_hybrid.retrieval.vector_fields import VectorFields, vector_fields

logger = logging.getLogger(__name__)

Search = Generator[Need, Any, Retrieved]
Known = MutableMapping[str, VectorFields]

# A switch takes one more run; nobody switches faster than one searches.
_RUNS = 5


class IndexMoved(Exception):
    """The name stands for other indices than the search began with."""


def settled(search: Callable[[], Search], *, index: str, known: Known) -> Search:
    """The search, run again where the index was switched under it.

    Args:
        search: Begins it.
        index: As in the path.
        known: Forgets what was read of the former index.

    Raises:
        EsHybridError: as the search does.
    """
    for _ in range(_RUNS - 1):
        before = known.get(index)
        try:
            return (yield from _watched(search(), index, known))
        except IndexMoved:
            logger.info("%s stands for another index now: searching again", index)
            known.pop(index, None)
        except RequestRefused:
            # As of a vector field that the new index does not have.
            if before is None or (yield from _read(index)) in (None, before):
                raise
            logger.info("%s has another mapping now: searching again", index)
            known.pop(index, None)
    return (yield from search())


def _watched(search: Search, index: str, known: Known) -> Search:
    """The same search, thrown an `IndexMoved` at an answer from another index than the name's."""
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
        found: Retrieved = end.value
        return found


def _moved(seen: set[str], index: str, known: Known) -> Generator[Need, Any, bool]:
    fields = known.get(index)
    if fields is None and len(seen) > 1:
        # One index after another, or a name that stands for several: the mapping tells.
        fields = yield from _read(index)
        if fields is not None:
            known[index] = fields
    return fields is not None and not seen <= fields.indices


def _read(index: str) -> Generator[Need, Any, VectorFields | None]:
    """What the mapping says now; None where it may not be read."""
    reply = yield mapping(index)
    return vector_fields(reply.body) if reply.status < 400 else None


def _indices(answer: Any) -> set[str]:
    """The indices that the hits of an answer come from."""
    if not isinstance(answer, Mapping):
        return set()
    answers = answer.get("responses", [answer])
    return {hit["_index"] for each in answers for hit in each.get("hits", {}).get("hits", ())}
