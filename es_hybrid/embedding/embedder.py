"""The embedder protocol."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from es_hybrid.settings.templates import FAMILIES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Embedder", "EmbedderIdentity"]

_PLACEHOLDERS = re.compile(r"(\{text\}|\{instruction\})")


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """What makes a vector. Documents of two embedders can be compared if all but `query_*` agree.

    Attributes:
        query_template: What a query is sent as, with `{text}` and perhaps `{instruction}` in it.
        document_template: What a document is sent as.
        query_parameters: Further fields of a request for queries, as JSON; empty for none.
        document_parameters: The same for documents.
    """

    model: str
    revision: str
    dims: int
    query_instruction: str
    query_template: str = FAMILIES["qwen3"].query
    document_template: str = FAMILIES["none"].document
    query_parameters: str = ""
    document_parameters: str = ""

    def query(self, text: str) -> str:
        """A query as the model reads it. Without an instruction, a template for one is omitted."""
        if "{instruction}" not in self.query_template:
            return _filled(self.query_template, text)
        if not self.query_instruction:
            return text
        return _filled(self.query_template, text, self.query_instruction)

    def document(self, text: str) -> str:
        """A document as the model reads it."""
        return _filled(self.document_template, text)

    @property
    def query_form(self) -> str:
        """What queries are sent as, for people."""
        return _form(self.query("{text}"), self.query_parameters)

    @property
    def document_form(self) -> str:
        """What documents are sent as, for people."""
        return _form(self.document("{text}"), self.document_parameters)


def _form(template: str, parameters: str) -> str:
    return f"{template!r} with {parameters}" if parameters else repr(template)


def _filled(template: str, text: str, instruction: str = "") -> str:
    """Insert both; what looks like a placeholder in a text or an instruction is left alone."""
    values = {"{text}": text, "{instruction}": instruction}
    return "".join(values.get(part, part) for part in _PLACEHOLDERS.split(template))


class Embedder(Protocol):
    """Turns texts into vectors of length 1. Safe to call from several threads.

    Both methods raise `EmbeddingError` instead of returning an unreliable vector: `EmbeddingAway`
    if a later call may succeed, `TextsRefused` if other texts may be fine.
    """

    @property
    def identity(self) -> EmbedderIdentity:
        """Model, dims, templates …; the first access may ask the server."""

    @property
    def batch_size(self) -> int:
        """Preferred number of texts per request."""

    @property
    def concurrency(self) -> int:
        """Number of concurrent calls that use it fully."""

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed documents in their template: `[n]` texts -> `[n, dims]` float32, length 1."""

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        """Embed a query in its template: `[dims]` float32 of length 1.

        Args:
            timeout: Seconds to wait, without retries; None: the configured timeout and retries.
        """

    def close(self) -> None:
        """Close connections and threads."""
