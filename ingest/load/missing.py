"""Deleting documents that a complete feed does not contain."""

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
    """Delete the documents whose id is in no row of the load.

    A document that is written meanwhile stays: it is deleted only in the state that was read.

    Args:
        ledger: Ledger of a load whose slices are all done.
        share: Share of the documents; if more are missing, none is deleted.

    Raises:
        IndexStateError: some rows have no id, or too many documents would be deleted.
        ElasticsearchError, Outage: the cluster refuses, or stays unavailable.
    """
    index, client = target.spec.index, target.client
    if ledger.unnamed:
        raise IndexStateError(
            f"nothing was deleted: {ledger.unnamed:,} rejected rows have no product id",
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
            f"feed, more than ingest.max_delete_share, {share:.0%}",
            place=f"index {index}",
            remedy="check that the feed is complete, or raise the share with --max-delete-share",
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
                    remedy="check the blocks of the index",
                )
    changed = f"; {kept:,} were written meanwhile and were kept" if kept else ""
    say(f"deleted {deleted:,} documents that the feed no longer contains{changed}")
