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

_Command = Callable[..., Any]

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings file.  [default: es-hybrid.toml, if it exists]",
)
_URL = click.option(
    "--url",
    help="Elasticsearch URL.  [default: the running embedded node, or http://localhost:9200]",
)


def _settings_from(*parameters: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """A decorator that adds parameters to a command and passes it `settings` instead of them."""

    def add(command: _Command) -> _Command:
        @functools.wraps(command)
        def with_settings(
            *args: Any, config: Path | None, url: str | None, index: str | None = None, **rest: Any
        ) -> Any:
            return command(*args, settings=settings_of(config, url=url, index=index), **rest)

        changed: _Command = with_settings
        for parameter in reversed(parameters):  # click lists the last one first
            changed = parameter(changed)
        return changed

    return add


settings_options = _settings_from(
    config_option, _URL, click.option("--index", help="Index or alias.  [default: products]")
)
# For commands that take their indices as arguments.
cluster_options = _settings_from(config_option, _URL)
index_argument = _settings_from(click.argument("index"), config_option, _URL)


context_option = click.option(
    "--context",
    multiple=True,
    metavar="NAME=VALUE",
    help="A fact about the caller for the criteria of rules: channel=b2b. Repeatable.",
)


def parse_context(given: tuple[str, ...]) -> dict[str, list[str]]:
    """The facts of `--context`: name -> values."""
    facts: dict[str, list[str]] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not (name and sign):
            raise click.UsageError(f"cannot read --context {each!r}; write it as channel=b2b")
        facts.setdefault(name, []).append(value)
    return facts


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
