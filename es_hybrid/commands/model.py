"""`es-hybrid model`: export a reranker to ONNX and compare it with the original."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from es_hybrid.reranking.export import Dtype
    from es_hybrid.reranking.manifest import Parity
    from es_hybrid.reranking.onnx import OnnxReranker
    from es_hybrid.reranking.session import Provider

_FAILED = 1

_folder = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
_provider = click.option(
    "--provider",
    type=click.Choice(["auto", "cpu", "cuda", "tensorrt"]),
    default="auto",
    show_default=True,
    help="Where to run the model.",
)


@click.group()
def model() -> None:
    """Export, check and time ONNX reranking models."""


@model.command()
@click.argument("source")
@_folder
@click.option("--revision", default="", help="Branch, tag or commit on the hub.")
@click.option(
    "--dtype",
    type=click.Choice(["fp32", "fp16", "int8"]),
    default="fp32",
    show_default=True,
    help="fp16 is for CUDA, int8 for the CPU.",
)
@click.option(
    "--languages", multiple=True, metavar="CODE",
    help="Language the model supports, e.g. en; repeatable.  [default: not limited]",
)  # fmt: skip
@click.option(
    "--verify/--no-verify", "check", default=True, help="Compare the export with the original."
)
@click.pass_context
def export(
    context: click.Context,
    *,
    source: str,
    folder: Path,
    revision: str,
    dtype: Dtype,
    languages: tuple[str, ...],
    check: bool,
) -> None:
    """Export SOURCE, a hub id or the folder of a checkpoint, to FOLDER.

    Supports Qwen3 rerankers of any size and cross-encoders such as BGE, GTE and MiniLM. Reads only
    safetensors and runs no code from the model. Exits with status 1 if the scores of the export
    differ from those of the original.
    """
    from es_hybrid.reranking.export import export as export_model

    def progress(done: int, steps: int) -> None:
        click.echo(f"\r{folder}: step {done} of {steps}", err=True, nl=done == steps)

    manifest = export_model(
        source, folder, revision=revision, dtype=dtype, languages=languages, progress=progress
    )
    size = sum((folder / name).stat().st_size for name in manifest.files)
    click.echo(f"wrote {folder}: {manifest.architecture}, {dtype}, {size / 1e6:,.1f} MB")
    if check:
        _verify(context, folder, source, "auto")


@model.command()
@_folder
@click.option(
    "--reference", metavar="MODEL", help="Original model.  [default: the source of the export]"
)
@_provider
@click.pass_context
def verify(
    context: click.Context, *, folder: Path, reference: str | None, provider: Provider
) -> None:
    """Compare the model in FOLDER with the original it was exported from.

    Compares scores across batch sizes, padding and lengths, and writes the verdict to the manifest.
    A model that fails is not used for searches. Exits with status 1 on failure.
    """
    from es_hybrid.reranking.manifest import Manifest

    _verify(context, folder, reference or Manifest.read(folder).source, provider)


@model.command()
@_folder
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(*, folder: Path, as_json: bool) -> None:
    """Check the files in FOLDER and describe the model."""
    from es_hybrid.reranking.manifest import Manifest

    manifest = Manifest.read(folder)
    manifest.check_files(folder)
    if as_json:
        click.echo(json.dumps(asdict(manifest), indent=2, ensure_ascii=False))
        return
    rows: dict[str, Any] = {
        "source": f"{manifest.source} {manifest.revision}".strip(),
        "architecture": manifest.architecture,
        "dtype": manifest.dtype,
        "tokens": f"up to {manifest.max_length:,} per pair",
        "languages": ", ".join(sorted(manifest.languages)) or "not limited",
        "parity": _verdict(manifest.parity),
    }
    for name in manifest.files:
        rows[name] = f"{(folder / name).stat().st_size / 1e6:,.1f} MB"
    for name, value in rows.items():
        click.echo(f"{name:<16} {value}")


@model.command()
@_folder
@_provider
@click.option("--threads", type=click.IntRange(0), default=0, help="CPU threads; 0: one per core.")
@click.option(
    "--words", type=click.IntRange(1), default=30, show_default=True, help="Words per document."
)
@click.option(
    "--calls", type=click.IntRange(1), default=10, show_default=True, help="Calls per size."
)
def bench(*, folder: Path, provider: Provider, threads: int, words: int, calls: int) -> None:
    """Time the model in FOLDER with 1, 4, 8 and 50 documents per query."""
    import numpy as np

    from es_hybrid.reranking.onnx import OnnxReranker

    reranker = OnnxReranker(folder, provider=provider, threads=threads)
    fallback = ", not on the requested provider" if reranker.fell_back else ""
    click.echo(f"running on {reranker.provider}{fallback}", err=True)
    reranker.warm_up()
    click.echo("documents    p50 ms    p99 ms   pairs/s")
    for documents in (1, 4, 8, 50):
        spent = _spent(reranker, documents, words=words, calls=calls)
        p50, p99 = np.percentile(np.array(spent) * 1000, [50, 99])
        rate = documents * calls / sum(spent)
        click.echo(f"{documents:>9} {p50:>9.1f} {p99:>9.1f} {rate:>9.1f}")


def _spent(reranker: OnnxReranker, documents: int, *, words: int, calls: int) -> list[float]:
    """Seconds of each call. Each has a new query: that of an earlier one is cached."""
    from es_hybrid.reranking.verify import SAMPLES

    pool = " ".join(text for texts in SAMPLES.values() for text in texts).split()
    texts = [" ".join(pool[(i + j) % len(pool)] for j in range(words)) for i in range(documents)]
    spent = []
    for call in range(calls):
        started = time.perf_counter()
        reranker.score(f"query {call} of {documents}", texts)
        spent.append(time.perf_counter() - started)
    return spent


def _verify(context: click.Context, folder: Path, source: str, provider: Provider) -> None:
    from es_hybrid.reranking.export.source import fetch
    from es_hybrid.reranking.manifest import Manifest
    from es_hybrid.reranking.reference import TransformersReference
    from es_hybrid.reranking.verify import ScoreParity, verify

    def report(parity: ScoreParity) -> None:
        click.echo(
            f"{parity.batching:<24} {parity.pairs:>5} {parity.max_delta:>10.1e} "
            f"{parity.kendall_tau:>10.3f}"
        )

    manifest = Manifest.read(folder)
    click.echo("loading the original …", err=True)
    reference = TransformersReference(fetch(source, manifest.revision)[0], manifest)
    click.echo(f"{'batches':<24} pairs    max |Δ|  Kendall τ")
    verdict = verify(folder, reference, provider=provider, report=report)
    click.echo(_verdict(verdict))
    if not verdict.passed:
        context.exit(_FAILED)


def _verdict(parity: Parity | None) -> str:
    if parity is None:
        return "not verified"
    bound = "judged by the order" if parity.tolerance is None else f"{parity.tolerance:.0e} allowed"
    return (
        f"{'passed' if parity.passed else 'failed'} on {parity.provider}: "
        f"max |Δ| {parity.max_delta:.1e} ({bound}), Kendall tau {parity.kendall_tau:.3f}, "
        f"{parity.pairs} pairs"
    )
