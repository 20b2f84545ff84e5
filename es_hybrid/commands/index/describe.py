"""`es-hybrid index describe`: the contents of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import connected, settings_options

if TYPE_CHECKING:
    from es_hybrid.index.lifecycle import IndexDescription
    from es_hybrid.settings import Settings


@click.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def describe(settings: Settings, as_json: bool) -> None:
    """Show the documents, vectors, languages and passport of an index."""
    import dataclasses
    import json

    from es_hybrid.index.lifecycle import describe_index

    with connected(settings) as client:
        described = describe_index(
            client, settings.index.name, vector_field=settings.index.vector_field
        )
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(described), ensure_ascii=False, indent=2))
    else:
        click.echo(_as_lines(described))


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
        "queries as": passport.identity.query_form,
        "texts as": passport.identity.document_form,
        "text": f"{' + '.join(passport.text_template)}, up to {passport.text_max_chars:,} chars",
    }
    if passport.shop is None:
        facts["analyzers"] = ", ".join(passport.languages) or "standard only"
    else:
        facts["fields"] = ", ".join(f"{name} <- {path}" for name, path in passport.shop.fields)
    if passport.floor:
        facts["floor"] = f"{passport.floor.score:.4f}"
    return "\n".join(f"{name:<13}{fact}" for name, fact in facts.items())
