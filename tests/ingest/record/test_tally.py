from __future__ import annotations

import re

from es_hybrid.errors import RowError
from ingest.record.tally import COUNTS, Tally, final_report, progress_line


def reasons(count: int) -> list[RowError]:
    return [RowError(f"bad {n}", place=f"a:{n}") for n in range(count)]


def test_the_parts_add_up() -> None:
    total = Tally()
    for _ in range(3):
        part = Tally(rows=10, created=2, updated=3, unchanged=1, superseded=1, rejected=3)
        part.embedded, part.cut = 5, 1
        part.reasons = reasons(3)
        with part.timed("embed"):
            pass
        total.add(part)
    assert [getattr(total, name) for name in COUNTS] == [30, 6, 9, 3, 3, 9, 15, 3]
    assert (total.written, total.taken, total.ended) == (15, 21, 30)
    assert [reason.message for reason in total.reasons] == [
        "bad 0", "bad 1", "bad 2", "bad 0", "bad 1"
    ]  # fmt: skip
    assert total.seconds.keys() == {"embed"}


def test_the_report_names_every_end_and_the_first_reasons() -> None:
    tally = Tally(rows=1_010, created=1_000, superseded=1, rejected=7, embedded=1_000, cut=2)
    tally.reasons = reasons(5)
    report = final_report(tally, index="shop", dead_letters="bad.jsonl")
    assert report.startswith("shop: 1,010 rows in ")
    counts = dict(re.findall(r"^  ([a-z ]+?) +([\d,]+)$", report, re.MULTILINE))
    assert counts == {
        "indexed": "1,000",
        "updated": "0",
        "unchanged": "0",
        "superseded": "1",
        "rejected": "7",
        "not finished": "2",
        "embedded": "1,000",
        "texts cut": "2",
    }
    assert "    a:4: bad 4\n    and 2 more\n  rejected rows and reasons: bad.jsonl" in report


def test_the_line_while_it_runs() -> None:
    assert re.fullmatch(r"12 rows, [\d,]+ rows/s", progress_line(Tally(rows=20, created=12)))
    assert progress_line(Tally(rows=20, rejected=1)).endswith(", 1 rejected")
