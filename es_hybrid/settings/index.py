"""Index creation and promotion."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from es_hybrid.settings.section import Section

Similarity = Literal["cosine", "dot_product", "l2_norm", "max_inner_product"]
VectorIndexType = Literal[
    "hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw", "bbq_disk", "flat", "int8_flat", "int4_flat",
    "bbq_flat",
]  # fmt: skip
# Languages with an analyzer in Elasticsearch; see es_hybrid/index/body.py.
Language = Literal[
    "ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pt", "ru", "th", "tr", "zh"
]


# A name begins with one of these in Elasticsearch's syntax for exclusions and parts of paths.
_NOT_FIRST = "-_+"
_IN_NO_NAME = re.compile(r"""[\\/*?"<>|,#:\s\x00-\x1f]""")


def _one_index(name: str) -> str:
    """Refuse what names several indices or none: a load writes to one, and `/search` reads it."""
    if not name or name in (".", "..") or name[0] in _NOT_FIRST or _IN_NO_NAME.search(name):
        raise ValueError(
            f"{name!r} is not the name of one index or alias: it must not be empty, begin with "
            '- _ or +, or contain white space or any of \\ / * ? " < > | , # :'
        )
    if len(name.encode()) > 255:
        raise ValueError("the name of an index has at most 255 bytes")
    return name


IndexName = Annotated[str, AfterValidator(_one_index)]
"""The name of one index or alias."""


class IndexSettings(Section):
    """The index that `index create` creates, and what `index promote` requires of a version."""

    name: IndexName = "products"
    """Name of the index or alias. `index create` creates an alias of this name that points to a
    version such as `products-v0001`."""
    shards: int = Field(1, ge=1, le=1024)
    """Number of primary shards, 1 to 1024."""
    replicas: int | None = Field(None, ge=0, le=10)
    """Number of replicas per shard, 0 to 10. Unset: 1 if the cluster has a second node, otherwise
    0."""
    similarity: Similarity = "cosine"
    """Similarity function for vectors: `cosine`, `dot_product`, `l2_norm` or
    `max_inner_product`."""
    vector_type: VectorIndexType = "int8_hnsw"
    """Index type of the vector field: `hnsw`, `int8_hnsw`, `int4_hnsw`, `bbq_hnsw`, `bbq_disk`,
    `flat`, `int8_flat`, `int4_flat` or `bbq_flat`. `bbq_hnsw` needs a quarter of the memory of
    `int8_hnsw`."""
    vector_field: str = "embedding"
    """Name of the vector field."""
    languages: tuple[Language, ...] = (
        "en", "zh", "ja", "ko", "de", "fr", "es", "it", "pt", "ru", "ar",
    )  # fmt: skip
    """Languages whose analyzers the text fields get. The language of a product without one is
    detected among these if set, otherwise among 31."""
    promote_documents: float = Field(0.1, ge=0)
    """Maximum difference in the number of documents between a promoted version and the live one, as
    a fraction of the latter, from 0."""
    promote_coverage: float = Field(0.99, ge=0, le=1)
    """Minimum fraction of documents with a vector in a promoted version, 0 to 1."""
    promote_overlap: float = Field(0.5, ge=0, le=1)
    """Minimum fraction of the first 10 hits that a promoted version shares with the live one, 0 to
    1; mean over the test queries."""
