"""The products of one side, from sources or from an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from es_hybrid.align.blocking import Embedded, joined
from es_hybrid.align.blocking.index import product_in, product_paths
from es_hybrid.align.vectors import ProductVectors
from es_hybrid.client import translated
from es_hybrid.errors import AlignError, RowError
from es_hybrid.index.document import read_vector
from es_hybrid.index.pages import read_hits
from es_hybrid.index.passport import Passport
from es_hybrid.records import Product
from es_hybrid.settings import Settings
from ingest.cleaning.clean import Cleaner
from ingest.sources import Format, find_sources, open_rows
from ingest.sources.source import is_index, is_url, known_format

__all__ = ["index_of", "products_of", "stored_products"]

# Rejected rows that are reported one by one.
_SHOWN = 3
_PAGE = 256


def index_of(name: str) -> str | None:
    """The index that an argument names, or None if it names a file.

    `es://NAME` is an index, as is a bare name that is neither a file nor looks like one.
    """
    if is_index(name):
        return name.removeprefix("es://")
    looks_like_file = Path(name).exists() or is_url(name) or known_format(name) or "/" in name
    return None if looks_like_file or Path(name).suffix else name


def products_of(
    name: str, settings: Settings, *, file_format: Format | None, say: Callable[[str], None]
) -> list[Product]:
    """The products of a file, a folder or a pattern, each id once.

    Args:
        say: Called with a line about each skipped row.

    Raises:
        SourceError: it cannot be read.
        AlignError: it contains no product.
    """
    cleaner = Cleaner(settings)
    products: dict[str, Product] = {}
    problems = []
    for path, format_ in find_sources([name], file_format, say=say):
        rows = open_rows(
            path,
            format_,
            required=cleaner.required_columns,
            wanted=tuple(cleaner.keys.values()),
            settings=settings,
        )
        for row in rows:
            if row.skipped:
                continue
            try:
                product = cleaner.clean(row).product
                if product.id in products:
                    raise RowError(f"duplicate id {product.id!r}", place=row.place)
                products[product.id] = product
            except RowError as problem:
                problems.append(problem)
    for rejected in problems[:_SHOWN]:
        say(f"skipped: {rejected}")
    if len(problems) > _SHOWN:
        say(f"skipped: {len(problems) - _SHOWN} more rows")
    if not products:
        raise AlignError("it contains no product", place=name, remedy="check its columns and --map")
    return list(products.values())


def stored_products(
    client: Elasticsearch, index: str, passport: Passport, vectors: ProductVectors, *, place: str
) -> Iterator[Embedded]:
    """Every product of an index that has a vector, with its title embedded.

    Raises:
        ElasticsearchError: the cluster fails.
        EmbeddingError: the embedder fails.
    """
    field = passport.vector_field
    hits = read_hits(
        client,
        index,
        size=_PAGE,
        query={"exists": {"field": field}},
        # From 9.2 on, vectors are returned only if requested by name.
        source=[*product_paths(passport).values(), field],
    )
    with translated(place):
        while page := list(islice(hits, _PAGE)):
            yield from _embedded(page, passport, vectors)


def _embedded(
    hits: Sequence[Mapping[str, Any]], passport: Passport, vectors: ProductVectors
) -> Iterator[Embedded]:
    products = [product_in(passport, hit["_id"], hit["_source"]) for hit in hits]
    texts = np.stack([read_vector(hit["_source"][passport.vector_field]) for hit in hits])
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    rows = joined(vectors.of_texts([product.title for product in products]), texts)
    yield from (Embedded(product, row) for product, row in zip(products, rows, strict=True))
