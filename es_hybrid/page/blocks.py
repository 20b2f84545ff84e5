"""The tabs in one page."""

from __future__ import annotations

import gradio as gr

from es_hybrid.page.library import Library
from es_hybrid.page.render import render
from es_hybrid.page.tabs.judge import JudgeTab
from es_hybrid.page.tabs.merchandising import MerchandisingTab
from es_hybrid.page.tabs.rerank import RerankTab
from es_hybrid.page.tabs.review import ReviewTab
from es_hybrid.page.tabs.search import SearchTab
from es_hybrid.page.words import LANGUAGES, WORDS
from es_hybrid.settings.page import PageLanguage

__all__ = ["build_page"]

# Maximum concurrent searches, rerankings and decisions of all visitors, of each kind.
_AT_ONCE = 4
# Maximum waiting ones, of all kinds together. Each holds its data in memory.
_WAITING = 64


def build_page(library: Library, language: PageLanguage, *, prefix: str = "") -> gr.Blocks:
    """The page in one language.

    Args:
        library: Answers every tab; not closed with the page.
        prefix: Path of the pages, which are at `{prefix}/en/` and `{prefix}/zh/`.
    """
    words = WORDS[language]
    # With analytics, Gradio would ask its own server for the latest version.
    page: gr.Blocks
    with gr.Blocks(title="es-hybrid", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            render(
                "header",
                words,
                index=library.settings.index.name,
                prefix=prefix,
                languages=[(code, WORDS[code].language) for code in LANGUAGES],
            ),
            apply_default_css=False,
        )
        with gr.Tabs():
            with gr.Tab(words.rerank, id="rerank", elem_id="tab-rerank"):
                RerankTab(library, words, language).build()
            with gr.Tab(words.search, id="search", elem_id="tab-search"):
                SearchTab(library, words).build()
            with gr.Tab(words.review, id="review", elem_id="tab-review") as review:
                ReviewTab(library, words).build(review)
            with gr.Tab(words.judge, id="judge", elem_id="tab-judge") as judge:
                JudgeTab(library, words).build(judge)
            if library.settings.search.rules:
                with gr.Tab(
                    words.merchandising, id="merchandising", elem_id="tab-merchandising"
                ) as merchandising:
                    MerchandisingTab(library, words).build(merchandising)
    # Without `api_open=False`, `run/predict` would skip the queue and its limits.
    page.queue(default_concurrency_limit=_AT_ONCE, max_size=_WAITING, api_open=False)
    return page
