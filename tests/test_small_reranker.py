"""The small bundled reranker: complete, small enough, and right in clear cases."""

from __future__ import annotations

import pytest

from es_hybrid.reranking import BUNDLED, rerank
from es_hybrid.reranking.manifest import Manifest
from es_hybrid.reranking.onnx import OnnxReranker

LIMIT = 40_000_000  # bytes

# Query, a matching product, and one that only sounds similar.
CLEAR = [
    ("camera bag", "Case Logic camera case, nylon", "Canon PowerShot compact camera 12 MP"),
    ("wireless mouse", "Logitech M185 mouse RF wireless", "Logitech mouse pad, black"),
    ("laser printer", "HP LaserJet 1200n Printer 1200 x 1200 DPI A4", "HP C4155A fuser"),
    ("tente pour deux personnes", "Dome tent, two people, waterproof", "Tent pegs, set of ten"),
    ("二人用テント", "Dome tent, two people, waterproof", "Tent pegs, set of ten"),
    ("電気ケトル", "Electric kettle 1.7 l, stainless steel", "Digital kitchen scale"),
    ("bouilloire", "Electric kettle 1.7 l, stainless steel", "Balance de cuisine électronique"),
]


@pytest.fixture(scope="module")
def small() -> OnnxReranker:
    return OnnxReranker(BUNDLED)


def test_it_is_small_and_describes_itself() -> None:
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) <= LIMIT
    card = (BUNDLED / "MODEL_CARD.md").read_text(encoding="utf-8")
    for heading in ("Licence", "Data", "Languages", "Figures"):
        assert f"## {heading}" in card


def test_it_passed_its_parity_check(small: OnnxReranker) -> None:
    parity = Manifest.read(BUNDLED).parity

    assert parity is not None
    assert parity.passed
    assert small.manifest.dtype == "int8"


def test_it_supports_the_languages_that_passed_the_gate(small: OnnxReranker) -> None:
    assert small.languages == {"en", "fr", "zh"}
    assert small.weight == 0.7


@pytest.mark.parametrize(("query", "right", "wrong"), CLEAR)
def test_a_match_ranks_above_a_product_that_sounds_similar(
    small: OnnxReranker, query: str, right: str, wrong: str
) -> None:
    good, bad = small.score(query, [right, wrong])

    assert good > bad + 0.1


def test_it_is_the_default_reranker() -> None:
    best, _ = rerank("kettle", ["kitchen scale", "electric kettle 1.7 l"])[0]

    assert best == "electric kettle 1.7 l"
