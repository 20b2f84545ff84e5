"""The index as it is made."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from es_hybrid.settings.section import Section

Similarity = Literal["cosine", "dot_product", "l2_norm", "max_inner_product"]
VectorIndexType = Literal[
    "hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw", "bbq_disk", "flat", "int8_flat", "int4_flat",
    "bbq_flat",
]  # fmt: skip
# Those with an analyzer of their own in Elasticsearch; es_hybrid/index/body.py names it.
Language = Literal[
    "ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pt", "ru", "th", "tr", "zh"
]


class IndexSettings(Section):
    """The index, as `index create` makes it."""

    name: str = "products"
    """Index or alias. `index create` makes it an alias, of a version such as `products-v0001`."""
    shards: int = Field(1, ge=1, le=1024)
    """Primary shards."""
    replicas: int | None = Field(None, ge=0, le=10)
    """Copies of each shard. Unset: one where there is a second node, else none."""
    similarity: Similarity = "cosine"
    """How vectors are compared."""
    vector_type: VectorIndexType = "int8_hnsw"
    """How vectors are indexed; `bbq_hnsw` takes a quarter of the memory of `int8_hnsw`."""
    vector_field: str = "embedding"
    """The field that holds the vector."""
    languages: tuple[Language, ...] = (
        "en", "zh", "ja", "ko", "de", "fr", "es", "it", "pt", "ru", "ar",
    )  # fmt: skip
    """Languages whose analyzers the text fields get, if the cluster has them. If you set this, the
    language of a product that names none is detected among these; unset, among 31."""
    promote_documents: float = Field(0.1, ge=0)
    """Share by which the documents of a version to be promoted may differ from the live one's."""
    promote_coverage: float = Field(0.99, ge=0, le=1)
    """Share of its documents that must have a vector."""
    promote_overlap: float = Field(0.5, ge=0, le=1)
    """Share of the first 10 hits that it must have in common with the live one, as a mean."""
