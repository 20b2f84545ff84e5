"""`es-hybrid align apply`: write the groups to the products of the index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.align.commands._options import align_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings

# An EsHybridError exits with 2.
_SOME_LEFT = 1
_WORDS = {
    "changed": "changed",
    "unchanged": "already up to date",
    "missing": "not in the index",
    "busy": "skipped: written by others",
    "refused": "refused",
    "other": "skipped: changed since",
}


@click.command(
    "apply", epilog="Exit status: 0 all done, 1 some products skipped, 2 cannot continue."
)
@click.option(
    "--side",
    type=click.Choice(["left", "right"]),
    help="The side that the index contains.  [default: right, or the only side]",
)
@click.option("--dry-run", is_flag=True, help="Show the changes and write nothing.")
@click.option(
    "--undo",
    "audit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Restore the previous values from the audit FILE of an earlier apply.",
)
@align_options
@click.pass_context
def apply_(
    ctx: click.Context, side: str | None, dry_run: bool, audit: Path | None, settings: Settings
) -> None:
    """Write each product's group into its field `group_id`, with partial updates.

    The previous values are first written to an audit file next to the store. Products without a
    group lose the value; products that are not in the alignment do not change.
    """
    from ingest.align.writeback import apply_groups, undo

    if audit is not None:
        applied = undo(settings, audit, dry_run=dry_run)
    else:
        applied = apply_groups(settings, side=side, dry_run=dry_run)
    for change in applied.examples:
        click.echo(f"{change.id}: {change.before or '-'} -> {change.after or '-'}")
    counts = ", ".join(
        f"{applied.counts[name]:,} {words}"
        for name, words in _WORDS.items()
        if applied.counts[name]
    )
    click.echo(("would be: " if dry_run else "") + (counts or "nothing to do"))
    if applied.audit is not None and applied.audit.exists():
        click.echo(f"to undo: es-hybrid align apply --undo {applied.audit}")
    if applied.counts["busy"] or applied.counts["refused"]:
        ctx.exit(_SOME_LEFT)
