"""The client and the embedder of a command, closed behind it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from es_hybrid.embedding import Embedder
    from es_hybrid.settings import Settings


@contextlib.contextmanager
def connected(settings: Settings) -> Iterator[Elasticsearch]:
    """A client; its errors become ours."""
    from es_hybrid.client import connect, resolve_url, translated

    with (
        translated(resolve_url(settings.elasticsearch)),
        contextlib.closing(connect(settings.elasticsearch)) as client,
    ):
        yield client


@contextlib.contextmanager
def embedding(settings: Settings) -> Iterator[Embedder]:
    """The configured embedder."""
    from es_hybrid.embedding import open_embedder

    with contextlib.closing(open_embedder(settings.embedding)) as embedder:
        yield embedder
