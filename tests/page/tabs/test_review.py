"""The review tab, by keyboard and by button."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from es_hybrid.align.decisions import ReviewStore
from es_hybrid.align.values import GroupedProduct, ValueEvidence
from es_hybrid.settings import Settings
from ingest.align.values import store_classes


@pytest.fixture
def tab(opened: Page, alignment: Path) -> Page:
    """The tab of a freshly loaded page."""
    opened.reload()
    opened.locator("#tab-review-button").click()
    expect(opened.locator(".eh-pair")).to_have_attribute("data-left", "de-1")
    return opened


def _expect_pair(page: Page, left: str) -> None:
    expect(page.locator(".eh-pair")).to_have_attribute("data-left", left)


def test_pairs_are_decided_by_keyboard_and_undone(tab: Page, alignment: Path) -> None:
    expect(tab.locator("#review-pair")).to_contain_text("3 waiting · 0 accepted · 0 rejected")
    expect(tab.locator(".eh-rule")).to_contain_text("score 0.850 · 0.7 <= score < 0.9")
    name = tab.locator("#review-name :is(input, textarea)")
    name.fill("Anna R")  # typed letters decide nothing
    tab.locator("#review-reason :is(input, textarea)").fill("same box")
    tab.locator("h1, .eh-brand").first.click()
    name.blur()
    tab.keyboard.press("a")
    _expect_pair(tab, "de-2")
    expect(tab.locator("#review-message")).to_have_text("Recorded as the same: de-1 and en-1.")
    expect(tab.locator("#review-reason :is(input, textarea)")).to_have_value("")
    tab.keyboard.press("ArrowLeft")
    _expect_pair(tab, "de-3")
    tab.keyboard.press("ArrowRight")
    expect(tab.locator("#review-pair")).to_contain_text("No pair is waiting for a decision.")
    expect(tab.locator("#review-accept")).to_be_disabled()
    tab.keyboard.press("u")
    _expect_pair(tab, "de-3")
    tab.keyboard.press("r")
    expect(tab.locator("#review-pair")).to_contain_text("0 waiting · 1 accepted · 2 rejected")
    made = [
        (decision.left_id, decision.accept, decision.by, decision.reason, decision.undone_by)
        for decision in ReviewStore(alignment).decisions()
    ]
    assert made == [
        ("de-1", True, "Anna R", "same box", ""),
        ("de-2", False, "Anna R", "", ""),
        ("de-3", True, "Anna R", "", "Anna R"),
        ("de-3", False, "Anna R", "", ""),
    ]


def test_without_a_name_nothing_is_decided(tab: Page, alignment: Path) -> None:
    tab.locator("#review-name :is(input, textarea)").fill("")
    tab.locator("#review-accept").click()
    expect(tab.locator("#review-message")).to_contain_text("Type your name first")
    assert ReviewStore(alignment).decisions() == []


def test_a_skipped_pair_comes_back(tab: Page) -> None:
    for left in ("de-2", "de-3"):
        tab.keyboard.press("s")
        _expect_pair(tab, left)
    tab.keyboard.press("s")
    expect(tab.locator("#review-pair")).to_contain_text("Only pairs that you left for later remain")
    tab.keyboard.press("u")
    _expect_pair(tab, "de-1")


def test_one_category_can_be_chosen(tab: Page) -> None:
    tab.locator("#review-category input").click()
    tab.get_by_role("option", name="baby").click()
    _expect_pair(tab, "de-2")


@pytest.fixture
def values(settings: Settings) -> Iterator[Path]:
    """The values of two groups: Nike and 耐克."""
    evidence = ValueEvidence()
    for group in ("1", "2"):
        products = [
            GroupedProduct(f"{group}-{lang}", "Shoe", lang, {"brand": frozenset([brand])})
            for lang, brand in (("en", "Nike"), ("zh", "耐克"))
        ]
        evidence.add(group, products)
    store_classes(settings, evidence)
    store = settings.align.values_store
    yield store
    store.unlink()


def test_values_of_a_facet_are_decided_like_pairs(values: Path, tab: Page, alignment: Path) -> None:
    tab.locator("#review-name :is(input, textarea)").fill("Anna R")
    tab.locator("#review-category input").click()
    tab.get_by_role("option", name="Values of brand").click()
    _expect_pair(tab, "brand=Nike")
    expect(tab.locator(".eh-rule")).to_contain_text("groups 2, such as 1, 1.00 and 1.00")
    tab.locator("#review-accept").click()
    expect(tab.locator("#review-pair")).to_contain_text("0 waiting · 1 accepted · 0 rejected")
    tab.locator("#review-category input").click()
    tab.get_by_role("option", name="All categories").click()
    _expect_pair(tab, "de-1")
    tab.locator("#review-undo").click()
    expect(tab.locator("#review-message")).to_contain_text("brand=Nike")
    (decision,) = ReviewStore(values).decisions()
    assert (decision.left_id, decision.right_id, decision.by) == (
        "brand=Nike",
        "brand=耐克",
        "Anna R",
    )
    assert decision.undone_by == "Anna R"
    assert ReviewStore(alignment).decisions() == []


def test_without_an_alignment_the_remedy_is_shown(opened: Page) -> None:
    opened.reload()
    opened.locator("#tab-review-button").click()
    expect(opened.locator("#review-pair .eh-problem")).to_contain_text("es-hybrid align run")
    expect(opened.locator("#review-accept")).to_be_disabled()
