"""`es-hybrid index`: make and describe an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.index.lifecycle import IndexDescription
    from es_hybrid.settings import Settings


@click.group()
def index() -> None:
    """Make and describe the index."""


@index.command()
@settings_options
def create(settings: Settings) -> None:
    """Make the index that the settings describe."""
    from contextlib import closing

    from es_hybrid.client import connect, resolve_url, translated
    from es_hybrid.embedding import open_embedder
    from es_hybrid.index.lifecycle import create_index

    with (
        translated(resolve_url(settings.elasticsearch)),
        closing(connect(settings.elasticsearch)) as client,
        closing(open_embedder(settings.embedding)) as embedder,
    ):
        passport = create_index(client, settings, embedder)
    click.echo(
        f"made {settings.index.name}: {passport.dims} dims of {passport.model}, "
        f"{passport.similarity}, {settings.index.vector_type}"
    )


@index.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def describe(settings: Settings, as_json: bool) -> None:
    """Show what an index holds: documents, vectors, languages, and its passport."""
    import dataclasses
    import json
    from contextlib import closing

    from es_hybrid.client import connect, resolve_url, translated
    from es_hybrid.index.lifecycle import describe_index

    with (
        translated(resolve_url(settings.elasticsearch)),
        closing(connect(settings.elasticsearch)) as client,
    ):
        description = describe_index(client, settings.index.name)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(description), ensure_ascii=False, indent=2))
    else:
        click.echo(_as_lines(description))


def _as_lines(described: IndexDescription) -> str:
    passport = described.passport
    facts = {
        "index": described.name,
        "documents": f"{described.documents:,}, {described.with_vector:,} with a vector",
        "size": f"{described.size_bytes / 2**20:,.1f} MiB",
        "languages": ", ".join(f"{name} {n:,}" for name, n in described.languages.items()) or "-",
        "vector field": f"{passport.vector_field}, {passport.dims} dims, {passport.similarity}, "
        f"{described.vector_options.get('index_options', {}).get('type', 'not indexed')}",
        "model": f"{passport.model} {passport.revision}".strip(),
        "instruction": passport.query_instruction or "none",
        "text": f"{' + '.join(passport.text_template)}, up to {passport.text_max_chars:,} chars",
        "analyzers": ", ".join(passport.languages) or "standard only",
    }
    return "\n".join(f"{name:<13}{fact}" for name, fact in facts.items())
