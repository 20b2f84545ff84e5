"""The status of a load, read from its ledger while it runs or after it ended."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from es_hybrid.client import connect, resolve_url, translated
from es_hybrid.errors import ElasticsearchError, IndexStateError
from es_hybrid.index.lifecycle import describe_index
from es_hybrid.settings import Settings
from ingest.record.ledger import Ledger
from ingest.record.loads import is_locked
from ingest.record.tally import COUNTS, Tally

# Seconds to wait for an answer about the index.
_TIMEOUT = 5.0
# Seconds over which the rate is measured.
_WINDOW = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadStatus:
    """A load at one moment.

    Attributes:
        state: `running`, `finished` or `interrupted`.
        started: Seconds since 1970, like `finished`.
        tally: Counts of the slices that are done.
        expected: Approximate number of rows; None if unknown.
        rate: Rows per second in the last minute; None unless running.
        left: Seconds to the end; None if unknown.
        documents: Documents in the index; None if the index cannot be reached.
        with_vector: Documents that have a vector.
    """

    name: str
    index: str
    state: str
    started: float
    finished: float | None
    tally: Tally
    expected: int | None
    rate: float | None
    left: float | None
    dead_letters: str
    documents: int | None
    with_vector: int | None

    @property
    def coverage(self) -> float | None:
        """Share of the documents that have a vector, in [0, 1]."""
        if self.documents is None or self.with_vector is None:
            return None
        return self.with_vector / self.documents if self.documents else 1.0

    def as_json(self) -> dict[str, Any]:
        """As a JSON object; times in ISO 8601."""
        counts: dict[str, Any] = {name: getattr(self.tally, name) for name in COUNTS}
        counts["remarks"] = {kind: asdict(remark) for kind, remark in self.tally.remarks.items()}
        return asdict(self) | {
            "tally": counts,
            "started": _moment(self.started),
            "finished": self.finished and _moment(self.finished),
            "coverage": self.coverage,
        }

    def lines(self) -> list[str]:
        """As lines of text."""
        tally, done = self.tally, f"{self.tally.rows:,} rows"
        if self.expected and self.state != "finished":
            share = min(tally.rows / self.expected, 1.0)
            done += f" of about {self.expected:,} ({share:.0%})"
        if self.rate is not None:
            done += f", {self.rate:,.0f} rows/s"
        if self.left is not None:
            done += f", {timedelta(seconds=round(self.left))} left"
        verdicts = ("created", "updated", "unchanged", "superseded", "skipped", "rejected")
        counts = ", ".join(
            f"{count:,} {name}" for name in verdicts if (count := getattr(tally, name))
        )
        facts = {
            "index": self.index,
            "started": _moment(self.started),
            "done": done,
            "verdicts": counts or "none yet",
            "embedded": f"{tally.embedded:,} texts",
            "rejected rows": self.dead_letters if tally.rejected else "",
            "remarks": "".join(f"\n  {line}" for line in tally.remarks.lines()),
            "coverage": "unknown: the index cannot be reached"
            if self.coverage is None
            else f"{self.coverage:.1%}: {self.with_vector:,} of {self.documents:,} documents "
            "have a vector",
        }
        lines = [f"{self.name}: {self.state}"]
        lines += [f"  {name:<15}{fact}" for name, fact in facts.items() if fact]
        if self.state == "interrupted":
            lines.append(f"  resume it with `es-hybrid ingest resume {self.name}`")
        return lines


def read_status(settings: Settings, ledger: Path) -> LoadStatus:
    """Read the ledger of a load, and the coverage of its index."""
    with Ledger(ledger) as opened:
        facts, tally, finished = opened.facts, opened.totals(), opened.finished
        rate = opened.rate(_WINDOW)
    documents, with_vector = _coverage(settings, facts.index)
    running = finished is None and is_locked(settings.ingest.ledger_dir, facts.index)
    estimates = [source.estimate for source in facts.sources]
    expected = None if None in estimates else sum(filter(None, estimates))
    if finished is not None:
        expected = tally.rows
    rate = rate if running else None
    left = max(expected - tally.rows, 0) / rate if rate and expected is not None else None
    return LoadStatus(
        name=ledger.stem,
        index=facts.index,
        state="finished" if finished else "running" if running else "interrupted",
        started=facts.started,
        finished=finished,
        tally=tally,
        expected=expected,
        rate=rate,
        left=left,
        dead_letters=facts.dead_letters,
        documents=documents,
        with_vector=with_vector,
    )


def _coverage(settings: Settings, index: str) -> tuple[int, int] | tuple[None, None]:
    """Documents of the index, and those with a vector; None if unknown."""
    place = resolve_url(settings.elasticsearch)
    try:
        with closing(connect(settings.elasticsearch)) as client, translated(place):
            once = client.options(max_retries=0, request_timeout=_TIMEOUT)
            found = describe_index(once, index, vector_field=settings.index.vector_field)
    except (ElasticsearchError, IndexStateError):
        return None, None
    return found.documents, found.with_vector


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")
