"""The judge tab, by keyboard and by mouse, for two judges."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from es_hybrid.evaluation.judging.pool import PoolItem, write_pool
from es_hybrid.evaluation.judging.session import blind_order
from es_hybrid.evaluation.judging.store import JudgementStore
from es_hybrid.settings import Settings

SCRIPT = "<script>window.hacked=9</script>"
POOL = [
    PoolItem(
        query_id="q1",
        query="water kettle",
        lang="en",
        id=id_,
        fields={"title": f"Kettle {id_} {SCRIPT}", "attributes": {"litres": "1.7"}},
        stages={"bm25": 77, "knn": 88},
        priority=0.99,
    )
    for id_ in ("k-1", "k-2", "k-3")
]
ANN = [item.id for item in blind_order(POOL, "Ann")]


@pytest.fixture
def store(settings: Settings) -> Iterator[JudgementStore]:
    """An empty file of judgements beside a pool of three."""
    write_pool(POOL, settings.judge.pool)
    yield JudgementStore(settings.judge.judgements)
    settings.judge.pool.unlink()
    settings.judge.judgements.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def first_tab_afterwards(opened: Page) -> Iterator[None]:
    """Leave the page to other tests as they expect it."""
    yield
    opened.reload()
    opened.locator("#rerank-run").wait_for()


@pytest.fixture
def tab(opened: Page, store: JudgementStore) -> Page:
    """The tab of a freshly loaded page."""
    opened.reload()
    opened.locator("#tab-judge-button").click()
    expect(opened.locator("#judge-item")).to_contain_text("Type your name to begin")
    return opened


def _begin(page: Page, name: str) -> None:
    field = page.locator("#judge-name :is(input, textarea)")
    field.fill(name)
    field.blur()


def _expect_item(page: Page, id_: str) -> None:
    expect(page.locator(".eh-judged")).to_have_attribute("data-id", id_)


def _grades(store: JudgementStore) -> dict[str, dict[str, int | None]]:
    return {
        id_: {by: judgement.grade for by, judgement in by_judge.items()}
        for (_, id_), by_judge in store.read().items()
    }


def test_products_are_graded_by_keyboard_blind_and_undone(tab: Page, store: JudgementStore) -> None:
    expect(tab.locator("#judge-skip")).to_be_disabled()
    _begin(tab, "Ann")
    _expect_item(tab, ANN[0])
    shown = tab.locator("#judge-item")
    expect(shown).to_contain_text("0 of 3 by you · 0 by anyone")
    expect(shown).to_contain_text(f"Kettle {ANN[0]} {SCRIPT}")
    for hidden in ("77", "88", "0.99", "bm25"):
        expect(shown).not_to_contain_text(hidden)
    tab.locator("#judge-note :is(input, textarea)").fill("3 litres")  # typed digits grade nothing
    tab.locator("#judge-note :is(input, textarea)").blur()
    tab.keyboard.press("3")
    _expect_item(tab, ANN[1])
    expect(tab.locator("#judge-message")).to_have_text(f"Recorded: Exact for {ANN[0]}.")
    expect(tab.locator("#judge-note :is(input, textarea)")).to_have_value("")
    tab.keyboard.press("s")
    _expect_item(tab, ANN[2])
    tab.locator("#judge-0").click()
    expect(shown).to_contain_text("Only products that you left for later remain")
    tab.keyboard.press("u")
    _expect_item(tab, ANN[2])
    tab.keyboard.press("1")
    expect(shown).to_contain_text("2 of 3 by you")
    assert _grades(store) == {ANN[0]: {"Ann": 3}, ANN[2]: {"Ann": 1}}
    assert store.read()["q1", ANN[0]]["Ann"].note == "3 litres"
    assert tab.evaluate("window.hacked") is None


def test_a_second_judge_sees_no_grades_and_the_agreement(tab: Page, store: JudgementStore) -> None:
    for item, grade in zip(POOL, (3, 2, 0), strict=True):
        store.judge(item, grade, "Ann")
    _begin(tab, "Bob")
    shown = tab.locator("#judge-item")
    expect(shown).to_contain_text("0 of 3 by you · 3 by anyone")
    graded = {item.id: grade for item, grade in zip(POOL, "320", strict=True)}
    for number, item in enumerate(blind_order(POOL, "Bob"), 1):
        _expect_item(tab, item.id)
        tab.keyboard.press(graded[item.id])
        expect(shown).to_contain_text(f"{number} of 3 by you")
    expect(shown).to_contain_text("agreement of all judges (alpha) 1.00")
    expect(shown).to_contain_text("You have judged everything in the pool.")
    _begin(tab, "Ann")
    expect(shown).to_contain_text("3 of 3 by you")


def test_a_grade_for_what_is_no_longer_shown_is_not_recorded(
    tab: Page, store: JudgementStore
) -> None:
    _begin(tab, "Ann")
    _expect_item(tab, ANN[0])
    tab.evaluate("document.querySelector('.eh-judged').dataset.id = 'k-9'")
    tab.keyboard.press("2")
    tab.keyboard.press("s")  # the browser sends this after the grade
    _expect_item(tab, ANN[1])
    assert store.read() == {}


def test_judging_resumes_after_a_reload(
    tab: Page, store: JudgementStore, context: BrowserContext, url: str
) -> None:
    _begin(tab, "Ann")
    tab.keyboard.press("Escape")
    _expect_item(tab, ANN[0])
    tab.keyboard.press("2")
    _expect_item(tab, ANN[1])
    page = context.new_page()
    page.goto(f"{url}/zh/")
    page.locator("#tab-judge-button").click()
    expect(page.locator("#judge-item")).to_contain_text("请先填写姓名")
    _begin(page, "Ann")
    _expect_item(page, ANN[1])
    expect(page.locator("#judge-item")).to_contain_text("您已评 1 / 3 · 共有 1 条已评")
    expect(page.locator("#judge-3")).to_contain_text("完全符合")
    page.close()


def test_without_a_pool_the_remedy_is_shown(opened: Page) -> None:
    opened.reload()
    opened.locator("#tab-judge-button").click()
    expect(opened.locator("#judge-item .eh-problem")).to_contain_text("es-hybrid eval sample")
    expect(opened.locator("#judge-skip")).to_be_disabled()
