from __future__ import annotations

import pytest

from es_hybrid.understanding.plain import plain


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("Höchstens 50 €", "hochstens 50 €"), ("jusqu’à", "jusqu'a"), ("Größe", "große"),
        ("５０元", "50元"), ("1000円〜2000円", "1000円~2000円"), ("20–30", "20-30"),
        ("ДО 5000", "до 5000"), ("50\u00a0€", "50 €"), ("￥100", "¥100"),
    ],
)  # fmt: skip
def test_letters_marks_and_forms_are_plain(text: str, letters: str) -> None:
    assert plain(text) == letters


@pytest.mark.parametrize("block", range(0, 0x11000, 0x400))
def test_every_character_keeps_its_place(block: int) -> None:
    text = "".join(map(chr, range(block, block + 0x400)))
    assert len(plain(text)) == len(text)
