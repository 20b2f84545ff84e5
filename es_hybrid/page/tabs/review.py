"""*Review*: pairs of an alignment that wait for a person."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from es_hybrid.align.records import ReviewPair
from es_hybrid.errors import AlignError
from es_hybrid.page.differences import fields_of
from es_hybrid.page.library import Library
from es_hybrid.page.render import notice, problem, render
from es_hybrid.page.words import Words


@dataclass(frozen=True, slots=True)
class _Desk:
    """What one person has in front of them.

    Attributes:
        pair: (left id, right id) of the pair that is shown; None where the queue is empty.
        skipped: Pairs left for later.
        decided: Ids of this person's decisions on this page, the last one last.
    """

    pair: tuple[str, str] | None = None
    skipped: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    decided: tuple[int, ...] = ()


class ReviewTab:
    """The tab's fields and what they do."""

    def __init__(self, library: Library, words: Words) -> None:
        self._library = library
        self._words = words

    def build(self, tab: gr.Tab) -> None:
        """Make the fields, inside `tab`."""
        words = self._words
        desk = gr.State(_Desk())
        with gr.Row(equal_height=True):
            name = gr.Textbox(label=words.name, placeholder=words.name_hint, elem_id="review-name")
            reason = gr.Textbox(
                label=words.reason, placeholder=words.reason_hint, elem_id="review-reason"
            )
            category = gr.Dropdown(
                [(words.all_categories, "")],
                value="",
                label=words.category_of_pairs,
                elem_id="review-category",
            )
        told = gr.HTML(elem_id="review-told", apply_default_css=False)
        shown = gr.HTML(elem_id="review-pair", apply_default_css=False)
        with gr.Row(elem_classes="eh-decide"):
            reject = gr.Button(words.reject, elem_id="review-reject")
            skip = gr.Button(words.skip, elem_id="review-skip")
            undo = gr.Button(words.undo, elem_id="review-undo")
            accept = gr.Button(words.accept, variant="primary", elem_id="review-accept")
        after = [shown, told, desk, reject, skip, accept]
        for button, accepts in ((accept, True), (reject, False)):
            button.click(
                lambda *given, accepts=accepts: self._decide(*given, accept=accepts),
                [desk, category, name, reason],
                [*after, reason],
                api_visibility="private",
            )
        undo.click(self._undo, [desk, category, name], after, api_visibility="private")
        skip.click(self._skip, [desk, category], after, api_visibility="private")
        category.input(self._show, [desk, category], after, api_visibility="private")
        tab.select(self._categories, category, category, api_visibility="private").then(
            self._show, [desk, category], after, api_visibility="private"
        )

    def _categories(self, chosen: str) -> Any:
        try:
            known = [name for name in self._library.reviews().categories() if name]
        except AlignError:
            known = []
        choices = [(self._words.all_categories, ""), *((name, name) for name in known)]
        return gr.update(choices=choices, value=chosen if chosen in known else "")

    def _decide(
        self, desk: _Desk, category: str, name: str, reason: str, *, accept: bool
    ) -> list[Any]:
        words = self._words
        if desk.pair is None:
            return [*self._show(desk, category), gr.skip()]
        if not name.strip():
            told = notice(words, words.name_missing, kind="warning")
            return [*self._show(desk, category, told), gr.skip()]
        try:
            decision = self._library.reviews().decide(desk.pair, accept, name, reason)
        except AlignError as error:
            return [*self._show(desk, category, problem(words, error)), gr.skip()]
        said = words.accepted if accept else words.rejected
        told = notice(
            words, said.format(left=decision.left_id, right=decision.right_id), kind="done"
        )
        after = replace(desk, decided=(*desk.decided, decision.id))
        return [*self._show(after, category, told), ""]

    def _undo(self, desk: _Desk, category: str, name: str) -> list[Any]:
        """Take the last decision back; without one, bring back what was left for later."""
        words = self._words
        if not desk.decided:
            told = "" if desk.skipped else notice(words, words.nothing_to_undo, kind="warning")
            return self._show(replace(desk, skipped=frozenset()), category, told)
        try:
            decision = self._library.reviews().undo(desk.decided[-1], name)
        except AlignError as error:
            return self._show(desk, category, problem(words, error))
        said = words.undone.format(left=decision.left_id, right=decision.right_id)
        before = replace(desk, decided=desk.decided[:-1])
        return self._show(before, category, notice(words, said, kind="done"))

    def _skip(self, desk: _Desk, category: str) -> list[Any]:
        passed = desk.skipped | ({desk.pair} if desk.pair else set())
        return self._show(replace(desk, skipped=passed), category)

    def _show(self, desk: _Desk, category: str, told: str = "") -> list[Any]:
        """The next pair, what happened before told above it, and the three buttons about it."""
        try:
            reviews = self._library.reviews()
            # As many as were passed over may stand in front.
            waiting = reviews.queue(len(desk.skipped) + 1, 0, category or None)
            counts = reviews.counts()
        except AlignError as error:
            idle = [gr.update(interactive=False)] * 3
            return [problem(self._words, error), told, replace(desk, pair=None), *idle]
        pair = next((pair for pair in waiting if pair.record.pair not in desk.skipped), None)
        at_hand = replace(desk, pair=None if pair is None else pair.record.pair)
        empty = self._words.queue_passed if waiting else self._words.queue_empty
        buttons = [gr.update(interactive=pair is not None)] * 3
        return [self._pair(pair, counts, empty), told, at_hand, *buttons]

    def _pair(self, pair: ReviewPair | None, counts: dict[str, int], empty: str) -> str:
        words = self._words
        says = ""
        if pair is not None:
            says = words.says.format(score=f"{pair.record.score:.3f}", rule=pair.record.rule)
        return render(
            "pair",
            words,
            pair=pair,
            says=says,
            fields=fields_of(pair.left, pair.right) if pair else [],
            counts=words.waiting.format(**counts),
            empty=empty,
        )
