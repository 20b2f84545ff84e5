"""*Review*: pairs of an alignment that wait for a decision, of products or of facet values."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from es_hybrid.align.decisions import ReviewStore
from es_hybrid.align.records import ReviewPair
from es_hybrid.errors import AlignError
from es_hybrid.page.differences import fields_of
from es_hybrid.page.library import Library
from es_hybrid.page.render import notice, problem, render
from es_hybrid.page.words import PageWords


@dataclass(frozen=True, slots=True)
class _Session:
    """State of one visitor.

    Attributes:
        pair: (left id, right id) of the displayed pair; None if there is none.
        skipped: Pairs left for later.
        decided: Ids of this visitor's decisions, in order, with the category chosen.
    """

    pair: tuple[str, str] | None = None
    skipped: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    decided: tuple[tuple[str, int], ...] = ()


# Begins the choice that stands for the values of a field.
_VALUES = "="


class ReviewTab:
    """The tab's fields and event handlers."""

    def __init__(self, library: Library, words: PageWords) -> None:
        self._library = library
        self._words = words

    def build(self, tab: gr.Tab) -> None:
        """Create the fields, inside `tab`."""
        words = self._words
        session = gr.State(_Session())
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
        message = gr.HTML(elem_id="review-message", apply_default_css=False)
        shown = gr.HTML(elem_id="review-pair", apply_default_css=False)
        with gr.Row(elem_classes="eh-decide"):
            reject = gr.Button(words.reject, elem_id="review-reject")
            skip = gr.Button(words.skip, elem_id="review-skip")
            undo = gr.Button(words.undo, elem_id="review-undo")
            accept = gr.Button(words.accept, variant="primary", elem_id="review-accept")
        after = [shown, message, session, reject, skip, accept]
        for button, accepts in ((accept, True), (reject, False)):
            button.click(
                lambda *given, accepts=accepts: self._decide(*given, accept=accepts),
                [session, category, name, reason],
                [*after, reason],
                api_visibility="private",
            )
        undo.click(self._undo, [session, category, name], after, api_visibility="private")
        skip.click(self._skip, [session, category], after, api_visibility="private")
        category.input(self._show, [session, category], after, api_visibility="private")
        tab.select(self._categories, category, category, api_visibility="private").then(
            self._show, [session, category], after, api_visibility="private"
        )

    def _categories(self, chosen: str) -> Any:
        choices = [(self._words.all_categories, "")]
        with suppress(AlignError):
            known = self._library.reviews().categories()
            choices += [(name, name) for name in known if name]
        with suppress(AlignError):
            fields = self._library.reviews(of_values=True).categories()
            label = self._words.values_of
            choices += [(label.format(field=field), _VALUES + field) for field in fields]
        known = [value for _, value in choices]
        return gr.update(choices=choices, value=chosen if chosen in known else "")

    def _reviews(self, category: str) -> ReviewStore:
        return self._library.reviews(of_values=category.startswith(_VALUES))

    def _decide(
        self, session: _Session, category: str, name: str, reason: str, *, accept: bool
    ) -> list[Any]:
        words = self._words
        if session.pair is None:
            return [*self._show(session, category), gr.skip()]
        if not name.strip():
            message = notice(words, words.name_missing, kind="warning")
            return [*self._show(session, category, message), gr.skip()]
        try:
            decision = self._reviews(category).decide(session.pair, accept, name, reason)
        except AlignError as error:
            return [*self._show(session, category, problem(words, error)), gr.skip()]
        text = words.accepted if accept else words.rejected
        message = notice(
            words, text.format(left=decision.left_id, right=decision.right_id), kind="done"
        )
        after = replace(session, decided=(*session.decided, (category, decision.id)))
        return [*self._show(after, category, message), ""]

    def _undo(self, session: _Session, category: str, name: str) -> list[Any]:
        """Undo the last decision; if there is none, bring back the pairs left for later."""
        words = self._words
        if not session.decided:
            message = (
                "" if session.skipped else notice(words, words.nothing_to_undo, kind="warning")
            )
            return self._show(replace(session, skipped=frozenset()), category, message)
        category_then, last = session.decided[-1]
        try:
            decision = self._reviews(category_then).undo(last, name)
        except AlignError as error:
            return self._show(session, category, problem(words, error))
        text = words.undone.format(left=decision.left_id, right=decision.right_id)
        before = replace(session, decided=session.decided[:-1])
        return self._show(before, category, notice(words, text, kind="done"))

    def _skip(self, session: _Session, category: str) -> list[Any]:
        passed = session.skipped | ({session.pair} if session.pair else set())
        return self._show(replace(session, skipped=passed), category)

    def _show(self, session: _Session, category: str, message: str = "") -> list[Any]:
        """Outputs for the next pair: its table, a message above it, and its three buttons."""
        try:
            reviews = self._reviews(category)
            # The skipped pairs may all come first.
            waiting = reviews.queue(
                len(session.skipped) + 1, 0, category.removeprefix(_VALUES) or None
            )
            counts = reviews.counts()
        except AlignError as error:
            idle = [gr.update(interactive=False)] * 3
            return [problem(self._words, error), message, replace(session, pair=None), *idle]
        pair = next((pair for pair in waiting if pair.record.pair not in session.skipped), None)
        current = replace(session, pair=None if pair is None else pair.record.pair)
        empty = self._words.queue_passed if waiting else self._words.queue_empty
        buttons = [gr.update(interactive=pair is not None)] * 3
        return [self._pair(pair, counts, empty), message, current, *buttons]

    def _pair(self, pair: ReviewPair | None, counts: dict[str, int], empty: str) -> str:
        words = self._words
        summary = ""
        if pair is not None:
            summary = words.score_and_rule.format(
                score=f"{pair.record.score:.3f}", rule=pair.record.rule
            )
        return render(
            "pair",
            words,
            pair=pair,
            summary=summary,
            fields=fields_of(pair.left, pair.right) if pair else [],
            counts=words.waiting.format(**counts),
            empty=empty,
        )
