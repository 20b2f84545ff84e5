"""The body that makes an index: `mappings/products.json` completed by the settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from es_hybrid.index.passport import Passport
from es_hybrid.settings import IndexSettings

# These get one sub-field for each language: all that a query looks in, since the words of one
# query may stand in several of them and are scored together, analyzer by analyzer.
LANGUAGE_FIELDS = ("title", "brand", "category", "description", "sku")


def index_body(
    settings: IndexSettings, *, passport: Passport, analyzers: Mapping[str, str]
) -> dict[str, Any]:
    """The body of `PUT /{index}`.

    Args:
        analyzers: Sub-field name -> analyzer the cluster has, e.g. `{"en": "english"}`.
    """
    body: dict[str, Any] = json.loads(files("mappings").joinpath("products.json").read_bytes())
    body["settings"]["number_of_shards"] = settings.shards
    if settings.replicas is not None:
        body["settings"]["number_of_replicas"] = settings.replicas
        del body["settings"]["auto_expand_replicas"]
    mappings = body["mappings"]
    mappings["_meta"] = passport.to_meta()
    by_language = {
        language: {"type": "text", "analyzer": analyzer} for language, analyzer in analyzers.items()
    }
    for name in LANGUAGE_FIELDS if by_language else ():
        mappings["properties"][name].setdefault("fields", {}).update(by_language)
    mappings["properties"][settings.vector_field] = vector_mapping(settings, dims=passport.dims)
    return body


def vector_mapping(settings: IndexSettings, *, dims: int) -> dict[str, Any]:
    """The `dense_vector` field. The index type is always said: the default moved with versions."""
    return {
        "type": "dense_vector",
        "dims": dims,
        "index": True,
        "similarity": settings.similarity,
        "index_options": {"type": settings.vector_type},
    }
