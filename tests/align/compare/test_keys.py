"""Numbers and names of two catalogues in one form."""

from __future__ import annotations

from es_hybrid.align.compare.keys import plain_key


def test_keys_are_compared_without_signs() -> None:
    assert plain_key("WH-1000 XM4") == plain_key("wh1000xm4") == "wh1000xm4"
    assert plain_key("Nestlé") == "nestle"
    assert plain_key("耐克 ") == "耐克"
