"""Options that many commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings file.  [default: es-hybrid.toml, where there is one]",
)
_URL = click.option(
    "--url",
    help="Elasticsearch.  [default: the embedded node that runs, or http://localhost:9200]",
)


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --config, --url and --index; the command is called with `settings` in their place."""

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
    """Add --config and --url, for commands that name their indices as arguments."""

    @_CONFIG
    @_URL
    @functools.wraps(command)
    def with_settings(*args: Any, config: Path | None, url: str | None, **options: Any) -> Any:
        return command(*args, settings=settings_of(config, url=url, index=None), **options)

    return with_settings


def index_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add INDEX, --config and --url; the command is called with `settings` of that index."""

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
    """The settings with the shared flags on top."""
    from es_hybrid.settings import load_settings

    return load_settings(config, {"elasticsearch": {"url": url}, "index": {"name": index}})
