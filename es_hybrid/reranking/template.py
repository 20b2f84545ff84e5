"""The prompt of a reranker that is a language model, as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["CONTROL_TOKEN", "QWEN3", "PromptTemplate"]

CONTROL_TOKEN = re.compile(r"(<\|\w+\|>|</?think>)")
"""A token that structures the prompt."""

_PLACEHOLDER = re.compile(r"\{(instruction|query)\}")
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

    def sent(self, query: str, documents: Sequence[str], instruction: str) -> tuple[str, list[str]]:
        """Query and documents for a server that only joins the two, without a template.

        Control tokens in the texts are taken apart, so user text cannot add any.
        """
        values = {"instruction": _plain(instruction), "query": _plain(query)}
        head = _PLACEHOLDER.sub(lambda found: values[found[1]], self.head.removesuffix(_DOCUMENT))
        return head, [f"{_DOCUMENT} {_plain(text)}{self.tail}" for text in documents]


# Model card of Qwen/Qwen3-Reranker-0.6B.
QWEN3 = PromptTemplate(
    head=(
        "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query "
        'and the Instruct provided. Note that the answer can only be "yes" or "no".<|im_end|>\n'
        "<|im_start|>user\n<Instruct>: {instruction}\n<Query>: {query}\n<Document>:"
    ),
    tail="<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
)


def _plain(text: str) -> str:
    return CONTROL_TOKEN.sub(lambda token: token[0].replace("<", "< ", 1), text)
