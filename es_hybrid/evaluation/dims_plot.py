"""Plot the results of the dims lab."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from es_hybrid.errors import EvaluationError, MissingExtra
from es_hybrid.evaluation.dims import EXACT, DimsResult

try:
    from matplotlib.figure import Figure
except ModuleNotFoundError:
    raise MissingExtra("matplotlib, which draws the plot,", "eval") from None

_MARKERS = "osD^vPX*"


def plot(results: Sequence[DimsResult], path: Path, *, title: str) -> None:
    """Write a PNG: nDCG@10 over memory, and recall@10 over latency.

    One line per number of dims and one marker per type; exact search is a dashed line.

    Raises:
        EvaluationError: the file cannot be written.
    """
    # Not pyplot, which would look for a display.
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    quality, speed = figure.subplots(1, 2)
    types = list(dict.fromkeys(one.vector_type for one in results if one.vector_type != EXACT))
    markers = {name: _MARKERS[number % len(_MARKERS)] for number, name in enumerate(types)}
    for number, dims in enumerate(dict.fromkeys(one.dims for one in results)):
        colour = f"C{number}"
        exact, *others = [one for one in results if one.dims == dims]
        quality.axhline(exact.ndcg, color=colour, linestyle="--", linewidth=1)
        by_memory = sorted(others, key=lambda one: one.memory_bytes or 0)
        mebibytes = [(one.memory_bytes or 0) / 2**20 for one in by_memory]
        quality.plot(mebibytes, [one.ndcg for one in by_memory], color=colour, label=f"{dims} dims")
        for one in others:
            look = {"marker": markers[one.vector_type], "color": colour, "linestyle": "none"}
            quality.plot((one.memory_bytes or 0) / 2**20, one.ndcg, **look)
            speed.plot(one.p50_ms, one.recall_10, **look)
    for name, marker in markers.items():
        speed.plot([], [], marker=marker, color="grey", linestyle="none", label=name)
    quality.set(xscale="log", xlabel="memory, MiB", ylabel="nDCG@10", title="dashed: exact search")
    speed.set(xlabel="median search time, ms", ylabel="recall@10 against exact search")
    for axes in (quality, speed):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    try:
        figure.savefig(path, dpi=120, format="png")
    except OSError as error:
        raise EvaluationError(
            f"cannot be written: {error.strerror}",
            place=str(path),
            remedy="choose another file with --plot",
        ) from None
