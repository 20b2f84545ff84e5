from __future__ import annotations

import pytest

from es_hybrid.synonyms.segments import segments_of


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Oak Desk", "en", ["oak", "oak desk", "desk"]),
        ("Chaise de bureau", "fr", ["chaise", "chaise de bureau", "bureau"]),
        ("Quick-dry shirt", "en", ["quick", "quick-dry", "dry", "dry shirt", "shirt"]),
        ("LCD 11/PM monitor", "en", ["lcd", "monitor"]),
        ("desk, oak", "en", ["desk", "oak"]),
        ("2-person tent 750 ml", "en", ["tent"]),
        ("for a desk", "en", ["desk"]),
        ("鼠标 USB", "zh", ["鼠标", "usb"]),
        ("办公桌", "zh", ["办公", "办公桌", "公桌"]),
        ("", "en", []),
    ],
)
def test_words_phrases_and_runs(text: str, language: str, expected: list[str]) -> None:
    assert [segment.text for segment in segments_of(text, language)] == expected


def test_a_run_has_at_most_eight_signs() -> None:
    assert max(len(segment.text) for segment in segments_of("显" * 20, "zh")) == 8


def test_segments_overlap_if_they_share_a_word() -> None:
    oak, oak_desk, desk = segments_of("oak desk", "en")
    assert oak.overlaps(oak_desk)
    assert not oak.overlaps(desk)
