"""The request body that creates an index."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from es_hybrid.index.passport import Passport
from es_hybrid.settings import IndexSettings

# Each of these fields gets one sub-field per language. A query searches all of them: its words may
# be spread over several fields, and fields with the same analyzer are scored together.
LANGUAGE_FIELDS = ("title", "brand", "category", "description", "sku")

# Language -> (sub-field, analyzer). Chinese, Japanese and Korean share the bigrams of `cjk`, which
# work for all three without a plugin.
ANALYZERS = {
    "ar": ("ar", "arabic"),
    "de": ("de", "german"),
    "en": ("en", "english"),
    "es": ("es", "spanish"),
    "fr": ("fr", "french"),
    "it": ("it", "italian"),
    "ja": ("cjk", "cjk"),
    "ko": ("cjk", "cjk"),
    "nl": ("nl", "dutch"),
    "pt": ("pt", "portuguese"),
    "ru": ("ru", "russian"),
    "th": ("th", "thai"),
    "tr": ("tr", "turkish"),
    "zh": ("cjk", "cjk"),
}


def sub_fields(languages: Iterable[str]) -> list[str]:
    """The names of the sub-fields for these languages, sorted.

    >>> sub_fields(["zh", "ja", "en"])
    ['cjk', 'en']
    """
    return sorted({ANALYZERS[language][0] for language in languages})


def index_body(settings: IndexSettings, *, passport: Passport) -> dict[str, Any]:
    """The body of `PUT /{index}`: `mappings/products.json` completed by settings and passport."""
    body: dict[str, Any] = json.loads(files("mappings").joinpath("products.json").read_bytes())
    body["settings"]["number_of_shards"] = settings.shards
    if settings.replicas is not None:
        body["settings"]["number_of_replicas"] = settings.replicas
        del body["settings"]["auto_expand_replicas"]
    mappings = body["mappings"]
    mappings["_meta"] = passport.to_meta()
    analyzers = dict(ANALYZERS.values())
    by_language = {
        name: {"type": "text", "analyzer": analyzers[name]} for name in passport.languages
    }
    for name in LANGUAGE_FIELDS if by_language else ():
        mappings["properties"][name].setdefault("fields", {}).update(by_language)
    mappings["properties"][settings.vector_field] = vector_mapping(settings, dims=passport.dims)
    return body


def vector_mapping(settings: IndexSettings, *, dims: int) -> dict[str, Any]:
    """The `dense_vector` field. Always names the index type: its default changed with versions."""
    return {
        "type": "dense_vector",
        "dims": dims,
        "index": True,
        "similarity": settings.similarity,
        "index_options": {"type": settings.vector_type},
    }
