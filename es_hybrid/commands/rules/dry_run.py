"""`es-hybrid rules dry-run`: what a rule would change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import context_option, settings_options
from es_hybrid.commands.rules._shared import read_rules, rule_store

if TYPE_CHECKING:
    from es_hybrid.evaluation.dry_run import DryRun
    from es_hybrid.merchandising.rules.rule import Rule
    from es_hybrid.settings import Settings


@click.command("dry-run")
@click.argument("rule")
@click.argument("queries", nargs=-1)
@click.option(
    "--log",
    "logs",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="Also search the last queries of this log: UBI's, or es-hybrid's plain form. Repeatable.",
)
@click.option("--last", type=click.IntRange(1), default=20, show_default=True,
              help="Number of queries from the logs.")  # fmt: skip
@click.option("--size", type=click.IntRange(1, 100), default=10, show_default=True,
              help="Number of hits to compare.")  # fmt: skip
@context_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
def dry_run(
    rule: str,
    queries: tuple[str, ...],
    logs: tuple[Path, ...],
    last: int,
    size: int,
    context: tuple[str, ...],
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    """Search QUERIES without a rule and with it. Stores nothing.

    RULE is the id of a stored rule, whose latest version is tried, or a file with one rule; `-` is
    standard input.
    """
    import orjson

    from es_hybrid.commands._shared import parse_context
    from es_hybrid.commands.eval._judged_files import printing
    from es_hybrid.evaluation.dry_run import dry_run as tried
    from es_hybrid.evaluation.dry_run import last_queries
    from es_hybrid.search import HybridSearch

    facts = parse_context(context)
    reject, _ = printing()
    asked = list(dict.fromkeys([*queries, *last_queries(logs, last, reject)]))
    if not asked:
        raise click.UsageError("give queries, or a log with --log")
    wanted = _rule(rule, settings)
    with HybridSearch.open(settings) as shop:
        for each in tried(shop, wanted, asked, size=size, context=facts):
            if as_json:
                found = {"new": each.new, "gone": each.gone, "moved": each.moved}
                click.echo(orjson.dumps(each)[:-1] + b"," + orjson.dumps(found)[1:])
            else:
                _print(each)


def _rule(name: str, settings: Settings) -> Rule:
    if name != "-" and not Path(name).is_file():
        with rule_store(settings) as store:
            return store.history(name)[0].rule
    rules = read_rules(name)
    if len(rules) != 1:
        raise click.UsageError(f"{name} has {len(rules)} rules; give one")
    return rules[0]


def _print(each: DryRun) -> None:
    """The query, what the rule does, and each product that comes, goes or moves."""
    before, after = each.totals
    if each.fired is None:
        click.echo(f"{each.query}: does not fire, {before:,} found")
        return
    click.echo(f"{each.query}: fires, {before:,} -> {after:,} found")
    if each.fired.overruled:
        click.echo(f"  overruled: {', '.join(each.fired.overruled)}")
    if each.redirect:
        click.echo(f"  redirect to {each.redirect}")
    moved = each.moved
    for rank, hit in enumerate(each.after, 1):
        if hit.id in each.new:
            click.echo(f"  {rank:>3} new        {hit.id}  {hit.title}")
        elif hit.id in moved:
            click.echo(f"  {rank:>3} from {moved[hit.id][0]:<5} {hit.id}  {hit.title}")
    for hit in each.before:
        if hit.id in each.gone:
            click.echo(f"    - gone       {hit.id}  {hit.title}")
