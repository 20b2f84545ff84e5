"""*Judge*: results of a pool that wait for a person's grade."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from es_hybrid.errors import EsHybridError
from es_hybrid.evaluation.judging.pool import PoolItem
from es_hybrid.evaluation.judging.scale import GRADES
from es_hybrid.evaluation.judging.session import JudgingProgress, next_item, progress
from es_hybrid.evaluation.judging.store import Judgement
from es_hybrid.page.differences import text_of
from es_hybrid.page.library import Library
from es_hybrid.page.render import notice, problem, render
from es_hybrid.page.words import PageWords

# A grade is sent with the pair that was seen: what is shown may have changed on the way.
_GRADES = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-grade]');
  const shown = event.target.closest('[data-query]');
  if (!button || !shown) return;
  trigger('grade', {
    query: shown.dataset.query, id: shown.dataset.id, grade: Number(button.dataset.grade)});
});
"""


@dataclass(frozen=True, slots=True)
class _Judging:
    """State of one visitor.

    Attributes:
        item: The displayed product with its query; None if there is none.
        skipped: Pairs left for later.
        made: This visitor's judgements, in order.
    """

    item: PoolItem | None = None
    skipped: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    made: tuple[Judgement, ...] = ()


class JudgeTab:
    """The tab's fields and event handlers."""

    def __init__(self, library: Library, words: PageWords) -> None:
        self._library = library
        self._words = words

    def build(self, tab: gr.Tab) -> None:
        """Create the fields, inside `tab`."""
        words = self._words
        session = gr.State(_Judging())
        with gr.Row(equal_height=True):
            name = gr.Textbox(label=words.name, placeholder=words.judge_hint, elem_id="judge-name")
            note = gr.Textbox(label=words.note, placeholder=words.reason_hint, elem_id="judge-note")
        message = gr.HTML(elem_id="judge-message", apply_default_css=False)
        shown = gr.HTML(js_on_load=_GRADES, elem_id="judge-item", apply_default_css=False)
        with gr.Row(elem_classes="eh-decide"):
            undo = gr.Button(words.undo, elem_id="judge-undo")
            skip = gr.Button(words.skip, elem_id="judge-skip")
        after = [shown, message, session, skip]
        # One at a time: a product passed right after a grade must not undo what the grade changed.
        private: dict[str, Any] = {
            "api_visibility": "private", "concurrency_id": "judge", "concurrency_limit": 1,
        }  # fmt: skip
        shown.grade(self._judge, [session, name, note], [*after, note], **private)
        undo.click(self._undo, [session, name], after, **private)
        skip.click(self._skip, [session, name], after, **private)
        gr.on(
            [tab.select, name.blur, name.submit],
            self._show,
            [session, name],
            after,
            trigger_mode="always_last",  # or a name typed while the tab opens would be lost
            **private,
        )

    def _judge(self, session: _Judging, name: str, note: str, event: gr.EventData) -> list[Any]:
        words, item, grade = self._words, session.item, int(event.grade)
        if item is None or (event.query, event.id) != item.pair:
            return [*self._show(session, name), gr.skip()]
        try:
            made = self._library.judgements().judge(item, grade, name, note)
        except EsHybridError as error:
            return [*self._show(session, name, problem(words, error)), gr.skip()]
        text = words.graded.format(grade=words.grades[grade], id=made.id)
        after = replace(session, made=(*session.made, made))
        return [*self._show(after, name, notice(words, text, kind="done")), ""]

    def _undo(self, session: _Judging, name: str) -> list[Any]:
        """Undo the last judgement; if there is none, bring back the products left for later."""
        words = self._words
        if not session.made:
            message = (
                "" if session.skipped else notice(words, words.nothing_to_undo, kind="warning")
            )
            return self._show(replace(session, skipped=frozenset()), name, message)
        *before, last = session.made
        try:
            self._library.judgements().undo(last)
        except EsHybridError as error:
            return self._show(session, name, problem(words, error))
        text = words.ungraded.format(id=last.id)
        undone = replace(session, made=tuple(before))
        return self._show(undone, name, notice(words, text, kind="done"))

    def _skip(self, session: _Judging, name: str) -> list[Any]:
        passed = session.skipped | ({session.item.pair} if session.item else set())
        return self._show(replace(session, skipped=passed), name)

    def _show(self, session: _Judging, name: str, message: str = "") -> list[Any]:
        """Outputs for the next product: what is seen of it, a message above it, and the button."""
        by = name.strip()
        try:
            pool, judged = self._library.pool(), self._library.judgements().read()
        except EsHybridError as error:
            return [
                problem(self._words, error), message, replace(session, item=None),
                gr.update(interactive=False),
            ]  # fmt: skip
        item = next_item(pool, judged, by, session.skipped) if by else None
        empty = self._words.judge_name_missing
        if by:
            left = next_item(pool, judged, by)
            empty = self._words.judged_passed if left else self._words.judged_all
        current = replace(session, item=item)
        shown = self._shown(item, progress(pool, judged, by), empty)
        return [shown, message, current, gr.update(interactive=item is not None)]

    def _shown(self, item: PoolItem | None, state: JudgingProgress, empty: str) -> str:
        words = self._words
        counts = words.judged.format(mine=state.mine, total=state.total, judged=state.judged)
        if state.alpha is not None:
            counts += " · " + words.alpha.format(alpha=f"{state.alpha:.2f}")
        fields = [(key, text_of(value)) for key, value in item.fields.items()] if item else []
        grades = [(grade, words.grades[grade], words.grade_meanings[grade]) for grade in GRADES]
        return render(
            "judge", words, item=item, fields=fields, grades=grades, counts=counts, empty=empty
        )
