"""`es-hybrid align values`: which values of a facet mean the same in several languages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.align.commands._options import align_options
from ingest.align.commands.review import review_options, review_store

if TYPE_CHECKING:
    from es_hybrid.settings import Settings

_SHOWN = 10


@click.group()
def values() -> None:
    """Find facet values that mean the same, such as Nike and 耐克.

    Searches with `display_lang` then show one value for each class, in the shopper's language, and
    filter by all of them.
    """


@values.command()
@click.option(
    "--field",
    "fields",
    multiple=True,
    default=("brand", "category"),
    show_default=True,
    metavar="FIELD",
    help="Keyword field, as facets name it. Repeatable.",
)
@align_options
def propose(fields: tuple[str, ...], settings: Settings) -> None:
    """Compare the values of products of one group, as `align apply` wrote it to the index.

    Values of one language are never merged without a person. Earlier decisions stay.
    """
    from ingest.align.values import propose_classes

    found = propose_classes(settings, fields)
    click.echo(
        f"{found['merge']:,} pairs merge, {found['review']:,} review, {found['discard']:,} "
        f"discard; {found['classes']:,} classes"
    )
    if found["review"]:
        click.echo("next: es-hybrid align values review")
    click.echo(f"store: {settings.align.values_store}")


@values.command()
@review_options
def review(settings: Settings, **options: Any) -> None:
    """Ask about the pairs of values between the thresholds one by one, most likely first.

    The category of a pair is its field. Ids are as in brand=Nike. Decisions override scores.
    """
    then = "write the classes with: es-hybrid align values apply"
    review_store(settings.align.values_store, then=then, **options)


@values.command("apply")
@click.option("--dry-run", is_flag=True, help="Show the changes and write nothing.")
@click.option(
    "--undo",
    "audit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Restore the classes from the audit FILE of an earlier apply.",
)
@align_options
def apply_(dry_run: bool, audit: Path | None, settings: Settings) -> None:
    """Write the classes for searches, which use them within minutes.

    The former classes are first written to an audit file next to the store.
    """
    from ingest.align.values import apply_classes, undo_classes

    if audit is not None:
        applied = undo_classes(settings, audit, dry_run=dry_run)
    else:
        applied = apply_classes(settings, dry_run=dry_run)
    changes = [
        *(("+", each) for each in applied.after if each not in applied.before),
        *(("-", each) for each in applied.before if each not in applied.after),
    ]
    for sign, each in changes[:_SHOWN]:
        labels = ", ".join(f"{lang} {label}" for lang, label in each["labels"].items())
        click.echo(f"{sign} {each['field']}: {labels}")
    if len(changes) > _SHOWN:
        click.echo(f"and {len(changes) - _SHOWN:,} more changes")
    verb = "would have" if dry_run else "has"
    click.echo(f"index {settings.index.name} {verb} {len(applied.after):,} classes")
    if applied.audit is not None:
        click.echo(f"to undo: es-hybrid align values apply --undo {applied.audit}")
