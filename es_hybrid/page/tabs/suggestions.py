"""Suggestions below the search box: an ARIA combobox, since Gradio has none for free text."""

from __future__ import annotations

import gradio as gr

from es_hybrid.errors import EsHybridError
from es_hybrid.page.library import Library
from es_hybrid.page.render import render
from es_hybrid.page.words import PageWords

# The box is found through the row that it shares with the list: Gradio may draw it again. One event
# at a time, then one for what was typed meanwhile: Gradio's own `always_last` at times forgets it.
_TYPING = """
const row = element.closest('.eh-ask');
const box = () => row.querySelector('input, textarea');
const options = () => [...element.querySelectorAll('[role=option]')];
const chosen = () => element.querySelector('[aria-selected=true]');
const choose = (option) => {
  options().forEach((other) => other.setAttribute('aria-selected', other === option));
  option?.scrollIntoView({block: 'nearest'});
  if (option) box().setAttribute('aria-activedescendant', option.id);
  else box().removeAttribute('aria-activedescendant');
};
const show = (shown) => {
  element.classList.toggle('eh-closed', !shown);
  box().setAttribute('aria-expanded', shown && options().length > 0);
  choose(null);
};
const pick = (option) => {
  trigger('pick', {text: option.dataset.text});
  show(false);
};
const keys = {
  ArrowDown: (all, at) => choose(all[(at + 1) % all.length]),
  ArrowUp: (all, at) => choose(all[(at < 1 ? all.length : at) - 1]),
  Escape: () => show(false),
};
row.addEventListener('focusin', (event) => {
  if (event.target !== box()) return;
  const role = {role: 'combobox', autocomplete: 'off', 'aria-autocomplete': 'list',
    'aria-controls': 'suggestion-list', 'aria-expanded': false};
  Object.entries(role).forEach(([name, value]) => box().setAttribute(name, value));
});
let asked = '', waiting = 0, lost = 0;
const ask = () => {
  const text = box().value;
  if (waiting || text === asked || !text.trim()) return;
  asked = text;
  waiting = setTimeout(late, 1500);
  trigger('typed', {text});
};
const answered = () => {
  clearTimeout(waiting);
  waiting = 0;
  ask();
};
const late = () => {  // the event or its answer was lost: ask again, but not for ever
  if (lost++ < 2) asked = '';
  answered();
};
row.addEventListener('input', (event) => {
  if (event.target !== box()) return;
  show(box().value !== '');
  ask();
});
row.addEventListener('focusout', (event) => event.target === box() && show(false));
row.addEventListener('keydown', (event) => {
  if (event.target !== box() || event.isComposing) return;
  const closed = element.classList.contains('eh-closed') || !options().length;
  const option = chosen();
  if (event.key === 'Enter') {
    if (option) event.preventDefault();  // a search for the letters
    if (option) pick(option); else show(false);
  } else if (event.key in keys && !closed) {
    event.preventDefault();
    keys[event.key](options(), options().indexOf(option));
  }
}, true);
element.addEventListener('mousedown', (event) => {
  event.preventDefault();
  const option = event.target.closest('[role=option]');
  if (option) pick(option);
});
new MutationObserver(() => {
  show(!element.classList.contains('eh-closed'));
  // Other changes of the element come here, too, and late answers after newer ones.
  const typed = element.querySelector('[data-typed]')?.dataset.typed ?? asked;
  if (waiting && typed !== asked) return;
  asked = typed;
  lost = 0;
  answered();
}).observe(element, {childList: true, subtree: true});
"""


class SuggestionList:
    """The list and its event handlers."""

    def __init__(self, library: Library, words: PageWords) -> None:
        self._library = library
        self._words = words

    def build(self) -> gr.HTML:
        """Create the list, inside the row of the box.

        Returns:
            The list. Its event `pick` follows the choice of a suggestion, in `event.text`.
        """
        suggestions = gr.HTML(
            js_on_load=_TYPING,
            elem_id="search-suggestions",
            elem_classes="eh-suggestions",
            apply_default_css=False,
        )
        suggestions.typed(
            self._suggest,
            outputs=suggestions,
            show_progress="hidden",
            trigger_mode="multiple",
            api_visibility="private",
        )
        return suggestions

    def _suggest(self, event: gr.EventData) -> str:
        text = str(event.text)
        try:
            found = self._library.suggest(text)
        except EsHybridError:  # the search itself will say so
            found = []
        # The text makes each answer another one, which is how the script notices it.
        return render("suggestions", self._words, suggestions=found, typed=text)
