"""The counts of a load, and the report made of them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from es_hybrid.errors import RowError

# Reasons the report shows; all of them stand in the dead letters.
_SHOWN_REASONS = 5


@dataclass(slots=True)
class Tally:
    """Every row that was read ends as exactly one of the five.

    Attributes:
        rows: Read so far.
        created: Written, and new in the index.
        updated: Written over an older version.
        unchanged: Stored already, exactly so.
        superseded: Not written, since a later row or another writer was newer.
        rejected: Unusable, or refused by Elasticsearch.
        reasons: The first rejections.
        seconds: Stage -> seconds, summed over the threads that ran it.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    rejected: int = 0
    reasons: list[RowError] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    _started: float = field(default_factory=time.perf_counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def written(self) -> int:
        """Rows stored by this load."""
        return self.created + self.updated

    @property
    def ended(self) -> int:
        """Rows that reached one of the five ends."""
        return self.written + self.unchanged + self.superseded + self.rejected

    @property
    def elapsed(self) -> float:
        """Seconds since the load began."""
        return time.perf_counter() - self._started

    def reject(self, problem: RowError) -> None:
        """Count a rejected row and keep its reason if it is among the first."""
        self.rejected += 1
        if len(self.reasons) < _SHOWN_REASONS:
            self.reasons.append(problem)

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time the block takes to a stage; from any thread."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            with self._lock:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + spent


def progress_line(tally: Tally) -> str:
    """How far the load is: `12,000 rows, 1,630 rows/s, 3 rejected`."""
    rate = tally.ended / max(tally.elapsed, 1e-9)
    line = f"{tally.ended:,} rows, {rate:,.0f} rows/s"
    return f"{line}, {tally.rejected:,} rejected" if tally.rejected else line


def final_report(tally: Tally, *, index: str, dead_letters: str) -> str:
    """What a load did, in a few lines."""
    elapsed = tally.elapsed
    rate = tally.ended / max(elapsed, 1e-9)
    lines = [f"{index}: {tally.rows:,} rows in {elapsed:.1f} s, {rate:,.0f} rows/s"]
    counts = {
        "indexed": tally.created,
        "updated": tally.updated,
        "unchanged": tally.unchanged,
        "superseded": tally.superseded,
        "rejected": tally.rejected,
        "not finished": tally.rows - tally.ended,
    }
    always = ("indexed", "updated", "unchanged", "rejected")
    lines += [f"  {name:<13}{n:>10,}" for name, n in counts.items() if n or name in always]
    lines += [f"    {reason}" for reason in tally.reasons]
    if tally.rejected > len(tally.reasons):
        lines.append(f"    and {tally.rejected - len(tally.reasons):,} more")
    if tally.rejected:
        lines.append(f"  rejected rows and reasons: {dead_letters}")
    stages = ", ".join(f"{stage} {spent:.1f} s" for stage, spent in tally.seconds.items())
    if stages:
        lines.append(f"  {stages} (embed and bulk summed over their threads)")
    return "\n".join(lines)
