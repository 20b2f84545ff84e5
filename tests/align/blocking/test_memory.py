"""Blocking in memory, compared with brute force."""

from __future__ import annotations

import numpy as np
import pytest

from es_hybrid.align.blocking import Embedded, joined
from es_hybrid.align.blocking.memory import MemoryBlocker
from es_hybrid.records import Product


def _made(count: int, seed: int = 0) -> list[Embedded]:
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(count, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return [
        Embedded(Product(id=f"{n:03}", title=f"t{n}", lang=("en", "de", "fr")[n % 3]), row)
        for n, row in enumerate(rows)
    ]


@pytest.mark.parametrize("duplicates", [False, True])
def test_the_nearest_of_each_language_are_those_of_brute_force(duplicates: bool) -> None:
    products = _made(200)
    blocker = MemoryBlocker(products, count=5, same_side=True, duplicates=duplicates)
    for left, found in zip(products, blocker.candidates(products), strict=True):
        expected = set()
        for lang in ("en", "de", "fr"):
            others = [
                each for each in products
                if each.product.lang == lang and each.product.id != left.product.id
                and (duplicates or lang != left.product.lang)
            ]  # fmt: skip
            others.sort(key=lambda each: -float(left.vector @ each.vector))
            expected |= {each.product.id for each in others[:5]}
        assert {each.product.id for each in found} == expected
        assert all(1 <= each.stages["knn"].rank <= 5 for each in found)
        assert all(-1.001 <= each.cosine <= 1.001 for each in found)


def test_another_catalogue_may_have_the_same_ids_and_languages() -> None:
    lefts, rights = _made(9), _made(30, seed=1)
    found = MemoryBlocker(rights, count=3, same_side=False, duplicates=False).candidates(lefts)
    assert all(len(each) == 9 for each in found)


def test_equal_keys_are_candidates_however_far_the_vectors() -> None:
    products = _made(300)
    left = Product(
        id="mine", title="Sony WH-1000XM4", lang="zh", gtin=("4006381333931",), sku="A-1"
    )
    far = -products[1].vector
    keyed = [
        Product(id="gtin", title="x", lang="de", gtin=("04006381333931",)),
        Product(id="sku", title="x", lang="de", sku="a1"),
        Product(id="model", title="Kopfhörer wh1000xm4 schwarz", lang="de"),
    ]
    rights = [*products, *(Embedded(product, far) for product in keyed)]
    blocker = MemoryBlocker(rights, count=1, same_side=False, duplicates=False)
    (found,) = blocker.candidates([Embedded(left, products[1].vector)])
    stages = {each.product.id: set(each.stages) for each in found}
    assert {id_: stages[id_] for id_ in ("gtin", "sku", "model")} == {
        "gtin": {"gtin"}, "sku": {"sku"}, "model": {"model"},
    }  # fmt: skip


def test_joined_vectors_have_the_mean_of_both_cosines() -> None:
    a, b = np.eye(4, dtype=np.float32)[:2], np.eye(4, dtype=np.float32)[[2, 2]]
    rows = joined(a, b)
    assert float(rows[0] @ rows[1]) == pytest.approx(0.5)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1])
