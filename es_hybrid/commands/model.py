"""`es-hybrid model`: export a reranker to ONNX, and hold it against its original."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from es_hybrid.reranking.export import Dtype
    from es_hybrid.reranking.manifest import Parity
    from es_hybrid.reranking.session import Provider

_FAILED = 1

_folder = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
_provider = click.option(
    "--provider",
    type=click.Choice(["auto", "cpu", "cuda", "tensorrt"]),
    default="auto",
    show_default=True,
    help="Where it is to run.",
)


@click.group()
def model() -> None:
    """Make and check ONNX models for reranking."""


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
    help="What it is good for, as en; may be repeated.  [default: not limited]",
)  # fmt: skip
@click.option("--verify/--no-verify", "check", default=True, help="Compare with the original.")
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
    """Export SOURCE, a hub id or a checkpoint's folder, to FOLDER.

    A Qwen3 reranker of any size, or a cross-encoder such as BGE, GTE and MiniLM. Only safetensors
    are read, and no code of the model's is run. The exit status is 1 when the export differs from
    its original.
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
@click.option("--reference", metavar="MODEL", help="The original.  [default: the export's source]")
@_provider
@click.pass_context
def verify(
    context: click.Context, *, folder: Path, reference: str | None, provider: Provider
) -> None:
    """Compare the model in FOLDER with the one it was made from.

    Over batch sizes, paddings and lengths; the verdict goes into the manifest, and a model that
    failed is not used for searching. The exit status is 1 when it fails.
    """
    from es_hybrid.reranking.manifest import Manifest

    _verify(context, folder, reference or Manifest.read(folder).source, provider)


@model.command()
@_folder
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(*, folder: Path, as_json: bool) -> None:
    """Show what FOLDER holds, after checking its files."""
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
        "tokens": f"up to {manifest.max_length:,} a pair",
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
@click.option("--threads", type=click.IntRange(0), default=0, help="On the CPU; 0: one a core.")
@click.option("--words", type=click.IntRange(1), default=30, show_default=True, help="A document.")
@click.option("--calls", type=click.IntRange(1), default=10, show_default=True)
def bench(*, folder: Path, provider: Provider, threads: int, words: int, calls: int) -> None:
    """Time the model in FOLDER with 1, 4, 8 and 50 documents a query."""
    from es_hybrid.reranking.bench import measure
    from es_hybrid.reranking.onnx import OnnxReranker

    reranker = OnnxReranker(folder, provider=provider, threads=threads)
    click.echo(_where(reranker.provider, fell_back=reranker.fell_back), err=True)
    reranker.warm_up()
    click.echo("documents    p50 ms    p99 ms   pairs/s")
    for documents in (1, 4, 8, 50):
        timing = measure(reranker, documents, words=words, calls=calls)
        click.echo(
            f"{documents:>9} {timing.p50:>9.1f} {timing.p99:>9.1f} {timing.pairs_per_second:>9.1f}"
        )


def _verify(context: click.Context, folder: Path, source: str, provider: Provider) -> None:
    from es_hybrid.reranking.export.source import fetch
    from es_hybrid.reranking.manifest import Manifest
    from es_hybrid.reranking.reference import TransformersReference
    from es_hybrid.reranking.verify import Comparison, verify

    def report(comparison: Comparison) -> None:
        click.echo(
            f"{comparison.way:<24} {comparison.pairs:>5} {comparison.max_delta:>10.1e} "
            f"{comparison.kendall_tau:>10.3f}"
        )

    manifest = Manifest.read(folder)
    click.echo("loading the original …", err=True)
    reference = TransformersReference(fetch(source, manifest.revision)[0], manifest)
    click.echo(f"{'way':<24} pairs      max |Δ|  Kendall tau"[:56])
    parity = verify(folder, reference, provider=provider, report=report)
    click.echo(_verdict(parity))
    if not parity.passed:
        context.exit(_FAILED)


def _verdict(parity: Parity | None) -> str:
    if parity is None:
        return "not verified"
    bound = "judged by order" if parity.tolerance is None else f"{parity.tolerance:.0e} allowed"
    return (
        f"{'passed' if parity.passed else 'failed'} on {parity.provider}: "
        f"max |Δ| {parity.max_delta:.1e} ({bound}), Kendall tau {parity.kendall_tau:.3f}, "
        f"{parity.pairs} pairs"
    )


def _where(provider: str, *, fell_back: bool) -> str:
    return f"running on {provider}" + (", which is not what was asked for" if fell_back else "")
