"""The reliability curve as an image."""

from __future__ import annotations

from pathlib import Path

from es_hybrid.align.calibration import Calibration
from es_hybrid.align.store import writing
from es_hybrid.errors import MissingExtra

__all__ = ["draw"]


def draw(found: Calibration, target: Path) -> None:
    """Write a PNG: reliability on the left, precision and recall by threshold on the right.

    Raises:
        MissingExtra: matplotlib is not installed.
        AlignError: the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingExtra("matplotlib, which draws the curve,", "eval") from None
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="0.7", linestyle="--", linewidth=1)
    scores, shares = [b.score for b in found.bins], [b.right for b in found.bins]
    left.plot(scores, shares, marker="o", color="#1f5fa8")
    for each in found.bins:
        left.annotate(f"{each.count:,}", (each.score, each.right), fontsize=7,
                      xytext=(4, -9), textcoords="offset points", color="0.4")  # fmt: skip
    left.set(xlabel="mean score", ylabel="share of right pairs", xlim=(0, 1), ylim=(0, 1.03),
             title=f"Reliability (calibration error {found.error:.3f})")  # fmt: skip
    for column, (name, colour) in enumerate(
        (("precision", "#1f5fa8"), ("recall", "#c2571a"), ("F1", "0.3")), 1
    ):
        right.plot(found.curve[:, 0], found.curve[:, column], label=name, color=colour)
    for name in ("review", "merge"):
        right.axvline(found.points[name].threshold, color="0.7", linestyle=":", linewidth=1)
    right.set(xlabel="threshold", xlim=(0, 1), ylim=(0, 1.03), title="Precision and recall")
    right.legend(frameon=False, loc="lower center")
    with writing(target):
        figure.savefig(target, format="png", dpi=120)
