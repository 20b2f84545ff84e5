"""Encodes the prompt of Qwen3-Reranker as token ids.

Control tokens structure the prompt. User text is encoded as plain text; the control tokens of the
template are inserted by id, so user text cannot add any.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from es_hybrid.errors import RerankError
from es_hybrid.reranking.template import CONTROL_TOKEN, QWEN3, PromptTemplate
from es_hybrid.reranking.tokens import plain_tokenizer, read_tokenizer, valid

# Tokens of instruction and query, at most: their keys and values take 235 MB at 0.6B in fp32.
_LONGEST_HEAD = 1024

__all__ = ["PromptEncoder"]


class PromptEncoder:
    """Encodes a query, an instruction and documents as token ids.

    Safe to call from several threads.

    Args:
        tokenizer: Path of a `tokenizer.json`.
        template: Text around the document.
        max_length: Tokens per prompt.

    Raises:
        RerankError: the tokenizer is unusable or lacks the control tokens of the template.
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
        """Id of the single token that spells `word`.

        Raises:
            RerankError: the tokenizer splits the word.
        """
        ids = self._encode([word])[0]
        if len(ids) != 1:
            raise RerankError(
                f"{word!r} is {len(ids)} tokens, not one",
                place=self._place,
                remedy="use the tokenizer of a Qwen3 reranker",
            )
        return ids[0]

    def head(self, query: str, instruction: str) -> list[int]:
        """Token ids before the document, the same for every document of this query.

        A query is truncated if it would fill more than half of the prompt, or 1,024 tokens.

        Raises:
            RerankError: the query is blank, or the instruction leaves no room for it.
        """
        if not query.strip():
            raise RerankError("the query is blank", remedy="give it at least one word")
        room = min(self.max_length // 2, _LONGEST_HEAD)
        ids = self._fill(self._head, instruction=instruction, query=query)
        if len(ids) <= room:
            return ids
        bare = self._fill(self._head, instruction=instruction, query="")
        if len(bare) >= room:
            raise RerankError(
                f"the instruction takes {len(bare)} tokens, and {room} is the limit for "
                "instruction and query together",
                remedy="shorten the instruction",
            )
        query = valid(query)
        ends = [end for _, end in self._plain.encode(query, add_special_tokens=False).offsets]
        # Truncating inside a word can add a token, hence the loop.
        for keep in range(min(room - len(bare), len(ends)), 0, -1):
            cut = query[: ends[keep - 1]]
            ids = self._fill(self._head, instruction=instruction, query=cut)
            if len(ids) <= room:
                break
        return ids

    def documents(self, texts: Sequence[str], head_length: int) -> list[list[int]]:
        """Token ids from the document to the end of the prompt, for each text.

        Truncates documents so that the prompt fits into `max_length`, never the template.
        """
        room = self.max_length - head_length - len(self._tail)
        encoded = self._encode([f" {text}" for text in texts])
        return [ids[:room] + self._tail for ids in encoded]

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        batch = self._plain.encode_batch([valid(text) for text in texts], add_special_tokens=False)
        return [encoding.ids for encoding in batch]

    def _segments(self, text: str) -> list[int | str]:
        """The template split into plain text and the ids of its control tokens."""
        spelled = CONTROL_TOKEN.split(text)
        missing = [token for token in spelled[1::2] if token not in self.control]
        if missing:
            raise RerankError(
                f"no token {missing[0]}",
                place=self._place,
                remedy="use the tokenizer of a Qwen3 reranker",
            )
        return [
            self.control[part] if turn % 2 else part for turn, part in enumerate(spelled) if part
        ]

    def _fill(self, segments: Sequence[int | str], **values: str) -> list[int]:
        ids: list[int] = []
        for part in segments:
            ids += [part] if isinstance(part, int) else self._encode([part.format(**values)])[0]
        return ids
