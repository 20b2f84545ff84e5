"""Whether a search found what was asked for. Every query has nearest neighbours."""

from __future__ import annotations

import statistics
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import Any

from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.meaning import read_vocabulary
from es_hybrid.retrieval.needs import Compute, Need
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Retrieved, ZeroResults
from es_hybrid.understanding.identifiers import identifier_of
from es_hybrid.understanding.own_words import in_own_words


def judged(
    found: Retrieved, request: SearchRequest, context: Context
) -> Generator[Need, Any, Retrieved]:
    """The same hits, marked if none of them is what was asked for."""
    search = context.settings.search
    if not (request.floor and search.floor) or request.pinned:
        return found
    reason = yield from _reason(found, context)
    return replace(found, not_found=reason, similar=search.similar) if reason else found


def _reason(found: Retrieved, context: Context) -> Generator[Need, Any, ZeroResults | None]:
    """Why nothing was found; a hit of the lexical leg is always something."""
    # What was not searched may have it.
    if found.answer["timed_out"] or found.answer["_shards"]["failed"]:
        return None
    lexical, nearest = found.best.get("bm25"), found.best.get("knn")
    if lexical is None or lexical or not nearest:
        return None
    assert found.meaning is not None
    assert found.passport is not None
    words = found.meaning.words
    number = identifier_of(found.meaning.typed)
    if number is not None and number.certain:
        return "identifier"
    floor = found.passport.floor
    if floor is None or statistics.fmean(nearest) >= floor.score:
        return None
    vocabulary = yield from read_vocabulary(context)
    own = yield Compute(partial(in_own_words, words, vocabulary))
    return "not_sold" if own else None
