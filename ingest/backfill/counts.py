"""What a backfill did so far, and the report made of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from es_hybrid.errors import RowError

_SHOWN_REASONS = 5


@dataclass(slots=True)
class Counts:
    """Of one backfill.

    Attributes:
        documents: In the index when it began.
        passes: Scans begun.
        looked_at: Documents read by the scan under way.
        filled: Vectors written, over all scans.
        changed: Documents that someone wrote to while they were embedded; met again by the next
            scan.
        gone: Deleted meanwhile.
        rejected: Documents without a text, or whose text the embedder refuses.
        covered: Documents with a vector at the end.
        total: Documents at the end.
        complete: The last scan found nothing to do.
    """

    documents: int = 0
    passes: int = 0
    looked_at: int = 0
    filled: int = 0
    changed: int = 0
    gone: int = 0
    rejected: int = 0
    covered: int = 0
    total: int = 0
    complete: bool = False
    reasons: list[RowError] = field(default_factory=list)
    _started: float = field(default_factory=time.perf_counter)

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.perf_counter() - self._started

    def reject(self, problem: RowError) -> None:
        """Count a document, and keep the reason if it is among the first."""
        self.rejected += 1
        if len(self.reasons) < _SHOWN_REASONS:
            self.reasons.append(problem)


def progress_line(counts: Counts) -> str:
    """`scan 1: 12,000 of 100,000 documents, 8,000 filled, 310/s`."""
    rate = counts.filled / max(counts.elapsed, 1e-9)
    return (
        f"scan {counts.passes}: {counts.looked_at:,} of {counts.documents:,} documents, "
        f"{counts.filled:,} filled, {rate:,.0f}/s"
    )


def final_report(counts: Counts, *, index: str, dead_letters: str) -> str:
    """What a backfill did, in a few lines."""
    lines = [
        f"{index}: {counts.filled:,} vectors filled in {counts.elapsed:.1f} s, "
        f"{counts.passes} scans"
    ]
    if counts.total:
        share = counts.covered / counts.total
        lines.append(
            f"  coverage      {counts.covered:,} of {counts.total:,} documents ({share:.2%})"
        )
    shown = {
        "changed meanwhile": counts.changed,
        "deleted meanwhile": counts.gone,
        "rejected": counts.rejected,
    }
    lines += [f"  {name:<18}{n:,}" for name, n in shown.items() if n]
    lines += [f"    {reason}" for reason in counts.reasons]
    if counts.rejected:
        lines.append(f"  rejected documents and reasons: {dead_letters}")
    if not counts.complete:
        lines.append("  not complete: run it again, what is filled is passed over")
    return "\n".join(lines)
