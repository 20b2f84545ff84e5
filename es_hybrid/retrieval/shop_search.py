"""A shop's search from the first request to the last: passport, plan, `execute`.

Generators that do no I/O; see `retrieval.needs`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from es_hybrid.errors import RequestRefused
from es_hybrid.index.passport import Passport, choose_passport
from es_hybrid.retrieval.answer import Fits, KnownFields
from es_hybrid.retrieval.compile.shop import shop_plan
from es_hybrid.retrieval.engine import Search, execute
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.execution.requests import checked, mapping
from es_hybrid.retrieval.moved import settled
from es_hybrid.retrieval.needs import Need
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.vector_fields import vector_fields
from es_hybrid.settings import Settings


def shop_search(
    request: SearchRequest,
    *,
    index: str,
    settings: Settings,
    abilities: Abilities,
    known: KnownFields,
    reranks: bool = False,
    fits: Fits | None = None,
) -> Search:
    """Find products for a shopper's words.

    Args:
        index: Index or alias, with one passport.
        abilities: Of the cluster; one for all searches of a client.
        known: What earlier searches of this caller read of mappings.
        reranks: Whether `ScoreDocuments` can be answered.
        fits: Told the passport before anything is embedded.

    Raises:
        IndexStateError: an index without a passport, or with several.
        EsHybridError: as `execute`.
    """

    def begin() -> Search:
        return _searched(request, index, settings, abilities, known, reranks, fits)

    return (yield from settled(begin, index=index, known=known))


def _searched(
    request: SearchRequest,
    index: str,
    settings: Settings,
    abilities: Abilities,
    known: KnownFields,
    reranks: bool,
    fits: Fits | None,
) -> Search:
    passport = yield from read_passport(index, known, vector_field=settings.index.vector_field)
    if fits is not None:
        fits(passport)
    plan = shop_plan(request, index=index, passport=passport, settings=settings, reranks=reranks)
    # Elasticsearch's own fusion tells no ranks of its legs and knows no identifiers.
    found = yield from execute(plan, abilities=abilities, execution="client", reranks=reranks)
    return replace(found, passport=passport)


def read_passport(
    index: str, known: KnownFields, *, vector_field: str | None = None
) -> Generator[Need, Any, Passport]:
    """The one passport of all indices that a name stands for.

    Args:
        vector_field: Whose, where there are several.

    Raises:
        RequestRefused: no such index, or none that may be read.
        IndexStateError: no passport, or several to choose from.
    """
    if index not in known:
        known[index] = vector_fields((yield from _read_mapping(index)))
    return choose_passport(known[index].passports, vector_field, place=f"index {index}")


def _read_mapping(index: str) -> Generator[Need, Any, Any]:
    reply = yield mapping(index)
    if reply.status == 404:
        raise RequestRefused(
            "no such index",
            status=404,
            type="index_not_found_exception",
            place=f"index {index}",
            remedy="make it with `es-hybrid index create`, or load into it",
            answer=reply.body,
        )
    return checked(reply)
