"""Writes group ids to the products of an index, and undoes it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from elasticsearch import Elasticsearch

from es_hybrid.align.journal import Journal
from es_hybrid.client import connect, resolve_url, translated
from es_hybrid.errors import AlignError
from es_hybrid.files import sync
from es_hybrid.records import GROUP_FIELD
from es_hybrid.settings import Settings
from es_hybrid.waiting import Patience
from ingest.writing import AdaptiveLimit, BulkWriter, patiently, update_operation

__all__ = ["Applied", "apply_groups", "undo"]

_BATCH = 500
# A product that others keep writing is skipped after this many attempts.
_ATTEMPTS = 5
_FORMAT = "es-hybrid align apply 1"


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of an apply or an undo.

    Attributes:
        counts: Number of products that are `changed`, `unchanged`, `missing` (not in the index),
            `busy` (written by others at each attempt), `refused` or, for an undo, `other` (changed
            since).
        audit: The file with the previous values; None for a dry run.
        examples: The first changes.
    """

    counts: Counter[str]
    audit: Path | None
    examples: list[Change]


class Change(NamedTuple):
    """The old and the new value of a product's field; None means no value."""

    id: str
    before: str | None
    after: str | None


class _Now(NamedTuple):
    value: str | None
    seq_no: int
    primary_term: int
    routing: str | None


def apply_groups(settings: Settings, *, side: str | None, dry_run: bool) -> Applied:
    """Write the name of its group to each product, and remove it from products without a group.

    Args:
        side: `left` or `right`, the side that the index contains. None means the right side, or
            the only one.
        dry_run: Only read.

    Raises:
        AlignError: no groups, or an index that a partial update would damage.
        ElasticsearchError: the cluster refuses a request.
        Outage: the cluster stays unavailable. The audit file lists the changes so far.
    """
    journal = Journal(settings.align.store)
    chosen = side or ("left" if journal.same_side else "right")
    names = {member.id: name for member, name in journal.groups().items() if member.side == chosen}
    products = journal.products()[chosen]
    if not names:
        raise AlignError(
            "no groups to write", place=str(settings.align.store), remedy="run: es-hybrid align run"
        )
    wanted = ((id_, names.get(id_)) for id_ in products)
    with _Index.open(settings) as index:
        if not dry_run:
            index.prepare()
        return index.write(wanted, None if dry_run else _new_audit(settings), expected=None)


def undo(settings: Settings, audit: Path, *, dry_run: bool) -> Applied:
    """Restore the previous values of products that were not changed since.

    Raises:
        AlignError: not an audit file of this index.
        ElasticsearchError: the cluster refuses a request.
    """
    changes = _read_audit(audit, settings.index.name)
    expected = {change.id: change.after for change in changes}
    # For a product that was written twice, restore the first value.
    wanted = {change.id: change.before for change in reversed(changes)}
    with _Index.open(settings) as index:
        target = None if dry_run else _new_audit(settings)
        return index.write(wanted.items(), target, expected=expected)


