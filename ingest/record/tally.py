"""What a load or a backfill has done so far, and the report on it."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from es_hybrid.errors import RowError
from ingest.record.remarks import Remarks

# Reasons in a report; the dead letters hold all of them.
_SHOWN_REASONS = 5


@dataclass(slots=True, kw_only=True)
class Counts:
    """What loads and backfills count alike.

    Attributes:
        rejected: Rows or documents that are unusable, or refused by a server.
        reasons: The first rejections.
    """

    rejected: int = 0
    reasons: list[RowError] = field(default_factory=list)
    _started: float = field(default_factory=time.perf_counter)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started

    @property
    def begun(self) -> bool:
        """There is something to report."""
        raise NotImplementedError

    def reject(self, problem: RowError) -> None:
        """Count a rejection, and keep its reason if it is among the first."""
        self.rejected += 1
        if len(self.reasons) < _SHOWN_REASONS:
            self.reasons.append(problem)

    def progress_line(self) -> str:
        """Progress in one line."""
        raise NotImplementedError

    def report(self, *, index: str, dead_letters: str) -> str:
        """What was done, in a few lines."""
        raise NotImplementedError

    def _rate(self, count: int) -> float:
        return count / max(self.elapsed, 1e-9)

    def _report(
        self, headline: str, counts: Mapping[str, int], always: Collection[str], rejected: str
    ) -> Iterator[str]:
        """The lines of a report, without counts of 0 unless they are in `always`."""
        yield headline
        width = max(map(len, counts)) + 1
        for name, count in counts.items():
            if count or name in always:
                yield f"  {name:<{width}}{count:>10,}"
        yield from (f"    {reason}" for reason in self.reasons)
        if self.rejected > len(self.reasons):
            yield f"    and {self.rejected - len(self.reasons):,} more"
        if self.rejected:
            yield f"  {rejected}"


@dataclass(slots=True, kw_only=True)
class Tally(Counts):
    """The counts of a load. Every row gets exactly one of the six verdicts.

    Attributes:
        rows: Read so far.
        created: Written as new documents.
        updated: Written over an older version.
        unchanged: Stored already, exactly as in the row.
        superseded: Not written because a later row or another writer was newer.
        skipped: Intentionally no product, such as a draft; see `Row.skipped`.
        embedded: Texts that were embedded.
        repeated: Rows whose id an earlier row of the feed has, so that one document holds both.
        remarks: What was left out, altered or replaced.
        seconds: Stage -> seconds, summed over threads.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    skipped: int = 0
    embedded: int = 0
    repeated: int = 0
    remarks: Remarks = field(default_factory=Remarks)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def written(self) -> int:
        """Rows stored by this load."""
        return self.created + self.updated

    @property
    def taken(self) -> int:
        """Rows that the index holds, or a newer version of them."""
        return self.written + self.unchanged + self.superseded

    @property
    def ended(self) -> int:
        """Rows that have a verdict."""
        return self.taken + self.rejected + self.skipped

    @property
    def begun(self) -> bool:
        """A row was read."""
        return self.rows > 0

    def repeat(self, first: str, rows: int = 1) -> None:
        """Count rows whose id an earlier row of the feed has."""
        self.repeated += rows
        self.remarks.add("replaced by a later row with the same id", f"id {first!r}", rows)

    def add(self, part: Tally) -> None:
        """Add the counts of a part of the load."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(part, name))
        self.reasons += part.reasons[: _SHOWN_REASONS - len(self.reasons)]
        self.remarks.add_all(part.remarks)
        for stage, spent in part.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent

    def progress_line(self) -> str:
        """`12,000 rows, 1,630 rows/s, 3 rejected`."""
        line = f"{self.ended:,} rows, {self._rate(self.ended):,.0f} rows/s"
        return f"{line}, {self.rejected:,} rejected" if self.rejected else line

    def report(self, *, index: str, dead_letters: str) -> str:
        """What the load did, in a few lines."""
        rate = self._rate(self.ended)
        headline = f"{index}: {self.rows:,} rows in {self.elapsed:.1f} s, {rate:,.0f} rows/s"
        counts = {
            "indexed": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "superseded": self.superseded,
            "skipped": self.skipped,
            "rejected": self.rejected,
            "not finished": self.rows - self.ended,
            "embedded": self.embedded,
        }
        always = ("indexed", "updated", "unchanged", "rejected", "embedded")
        rejected = f"rejected rows and reasons: {dead_letters}"
        lines = [*self._report(headline, counts, always, rejected), *self.remarks.lines()]
        stages = ", ".join(f"{stage} {spent:.1f} s" for stage, spent in self.seconds.items())
        if stages:
            lines.append(f"  {stages} (summed over the workers, waits included)")
        return "\n".join(lines)


COUNTS = (
    "rows", "created", "updated", "unchanged", "superseded", "skipped", "rejected", "embedded",
    "repeated",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class BackfillTally(Counts):
    """The counts of a backfill.

    Attributes:
        documents: In the index at the start.
        scans: Scans begun.
        scanned: Documents read by the current scan.
        filled: Vectors written by all scans.
        changed: Documents that changed while they were embedded; the next scan reads them again.
        gone: Documents deleted meanwhile.
        covered: Documents with a vector at the end.
        total: Documents at the end.
        complete: The last scan found nothing to fill.
    """

    documents: int = 0
    scans: int = 0
    scanned: int = 0
    filled: int = 0
    changed: int = 0
    gone: int = 0
    covered: int = 0
    total: int = 0
    complete: bool = False

    @property
    def begun(self) -> bool:
        """A scan was begun."""
        return self.scans > 0

    def progress_line(self) -> str:
        """`scan 1: 12,000 of 100,000 documents, 8,000 filled, 310/s`."""
        return (
            f"scan {self.scans}: {self.scanned:,} of {self.documents:,} documents, "
            f"{self.filled:,} filled, {self._rate(self.filled):,.0f}/s"
        )

    def report(self, *, index: str, dead_letters: str) -> str:
        """What the backfill did, in a few lines."""
        headline = (
            f"{index}: {self.filled:,} vectors filled in {self.elapsed:.1f} s, {self.scans} scans"
        )
        if self.total:
            share = f"{self.covered / self.total:.2%}"
            headline += f"\n  coverage      {self.covered:,} of {self.total:,} documents ({share})"
        counts = {
            "changed meanwhile": self.changed,
            "deleted meanwhile": self.gone,
            "rejected": self.rejected,
        }
        rejected = f"rejected documents and reasons: {dead_letters}"
        lines = [*self._report(headline, counts, (), rejected)]
        if not self.complete:
            lines.append("  incomplete: run it again; it skips documents that have their vector")
        return "\n".join(lines)
