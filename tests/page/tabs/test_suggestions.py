"""The list below the search box, by keyboard and by mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import HOSTILE


@pytest.fixture
def box(opened: Page) -> Locator:
    """The empty search box, with the list closed."""
    opened.locator("#tab-search-button").click()
    found = opened.locator("#search-query :is(input, textarea)")
    found.fill("")
    expect(opened.get_by_role("option")).to_have_count(0)  # of those in sight
    return found


def test_suggestions_are_chosen_by_keyboard(opened: Page, box: Locator) -> None:
    box.press_sequentially("ke")
    options = opened.get_by_role("option")
    expect(options).to_have_count(8)
    expect(box).to_have_role("combobox")
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(options.first).to_contain_text("Kessla")
    expect(options.first).to_contain_text("Brand · ")
    expect(options.first.locator("em")).to_have_text("Ke")

    box.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    box.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", options.first.get_attribute("id") or "")
    box.press("Escape")
    expect(options.first).to_be_hidden()
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_value("ke")

    box.press_sequentially("s")
    expect(options.first.locator("em")).to_have_text("Kes")
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("Kessla")
    expect(opened.locator("#search-result .eh-column-bm25")).to_contain_text("Wasserkocher")
    expect(options.first).to_be_hidden()


def test_suggestions_are_chosen_by_mouse(opened: Page, box: Locator) -> None:
    box.press_sequentially("key")
    expect(opened.get_by_role("option").first.locator("em")).to_have_text("Key")
    opened.get_by_role("option", name="Keyboards").click()
    expect(box).to_have_value("Computers & Accessories > Keyboards")
    expect(opened.locator("#search-result .eh-column-bm25")).to_contain_text("Keyboard")


def test_enter_without_a_choice_searches_what_was_typed(opened: Page, box: Locator) -> None:
    box.press_sequentially("kettle")
    expect(opened.get_by_role("option").first).to_be_visible()
    box.press("Enter")
    expect(opened.locator("#search-result .eh-column-bm25")).to_contain_text("Kettle")
    expect(opened.get_by_role("option").first).to_be_hidden()
    expect(box).to_have_value("kettle")


def test_markup_in_a_title_is_text(opened: Page, box: Locator) -> None:
    box.press_sequentially("hiking boots window")
    option = opened.get_by_role("option", name="<img src=x")
    expect(option).to_contain_text(str(HOSTILE["title"]))
    assert opened.locator("#search-suggestions img").count() == 0
    assert opened.evaluate("window.hacked") is None


def test_what_is_too_long_or_fails_shows_nothing(opened: Page, box: Locator) -> None:
    box.press_sequentially("ke")
    expect(opened.get_by_role("option")).to_have_count(8)
    box.fill("ke" * 60)
    expect(opened.get_by_role("option")).to_have_count(0)
