"""Options that many commands share, and the client and embedder they open."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from es_hybrid.embedding import Embedder
    from es_hybrid.settings import Settings


_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings file.  [default: es-hybrid.toml, if it exists]",
)
_URL = click.option(
    "--url",
    help="Elasticsearch URL.  [default: the running embedded node, or http://localhost:9200]",
)


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --config, --url and --index; pass `settings` to the command instead of them."""

    @_CONFIG
    @_URL
    @click.option("--index", help="Index or alias.  [default: products]")
    @functools.wraps(command)
    def with_settings(
        *args: Any, config: Path | None, url: str | None, index: str | None, **options: Any
    ) -> Any:
        return command(*args, settings=settings_of(config, url=url, index=index), **options)

    return with_settings


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --config and --url, for commands that take their indices as arguments."""

    @_CONFIG
    @_URL
    @functools.wraps(command)
    def with_settings(*args: Any, config: Path | None, url: str | None, **options: Any) -> Any:
        return command(*args, settings=settings_of(config, url=url, index=None), **options)

    return with_settings


def index_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add INDEX, --config and --url; pass `settings` for that index to the command."""

    @click.argument("index")
    @_CONFIG
    @_URL
    @functools.wraps(command)
    def with_settings(
        *args: Any, index: str, config: Path | None, url: str | None, **options: Any
    ) -> Any:
        return command(*args, settings=settings_of(config, url=url, index=index), **options)

    return with_settings


def settings_of(config: Path | None, *, url: str | None, index: str | None) -> Settings:
    """The settings, overridden by the shared flags."""
    from es_hybrid.settings import load_settings

    return load_settings(config, {"elasticsearch": {"url": url}, "index": {"name": index}})


@contextlib.contextmanager
def connected(settings: Settings) -> Iterator[Elasticsearch]:
    """A client, closed after the block; its errors become `ElasticsearchError`."""
    from es_hybrid.client import connect, resolve_url, translated

    with (
        translated(resolve_url(settings.elasticsearch)),
        contextlib.closing(connect(settings.elasticsearch)) as client,
    ):
        yield client


@contextlib.contextmanager
def embedding(settings: Settings) -> Iterator[Embedder]:
    """The configured embedder, closed after the block."""
    from es_hybrid.embedding import open_embedder

    with contextlib.closing(open_embedder(settings.embedding)) as embedder:
        yield embedder
