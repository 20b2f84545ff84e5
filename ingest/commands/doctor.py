"""`es-hybrid doctor`: examine the settings, the cluster, the index and the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings
    from ingest.doctor.finding import Finding

_COLOURS = {"ok": "green", "warning": "yellow", "failure": "red"}


@click.command(epilog="Exit status: 0 no failure, 1 failures.")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Examine everything that searches and loads depend on, and say what to do.

    Changes nothing. Embeds and reranks a few short texts.
    """
    import dataclasses
    import json

    from ingest.doctor.examination import examine

    findings = []
    for found in examine(settings):
        findings.append(found)
        if not as_json:
            _show(found)
    if as_json:
        listed = [dataclasses.asdict(found) for found in findings]
        click.echo(json.dumps(listed, ensure_ascii=False, indent=2))
    if any(found.status == "failure" for found in findings):
        ctx.exit(1)


def _show(found: Finding) -> None:
    status = click.style(f"{found.status:<8}", fg=_COLOURS[found.status])
    click.echo(f"{status} {found.part:<10} {found.text}")
    if found.remedy:
        click.echo(f"{'':<20}-> {found.remedy}")
