"""*Rerank*: a query, candidates, one per line, and the model's order of them."""

from __future__ import annotations

import gradio as gr

from es_hybrid.errors import EsHybridError
from es_hybrid.page.examples import EXAMPLES, Example
from es_hybrid.page.export import files_of
from es_hybrid.page.library import Library, Reranked
from es_hybrid.page.render import notice, problem, render
from es_hybrid.page.words import PageWords
from es_hybrid.settings.page import PageLanguage

# Characters of a candidate that are shown before a click shows them all.
_CUT = 140


class RerankTab:
    """The tab's fields and event handlers."""

    def __init__(self, library: Library, words: PageWords, language: PageLanguage) -> None:
        self._library = library
        self._words = words
        self._language = language

    def build(self) -> None:
        """Create the fields, inside a `gr.Tab`."""
        words, settings = self._words, self._library.settings.rerank
        with gr.Row(elem_classes="eh-examples"):
            gr.HTML(words.examples, elem_classes="eh-label", apply_default_css=False)
            buttons = [
                gr.Button(
                    example.name[self._language],
                    size="sm",
                    variant="secondary",
                    elem_id=f"example-{number}",
                )
                for number, example in enumerate(EXAMPLES, 1)
            ]
        with gr.Row(equal_height=False):
            with gr.Column(scale=2, min_width=320):
                query = gr.Textbox(
                    label=words.query,
                    placeholder=words.query_hint,
                    lines=2,
                    max_lines=6,
                    elem_id="rerank-query",
                )
                category = gr.Dropdown(
                    sorted(settings.instructions),
                    value=settings.category,
                    label=words.category,
                    elem_id="rerank-category",
                )
                instruction = gr.HTML(
                    self._instruction(settings.category),
                    elem_id="rerank-instruction",
                    apply_default_css=False,
                )
            candidates = gr.Textbox(
                label=words.candidates,
                placeholder=words.candidates_hint,
                lines=8,
                max_lines=16,
                scale=3,
                min_width=320,
                elem_id="rerank-candidates",
            )
        run = gr.Button(words.run, variant="primary", elem_id="rerank-run", elem_classes="eh-run")
        result = gr.HTML(
            notice(words, words.rerank_empty), elem_id="rerank-result", apply_default_css=False
        )
        for button, example in zip(buttons, EXAMPLES, strict=True):
            button.click(
                lambda example=example: self._load(example),
                outputs=[query, candidates, category],
                queue=False,
                api_visibility="private",
            )
        category.change(
            self._instruction, category, instruction, queue=False, api_visibility="private"
        )
        gr.on(
            [run.click, query.submit],
            self._run,
            [query, candidates, category],
            result,
            api_visibility="private",
        )

    def _load(self, example: Example) -> tuple[str, str, str]:
        return example.query, "\n".join(example.candidates), example.category

    def _instruction(self, category: str) -> str:
        settings = self._library.settings.rerank
        return render("instruction", self._words, text=settings.instruction_for(category))

    def _run(self, query: str, lines: str, category: str) -> str:
        words, most = self._words, self._library.settings.serve.max_documents
        texts = [line.strip() for line in lines.splitlines() if line.strip()]
        if not query.strip():
            return notice(words, words.blank_query, kind="warning")
        if not texts:
            return notice(words, words.no_candidates, kind="warning")
        if len(texts) > most:
            return notice(words, words.too_many.format(n=len(texts), most=most), kind="warning")
        try:
            return self._table(self._library.rerank(query.strip(), texts, category))
        except EsHybridError as error:
            return problem(words, error)

    def _table(self, reranked: Reranked) -> str:
        words = self._words
        late = sum(candidate.score is None for candidate in reranked.candidates)
        warnings = []
        if reranked.misfit:
            warnings.append(words.misfit.format(why=reranked.misfit))
        if reranked.provider:
            warnings.append(
                words.fell_back.format(provider=reranked.provider, wanted=reranked.wanted)
            )
        if late:
            warnings.append(words.late.format(n=late))
        summary = words.scored.format(
            n=f"{len(reranked.candidates):,}", ms=f"{reranked.milliseconds:,.0f}"
        )
        return render(
            "rerank",
            words,
            candidates=reranked.candidates,
            summary=summary,
            warnings=warnings,
            files=files_of(reranked),
            cut=_CUT,
        )
