"""`es-hybrid align apply`: write the groups to the products of the index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.align.commands._options import align_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings

# Beside an EsHybridError's own 2.
_SOME_LEFT = 1
_WORDS = {
    "changed": "changed",
    "unchanged": "as they should be",
    "missing": "not in the index",
    "busy": "left: written by others",
    "refused": "refused",
    "other": "left: changed since",
}


@click.command("apply", epilog="Exit status: 0 all done, 1 some products left, 2 could not go on.")
@click.option(
    "--side",
    type=click.Choice(["left", "right"]),
    help="Whose ids the index has.  [default: right; of a catalogue with itself, its own]",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
@click.option(
    "--undo",
    "audit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Bring back what stood there before, by the audit FILE of an earlier apply.",
)
@align_options
@click.pass_context
def apply_(
    ctx: click.Context, side: str | None, dry_run: bool, audit: Path | None, settings: Settings
) -> None:
    """Write each product's group into its field `group_id`, by partial updates.

    What stood there before goes into an audit file beside the store first. Products whose group is
    gone lose the field's value; products that the alignment does not know are left alone.
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
        click.echo(f"undo with: es-hybrid align apply --undo {applied.audit}")
    if applied.counts["busy"] or applied.counts["refused"]:
        ctx.exit(_SOME_LEFT)
