"""The index: whether it can be searched and written, and whether its vectors fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.errors import PassportMismatch
from es_hybrid.index.conflicts import mapping_conflicts, settings_conflicts
from es_hybrid.index.cost import vector_cost
from es_hybrid.index.lifecycle import describe_index
from es_hybrid.index.passport import Passport, check_text
from es_hybrid.settings import Settings
from ingest.doctor.finding import Finding, failure, ok, warning

_GIB = 2**30


def examine_index(
    client: Elasticsearch,
    settings: Settings,
    mappings: Mapping[str, Mapping[str, Any]],
    passport: Passport,
) -> Iterator[Finding]:
    """Findings about the configured index.

    Args:
        mappings: Index -> mapping, for each index behind the name.
    """
    for index, mapping in mappings.items():
        own = client.indices.get_settings(index=index, flat_settings=True).body[index]["settings"]
        for conflict in (*settings_conflicts(own, mapping), *mapping_conflicts(mapping, {})):
            text, _, remedy = conflict.partition(": ")
            yield failure("index", f"{index}: {text}", remedy)
        yield from _dims(index, mapping, passport)
    yield from _text(settings, passport)
    yield from _vectors(client, settings, passport)


def _dims(index: str, mapping: Mapping[str, Any], passport: Passport) -> Iterator[Finding]:
    field = mapping.get("properties", {}).get(passport.vector_field, {})
    if field.get("dims") != passport.dims:
        text = (
            f"{index}: {passport.vector_field} has {field.get('dims')} dims, but the passport "
            f"says {passport.dims}"
        )
        yield failure("index", text, "load into a new index")


def _text(settings: Settings, passport: Passport) -> Iterator[Finding]:
    if passport.shop is not None:
        return
    try:
        check_text(
            passport,
            index=settings.index.name,
            template=settings.ingest.text_template,
            max_chars=settings.ingest.text_max_chars,
        )
    except PassportMismatch as mismatch:
        yield failure("index", mismatch.message, mismatch.remedy)


def _vectors(client: Elasticsearch, settings: Settings, passport: Passport) -> Iterator[Finding]:
    described = describe_index(client, settings.index.name, vector_field=passport.vector_field)
    text = f"{described.with_vector:,} of {described.documents:,} documents have a vector"
    if described.with_vector == described.documents:
        yield ok("index", text)
    else:
        remedy = f"run `es-hybrid ingest backfill {settings.index.name}`, or load again"
        yield warning("index", text, remedy)
    if passport.floor is None and described.documents:
        text = "no floor: a search for goods that the shop does not sell shows its nearest products"
        yield warning("index", text, f"run `es-hybrid index calibrate --index {described.name}`")
    kind = described.vector_options.get("index_options", {}).get("type", "hnsw")
    cost = vector_cost(kind, documents=described.with_vector, dims=passport.dims)
    if cost.memory is not None and (free := _page_cache(client)) is not None:
        yield _memory(cost.memory, free, kind)


def _memory(needed: int, free: int, kind: str) -> Finding:
    text = f"vectors ({kind}) need {needed / _GIB:.2f} GiB of page cache; the nodes have "
    text += f"{free / _GIB:.2f} GiB beside their heaps"
    if needed <= free:
        return ok("index", text)
    remedy = "add memory, or load into an index with a smaller index.vector_type, such as bbq_hnsw"
    return warning("index", text, remedy)


def _page_cache(client: Elasticsearch) -> int | None:
    """Bytes of memory of all nodes without their heaps; None if they do not report it."""
    answer = client.nodes.stats(metric="os,jvm", filter_path="nodes.*.os.mem,nodes.*.jvm.mem")
    try:
        return sum(
            int(node["os"]["mem"]["total_in_bytes"] - node["jvm"]["mem"]["heap_max_in_bytes"])
            for node in answer["nodes"].values()
        )
    except KeyError:
        return None
