"""The request body that creates an index, and the language analyzers it may use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from elasticsearch import AuthorizationException, BadRequestError, Elasticsearch

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


def probe_analyzers(client: Elasticsearch, languages: Sequence[str]) -> dict[str, str]:
    """Sub-field -> analyzer, for the `languages` whose analyzer this cluster has.

    Every Elasticsearch distribution has them, but the embedded node has none, and a mapping that
    names a missing analyzer is rejected as a whole. Without its analyzer a language is still
    searchable through `standard` in the main field, without stemming or bigrams.
    """
    wanted = dict(ANALYZERS[language] for language in languages)
    return {name: analyzer for name, analyzer in wanted.items() if _has(client, analyzer)}


def missing_analyzers(found: Mapping[str, str], languages: Sequence[str]) -> list[str]:
    """The analyzers for `languages` that are not among those found."""
    wanted = {ANALYZERS[language][1] for language in languages}
    return sorted(wanted - set(found.values()))


def index_body(
    settings: IndexSettings, *, passport: Passport, analyzers: Mapping[str, str]
) -> dict[str, Any]:
    """The body of `PUT /{index}`: `mappings/products.json` completed by the settings.

    Args:
        analyzers: Sub-field name -> analyzer that the cluster has, e.g. `{"en": "english"}`.
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
    """The `dense_vector` field. Always names the index type: its default changed with versions."""
    return {
        "type": "dense_vector",
        "dims": dims,
        "index": True,
        "similarity": settings.similarity,
        "index_options": {"type": settings.vector_type},
    }


def _has(client: Elasticsearch, analyzer: str) -> bool:
    try:
        client.indices.analyze(analyzer=analyzer, text="a")
    except BadRequestError:
        return False
    except AuthorizationException:
        # Only a distribution has security, and every distribution has the analyzers.
        return True
    return True
