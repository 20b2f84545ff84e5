"""*Merchandising*: rules as a form or as JSON, tried on searches, approved and undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from es_hybrid.errors import EsHybridError, InvalidRequest
from es_hybrid.merchandising.rules.rule import QUERY, Rule, RuleVersion
from es_hybrid.page.library import Library
from es_hybrid.page.render import notice, problem, render
from es_hybrid.page.rule_form import is_same
from es_hybrid.page.rule_view import history_of, preview_of, state_of
from es_hybrid.page.tabs.rule_editor import RuleEditor
from es_hybrid.page.typed import context_of
from es_hybrid.page.words import PageWords
from es_hybrid.retrieval.request import SearchRequest

# Rules of the list.
_MOST_RULES = 100
# Queries of a dry run; each is searched twice.
_MOST_QUERIES = 50
# Clicks in the list and in the preview. A button that was drawn again gets the focus back.
_CLICKS = """
let last = '';
element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  last = button.id;
  if (button.dataset.rule) trigger('choose', {id: button.dataset.rule});
  if (button.dataset.act) trigger('mark', {
    act: button.dataset.act, id: button.closest('[data-hit]').dataset.hit});
});
new MutationObserver(() => {
  if (document.activeElement === document.body) document.getElementById(last)?.focus();
}).observe(element, {childList: true, subtree: true});
"""
# The name of a rule that is tried without one.
_UNNAMED = "new"
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}


class MerchandisingTab:
    """The tab's fields and event handlers."""

    def __init__(self, library: Library, words: PageWords) -> None:
        self._library = library
        self._words = words
        self._editor = RuleEditor(words)

    def build(self, tab: gr.Tab) -> None:
        """Create the fields, inside `tab`."""
        words, parts, editor = self._words, self._words.rule_parts, self._editor
        opened = gr.State(None)  # the version that was chosen or saved
        with gr.Row(elem_classes="eh-rule-head"):
            by = _text("by", label=words.name, placeholder=words.rule_name_hint)
            find = _text("find", label=words.rule_find, placeholder=words.rule_find_hint)
            new = gr.Button(words.new_rule, elem_id="rule-new", scale=0, min_width=140)
        listed = _html("list", js_on_load=_CLICKS)
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=320, elem_classes="eh-rule-editor"):
                editor.build()
            with gr.Column(scale=5, min_width=320):
                with gr.Row(elem_classes="eh-rule-head"):
                    query = _text(
                        "query", label=words.query, placeholder=words.preview_hint, scale=3
                    )
                    facts = _text("facts", label=parts["context"], placeholder="channel=b2b")
                    go = gr.Button(words.preview, elem_id="rule-preview", scale=0, min_width=110)
                empty = notice(words, words.preview_empty)
                hits = _html("hits", empty, js_on_load=_CLICKS)
        with gr.Column(elem_classes="eh-rule-foot"):
            message = _html("message")
            with gr.Row(elem_classes="eh-decide"):
                delete = gr.Button(words.delete, elem_id="rule-delete")
                undo = gr.Button(words.undo, elem_id="rule-undo")
                save = gr.Button(words.save_draft, elem_id="rule-save")
                approve = gr.Button(words.approve, variant="primary", elem_id="rule-approve")
        with gr.Accordion(parts["history"], open=False, elem_id="rule-history-part"):
            history = _html("history")
        with gr.Accordion(parts["dry_run"], open=False, elem_id="rule-dry-run-part"):
            queries = _text(
                "queries", label=words.dry_run_queries, placeholder=words.dry_run_hint, lines=3
            )
            run = gr.Button(words.dry_run, elem_id="rule-dry-run", elem_classes="eh-run")
            table = _html("table")

        everything = [message, history, opened, query, *editor.shown]
        listing: dict[str, Any] = {
            "fn": self._list, "inputs": [opened, find], "outputs": listed, **_PRIVATE
        }  # fmt: skip
        gr.on([tab.select, find.submit, find.blur], **listing)
        listed.choose(self._choose, outputs=everything, **_PRIVATE).then(**listing)
        new.click(self._new, outputs=everything, **_PRIVATE).then(**listing)
        for other_rule in (listed.choose, new.click):
            other_rule(lambda: empty, outputs=hits, **_PRIVATE)
        searching: dict[str, Any] = {
            "fn": self._preview, "inputs": [query, facts, *editor.given], "outputs": hits,
            **_PRIVATE,
        }  # fmt: skip
        gr.on([go.click, query.submit, facts.submit], **searching)
        hits.mark(self._mark, [query, *editor.given], editor.shown, **_PRIVATE).then(**searching)
        for button, act in (
            (save, self._save),
            (approve, self._approve),
            (undo, self._undo),
            (delete, self._delete),
        ):
            button.click(
                lambda *given, act=act: self._change(act, *given),
                [opened, by, *editor.given],
                everything,
                **_PRIVATE,
            ).then(**listing)
        run.click(self._dry_run, [queries, facts, *editor.given], table, **_PRIVATE)

    def _list(self, opened: RuleVersion | None, find: str) -> str:
        """The rules whose name, note or author has some letters, the last changed one first."""
        words, letters = self._words, find.strip().casefold()
        try:
            rules = self._library.rules().list_rules()
        except EsHybridError as error:
            return problem(words, error)
        found = [
            each
            for each in sorted(rules, key=lambda each: each.changed, reverse=True)
            if letters in f"{each.rule.id}\n{each.rule.note}\n{each.author}".casefold()
        ]
        return render(
            "rules",
            words,
            rules=found[:_MOST_RULES],
            count=words.rule_count.format(n=f"{len(found):,}", shown=f"{_MOST_RULES:,}"),
            cut=len(found) > _MOST_RULES,
            empty=words.nothing_found if rules else words.no_rules,
            chosen=opened.rule.id if opened else "",
            state_of=state_of,
        )

    def _new(self) -> list[Any]:
        return ["", "", None, "", *self._editor.clear()]

    def _choose(self, event: gr.EventData) -> list[Any]:
        try:
            return self._open(str(event.id), "", asks=True)
        except EsHybridError as error:
            return self._failed(problem(self._words, error))

    def _open(self, id_: str, message: str, *, asks: bool = False) -> list[Any]:
        """Outputs for everything about a stored rule, its latest version in the form.

        Args:
            asks: Whether its first words become the query to try.
        """
        versions = self._library.rules().history(id_)
        last = versions[0]
        words = [
            each.values[0] for each in last.rule.criteria if each.metadata == QUERY and each.values
        ]
        return [
            message,
            render("rule_history", self._words, versions=history_of(versions)),
            last,
            str(words[0]) if words and asks else gr.skip(),
            *self._editor.show(last.rule),
        ]

    def _failed(self, message: str) -> list[Any]:
        """Outputs for everything: a message, and nothing else changes."""
        return [message, *(gr.skip() for _ in range(3)), *self._editor.keep()]

    def _change(
        self,
        act: Callable[[RuleVersion | None, str, tuple[str, ...]], tuple[str, RuleVersion]],
        opened: RuleVersion | None,
        by: str,
        *given: str,
    ) -> list[Any]:
        """Outputs for everything, after a change of what is stored."""
        words = self._words
        if not by.strip():
            return self._failed(notice(words, words.rule_name_missing, kind="warning"))
        try:
            text, done = act(opened, by.strip(), given)
            said = text.format(id=done.rule.id, version=done.version, by=by.strip())
            return self._open(done.rule.id, notice(words, said, kind="done"))
        except EsHybridError as error:
            return self._failed(problem(words, error))

    def _save(
        self, opened: RuleVersion | None, by: str, given: tuple[str, ...]
    ) -> tuple[str, RuleVersion]:
        rule = self._editor.rule(*given)
        self._check(rule.id, opened)
        return self._words.saved, self._library.rules().put(rule, author=by, draft=True)

    def _approve(
        self, opened: RuleVersion | None, by: str, given: tuple[str, ...]
    ) -> tuple[str, RuleVersion]:
        """Approve what is seen."""
        rule = self._unchanged(opened)
        if not is_same(rule, self._editor.rule(*given)):
            raise InvalidRequest(self._words.unsaved)
        return self._words.approved, self._library.rules().approve(rule.id, author=by)

    def _undo(self, opened: RuleVersion | None, by: str, _: Any) -> tuple[str, RuleVersion]:
        rule = self._unchanged(opened)
        return self._words.restored, self._library.rules().undo(rule.id, author=by)

    def _delete(self, opened: RuleVersion | None, by: str, _: Any) -> tuple[str, RuleVersion]:
        rule = self._unchanged(opened)
        return self._words.deleted, self._library.rules().delete(rule.id, author=by)

    def _unchanged(self, opened: RuleVersion | None) -> Rule:
        """The chosen rule.

        Raises:
            InvalidRequest: none is chosen, or someone has changed it since.
        """
        if opened is None:
            raise InvalidRequest(self._words.choose_first)
        self._check(opened.rule.id, opened)
        return opened.rule

    def _check(self, id_: str, opened: RuleVersion | None) -> None:
        """Refuse to go on from a version that is no longer the last."""
        try:
            last = self._library.rules().history(id_)[0]
        except InvalidRequest:  # there is none
            return
        seen = opened if opened and opened.rule.id == id_ else None
        if last.deleted if seen is None else seen.version == last.version:
            return
        raise InvalidRequest(self._words.stale.format(id=id_, version=last.version, by=last.author))

    def _preview(self, query: str, facts: str, *given: str) -> str:
        """The hits now and, if the rule can be read, with it."""
        words, marked = self._words, self._editor.marked(*given)
        if not query.strip():
            return notice(words, words.blank_query, kind="warning")
        try:
            request = SearchRequest(text=query, context=context_of(facts))
            before = self._library.search(request)
        except EsHybridError as error:
            return problem(words, error)
        after, note = None, ""
        try:
            rule = self._editor.rule(*given, unnamed=_UNNAMED)
            after = self._library.search_as_if(request, rule)
            if not any(fired.id == rule.id for fired in after.rules):
                note = words.rule_idle
        except EsHybridError as error:
            note = str(error)
        columns = preview_of(before, after, words)
        return render("rule_preview", words, columns=columns, found=after, note=note, marked=marked)

    def _mark(self, event: gr.EventData, query: str, *given: str) -> list[Any]:
        return self._editor.mark(str(event.act), str(event.id), query, *given)

    def _dry_run(self, queries: str, facts: str, *given: str) -> str:
        words = self._words
        try:
            asked = [line.strip() for line in queries.splitlines() if line.strip()]
            asked = (asked or self._library.last_queries(_MOST_QUERIES))[:_MOST_QUERIES]
            if not asked:
                return notice(words, words.dry_run_empty, kind="warning")
            rule = self._editor.rule(*given, unnamed=_UNNAMED)
            runs = self._library.dry_run(rule, asked, context_of(facts))
        except EsHybridError as error:
            return problem(words, error)
        return render("dry_run", words, runs=runs)


def _text(name: str, **options: Any) -> gr.Textbox:
    return gr.Textbox("", elem_id=f"rule-{name}", **options)


def _html(name: str, value: str = "", **options: Any) -> gr.HTML:
    return gr.HTML(value, elem_id=f"rule-{name}", apply_default_css=False, **options)
