"""Which part of a suggestion was typed."""

from __future__ import annotations

import pytest

from es_hybrid.suggesting.highlight import Highlighter


@pytest.mark.parametrize(
    ("readings", "text", "html"),
    [
        (["head"], "Headphones, over-head", "<em>Head</em>phones, over-<em>head</em>"),
        (["head"], "Ahead", "Ahead"),
        (["usb cab"], "Cable USB", "<em>Cab</em>le <em>USB</em>"),
        (["usb cab"], "USBs", "USBs"),
        (["mutz"], "Rote MÜTZE", "Rote <em>MÜTZ</em>E"),
        (["samsng", "samsun"], "Samsung", "<em>Samsun</em>g"),
        (["蓝牙耳"], "真无线蓝牙耳机", "真无线<em>蓝牙耳</em>机"),
        (["无线 us"], "无线USB", "<em>无线</em><em>US</em>B"),
        (["a"], "<b>&a", "&lt;b&gt;&amp;<em>a</em>"),
        (["c++ ("], "C++ (", "<em>C</em>++ ("),
        (["!"], "a!", "a!"),
    ],
)
def test_typed_words_are_marked_and_all_is_escaped(
    readings: list[str], text: str, html: str
) -> None:
    assert Highlighter(readings).html_of(text) == html
