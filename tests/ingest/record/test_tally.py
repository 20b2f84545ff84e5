from __future__ import annotations

import re

from es_hybrid.errors import RowError
from ingest.record.tally import COUNTS, BackfillTally, Tally


def reasons(count: int) -> list[RowError]:
    return [RowError(f"bad {n}", place=f"a:{n}") for n in range(count)]


def test_the_parts_add_up() -> None:
    total = Tally()
    for _ in range(3):
        part = Tally(rows=11, created=2, updated=3, unchanged=1, superseded=1, rejected=3)
        part.skipped = 1
        part.embedded = 5
        part.repeat("a")
        part.reasons = reasons(3)
        part.seconds = {"embed": 0.5}
        total.add(part)
    assert [getattr(total, name) for name in COUNTS] == [33, 6, 9, 3, 3, 3, 9, 15, 3]
    assert (total.written, total.taken, total.ended) == (15, 21, 33)
    assert [reason.message for reason in total.reasons] == [
        "bad 0", "bad 1", "bad 2", "bad 0", "bad 1"
    ]  # fmt: skip
    assert total.seconds == {"embed": 1.5}
    assert [(kind, remark.rows) for kind, remark in total.remarks.items()] == [
        ("replaced by a later row with the same id", 3)
    ]


def test_the_report_names_every_end_and_the_first_reasons() -> None:
    tally = Tally(rows=1_010, created=1_000, superseded=1, rejected=7, embedded=1_000)
    tally.repeat("a", 2)
    tally.reasons = reasons(5)
    report = tally.report(index="shop", dead_letters="bad.jsonl")
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
    }
    assert "        2  replaced by a later row with the same id; first id 'a'" in report
    assert "    a:4: bad 4\n    and 2 more\n  rejected rows and reasons: bad.jsonl" in report


def test_the_line_while_it_runs() -> None:
    assert re.fullmatch(r"12 rows, [\d,]+ rows/s", Tally(rows=20, created=12).progress_line())
    assert Tally(rows=20, rejected=1).progress_line().endswith(", 1 rejected")


def test_the_report_of_a_backfill() -> None:
    tally = BackfillTally(
        scans=2, filled=8, changed=1, rejected=1, covered=9, total=10, reasons=reasons(1)
    )
    assert re.fullmatch(
        r"shop: 8 vectors filled in 0\.\d s, 2 scans\n"
        r"  coverage      9 of 10 documents \(90\.00%\)\n"
        r"  changed meanwhile          1\n"
        r"  rejected                   1\n"
        r"    a:0: bad 0\n"
        r"  rejected documents and reasons: bad\.jsonl\n"
        r"  incomplete: run it again; it skips documents that have their vector",
        tally.report(index="shop", dead_letters="bad.jsonl"),
    )
    tally = BackfillTally(scans=1, scanned=5, documents=10, complete=True)
    assert tally.report(index="shop", dead_letters="x").endswith(" s, 1 scans")
    assert tally.progress_line().startswith("scan 1: 5 of 10 documents, 0 filled, ")
