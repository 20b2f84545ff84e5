"""The merchandising tab: rules written, tried, approved and undone, by keyboard and by mouse."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from playwright.sync_api import BrowserContext, Locator, Page, expect

from es_hybrid.merchandising.rules.rule import Rule
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.merchandising.rules.stored import RULES_INDEX
from es_hybrid.page.library import Library
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.settings import Settings
from tests.page.running import showing

QUERY = "waterproof hiking boots"
PINNED = "SHO-007-en"
HOSTILE_NOTE = '<img src=x onerror="window.hacked=1"> ${window.hacked=2} {{note}}'


@pytest.fixture(autouse=True)
def store(es: Elasticsearch, opened: Page) -> Iterator[RuleStore]:
    """A cluster without rules, before and after; and the page as other tests expect it."""
    es.options(ignore_status=404).indices.delete(index=RULES_INDEX)
    yield RuleStore(es)
    es.options(ignore_status=404).indices.delete(index=RULES_INDEX)
    opened.reload()
    opened.locator("#rerank-run").wait_for()


@pytest.fixture
def tab(opened: Page) -> Page:
    """The tab of a freshly loaded page."""
    opened.reload()
    opened.locator("#tab-merchandising-button").click()
    expect(opened.locator("#rule-list")).to_contain_text("There are no rules yet")
    return opened


def _field(page: Page, name: str) -> Locator:
    return page.locator(f"#rule-{name} :is(input, textarea)")


def _message(page: Page) -> Locator:
    return page.locator("#rule-message")


def _rule(**changed: object) -> Rule:
    rule = {
        "id": "boots",
        "criteria": [{"type": "contains", "values": ["boots"]}],
        "actions": {"pin": [PINNED]},
    }
    return Rule.model_validate({**rule, **changed})


def _choose(page: Page, rule_id: str) -> None:
    """Choose a rule that was stored after the page was loaded."""
    page.locator("#tab-judge-button").click()
    page.locator("#tab-merchandising-button").click()
    page.locator(f"[data-rule='{rule_id}']").click()
    expect(_field(page, "id")).to_have_value(rule_id)


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until something in the selector has the focus."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("of => !!document.activeElement.closest(of)", selector):
            return
    pytest.fail(f"the keyboard does not reach {selector}")


def _type(page: Page, name: str, text: str) -> None:
    _tab_to(page, f"#rule-{name}")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)


def test_a_rule_is_written_tried_approved_and_undone_by_keyboard(
    tab: Page, store: RuleStore, library: Library
) -> None:
    _type(tab, "by", "Ann")
    _type(tab, "id", "boots-first")
    _type(tab, "priority", "5")
    _type(tab, "words", "hiking boots")
    _type(tab, "pin", PINNED)
    _type(tab, "query", QUERY)
    tab.keyboard.press("Control+Enter")
    after = tab.locator("#rule-hits .eh-column-after .eh-previewed").first
    expect(after).to_have_attribute("data-hit", PINNED)
    expect(after).to_contain_text("pinned by boots-first")
    before = tab.locator("#rule-hits .eh-column-before .eh-previewed").first
    assert before.get_attribute("data-hit") != PINNED

    _tab_to(tab, "#rule-save")
    tab.keyboard.press("Enter")
    expect(_message(tab)).to_contain_text("Saved as a draft: boots-first, version 1.")
    expect(tab.locator("#rule-list")).to_contain_text("draft")
    assert library.search(SearchRequest(text=QUERY)).rules == ()

    _tab_to(tab, "#rule-approve")
    tab.keyboard.press("Space")
    expect(_message(tab)).to_contain_text("boots-first, version 2, is approved by Ann.")
    expect(tab.locator("#rule-list")).to_contain_text("live")
    stored = [
        (each.version, each.author, each.approved_by) for each in store.history("boots-first")
    ]
    assert stored == [(2, "Ann", "Ann"), (1, "Ann", None)]

    _tab_to(tab, "#tab-search-button")
    tab.keyboard.press("Enter")
    _tab_to(tab, "#search-query")
    tab.keyboard.type(QUERY)
    fired = tab.locator("#search-result .eh-notice", has_text="Merchandising rules:")
    for _ in range(50):  # it is live within a second
        tab.keyboard.press("Enter")
        tab.locator("#search-result .eh-timings").wait_for()
        tab.wait_for_timeout(200)
        if fired.count():
            break
    expect(fired).to_contain_text("boots-first")
    shown = tab.locator("#search-result .eh-column").last.locator(".eh-hit").first
    expect(shown).to_have_attribute("data-hit", PINNED)

    _tab_to(tab, "#tab-merchandising-button")
    tab.keyboard.press("Enter")
    _tab_to(tab, "#rule-undo")
    tab.keyboard.press("Enter")
    expect(_message(tab)).to_contain_text("Undone: boots-first is as before, in version 3.")
    expect(tab.locator("#rule-list")).to_contain_text("draft")
    assert store.history("boots-first")[0].approved_by is None


def test_a_product_is_pinned_and_excluded_from_the_lists(tab: Page) -> None:
    _field(tab, "query").fill(QUERY)
    tab.keyboard.press("Control+Enter")
    before = tab.locator("#rule-hits .eh-column-before .eh-previewed")
    expect(before).to_have_count(10)
    expect(tab.locator("#rule-hits .eh-warning")).to_contain_text("no words to look for")
    ids = [hit.get_attribute("data-hit") or "" for hit in before.all()]
    tab.locator("#before-pin-4").press("Enter")
    after = tab.locator("#rule-hits .eh-column-after .eh-previewed")
    expect(after.first).to_have_attribute("data-hit", ids[3])
    expect(_field(tab, "words")).to_have_value(QUERY)
    expect(_field(tab, "pin")).to_have_value(ids[3])
    expect(tab.locator("#before-pin-4")).to_have_attribute("aria-pressed", "true")
    expect(tab.locator("#before-pin-4")).to_be_focused()
    tab.locator("#before-exclude-1").click()
    expect(before.first).to_contain_text("out")
    expect(tab.locator(f".eh-column-after [data-hit='{ids[0]}']")).to_have_count(0)
    # The same button takes it back, and one product is not both.
    tab.locator("#before-exclude-4").click()
    expect(_field(tab, "pin")).to_have_value("")
    expect(_field(tab, "exclude")).to_have_value(f"{ids[0]}\n{ids[3]}")
    tab.locator("#before-exclude-4").click()
    expect(_field(tab, "exclude")).to_have_value(ids[0])


def test_form_and_json_follow_each_other(tab: Page) -> None:
    _field(tab, "id").fill("nike")
    _field(tab, "words").fill("shoes")
    _field(tab, "boost").fill("brand=Nike * 0.3")
    code = _field(tab, "json")
    code.focus()
    boost = [{"filter": {"brand": "Nike"}, "weight": 0.3}]
    expect(code).not_to_have_value("")
    rule = json.loads(code.input_value())
    assert rule["actions"] == {"boost": boost}

    code.fill(json.dumps({**rule, "priority": 9, "note": "from JSON"}))
    code.blur()
    expect(_field(tab, "note")).to_have_value("from JSON")
    expect(_field(tab, "priority")).to_have_value("9")

    code.fill("{")
    code.blur()
    expect(tab.locator("#rule-unread")).to_contain_text("not JSON")
    expect(_field(tab, "note")).to_have_value("from JSON")

    rule["actions"]["filter"] = {"price": {"exists": True}}
    code.fill(json.dumps(rule))
    code.blur()
    expect(tab.locator("#rule-unread")).to_contain_text("Edit it as JSON")
    expect(_field(tab, "words")).not_to_be_visible()


def test_what_the_form_cannot_show_is_saved_whole(tab: Page, store: RuleStore) -> None:
    rule = _rule(actions={"filter": {"price": {"exists": True}}})
    store.put(rule, author="Ann", draft=True)
    _choose(tab, "boots")
    _field(tab, "by").fill("Bob")
    tab.locator("#rule-save").click()
    expect(_message(tab)).to_contain_text("version 2")
    assert [each.rule for each in store.history("boots")] == [rule, rule]


def test_nothing_is_changed_without_a_name_or_over_the_work_of_another(
    tab: Page, store: RuleStore
) -> None:
    store.put(_rule(), author="Ann", draft=True)
    _choose(tab, "boots")
    tab.locator("#rule-approve").click()
    expect(_message(tab)).to_contain_text("Type your name first")
    _field(tab, "by").fill("Bob")
    _field(tab, "note").fill("mine")
    tab.locator("#rule-approve").click()
    expect(_message(tab)).to_contain_text("The form has changes that are not saved")
    store.put(_rule(note="hers"), author="Ann", draft=True)
    for act in ("save", "approve", "undo", "delete"):
        _field(tab, "by").fill("")
        tab.locator(f"#rule-{act}").click()
        expect(_message(tab)).to_contain_text("Type your name first")
        _field(tab, "by").fill("Bob")
        tab.locator(f"#rule-{act}").click()
        expect(_message(tab)).to_contain_text("Ann has saved version 2 of boots meanwhile")
    assert len(store.history("boots")) == 2
    tab.locator("#rule-preview").click()
    expect(tab.locator("#rule-hits .eh-column-after")).to_be_visible()
    tab.locator("#rule-new").click()
    expect(_field(tab, "id")).to_have_value("")
    expect(tab.locator("#rule-hits .eh-column-after")).to_have_count(0)
    tab.locator("#rule-undo").click()
    expect(_message(tab)).to_contain_text("Save the rule or choose one first")


def test_a_deleted_rule_comes_back(tab: Page, store: RuleStore) -> None:
    store.put(_rule(), author="Ann")
    store.put(_rule(priority=3, note="second"), author="Ann")
    _choose(tab, "boots")
    tab.locator("#rule-history-part button").first.click()
    history = tab.locator("#rule-history tbody tr")
    expect(history.first).to_contain_text("priority 3")
    expect(history.first).to_contain_text("note second")
    expect(history.nth(1)).to_contain_text(f"pin {PINNED}")
    _field(tab, "by").fill("Bob")
    tab.locator("#rule-delete").click()
    expect(_message(tab)).to_contain_text("boots is deleted. Undo brings it back.")
    expect(tab.locator("#rule-list")).to_contain_text("There are no rules yet")
    tab.locator("#rule-undo").click()
    expect(_message(tab)).to_contain_text("Undone: boots is as before, in version 4.")
    expect(tab.locator("#rule-list")).to_contain_text("live")
    assert store.history("boots")[0].author == "Bob"


def test_hostile_texts_are_shown_as_texts(tab: Page, store: RuleStore) -> None:
    script = "<script>window.hacked=4</script>"
    store.put(
        _rule(
            criteria=[{"type": "contains", "values": ["boots", script]}],
            actions={"pin": [f"{script}'\"><b>"], "redirect": f"https://shop.example/{script}"},
            note=HOSTILE_NOTE,
        ),
        author=f"Eve {script}",
    )
    _choose(tab, "boots")
    expect(tab.locator("#rule-list tbody")).to_contain_text(HOSTILE_NOTE)
    expect(tab.locator("#rule-list tbody")).to_contain_text(f"Eve {script}")
    tab.locator("#rule-history-part button").first.click()
    expect(tab.locator("#rule-history tbody")).to_contain_text(HOSTILE_NOTE)
    tab.locator("#rule-preview").click()
    expect(tab.locator("#rule-hits .eh-notice")).to_contain_text(f"https://shop.example/{script}")
    shown = "#rule-list, #rule-history, #rule-hits, #rule-message"
    assert tab.locator(shown).locator("img, script, a").count() == 0
    assert tab.evaluate("window.hacked") is None


def test_the_tab_is_all_chinese(context: BrowserContext, url: str, store: RuleStore) -> None:
    page = context.new_page()
    page.goto(f"{url}/zh/")
    page.locator("#tab-merchandising-button").click()
    expect(page.locator("#rule-list")).to_contain_text("还没有规则")
    page.locator("#rule-save").click()
    expect(_message(page)).to_contain_text("请先填写姓名")
    _field(page, "by").fill("安")
    _field(page, "id").fill("xie")
    _field(page, "words").fill("登山鞋")
    _field(page, "pin").fill("SHO-004-zh")
    _field(page, "query").fill("防水登山鞋")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#rule-hits")).to_contain_text("由 xie 置顶")
    expect(page.locator("#rule-hits h3")).to_contain_text(["当前结果", "应用此规则后"])
    page.locator("#rule-save").click()
    expect(_message(page)).to_contain_text("已保存为草稿：xie，第 1 版。")
    page.locator("#rule-approve").click()
    expect(_message(page)).to_contain_text("xie 第 2 版已由 安 批准。")
    expect(page.locator("#rule-list")).to_contain_text("已生效")
    page.close()


def test_without_rules_there_is_no_tab(context: BrowserContext, settings: Settings) -> None:
    off = settings.model_copy(
        update={"search": settings.search.model_copy(update={"rules": False})}
    )
    library = Library(off)
    with showing(library) as url:
        page = context.new_page()
        page.goto(f"{url}/en/")
        expect(page.locator("[role=tab]")).to_have_text(["Rerank", "Search", "Review", "Judge"])
        page.close()
    library.close()


def test_a_dry_run_shows_what_changes_for_each_query(tab: Page) -> None:
    _field(tab, "words").fill("boots")
    _field(tab, "pin").fill(PINNED)
    tab.locator("#rule-dry-run-part button").first.click()
    tab.locator("#rule-dry-run").click()
    expect(tab.locator("#rule-table")).to_contain_text("Type queries, one a line")
    _field(tab, "queries").fill(f"{QUERY}\nkettle\n")
    tab.locator("#rule-dry-run").click()
    rows = tab.locator("#rule-table tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first.locator("td").nth(1)).to_have_text("yes")
    expect(rows.first).to_contain_text("→")
    kettle = rows.nth(1).locator("td").all_inner_texts()
    assert kettle[:4] == ["kettle", "no", "0", "0"]
    assert "→" not in kettle[5]


def test_the_list_can_be_searched_and_has_an_end(
    tab: Page, store: RuleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("es_hybrid.page.tabs.merchandising._MOST_RULES", 2)
    store.put_all([_rule(id=f"r{number}", note=f"n{number}") for number in range(3)], author="Ann")
    _choose(tab, store.put(_rule(id="other"), author="Eve").rule.id)
    rows = tab.locator("#rule-list tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("other")
    expect(rows.first.locator("button")).to_have_attribute("aria-current", "true")
    expect(tab.locator("#rule-list")).to_contain_text("The last 2 of 4 rules.")
    for letters, found in (("N1", "r1"), ("eve", "other")):
        _field(tab, "find").fill(letters)
        tab.keyboard.press("Enter")
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text(found)
    _field(tab, "find").fill("xyz")
    _field(tab, "find").blur()
    expect(tab.locator("#rule-list")).to_contain_text("No rule has these letters.")
