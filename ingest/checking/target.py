"""Checks the index that a load would write to, if it can be reached."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Literal

from es_hybrid.client import connect, resolve_url, translated
from es_hybrid.embedding import EmbedderIdentity, open_embedder
from es_hybrid.embedding.templates import configured_identity
from es_hybrid.errors import ElasticsearchError, IndexStateError, MissingExtra
from es_hybrid.index.lifecycle import open_index
from es_hybrid.index.passport import Passport, check_identity, check_loadable, check_text
from es_hybrid.settings import Settings

# A check does not wait for an unavailable cluster.
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class TargetReport:
    """Whether the index fits the settings.

    Attributes:
        state: `absent` if a load would create it; `unknown` if the cluster cannot be reached.
    """

    index: str
    state: Literal["fits", "absent", "conflict", "unknown"]
    message: str


def check_target(settings: Settings) -> TargetReport:
    """Compare the index's passport with the settings, without calling the embedding server."""
    index = settings.index.name
    place = resolve_url(settings.elasticsearch)
    try:
        quick = settings.elasticsearch.model_copy(update={"timeout": _TIMEOUT_S})
        with translated(place), closing(connect(quick)) as client:
            if not client.indices.exists(index=index):
                return TargetReport(index, "absent", "does not exist: a load creates it")
            passport = open_index(client, index, vector_field=settings.index.vector_field)
        _compare(passport, settings, index)
    except IndexStateError as conflict:
        return TargetReport(index, "conflict", str(conflict))
    except ElasticsearchError as error:
        return TargetReport(index, "unknown", f"cannot be checked: {error}")
    return TargetReport(index, "fits", f"fits: {passport.dims} dims of {passport.model}")


def _compare(passport: Passport, settings: Settings, index: str) -> None:
    check_loadable(passport, index=index)
    check_text(
        passport,
        index=index,
        template=settings.ingest.text_template,
        max_chars=settings.ingest.text_max_chars,
    )
    identity = _configured(settings, passport)
    if identity is not None:
        check_identity(passport, identity, index=index)


def _configured(settings: Settings, passport: Passport) -> EmbedderIdentity | None:
    """The configured embedder's identity; None if the embedder is not installed."""
    embedding = settings.embedding
    if embedding.base_url is not None:
        return configured_identity(embedding, dims=embedding.dims or passport.dims)
    try:
        with closing(open_embedder(embedding)) as embedder:
            return embedder.identity
    except MissingExtra:
        return None
