"""The HTTP server."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from es_hybrid.settings.section import Section


class ServeSettings(Section):
    """The HTTP server, `es-hybrid serve`."""

    host: str = "127.0.0.1"
    """Address it listens on; `0.0.0.0` is all of the machine's."""
    port: int = Field(9201, ge=0, le=65535)
    """0 takes a free one."""
    api_keys: tuple[Annotated[SecretStr, Field(min_length=16)], ...] = ()
    """Of `/search` and `/v1/rerank`; unset, these are open. Elasticsearch checks all the rest."""
    concurrency: int = Field(16, ge=1, le=1024)
    """Searches and rerankings of es-hybrid under way at once; what passes through has no limit."""
    queue: int = Field(128, ge=0, le=100_000)
    """Requests that may wait for such a place; the next is answered 429."""
    queue_seconds: float = Field(10.0, gt=0)
    """How long one waits for a place before it is answered 429."""
    max_body_bytes: int = Field(32 * 1024 * 1024, ge=1024)
    """Of a search or reranking; a longer search is not looked at and passes through."""
    max_depth: int = Field(100, ge=5, le=1000)
    """Levels of the JSON of a search that es-hybrid answers."""
    max_documents: int = Field(1000, ge=1)
    """In one request to `/v1/rerank`."""
    rerank_seconds: float = Field(30.0, gt=0)
    """For one request to `/v1/rerank`; documents not scored by then are left out."""
    connect_timeout: float = Field(5.0, gt=0)
    """Seconds until Elasticsearch accepts a connection."""
    drain_seconds: int = Field(30, ge=0)
    """How long requests under way may still take after SIGTERM."""
