"""Evidence, scores and fitting, against numbers worked out by hand or by another library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from es_hybrid.align.compare.facts import Facts, facts_of
from es_hybrid.align.evidence import FEATURES, FoundPair, comparisons, features
from es_hybrid.align.fitting import fit
from es_hybrid.align.scoring import WITNESSES, Weights, first_scores, scores, witnesses
from es_hybrid.errors import AlignError
from es_hybrid.records import Product


def _facts(*products: tuple[str, str, str]) -> dict[str, Facts]:
    return {id_: facts_of(Product(id=id_, lang=lang, title=title)) for id_, lang, title in products}


SIDE = _facts(
    ("d1", "de", "Kanne 1 l"), ("d2", "de", "Kanne 2 l"), ("e1", "en", "Jug 1 l"),
    ("e2", "en", "Jug 2 l"), ("f1", "fr", "Cruche 1 l"),
)  # fmt: skip


def test_a_lead_is_over_the_best_other_of_the_same_language() -> None:
    pairs = [
        FoundPair("d1", "e1", 0.80), FoundPair("d1", "e2", 0.75), FoundPair("d2", "e1", 0.60),
        FoundPair("d2", "e2", 0.90), FoundPair("d1", "f1", 0.70),
    ]  # fmt: skip
    found = features(pairs, SIDE, SIDE, comparisons(pairs, SIDE, SIDE), same_side=True)
    leads = found[:, [FEATURES.index("lead"), FEATURES.index("lead_back")]]
    assert leads == pytest.approx(
        np.array([[0.05, 0.20], [-0.05, -0.15], [-0.20, -0.20], [0.20, 0.15], [0.20, 0.20]])
    )
    assert found[0].tolist()[3:5] == [1.0, 0.0]
    assert found[1].tolist()[3:5] == [0.0, 1.0]


def test_a_lone_pair_is_held_against_what_unlike_products_have() -> None:
    pairs = [FoundPair("d1", "e1", 0.5)]
    found = features(pairs, SIDE, SIDE, comparisons(pairs, SIDE, SIDE), same_side=False)
    assert found[0, :3] == pytest.approx([0.5, 0.1, 0.1])


def test_a_third_language_speaks_for_a_pair_or_against_it() -> None:
    pairs = [FoundPair("d1", "e1", 0.0), FoundPair("d1", "f1", 0.0), FoundPair("e1", "f1", 0.0),
             FoundPair("d2", "e1", 0.0)]  # fmt: skip
    languages = [("de", "en"), ("de", "fr"), ("en", "fr"), ("de", "en")]
    evidence = witnesses(pairs, np.array([0.6, 0.5, 0.8, 0.3]), languages, same_side=True)
    assert evidence[0].tolist() == pytest.approx([np.log(0.6 / 0.4), 0.4, 0.0])
    assert evidence[3, 1:].tolist() == [0.0, 0.0]  # d2 has no French product at all
    other = [*pairs[:2], FoundPair("e1", "f2", 0.0)]
    evidence = witnesses(other, np.array([0.6, 0.5, 0.8]), languages[:3], same_side=True)
    assert evidence[0, 1:].tolist() == pytest.approx([0.0, 0.4])


def test_products_of_two_sides_with_one_id_are_two() -> None:
    pairs = [FoundPair("1", "2", 0.0), FoundPair("2", "1", 0.0)]
    evidence = witnesses(pairs, np.array([0.9, 0.9]), [("de", "en"), ("de", "en")], same_side=False)
    assert evidence[:, 1:].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_the_fit_is_that_of_scipys_optimiser() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    chance = np.random.default_rng(0)
    columns = chance.normal(size=(400, 3)) * [1.0, 5.0, 0.1] + [0.0, 2.0, 1.0]
    same = columns @ [1.0, -0.4, 3.0] + chance.logistic(size=400) > 1.0
    counts = chance.uniform(0.5, 2.0, size=400)
    bias, found = fit(columns, same, counts, ridge=2.0)
    scale = columns.std(axis=0)

    def loss(values: np.ndarray) -> float:
        logits = columns @ values[1:] + values[0]
        costs = np.logaddexp(0, np.where(same, -logits, logits))
        return float(counts @ costs + ((values[1:] * scale) ** 2).sum())

    best = optimize.minimize(loss, np.zeros(4), tol=1e-12)
    assert [bias, *found] == pytest.approx(best.x, abs=2e-3)


def test_the_weights_that_come_along_score_a_clear_pair_and_a_look_alike() -> None:
    weights = Weights.read(None)
    clear = [0.8, 0.2, 0.2, 1.0, 0.0, 1.0, 1.0, 0.0]
    twin = [0.8, -0.05, -0.05, 0.0, 1.0, 0.5, 0.0, 1.0]
    first = first_scores(np.array([clear, twin]), weights)
    pairs, languages = [FoundPair("d1", "e1", 0.8), FoundPair("d1", "e2", 0.8)], [("de", "en")] * 2
    found = scores(pairs, first, languages, weights, same_side=True)
    assert found[0] > 0.99
    assert found[1] < 0.01
    assert "adventureworks" in weights.fitted_on


def test_weights_are_written_and_read_and_others_refused(tmp_path: Path) -> None:
    weights, path = Weights.read(None), tmp_path / "weights.json"
    weights.write(path)
    assert Weights.read(path) == weights
    path.write_text(path.read_text().replace('"lead"', '"load"'))
    with pytest.raises(AlignError, match="its names are not those of this version"):
        Weights.read(path)
    with pytest.raises(AlignError, match="not a file of weights"):
        Weights.read(tmp_path / "absent.json")
    assert set(weights.witness) == set(WITNESSES)
