"""Proposes which facet values mean the same, and writes the classes where searches find them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from elasticsearch import Elasticsearch

from es_hybrid.align.blocking.index import product_paths
from es_hybrid.align.classes import asked_once, value_classes
from es_hybrid.align.engine import group
from es_hybrid.align.journal import Journal
from es_hybrid.align.store import now, writing
from es_hybrid.align.values import GroupedProduct, ValueEvidence
from es_hybrid.client import connect, resolve_url, translated
from es_hybrid.errors import AlignError
from es_hybrid.index.lifecycle import open_index
from es_hybrid.index.pages import read_hits
from es_hybrid.index.shop_fields import value_at
from es_hybrid.records import GROUP_FIELD
from es_hybrid.settings import Settings
from es_hybrid.settings.align import AlignSettings
from es_hybrid.understanding.store import create_hidden
from es_hybrid.understanding.value_classes import VALUE_CLASSES, ValueClass, class_document

__all__ = [
    "AppliedClasses", "apply_classes", "propose_classes", "store_classes", "stored_classes",
    "undo_classes",
]  # fmt: skip

_PAGE = 1000
# Products of a group, and values of a product in one field, that are read.
_MAX_PRODUCTS, _MAX_VALUES = 60, 10
_FORMAT = "es-hybrid align values 1"


class AppliedClasses(NamedTuple):
    """The result of an apply or an undo.

    Attributes:
        before: The classes that searches used so far.
        after: Those that they use now, or would.
        audit: The file with the former; None for a dry run, or if nothing changes.
    """

    before: Sequence[Mapping[str, Any]]
    after: Sequence[Mapping[str, Any]]
    audit: Path | None


def propose_classes(settings: Settings, fields: Sequence[str]) -> Counter[str]:
    """Compare the values of the products of each group; store pairs and classes.

    People's decisions, and the names of classes, stay.

    Args:
        fields: As facets name them.

    Returns:
        Decision -> number of pairs, and `classes`.

    Raises:
        AlignError: no product has a group.
        IndexStateError: there is no such index, or it has no passport.
        ElasticsearchError: the cluster refuses.
    """
    evidence, groups = ValueEvidence(), 0
    place = resolve_url(settings.elasticsearch)
    with translated(place), closing(connect(settings.elasticsearch)) as client:
        for name, products in _groups(client, settings, fields):
            evidence.add(name, products)
            groups += 1
    if not groups:
        raise AlignError(
            f"no product has the field {GROUP_FIELD}",
            place=f"index {settings.index.name}",
            remedy="run: es-hybrid align apply",
        )
    return store_classes(settings, evidence)


def store_classes(settings: Settings, evidence: ValueEvidence) -> Counter[str]:
    """Decide about the pairs that were counted; see `propose_classes`."""
    align = _of_values(settings)
    journal = Journal.made(settings.align.values_store)
    journal.begin({"right_side": "left", "index": settings.index.name, "time": now()})
    journal.add((value, ()) for value in evidence.values())
    records = evidence.records(align)
    journal.put_pairs(records)
    names = group(journal, align)
    records = list(asked_once(records, names, journal.decided()))
    journal.put_pairs(records)
    counts = Counter[str](record.decision for record in records)
    return counts + Counter(classes=len(set(names.values())))


def apply_classes(settings: Settings, *, dry_run: bool) -> AppliedClasses:
    """Write the classes of the proposal and of people's decisions for searches of the index.

    Raises:
        AlignError: nothing is proposed for this index.
        ElasticsearchError: the cluster refuses.
    """
    journal = Journal(settings.align.values_store)
    if (proposed := journal.facts["index"]) != settings.index.name:
        raise AlignError(
            f"it was proposed for index {proposed}",
            place=str(settings.align.values_store),
            remedy=f"set --index {proposed}, or run: es-hybrid align values propose",
        )
    found = stored_classes(settings)
    return _write(settings, class_document(found)["classes"], dry_run=dry_run)


def stored_classes(settings: Settings) -> list[ValueClass]:
    """The classes of the proposal and of people's decisions so far."""
    journal = Journal(settings.align.values_store)
    names = group(journal, _of_values(settings))
    return list(value_classes(journal.products()["left"].values(), names))


