"""The prompt of Qwen3-Reranker.

Source: model card of Qwen/Qwen3-Reranker-0.6B.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["QWEN3", "PromptTemplate", "prompted"]

_DOCUMENT = "<Document>:"


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """Text before and after a document.

    Attributes:
        head: Text before the document, with `{instruction}` and `{query}`. It is the same for all
            documents of a query. No token spans its end and the following space, so the tokens of
            the document do not depend on it.
        tail: Text between the document and the answer.
    """

    head: str
    tail: str


QWEN3 = PromptTemplate(
    head=(
        "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query "
        'and the Instruct provided. Note that the answer can only be "yes" or "no".<|im_end|>\n'
        "<|im_start|>user\n<Instruct>: {instruction}\n<Query>: {query}\n<Document>:"
    ),
    tail="<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
)


def prompted(query: str, documents: Sequence[str], instruction: str) -> tuple[str, list[str]]:
    """Query and documents inside the prompt, for a server that joins them and adds no prompt."""
    head, _, _ = QWEN3.head.rpartition(_DOCUMENT)
    return (
        head.format(instruction=instruction, query=query),
        [f"{_DOCUMENT} {document}{QWEN3.tail}" for document in documents],
    )
