"""`es-hybrid index plan, apply`."""

from __future__ import annotations

import json

from tests.commands.conftest import Terminal

MAPPING = {
    "_meta": {"owner": "shop team"},
    "properties": {
        "name": {"properties": {"de": {"type": "text"}}},
        "marke": {"type": "keyword"},
        "nr": {"type": "keyword"},
    },
}


def with_products(terminal: Terminal) -> None:
    config = terminal.folder / "es-hybrid.toml"
    fields = '{title = "name.de", brand = "marke", sku = "nr"}'
    config.write_text(config.read_text() + f"[ingest]\nfields = {fields}\n")
    terminal.es.indices.create(index=terminal.alias, mappings=MAPPING)
    for number in range(3):
        document = {"name": {"de": f"Kessel {number}"}, "marke": "Acme", "nr": str(number)}
        terminal.es.index(index=terminal.alias, document=document, refresh=True)


def test_a_plan_is_shown_then_applied_once(terminal: Terminal) -> None:
    with_products(terminal)
    lines = terminal.fine("index", "plan", terminal.alias).splitlines()
    assert lines[0].startswith(f"index      {terminal.alias}: 3 documents, ")
    assert lines[1:8] == [
        "adds       embedding: dense_vector, 64 dims, cosine, int8_hnsw",
        "           text_hash: keyword, not indexed",
        "           _meta: passport of Qwen/Qwen3-Embedding-0.6B; keeps owner",
        "text       title <- name.de, brand <- marke",
        "also       sku <- nr",
        "searched   name.de",
        "sample     3 documents: 0 without a title, 0 with a stale vector",
    ]
    assert "to embed   3 texts in 1 requests, about " in lines[9]
    assert lines[-1] == "conflicts  none: run `es-hybrid index apply`"
    planned = json.loads(terminal.fine("index", "plan", terminal.alias, "--json"))
    assert (planned["to_embed"], planned["requests"], planned["conflicts"]) == (3, 1, [])
    assert "embedding" not in str(terminal.es.indices.get_mapping(index=terminal.alias))

    assert terminal.fine("index", "apply", terminal.alias).splitlines() == [
        f"{terminal.alias}: added embedding, text_hash, the passport",
        f"3 of 3 documents need a vector: es-hybrid ingest backfill {terminal.alias}",
    ]
    mapping = terminal.es.indices.get_mapping(index=terminal.alias)[terminal.alias]["mappings"]
    assert mapping["_meta"]["owner"] == "shop team"
    assert mapping["properties"]["embedding"]["type"] == "dense_vector"
    assert f"{terminal.alias}: nothing to add\n" in terminal.fine("index", "apply", terminal.alias)


def test_conflicts_are_exit_status_1_and_are_not_applied(terminal: Terminal) -> None:
    terminal.es.indices.create(index=terminal.alias, mappings=MAPPING)
    planned = terminal("index", "plan", terminal.alias)
    assert planned.exit_code == 1
    assert "conflicts  no field holds the product title: set ingest.fields" in planned.stdout
    applied = terminal("index", "apply", terminal.alias)
    assert applied.exit_code == 2
    assert "no field holds the product title" in applied.stderr
