"""`es-hybrid demo`: load the sample catalogue and try es-hybrid on it, without any setup."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from es_hybrid.commands._shared import settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from es_hybrid.align.records import PairRecord
    from es_hybrid.retrieval.request import Mode
    from es_hybrid.search import HybridSearch
    from es_hybrid.settings import Settings

INDEX = "es-hybrid-demo"
_SHOWN = 3
_COLUMNS: Mapping[str, Mode] = {"BM25": "bm25", "kNN": "knn", "hybrid": "hybrid"}
# What a search shows -> its query.
SEARCHES = {
    "A Chinese query, English products: the espresso machine is in English only":
        "家用意式咖啡机 可以打奶泡",
    "An exact model number: the lexical match must win": "KX-4820B",
    "Typing errors are forgiven, a price is a filter": "waterprof hikng boots under 150 dollars",
}  # fmt: skip
RULED = "coffee"
RULE: Mapping[str, Any] = {
    "id": "espresso-first",
    "criteria": [{"type": "contains", "values": ["coffee"]}],
    "actions": {"pin": ["KIT-008-en"]},
}
# For 377 products the same decisions as with the default of 20, in 60 % of the processor time.
_CANDIDATES = 5


@click.command()
@click.option("--url", help="Elasticsearch.  [default: the embedded node, started if needed]")
def demo(url: str | None) -> None:
    """Load the sample catalogue; try searches, a rule and an alignment; open the page.

    Starts the embedded Elasticsearch unless it is running or another cluster is configured. Loads
    into the index es-hybrid-demo and keeps it for your own searches. The rule is tried, not stored:
    rules of your own stay as they are. In a terminal, the page opens at the end and runs until
    Ctrl-C, if the extra `page` is installed.
    """
    from es_hybrid.client import resolve_url
    from es_hybrid.commands._output import console
    from es_hybrid.search import HybridSearch
    from es_hybrid.secrets import scrub

    settings = settings_of(None, url=url, index=INDEX)
    settings = settings.with_(align={"store": _store(), "candidates": _CANDIDATES})
    if settings.elasticsearch.url is None:
        _start_node()
    out = console()
    with _catalogue() as catalogue:
        _load(settings, catalogue)
        with HybridSearch.open(settings) as shop:
            for shows, query in SEARCHES.items():
                _search(shop, shows, query, out)
            _rerank(shop, next(iter(SEARCHES.values())))
            _try_rule(shop, out)
        _align(settings, catalogue)
    click.echo(scrub(_next_steps(resolve_url(settings.elasticsearch), settings.align.store)))
    if sys.stdin.isatty() and sys.stdout.isatty() and _has_page():
        _open_page(settings)


def _store() -> Path:
    """The alignment, outside of the working folder, in which the demo leaves nothing."""
    from platformdirs import user_data_path

    from es_hybrid.node.state import APP

    return user_data_path(APP) / "demo" / "align.sqlite"


def _has_page() -> bool:
    from importlib.util import find_spec

    return find_spec("gradio") is not None


@contextlib.contextmanager
def _catalogue() -> Iterator[str]:
    from importlib.resources import as_file, files

    with as_file(files("es_hybrid.data").joinpath("products.jsonl")) as path:
        yield str(path)


def _start_node() -> None:
    from es_hybrid.node.launch import NodeOptions, launch
    from es_hybrid.node.state import default_data, find_running

    if (running := find_running()) is not None:
        click.echo(f"Elasticsearch is running at {running}")
        return
    options = NodeOptions(data=default_data(), detached=True)
    process, state = launch(options, report=click.echo)
    process.returncode = 0  # it outlives this process
    click.echo(f"Elasticsearch {state.version} is ready at {state.url}")


def _load(settings: Settings, catalogue: str) -> None:
    import tempfile

    from ingest.load.job import LoadJob

    with tempfile.TemporaryDirectory() as folder:
        rejected = Path(folder, "rejected.jsonl")
        job = LoadJob.of(
            settings.with_(ingest={"ledger_dir": Path(folder)}),
            [catalogue],
            file_format="jsonl",
            mapping={},
            dead_letters=rejected,
        )
        job.run(say=click.echo, on_progress=lambda tally: None)
        click.echo(job.tally.report(index=job.index, dead_letters=str(rejected)))


def _search(shop: HybridSearch, shows: str, query: str, out: Console) -> None:
    from es_hybrid.commands._output import side_by_side, understood

    search = functools.partial(shop.search, query, size=_SHOWN, rerank=False, timeout_ms=0)
    answers = {title: search(mode=mode) for title, mode in _COLUMNS.items()}
    _title(shows, query)
    out.print(side_by_side({title: answer.hits for title, answer in answers.items()}))
    for line in understood(answers["hybrid"]):
        out.print(line)


def _rerank(shop: HybridSearch, query: str) -> None:
    """Search among the English products, and show what each stage made of a hit."""
    from es_hybrid.commands._output import print_response

    _title("Reranked, among the English products: rank and score of each stage", query)
    print_response(shop.search(query, filters={"lang": "en"}, size=_SHOWN, timeout_ms=0))


def _try_rule(shop: HybridSearch, out: Console) -> None:
    """Search without the rule and with it, as `es-hybrid rules dry-run`; nothing is stored."""
    import json

    from es_hybrid.commands._output import side_by_side, understood
    from es_hybrid.merchandising.rules.rule import parse_rule

    rule = parse_rule(RULE)
    without, having = (
        shop.with_rule(rule.id, each).search(RULED, size=_SHOWN, rerank=False, timeout_ms=0)
        for each in (None, rule)
    )
    _title(f"A merchandising rule, tried without storing it: {json.dumps(RULE)}", RULED)
    out.print(side_by_side({"without the rule": without.hits, "with the rule": having.hits}))
    for line in understood(having):
        out.print(line)


def _align(settings: Settings, catalogue: str) -> None:
    """Find the translations of each product, and show one pair that waits for a person."""
    from es_hybrid.align.decisions import ReviewStore
    from ingest.align.job import SELF, AlignJob

    job = AlignJob(settings=settings, left=catalogue, right=SELF, file_format="jsonl", rerank=False)
    found = job.run(say=click.echo, progress=lambda step, done, total: None).decisions
    _title(
        f"The same product in five languages: {found['merge']} pairs merged, {found['discard']:,} "
        f"discarded, {found['review']} left for you to review"
    )
    # One that shows why a machine should not decide alone, if it still waits.
    queue = ReviewStore(settings.align.store).queue(found["review"])
    if queue:
        _print_pair(queue[-1].record)


def _print_pair(pair: PairRecord) -> None:
    click.echo(f"  {pair.left_lang} {pair.left_title}")
    click.echo(f"  {pair.right_lang} {pair.right_title}")
    click.echo(f"  {pair.score:.2f}, {pair.rule}")


def _title(shows: str, query: str | None = None) -> None:
    click.echo()
    click.secho(shows, bold=True)
    if query is not None:
        click.secho(f"» {query}", fg="green")


def _next_steps(url: str, store: Path) -> str:
    # `make demo` installs into a virtual environment, which may not be active.
    program = "es-hybrid" if shutil.which("es-hybrid") else sys.argv[0]
    if Path(program).name == "__main__.py":
        program = f"{sys.executable} -m es_hybrid"
    install = "" if _has_page() else "\n  pip install '.[page]'"
    return f"""
Elasticsearch keeps running at {url}. Try:
  {program} search "chaussures de randonnée imperméables" --index {INDEX} --facet brand
  {program} ingest load YOUR.jsonl
  {program} node stop
The page, to search, to try rules and to review the pairs:{install}
  ES_HYBRID_ALIGN__STORE='{store}' {program} ui --index {INDEX}"""


def _open_page(settings: Settings) -> None:
    """Serve the page until Ctrl-C, and show it if this terminal belongs to a desktop."""
    from es_hybrid.page.server import run

    def started(url: str) -> None:
        click.echo(f"\nThe page is open at {url} until you press Ctrl-C.")
        if sys.platform == "darwin" or os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY"}:
            click.launch(url)

    run(settings, started=started)