def undo_classes(settings: Settings, audit: Path, *, dry_run: bool) -> AppliedClasses:
    """Restore the former classes, unless they were written again since.

    Raises:
        AlignError: not an audit file of this index, or the classes changed since.
        ElasticsearchError: the cluster refuses.
    """
    try:
        written = orjson.loads(audit.read_bytes())
        if (written["format"], written["index"]) != (_FORMAT, settings.index.name):
            raise ValueError(f"another format, or not of index {settings.index.name}")
        before, after = written["before"], written["after"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AlignError(
            f"not an audit file: {error}",
            place=str(audit),
            remedy="use a file that `align values apply` wrote for this --index",
        ) from None
    return _write(settings, before, dry_run=dry_run, expected=after)


def _of_values(settings: Settings) -> AlignSettings:
    """The settings for values: a class never has two of one language by itself."""
    return settings.align.model_copy(update={"duplicates": False})


def _groups(
    client: Elasticsearch, settings: Settings, fields: Sequence[str]
) -> Iterator[tuple[str, list[GroupedProduct]]]:
    """The groups of the index, one in memory at a time."""
    index = settings.index.name
    paths = product_paths(open_index(client, index, vector_field=settings.index.vector_field))
    hits = read_hits(
        client,
        index,
        size=_PAGE,
        query={"exists": {"field": GROUP_FIELD}},
        sort=[{GROUP_FIELD: {"order": "asc", "unmapped_type": "keyword"}}],
        source=[paths["title"], paths.get("lang", "lang")],
        # What a facet counts, also of sub-fields and of attributes.
        docvalue_fields=list(fields),
    )
    for name, found in groupby(hits, key=lambda hit: str(hit["sort"][0])):
        yield name, [_product(hit, paths, fields) for hit in islice(found, _MAX_PRODUCTS)]


def _product(
    hit: Mapping[str, Any], paths: Mapping[str, str], fields: Sequence[str]
) -> GroupedProduct:
    title, lang = (
        str(value_at(hit["_source"], paths.get(name, name)) or "") for name in ("title", "lang")
    )
    values = hit.get("fields", {})
    return GroupedProduct(
        hit["_id"],
        title,
        lang,
        {name: frozenset(map(str, values.get(name, ())[:_MAX_VALUES])) for name in fields},
    )


def _write(
    settings: Settings,
    classes: Sequence[Mapping[str, Any]],
    *,
    dry_run: bool,
    expected: Sequence[Mapping[str, Any]] | None = None,
) -> AppliedClasses:
    """Replace the classes of the index, after the former are in an audit file.

    Args:
        expected: Refuse if searches use others now.
    """
    name = settings.index.name
    place = resolve_url(settings.elasticsearch)
    with translated(place), closing(connect(settings.elasticsearch)) as client:
        stored = client.options(ignore_status=404).get(index=VALUE_CLASSES, id=name)
        before = stored["_source"]["classes"] if stored.get("found") else []
        if expected is not None and before != expected:
            raise AlignError(
                "the classes were written again since",
                place=f"index {name}",
                remedy="undo the latest audit file first",
            )
        if dry_run or before == classes:
            return AppliedClasses(before, classes, None)
        audit = _write_audit(settings, before, classes)
        create_hidden(client, VALUE_CLASSES)
        client.index(index=VALUE_CLASSES, id=name, document={"classes": classes, "time": now()})
        return AppliedClasses(before, classes, audit)


def _write_audit(
    settings: Settings, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target = settings.align.values_store.with_name(f"values-{stamp}.json")
    content = {"format": _FORMAT, "index": settings.index.name, "before": before, "after": after}
    with writing(target):
        target.touch(mode=0o600)
        target.write_bytes(orjson.dumps(content))
    return target
