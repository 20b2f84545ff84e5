"""`es-hybrid demo`: load the sample catalogue and search it, without any setup."""

from __future__ import annotations

import functools
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from es_hybrid.retrieval.request import Mode
    from es_hybrid.search import HybridSearch
    from es_hybrid.settings import Settings

INDEX = "es-hybrid-demo"
_SHOWN = 5
_COLUMNS: Mapping[str, Mode] = {"BM25": "bm25", "kNN": "knn", "hybrid": "hybrid"}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One query, and what it demonstrates."""

    shows: str
    query: str
    filters: Mapping[str, str] = field(default_factory=dict)
    facet: str | None = None
    reranks: bool = False


SCENES = (
    Scene(
        shows="Meaning instead of words: breathable menswear for summer; no title says so",
        query="我想买一件夏天穿的透气男装",
    ),
    Scene(
        shows="A Chinese query, English products: the espresso machine is in English only",
        query="家用意式咖啡机 可以打奶泡",
    ),
    Scene(
        shows="A Spanish query, French products: the sofa bed is in French only",
        query="sofá cama con arcón para guardar ropa de cama",
    ),
    Scene(shows="One brand in two scripts: 耐克 is Nike", query="耐克"),
    Scene(
        shows="A filter applies to both legs, and a facet counts the hits of either",
        query="lightweight tent for two",
        filters={"category": "Outdoor & Sports"},
        facet="lang",
    ),
    Scene(
        shows="The small reranker reads query and product together (English only)",
        query="underwater camera for snorkeling",
        filters={"lang": "en"},
        reranks=True,
    ),
    Scene(shows="An exact model number: the lexical match must win", query="KX-4820B"),
)


@click.command()
@click.option("--url", help="Elasticsearch.  [default: the embedded node, started if needed]")
def demo(url: str | None) -> None:
    """Load the sample catalogue and compare searches side by side.

    Starts the embedded Elasticsearch unless it is running or another cluster is configured. Loads
    into the index es-hybrid-demo and keeps it for your own searches.
    """
    from es_hybrid.client import resolve_url
    from es_hybrid.commands._output import console
    from es_hybrid.search import HybridSearch
    from es_hybrid.secrets import scrub

    settings = settings_of(None, url=url, index=INDEX)
    if settings.elasticsearch.url is None:
        _start_node()
    _load_catalogue(settings)
    out = console()
    with HybridSearch.open(settings) as shop:
        for scene in SCENES:
            if shop.reranks or not scene.reranks:
                _play(scene, shop, out)
    click.echo(scrub(_next_steps(resolve_url(settings.elasticsearch))))


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


def _load_catalogue(settings: Settings) -> None:
    import tempfile
    from importlib.resources import as_file, files
    from pathlib import Path

    from ingest.load.job import LoadJob

    catalogue = files("es_hybrid.data").joinpath("products.jsonl")
    with as_file(catalogue) as path, tempfile.TemporaryDirectory() as folder:
        rejected = Path(folder, "rejected.jsonl")
        # The demo leaves nothing in the working folder.
        job = LoadJob.of(
            settings.with_(ingest={"ledger_dir": Path(folder)}),
            [str(path)],
            file_format="jsonl",
            mapping={},
            dead_letters=rejected,
        )
        job.run(say=click.echo, on_progress=lambda tally: None)
        click.echo(job.tally.report(index=job.index, dead_letters=str(rejected)))


def _play(scene: Scene, shop: HybridSearch, out: Console) -> None:
    from es_hybrid.commands._output import facet_line, side_by_side

    facets = [scene.facet] if scene.facet else []
    search = functools.partial(
        shop.search, scene.query, filters=scene.filters, facets=facets, size=_SHOWN, timeout_ms=0
    )
    answers = {title: search(mode=mode, rerank=False) for title, mode in _COLUMNS.items()}
    if scene.reranks:
        del answers["kNN"]
        answers["reranked"] = search()
    click.echo()
    click.secho(scene.shows, bold=True)
    filters = "".join(f"  [{name} = {value}]" for name, value in scene.filters.items())
    click.secho(f"» {scene.query}{filters}", fg="green")
    out.print(side_by_side({title: answer.hits for title, answer in answers.items()}))
    if scene.facet:
        out.print(facet_line(scene.facet, answers["hybrid"].facets[scene.facet]))
    if scene.reranks:
        answer = answers["reranked"]
        summary = f"{answer.reranked} products reranked in {answer.timings['rerank']:.0f} ms"
        click.echo("; ".join([summary, *answer.notes, *answer.degraded]))


def _next_steps(url: str) -> str:
    # `make demo` installs into a virtual environment, which may not be active.
    program = "es-hybrid" if shutil.which("es-hybrid") else sys.argv[0]
    return f"""
Elasticsearch keeps running at {url}. Try:
  {program} search "chaussures de randonnée imperméables" --index {INDEX} --facet brand
  {program} index describe --index {INDEX}
  {program} ingest load YOUR.jsonl
  {program} node stop"""
