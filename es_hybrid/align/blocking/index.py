"""Blocking by the hybrid search of an index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.align.blocking import Candidate, Embedded, joined
from es_hybrid.align.vectors import ProductVectors
from es_hybrid.errors import ElasticsearchError
from es_hybrid.gtin import gtin14, gtin_forms
from es_hybrid.index.document import from_document, read_vector
from es_hybrid.index.passport import Passport
from es_hybrid.records import PRODUCT_FIELDS, Product
from es_hybrid.retrieval.compile.lexical import ANY_WORD, field_groups, lexical_query
from es_hybrid.retrieval.response import Retrieved, StageRank
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings

__all__ = ["IndexBlocker", "product_in", "product_paths"]

# Products that are searched for concurrently.
_THREADS = 4
# A key that more products share identifies nothing.
_MOST_BY_KEY = 50
# No catalogue has more languages; a field with more values does not hold languages.
_MOST_LANGUAGES = 100
# Stage names of the retrievers; see docs/retrievers.md.
_STAGES = {"standard": "bm25", "knn": "knn", "rrf": "rrf"}


@dataclass(frozen=True, slots=True)
class _Hit:
    product: Product
    text: NDArray[np.float32]
    stages: Mapping[str, StageRank]


class IndexBlocker:
    """Searches an index for the nearest products of each language and for equal keys.

    Args:
        search: Searches the index, with the embedder of its passport.
        vectors: Embed the titles; the index has the vectors of the texts.
        count: Candidates for each product and language.
        same_side: Whether the products to align come from this index.
        duplicates: With `same_side`, whether a product may occur twice in one language.
    """

    def __init__(
        self,
        search: HybridSearch,
        passport: Passport,
        vectors: ProductVectors,
        *,
        settings: Settings,
        count: int,
        same_side: bool,
        duplicates: bool,
    ) -> None:
        self._search = search
        self._passport = passport
        self._vectors = vectors
        self._settings = settings
        self._count = count
        self._same_side = same_side
        self._duplicates = duplicates
        self._paths = product_paths(passport)
        self._includes = [*self._paths.values(), passport.vector_field]
        self._languages = self._known_languages()

    def candidates(self, lefts: Sequence[Embedded]) -> list[list[Candidate]]:
        """See `Blocker`."""
        with ThreadPoolExecutor(_THREADS) as pool:
            found = list(pool.map(self._hits, lefts))
        products = {hit.product.id: hit for hits in found for hit in hits}
        vectors = self._joined(list(products.values()))
        return [
            [
                Candidate(hit.product, float(left.vector @ vectors[hit.product.id]), hit.stages)
                for hit in hits
            ]
            for left, hits in zip(lefts, found, strict=True)
        ]

    def _joined(self, hits: Sequence[_Hit]) -> dict[str, NDArray[np.float32]]:
        if not hits:
            return {}
        titles = self._vectors.of_texts([hit.product.title for hit in hits])
        rows = joined(titles, np.stack([hit.text for hit in hits]))
        return {hit.product.id: row for hit, row in zip(hits, rows, strict=True)}

    def _hits(self, left: Embedded) -> list[_Hit]:
        found: dict[str, _Hit] = {}
        for lang in self._languages:
            if self._same_side and not self._duplicates and lang == left.product.lang:
                continue
            for hit in self._of_language(left, lang):
                found[hit.product.id] = hit
        for hit in self._sharing_keys(left.product):
            known = found.get(hit.product.id)
            stages = {**(known.stages if known else {}), **hit.stages}
            found[hit.product.id] = _Hit(hit.product, hit.text, stages)
        return [hit for hit in found.values() if self._may_match(left.product, hit.product)]

    def _of_language(self, left: Embedded, lang: str | None) -> Iterable[_Hit]:
        dims = len(left.vector) // 2
        knn = {
            "field": self._passport.vector_field,
            "query_vector": (left.vector[dims:] * 2**0.5).tolist(),
            "k": self._count + 1,
            "num_candidates": max(self._settings.search.num_candidates, self._count + 1),
        }
        legs = [{"standard": {"query": self._words(left.product.title)}}, {"knn": knn}]
        rrf: dict[str, Any] = {"retrievers": legs, "rank_window_size": self._count + 1}
        if lang is not None:
            rrf["filter"] = {"term": {self._paths["lang"]: lang}}
        retrieved = self._retrieve({"rrf": rrf}, size=self._count + 1, _source=self._includes)
        for hit in retrieved.hits:
            ranks = retrieved.stages_of(hit).items()
            yield from self._hit(hit, {_STAGES.get(name, name): rank for name, rank in ranks})

    def _sharing_keys(self, product: Product) -> list[_Hit]:
        gtins = sorted({form for gtin in product.gtin for form in _forms(gtin)})
        equal: list[dict[str, Any]] = []
        if gtins and "gtin" in self._paths:
            equal.append({"terms": {self._paths["gtin"]: gtins, "_name": "gtin"}})
        if product.sku and "sku" in self._paths:
            term = {"value": product.sku, "case_insensitive": True, "_name": "sku"}
            equal.append({"term": {self._paths["sku"]: term}})
        if not equal:
            return []
        standard = {"query": {"bool": {"should": equal}}}
        found = self._retrieve(
            {"standard": standard}, size=_MOST_BY_KEY + 1, _source=self._includes
        ).hits
        if len(found) > _MOST_BY_KEY:
            return []
        return [
            made
            for hit in found
            for made in self._hit(
                hit, dict.fromkeys(hit.get("matched_queries", ()), StageRank(1, 1.0))
            )
        ]

    def _retrieve(self, retriever: Mapping[str, Any], **body: Any) -> Retrieved:
        """Search without a deadline; a partial answer would silently lack candidates.

        Raises:
            ElasticsearchError: shards failed.
        """
        retrieved = self._search.answer({"retriever": retriever, **body}, timeout_ms=0)
        if retrieved.degraded:
            raise ElasticsearchError(
                "the search was degraded: " + "; ".join(retrieved.degraded),
                place="align run",
                remedy="check the cluster's health and run it again; it resumes",
            )
        return retrieved

    def _hit(self, hit: Mapping[str, Any], stages: Mapping[str, StageRank]) -> Iterable[_Hit]:
        """The hit as a product; nothing if the document has no vector to compare."""
        stored = hit["_source"].get(self._passport.vector_field)
        if stored is not None:
            vector = read_vector(stored)
            product = product_in(self._passport, hit["_id"], hit["_source"])
            yield _Hit(product, vector / np.linalg.norm(vector), stages)

    def _words(self, text: str) -> dict[str, Any]:
        chosen, shop = self._settings.search, self._passport.shop
        return lexical_query(
            text,
            field_groups=field_groups(chosen.fields, self._passport.languages)
            if shop is None
            else shop.word_groups(chosen.fields),
            identifier_fields=(),
            minimum_should_match=ANY_WORD,
        )

    def _known_languages(self) -> list[str | None]:
        """The languages of the index; `[None]`, meaning all at once, if it has no such field."""
        if "lang" not in self._paths:
            return [None]
        terms = {"field": self._paths["lang"], "size": _MOST_LANGUAGES}
        all_products: dict[str, Any] = {"standard": {"query": {"match_all": {}}}}
        aggs = {"lang": {"terms": terms}}
        answer = self._retrieve(all_products, size=0, aggs=aggs).answer
        found = [bucket["key"] for bucket in answer["aggregations"]["lang"]["buckets"]]
        return found or [None]

    def _may_match(self, left: Product, right: Product) -> bool:
        if not self._same_side:
            return True
        return left.id != right.id and (self._duplicates or left.lang != right.lang)


def product_paths(passport: Passport) -> dict[str, str]:
    """Product field -> its path in a document's source."""
    if passport.shop is not None:
        return dict(passport.shop.fields)
    return {name: name for name in PRODUCT_FIELDS if name != "id"}


def product_in(passport: Passport, id_: str, source: Mapping[str, Any]) -> Product:
    """The product in a document of the index."""
    if passport.shop is not None:
        return passport.shop.product(id_, source)
    return from_document(id_, source)


def _forms(gtin: str) -> set[str]:
    """The forms of a number that an index may contain; the text itself if it is no number."""
    filled = gtin14(gtin)
    return {gtin, *(gtin_forms(filled) if filled else ())}