class _Index:
    """Reads and writes the group field of one index."""

    def __init__(self, client: Elasticsearch, settings: Settings) -> None:
        self._client = client.options(max_retries=0, retry_on_status=())
        self._name = settings.index.name
        self._place = resolve_url(settings.elasticsearch)
        self._patience = Patience(settings.ingest.max_outage_s)
        limit = AdaptiveLimit(settings.ingest.bulk_concurrency)
        self._writer = BulkWriter(
            client, self._name, place=self._place, patience=self._patience, limit=limit
        )

    @classmethod
    def open(cls, settings: Settings) -> closing[_Index]:
        return closing(cls(connect(settings.elasticsearch), settings))

    def close(self) -> None:
        self._client.close()

    def prepare(self) -> None:
        """Add the field, and check that a partial update does no damage."""
        with translated(self._place):
            answer = self._client.indices.get_mapping(index=self._name)
        for name, found in answer.items():
            mapping = found["mappings"]
            if mapping.get("_source", {}).keys() & {"excludes", "includes", "enabled"}:
                raise AlignError(
                    "its mapping excludes fields from _source: a partial update would lose them",
                    place=f"index {name}",
                    remedy="use an index that stores the full _source",
                )
            kind = mapping.get("properties", {}).get(GROUP_FIELD, {}).get("type", "keyword")
            if kind != "keyword":
                raise AlignError(
                    f"its field {GROUP_FIELD} has type {kind}, not keyword",
                    place=f"index {name}",
                    remedy="rename that field",
                )
        with translated(self._place):
            self._client.indices.put_mapping(
                index=self._name, properties={GROUP_FIELD: {"type": "keyword"}}
            )

    def write(
        self,
        wanted: Iterable[tuple[str, str | None]],
        audit: Path | None,
        *,
        expected: Mapping[str, str | None] | None,
    ) -> Applied:
        """Set the field of each product to its wanted value; only read if audit is None.

        Args:
            expected: Skip products whose field has another value.
        """
        applied = Applied(Counter(), audit, [])
        waiting = iter(wanted)
        self._refresh()
        while batch := dict(itertools.islice(waiting, _BATCH)):
            for _ in range(_ATTEMPTS):
                batch = self._attempt(batch, applied, expected)
                if not batch:
                    break
                self._refresh()
            applied.counts["busy"] += len(batch)
        if audit is not None:
            self._refresh()
        return applied

    def _refresh(self) -> None:
        """Make the latest writes visible to `_read`, including those of others."""
        with translated(self._place):
            self._client.indices.refresh(index=self._name)

    def _attempt(
        self,
        wanted: Mapping[str, str | None],
        applied: Applied,
        expected: Mapping[str, str | None] | None,
    ) -> dict[str, str | None]:
        """Write once; returns the products that others wrote in between."""
        stored = self._read(list(wanted))
        applied.counts["missing"] += len(wanted) - len(stored)
        changes = []
        for id_, now in stored.items():
            change = Change(id_, now.value, wanted[id_])
            if change.before == change.after:
                applied.counts["unchanged"] += 1
            elif expected is not None and now.value != expected[id_]:
                applied.counts["other"] += 1
            else:
                changes.append(change)
        applied.examples.extend(changes[: 5 - len(applied.examples)])
        if applied.audit is None:
            applied.counts["changed"] += len(changes)
            return {}
        # Before the write: after a crash in between, undoing the extra line does nothing.
        _append(applied.audit, self._name, changes)
        return self._send(changes, stored, applied)

    def _send(
        self, changes: Sequence[Change], stored: Mapping[str, _Now], applied: Applied
    ) -> dict[str, str | None]:
        operations = [
            update_operation(
                change.id,
                {GROUP_FIELD: change.after},
                if_seq_no=stored[change.id].seq_no,
                if_primary_term=stored[change.id].primary_term,
                routing=stored[change.id].routing,
                tag=change,
            )
            for change in changes
        ]
        again = {}
        for outcome in self._writer.send(operations):
            if outcome.conflict:
                again[outcome.operation.id] = outcome.operation.tag.after
            elif outcome.written:
                applied.counts["changed"] += 1
            else:
                applied.counts["missing" if outcome.missing else "refused"] += 1
        return again

    def _read(self, ids: Sequence[str]) -> dict[str, _Now]:
        """Read by search, not by get: only a search finds documents with custom routing."""
        answer = patiently(
            lambda: self._client.search(
                index=self._name,
                query={"ids": {"values": list(ids)}},
                size=len(ids),
                source_includes=[GROUP_FIELD],
                seq_no_primary_term=True,
                stored_fields=["_routing", "_source"],
            ),
            self._patience,
            place=self._place,
        )
        return {hit["_id"]: _now_of(hit) for hit in answer["hits"]["hits"]}


def _now_of(hit: Mapping[str, Any]) -> _Now:
    value = hit.get("_source", {}).get(GROUP_FIELD)
    return _Now(value, hit["_seq_no"], hit["_primary_term"], hit.get("_routing"))


def _new_audit(settings: Settings) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return settings.align.store.with_name(f"applied-{stamp}.jsonl")


def _append(path: Path, index: str, changes: Sequence[Change]) -> None:
    """Append and sync to disk; only the owner can read the file."""
    path.touch(mode=0o600)
    with path.open("ab") as file:
        if not file.tell():
            file.write(orjson.dumps({"format": _FORMAT, "index": index}) + b"\n")
        file.writelines(orjson.dumps(change._asdict()) + b"\n" for change in changes)
        sync(file)


def _read_audit(path: Path, index: str) -> list[Change]:
    try:
        head, *lines = map(orjson.loads, path.read_bytes().splitlines())
        if head["format"] != _FORMAT:
            raise ValueError("another format")
        changes = [Change(**line) for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AlignError(
            f"not an audit file: {error}",
            place=str(path),
            remedy="use a file that `align apply` wrote",
        ) from None
    if head["index"] != index:
        raise AlignError(
            f"it belongs to index {head['index']}",
            place=str(path),
            remedy=f"set --index {head['index']}",
        )
    return changes
