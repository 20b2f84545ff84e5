"""`es-hybrid eval import`: judgements of other tools as queries and qrels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands.eval._judged_files import judged_files_options, print_tally, printing

if TYPE_CHECKING:
    from es_hybrid.evaluation.judging.grades import GradeMap

_FORMATS = ("trec", "esci", "wands", "quepid", "chorus", "workbench", "judgements")


@click.command("import")
@click.argument("file_format", metavar="FORMAT", type=click.Choice(_FORMATS))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--grades",
    help="Grades of ratings: Exact=2,Partial=1; if they are numbers, 0.3=1,0.7=2 is grade 1 from "
    "0.3, 2 from 0.7 and 0 below.  [default: by format]",
)
@judged_files_options
@click.pass_context
def import_(
    context: click.Context,
    file_format: str,
    files: tuple[Path, ...],
    grades: str | None,
    queries: Path,
    qrels: Path,
) -> None:
    """Write the judgements of FILES as a TSV of queries and as qrels.

    trec: topics or a TSV of queries, then qrels. esci: Amazon's examples, .parquet or .csv; E is
    grade 3, S 2, C 1, I 0. wands: query.csv and label.csv; Exact is 2, Partial 1, Irrelevant 0.
    quepid, chorus: exports of cases and books, .csv or RRE's .json. workbench: judgement lists of
    the OpenSearch Search Relevance Workbench, .json. judgements: files of `eval judge` and
    `eval llm`. Without --grades, ratings that are numbers must be whole and are the grades. Logs
    of UBI have clicks, not judgements: see `es-hybrid eval clicks`.

    Lines that cannot be used are printed with file and line to standard error; the others are
    imported, and the exit status is 1. Judgements that only an LLM made are marked in the qrels.
    """
    from es_hybrid.evaluation.judging.formats.known import FORMATS
    from es_hybrid.evaluation.judging.grades import parse_grades
    from es_hybrid.evaluation.judging.importing import import_judgements

    chosen = FORMATS[file_format]
    mapping: GradeMap = parse_grades(grades) if grades else chosen.grades
    reject, count = printing()
    pairs = chosen.read(files, reject)
    tally = import_judgements(pairs, mapping, queries=queries, qrels=qrels, reject=reject)
    click.echo(f"grades: {mapping}")
    print_tally(tally, qrels)
    if rejected := count():
        click.echo(f"{rejected:,} lines cannot be used", err=True)
        context.exit(1)
