from __future__ import annotations

from ingest.record.remarks import Remark, Remarks


def test_remarks_count_rows_and_keep_the_first() -> None:
    remarks, later = Remarks(), Remarks()
    remarks.add("gtin: check digit", "a.csv:3: '123'")
    later.add("gtin: check digit", "a.csv:9: '456'", rows=4)
    later.add("price: no amount", "a.csv:8: 'x'", rows=1_200)
    remarks.add_all(later)
    assert remarks == {
        "gtin: check digit": Remark(5, "a.csv:3: '123'"),
        "price: no amount": Remark(1_200, "a.csv:8: 'x'"),
    }
    assert remarks.lines() == [
        "    1,200  price: no amount; first a.csv:8: 'x'",
        "        5  gtin: check digit; first a.csv:3: '123'",
    ]
