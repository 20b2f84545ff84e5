"""What a search under way needs from outside.

The engine does no I/O. Its generators yield one of these and are sent the result, or thrown the
error named here. Who drives them decides how to wait, how long, and with whose credentials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class EmbedQuery:
    """Needs the text's vector, `[dims]` numbers; thrown `EmbeddingError`."""

    stage: ClassVar[str] = "embed"
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """Needs Elasticsearch's answer as a `Reply`; thrown `ElasticsearchError` if there is none.

    A status of 400 and above is a reply too: the engine repeats Elasticsearch's own error.

    Attributes:
        method: `GET`, `POST` or `DELETE`.
        path: With a leading slash, each part quoted: `/products/_search`.
        params: Of the query string.
        body: One JSON object, a sequence of them (newline-delimited, as `_msearch` takes), or none.
    """

    stage: ClassVar[str] = "elasticsearch"
    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and decoded JSON of one answer."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class ScoreDocuments:
    """Needs `Scores`; thrown `RerankError`, or `RerankSkipped`.

    Attributes:
        langs: Of each document the language that it says it is in, or an empty text.
    """

    stage: ClassVar[str] = "rerank"
    query: str
    documents: Sequence[str]
    instruction: str | None = None
    langs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """What a reranker says of documents.

    Attributes:
        values: `[n]` numbers in [0, 1], NaN where time ran out.
        weight: What they count beside the scores of the first stage, (0, 1].
    """

    values: Sequence[float]
    weight: float = 1.0


Need = EmbedQuery | Call | ScoreDocuments
