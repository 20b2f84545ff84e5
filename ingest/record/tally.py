"""The counts of a load, and the report made of them."""

from __future__ import annotations

import contextlib
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
        rejected: Unusable, or refused by the embedding server or Elasticsearch.
        embedded: Texts that were embedded.
        cut: Texts longer than `ingest.text_max_chars`, of which the beginning is embedded.
        reasons: The first rejections.
        seconds: Stage -> seconds, summed over the threads that ran it.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    rejected: int = 0
    embedded: int = 0
    cut: int = 0
    reasons: list[RowError] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    _started: float = field(default_factory=time.perf_counter)

    @property
    def written(self) -> int:
        """Rows stored by this load."""
        return self.created + self.updated

    @property
    def taken(self) -> int:
        """Rows that the index holds, or something newer in their place."""
        return self.written + self.unchanged + self.superseded

    @property
    def ended(self) -> int:
        """Rows that reached one of the five ends."""
        return self.taken + self.rejected

    @property
    def elapsed(self) -> float:
        """Seconds since the load began."""
        return time.perf_counter() - self._started

    def reject(self, problem: RowError) -> None:
        """Count a rejected row and keep its reason if it is among the first."""
        self.rejected += 1
        if len(self.reasons) < _SHOWN_REASONS:
            self.reasons.append(problem)

    def add(self, part: Tally) -> None:
        """Count what another tally counted."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(part, name))
        self.reasons += part.reasons[: _SHOWN_REASONS - len(self.reasons)]
        for stage, spent in part.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time the block takes to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent


COUNTS = (
    "rows", "created", "updated", "unchanged", "superseded", "rejected", "embedded", "cut",
)  # fmt: skip


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
        "embedded": tally.embedded,
        "texts cut": tally.cut,
    }
    always = ("indexed", "updated", "unchanged", "rejected", "embedded")
    lines += [f"  {name:<13}{n:>10,}" for name, n in counts.items() if n or name in always]
    lines += [f"    {reason}" for reason in tally.reasons]
    if tally.rejected > len(tally.reasons):
        lines.append(f"    and {tally.rejected - len(tally.reasons):,} more")
    if tally.rejected:
        lines.append(f"  rejected rows and reasons: {dead_letters}")
    stages = ", ".join(f"{stage} {spent:.1f} s" for stage, spent in tally.seconds.items())
    if stages:
        lines.append(f"  {stages} (summed over the workers, waits included)")
    return "\n".join(lines)
