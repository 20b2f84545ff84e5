"""A merchandising rule as a form and as JSON. What was edited last counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields, replace
from typing import Any

import gradio as gr

from es_hybrid.errors import InvalidRequest
from es_hybrid.merchandising.rules.rule import Rule
from es_hybrid.page.render import notice, render
from es_hybrid.page.rule_form import (
    RuleForm,
    form_of,
    is_common,
    json_of,
    marked_in,
    rule_from_json,
    rule_of,
    toggled,
)
from es_hybrid.page.words import PageWords

# The fields of `RuleForm`, side by side.
_ROWS = (
    ("id", "priority"),
    ("match", "words"),
    ("context",),
    ("pin", "exclude"),
    ("boost", "bury"),
    ("filter",),
    ("synonyms", "replace"),
    ("mode", "rerank"),
    ("redirect",),
    ("valid_from", "valid_until"),
    ("note",),
)
_LINES = {"words": 2, "pin": 3, "exclude": 3, "boost": 2, "bury": 2, "synonyms": 2, "note": 2}
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


class RuleEditor:
    """The fields, which follow one another, and the rule in them.

    Attributes:
        given: Components with the rule, as inputs of an event; their values are passed on to the
            methods below.
        shown: Components that show a rule, as outputs of an event.
    """

    def __init__(self, words: PageWords) -> None:
        self._words = words

    def build(self) -> None:
        """Create the fields, inside a column."""
        with gr.Column(elem_classes="eh-rule-form"):
            form = self._build_form()
        unread = gr.HTML(elem_id="rule-unread", apply_default_css=False)
        label = self._words.rule_parts["json"]
        code = gr.Textbox("", label=label, lines=4, max_lines=14, elem_id="rule-json")
        # The JSON that the form says. If the field has another text, that is the rule. A `gr.State`
        # would not do: it may be newer than the text that the browser sends.
        made = gr.Textbox("", visible="hidden", elem_id="rule-made")
        self.given = [made, code, *form]
        self.shown = [unread, *self.given]
        written = [unread, made, code]
        for field in form:
            event = field.input if isinstance(field, gr.Dropdown) else field.blur
            event(self._write, self.given, written, **_PRIVATE)
        code.blur(self._read, self.given, self.shown, **_PRIVATE)

    def rule(self, made: str, code: str, *values: str, unnamed: str = "") -> Rule:
        """The rule in the fields.

        Args:
            unnamed: Id of a rule whose form has none.

        Raises:
            InvalidRequest: it cannot be read.
        """
        form = RuleForm(*values)
        try:
            if code != made:
                return rule_from_json(code)
            return rule_of(replace(form, id=form.id.strip() or unnamed))
        except InvalidRequest as error:
            label = self._words.rule_fields.get(error.place, error.place)
            raise InvalidRequest(error.message, place=label, remedy=error.remedy) from None

    def show(self, rule: Rule) -> list[Any]:
        """Outputs for `shown`."""
        text, common = json_of(rule), is_common(rule)
        if common:
            return ["", text, text, *astuple(form_of(rule))]
        unread = render("rule_json", self._words)
        return [unread, "", text, *astuple(form_of(rule))]

    def clear(self) -> list[Any]:
        """Outputs for `shown`: a new rule."""
        return ["", "", "", *astuple(RuleForm())]

    def keep(self) -> list[Any]:
        """Outputs for `shown`: nothing changes."""
        return [gr.skip() for _ in self.shown]

    def marked(self, made: str, code: str, *values: str) -> dict[str, Sequence[str]]:
        """`pin` and `exclude` -> ids of products; none if the JSON is not a rule."""
        if code == made:
            return marked_in(RuleForm(*values))
        try:
            actions = rule_from_json(code).actions
        except InvalidRequest:
            return {"pin": (), "exclude": ()}
        return {"pin": actions.pin, "exclude": actions.exclude}

    def mark(self, act: str, id_: str, query: str, made: str, code: str, *values: str) -> list[Any]:
        """Outputs for `shown`: a product pinned or excluded, or no longer.

        Args:
            act: `pin` or `exclude`.
            query: Search in which it was found; a rule without words gets these.
        """
        marked = toggled(self.marked(made, code, *values), act, id_)
        if code == made:
            form = replace(
                RuleForm(*values), **{name: "\n".join(ids) for name, ids in marked.items()}
            )
            if not form.words.strip() and form.match != "always":
                form = replace(form, words=query)
            return [*self._write(made, code, *astuple(form)), *astuple(form)]
        try:
            rule = self.rule(made, code, *values)
        except InvalidRequest as error:
            return self._unread(error)
        actions = rule.actions.model_copy(update=marked)
        return self.show(rule.model_copy(update={"actions": actions}))

    def _build_form(self) -> list[gr.Textbox | gr.Dropdown]:
        """The fields of `RuleForm`, in its order."""
        built = {}
        for row in _ROWS:
            with gr.Row(equal_height=True):
                built.update({name: self._build_field(name) for name in row})
        return [built[field.name] for field in fields(RuleForm)]

    def _build_field(self, name: str) -> gr.Textbox | gr.Dropdown:
        words = self._words
        choices = {"match": words.matches, "mode": words.modes, "rerank": words.reranks}
        options: dict[str, Any] = {
            "value": getattr(RuleForm(), name),
            "label": words.rule_fields[name],
            "elem_id": f"rule-{name}",
            "min_width": 120,
        }
        if name in choices:
            listed = [(text, value) for value, text in choices[name].items()]
            return gr.Dropdown(listed, **options)
        hint, lines = words.rule_hints.get(name), _LINES.get(name, 1)
        return gr.Textbox(placeholder=hint, lines=lines, **options)

    def _write(self, made: str, code: str, *values: str) -> list[Any]:
        """The JSON of the form."""
        try:
            text = json_of(self.rule("", "", *values))
        except InvalidRequest as error:
            return [self._unread(error)[0], gr.skip(), gr.skip()]
        return ["", text, text]

    def _read(self, made: str, code: str, *values: str) -> list[Any]:
        """The form of the JSON, if that was edited."""
        if code == made:
            return self.keep()
        try:
            return self.show(self.rule(made, code, *values))
        except InvalidRequest as error:
            return self._unread(error)

    def _unread(self, error: InvalidRequest) -> list[Any]:
        """Outputs for `shown`: what is still wrong."""
        return [notice(self._words, str(error), kind="warning"), *self.keep()[1:]]
