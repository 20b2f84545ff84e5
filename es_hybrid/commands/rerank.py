"""`es-hybrid rerank`: put lines of text in the order in which they fit a query."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from es_hybrid.rerank.session import Provider


@click.command()
@click.argument("query")
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file.")
@click.option("--model", type=click.Path(path_type=Path), help="Folder of an exported model.")
@click.option("--instruction", help="What makes a line fit, in a sentence.")
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.0, help="Lowest score shown.")
@click.option("--deadline", type=click.IntRange(1), metavar="MS", help="Stop scoring after this.")
@click.option(
    "--provider",
    type=click.Choice(["auto", "cpu", "cuda", "tensorrt"]),
    help="Where the model is to run.  [default: rerank.provider]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rerank(
    query: str,
    file: TextIO,
    *,
    config: Path | None,
    model: Path | None,
    instruction: str | None,
    threshold: float,
    deadline: int | None,
    provider: Provider | None,
    as_json: bool,
) -> None:
    """Score each line of FILE (or of standard input) against QUERY, best first.

    Lines may be in any language. Blank ones are left out.
    """
    from es_hybrid.errors import SettingsError
    from es_hybrid.rerank.onnx import OnnxReranker
    from es_hybrid.settings import load_settings

    settings = load_settings(config, {"rerank": {"model": model, "provider": provider}}).rerank
    if settings.model is None:
        raise SettingsError(
            "no model to rerank with",
            place="rerank.model",
            remedy="name a folder with --model; make one with: es-hybrid model export",
        )
    reranker = OnnxReranker(
        settings.model,
        provider=settings.provider,
        threads=settings.threads,
        max_length=settings.max_length,
        instruction=settings.instruction,
    )
    lines = [line.strip() for line in file if line.strip()]
    ranked = reranker.rerank(query, lines, instruction, deadline_ms=deadline)
    # A candidate the deadline left without a score has none to be below the threshold.
    kept = [(text, score) for text, score in ranked if not score < threshold]
    if as_json:
        click.echo(_json(reranker, kept))
        return
    for rank, (text, score) in enumerate(kept, start=1):
        click.echo(f"{rank:>3}  {'    -' if math.isnan(score) else f'{score:.3f}'}  {text}")


def _json(reranker: object, kept: list[tuple[str, float]]) -> str:
    results = [
        {"rank": rank, "score": None if math.isnan(score) else score, "text": text}
        for rank, (text, score) in enumerate(kept, start=1)
    ]
    answer = {
        "provider": getattr(reranker, "provider", None),
        "fell_back": getattr(reranker, "fell_back", False),
        "results": results,
    }
    return json.dumps(answer, indent=2, ensure_ascii=False)
