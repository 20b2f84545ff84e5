"""The prompt of Qwen3-Reranker as token ids.

The text of a shop's users and feeds goes into a prompt that control tokens give its shape. It is
encoded as plain text, and the control tokens of the template are put in by id.

Source of the template: the model card of Qwen/Qwen3-Reranker-0.6B.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.errors import RerankError
from es_hybrid.reranking.tokens import plain_tokenizer, read_tokenizer, valid

__all__ = ["QWEN3", "PromptEncoder", "PromptTemplate"]


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """What stands before and after a document.

    Attributes:
        head: Up to the document, with `{instruction}` and `{query}`. It is the same for every
            document of one query. It ends so that no token can span its end and the space that
            follows: the document's tokens do not depend on the head.
        tail: From the end of the document to where the answer would begin.
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


class PromptEncoder:
    """Turns a query, an instruction and documents into token ids.

    Safe to call from several threads.

    Args:
        tokenizer: A `tokenizer.json`.
        template: The prompt's shape.
        max_length: Tokens of one whole prompt, the longest the model is to read.

    Raises:
        RerankError: no usable tokenizer, or one without the template's control tokens.
    """

    def __init__(
        self, tokenizer: Path, *, template: PromptTemplate = QWEN3, max_length: int = 8192
    ) -> None:
        self.max_length = max_length
        self.template = template
        self._place = str(tokenizer)
        described = read_tokenizer(tokenizer)
        self.control = {token["content"]: token["id"] for token in described["added_tokens"]}
        self._plain = plain_tokenizer(described, self._place, template=False)
        self._head = self._segments(template.head)
        self._tail = self._fill(self._segments(template.tail))

    def token_id(self, word: str) -> int:
        """The id of the one token that spells `word`.

        Raises:
            RerankError: the tokenizer splits the word.
        """
        ids = self._encode([word])[0]
        if len(ids) != 1:
            raise RerankError(
                f"{word!r} is {len(ids)} tokens, not one",
                place=self._place,
                remedy="this tokenizer does not belong to a Qwen3 reranker",
            )
        return ids[0]

    def head(self, query: str, instruction: str) -> list[int]:
        """The ids up to the document: the same for every document of this query.

        A query that would fill more than half of the prompt is cut.

        Raises:
            RerankError: the query is blank, or the instruction alone leaves no room.
        """
        if not query.strip():
            raise RerankError("the query is blank", remedy="give it at least one word")
        room = self.max_length // 2
        ids = self._fill(self._head, instruction=instruction, query=query)
        if len(ids) <= room:
            return ids
        bare = self._fill(self._head, instruction=instruction, query="")
        if len(bare) >= room:
            raise RerankError(
                f"the instruction takes {len(bare)} tokens of the {self.max_length} of a prompt",
                remedy="shorten the instruction or raise max_length",
            )
        # A cut inside a word can come out one token longer than it was counted, hence the loop.
        for keep in range(room - len(bare), 0, -1):
            ids = self._fill(self._head, instruction=instruction, query=self._cut(query, keep))
            if len(ids) <= room:
                break
        return ids

    def documents(self, texts: Sequence[str], head_length: int) -> list[list[int]]:
        """The ids from the document to the end of the prompt, for each text.

        A document is cut where the prompt would pass `max_length`; the template's end stays.
        """
        room = self.max_length - head_length - len(self._tail)
        encoded = self._encode([f" {text}" for text in texts])
        return [ids[:room] + self._tail for ids in encoded]

    def _cut(self, text: str, tokens: int) -> str:
        text = valid(text)
        offsets = self._plain.encode(text, add_special_tokens=False).offsets
        return text[: offsets[tokens - 1][1]] if tokens < len(offsets) else text

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        batch = self._plain.encode_batch([valid(text) for text in texts], add_special_tokens=False)
        return [encoding.ids for encoding in batch]

    def _segments(self, text: str) -> list[int | str]:
        """The template's text, its control tokens already replaced by their ids."""
        spelled = re.split(r"(<\|\w+\|>|</?think>)", text)
        missing = [token for token in spelled[1::2] if token not in self.control]
        if missing:
            raise RerankError(
                f"no token {missing[0]}",
                place=self._place,
                remedy="this tokenizer does not belong to a Qwen3 reranker",
            )
        return [
            self.control[part] if turn % 2 else part for turn, part in enumerate(spelled) if part
        ]

    def _fill(self, segments: Sequence[int | str], **values: str) -> list[int]:
        ids: list[int] = []
        for part in segments:
            ids += [part] if isinstance(part, int) else self._encode([part.format(**values)])[0]
        return ids
