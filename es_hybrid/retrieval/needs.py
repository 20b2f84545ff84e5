"""What a search needs from outside.

The engine does no I/O. Its generators yield one of these and are sent the result, or thrown the
error named here. The driver decides how to wait, how long, and with whose credentials.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.response import Retrieved


@dataclass(frozen=True, slots=True)
class EmbedQuery:
    """Needs the vector of a text, `[dims]` numbers; thrown `EmbeddingError`.

    Thrown `PassportMismatch` if the vector cannot be compared with those of the index.

    Attributes:
        index: Index or alias that is searched.
        passports: What the vectors that it is compared with were made with.
    """

    stage: ClassVar[str] = "embed"
    text: str
    index: str = ""
    passports: tuple[Passport, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """Needs Elasticsearch's answer as a `Reply`; thrown `ElasticsearchError` if there is none.

    A status of 400 and above is a reply too: the engine passes Elasticsearch's own error on.

    Attributes:
        method: `GET`, `POST`, `PUT` or `DELETE`.
        path: With a leading slash, each part quoted: `/products/_search`.
        params: The query string.
        body: One JSON object, a sequence of them (newline-delimited, as for `_msearch`), or none.
        within: Seconds for an answer that a search can do without; None: those of the search.
    """

    stage: ClassVar[str] = "elasticsearch"
    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    within: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and decoded JSON of one answer.

    Attributes:
        large: Whether the next step has so much to do that an event loop should not wait for it.
    """

    status: int
    body: Any
    large: bool = False


@dataclass(frozen=True, slots=True)
class Compute:
    """Needs the result of a computation that an event loop should not wait for."""

    stage: ClassVar[str] = "understand"
    run: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class ScoreDocuments:
    """Needs `Scores`; thrown `RerankError`, or `RerankSkipped`.

    Attributes:
        langs: Language tag of each document as stored, or an empty string.
        raw: Whether a server's logits are wanted as they are.
    """

    stage: ClassVar[str] = "rerank"
    query: str
    documents: Sequence[str]
    instruction: str | None = None
    langs: Sequence[str] = ()
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Scores:
    """A reranker's scores.

    Attributes:
        values: `[n]` numbers in [0, 1], or any if raw scores were wanted; NaN for documents not
            scored in time.
        weight: Weight of these scores against those of the first stage, (0, 1].
    """

    values: Sequence[float]
    weight: float = 1.0


Need = EmbedQuery | Call | ScoreDocuments | Compute

# A search in progress: yields needs, is sent their results, returns what was found.
Search = Generator[Need, Any, Retrieved]
