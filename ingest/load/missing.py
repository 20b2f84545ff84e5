"""Deleting what a complete feed does not have any more."""

from __future__ import annotations

from collections.abc import Callable

from es_hybrid.client import translated, url_of
from es_hybrid.errors import ElasticsearchError, IndexStateError
from es_hybrid.index.pages import read_hits
from ingest.load.target import Target
from ingest.record.ledger import Ledger
from ingest.writing import AdaptiveLimit, BulkWriter, Patience, delete_operation
from ingest.writing.flow import batches

_PAGE = 1_000


def delete_missing(
    target: Target, ledger: Ledger, *, share: float, say: Callable[[str], None]
) -> None:
    """Delete the documents whose id no row of the load had.

    A document that somebody writes meanwhile stays: it is deleted only as it was seen.

    Args:
        ledger: Of a load all whose shards are done.
        share: Of the documents; of more than that none is deleted.

    Raises:
        IndexStateError: rows could not be told by their ids, or too many would go.
        ElasticsearchError, Outage: the cluster refuses, or stays away.
    """
    index, client = target.spec.index, target.client
    if ledger.unnamed:
        raise IndexStateError(
            f"nothing was deleted: {ledger.unnamed:,} rejected rows do not say which documents "
            "they are of",
            place=f"index {index}",
            remedy="correct them and load again, or load without --delete-missing",
        )
    place = url_of(client)
    with translated(place):
        client.indices.refresh(index=index)
        documents = int(client.count(index=index)["count"])
        missing = [
            delete_operation(
                hit["_id"], if_seq_no=hit["_seq_no"], if_primary_term=hit["_primary_term"]
            )
            for hit in read_hits(client, index, size=_PAGE, source=False, seq_no_primary_term=True)
            if not ledger.knows(hit["_id"])
        ]
    if len(missing) > share * documents:
        raise IndexStateError(
            f"nothing was deleted: {len(missing):,} of {documents:,} documents are not in the "
            f"feed, ingest.max_delete_share is {share:.0%}",
            place=f"index {index}",
            remedy="check that the feed is complete, or raise it with --max-delete-share",
        )
    ingest = target.spec.settings.ingest
    writer = BulkWriter(
        client,
        index,
        place=place,
        patience=Patience(ingest.max_outage_s),
        limit=AdaptiveLimit(ingest.bulk_concurrency),
    )
    deleted = kept = 0
    for operations in batches(missing, count=_PAGE):
        for outcome in writer.send(operations):
            kept += outcome.conflict
            deleted += outcome.written or outcome.missing
            if not (outcome.written or outcome.missing or outcome.conflict):
                raise ElasticsearchError(
                    f"{outcome.operation.id!r} cannot be deleted: {outcome.reason}",
                    place=f"index {index}",
                    remedy="look at the index's blocks",
                )
    changed = f"; {kept:,} were written meanwhile and stay" if kept else ""
    say(f"deleted {deleted:,} documents that the feed does not have any more{changed}")
