"""Settings that are valid, but hardly meant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from es_hybrid.settings import Settings
from ingest.doctor.finding import Finding, ok, warning

_PREFIX = "ES_HYBRID_"
# Variables of es-hybrid that are not settings.
_OTHERS = frozenset(["ES_HYBRID_DATA"])
_LOCAL = frozenset(["localhost", "127.0.0.1", "::1"])


def examine_settings(settings: Settings) -> Iterator[Finding]:
    """Findings about the settings."""
    found = [*_variables(), *_connections(settings), *_search(settings)]
    yield from found or [ok("settings", "valid")]


def _variables() -> Iterator[Finding]:
    sections = {name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        section, _, setting = name.removeprefix(_PREFIX).partition("__")
        if not name.startswith(_PREFIX) or name in _OTHERS:
            continue
        if section not in sections or not setting:
            remedy = f"write it as {_PREFIX}SECTION__NAME; see docs/settings.md, or unset it"
            yield warning("settings", f"the variable {name} sets nothing", remedy)


def _connections(settings: Settings) -> Iterator[Finding]:
    elasticsearch, embedding, rerank = settings.elasticsearch, settings.embedding, settings.rerank
    for name, url, secret in (
        ("elasticsearch.url", elasticsearch.url, elasticsearch.api_key or elasticsearch.username),
        ("embedding.base_url", embedding.base_url, embedding.api_key.get_secret_value() != "EMPTY"),
        ("rerank.url", rerank.url, rerank.api_key.get_secret_value()),
    ):
        parts = urlsplit(url or "")
        if secret and parts.scheme == "http" and parts.hostname not in _LOCAL:
            text = f"{name} sends a secret without encryption to {parts.hostname}"
            yield warning("settings", text, "use https")


def _search(settings: Settings) -> Iterator[Finding]:
    search, rerank = settings.search, settings.rerank
    if rerank.enabled and rerank.window > search.window:
        text = f"rerank.window ({rerank.window}) is above search.window ({search.window})"
        yield warning("settings", text, "only the search's window is reranked: lower or raise one")
    if search.bm25_weight == 0 or search.knn_weight == 0:
        name = "bm25_weight" if search.bm25_weight == 0 else "knn_weight"
        remedy = "its hits cannot rank: search with the other mode alone instead"
        yield warning("settings", f"search.{name} is 0", remedy)
    if settings.serve.host not in _LOCAL and not settings.serve.api_keys:
        text = f"serve.host is {settings.serve.host} without serve.api_keys"
        yield warning("settings", text, "set serve.api_keys, or only this machine is answered")
