"""Every error es-hybrid raises on purpose.

    EsHybridError              exit status 2: it cannot go on
    ├── Outage                 exit status 75: a server stayed away; resume when it is back
    ├── Interrupted            exit status 130 or 143: told to stop; resume at any time
    ├── TooManyRejected        the error budget of a load is spent
    ├── SettingsError          a setting is wrong or missing
    ├── MissingExtra           an optional part is not installed
    ├── NodeError              the embedded Elasticsearch
    ├── ElasticsearchError     the cluster cannot be reached, or refuses
    │   └── RequestRefused     a search that Elasticsearch refuses, or would
    ├── IndexStateError        the index is absent, in the way, or of another shape
    │   └── PassportMismatch   the index was written with another embedder
    ├── EmbeddingError         the embedding server, or what it answered
    │   ├── EmbeddingAway      it cannot be reached or is busy; asking later may help
    │   └── TextsRefused       it takes no vector of these texts; of others it may
    ├── RerankError            the reranker, its model folder, or what it answered
    ├── RerankSkipped          the reranker is not for this query (never leaves a search)
    ├── SourceError            a file as a whole cannot be read
    ├── EvaluationError        queries, judgements or runs cannot be used
    ├── AlignError             an alignment, its truth or its decisions cannot be used
    └── RowError               one row is unusable (a verdict, never an exit)

Each says where, what, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class EsHybridError(Exception):
    """An error with a place, a problem and a remedy.

    `str()` gives `place: message; remedy`, leaving out what is empty.
    """

    exit_code: int = 2

    def __init__(self, message: str, *, remedy: str = "", place: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.place = place

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}" if self.place else self.message
        return f"{text}; {self.remedy}" if self.remedy else text


class Outage(EsHybridError):
    """A server stayed away or busy for longer than one was told to wait."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again later


class Interrupted(EsHybridError):
    """A signal ended the work early; what was done is kept."""

    def __init__(self, message: str, *, remedy: str = "", place: str = "", signal: int = 2) -> None:
        super().__init__(message, remedy=remedy, place=place)
        self.exit_code = 128 + signal


class TooManyRejected(EsHybridError):
    """The error budget is spent: something is wrong with more than single rows."""


class SettingsError(EsHybridError):
    """A setting is wrong or missing."""


class MissingExtra(EsHybridError):
    """An optional part is not installed; the remedy is the install line."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} is not installed", remedy=f'install it: pip install "es-hybrid[{extra}]"'
        )
        self.extra = extra


class NodeError(EsHybridError):
    """The embedded Elasticsearch cannot start, or died."""


class ElasticsearchError(EsHybridError):
    """The cluster cannot be reached, or refuses a request."""


class RequestRefused(ElasticsearchError):
    """A search that Elasticsearch refuses, or that es-hybrid refuses in its place.

    Attributes:
        status: Of the HTTP answer.
        type: Elasticsearch's name of the error: `parsing_exception`, `illegal_argument_exception`…
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int = 400,
        type: str = "illegal_argument_exception",  # noqa: A002 - Elasticsearch's own word
        place: str = "search request",
        remedy: str = "",
        answer: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(reason, place=place, remedy=remedy)
        self.status = status
        self.type = type
        self._answer = answer

    def body(self) -> Mapping[str, Any]:
        """The answer as Elasticsearch gives it: its own where it spoke, else one of its form."""
        if self._answer is not None:
            return self._answer
        cause = {"type": self.type, "reason": self.message}
        return {"error": {"root_cause": [cause], **cause}, "status": self.status}


class IndexStateError(EsHybridError):
    """The index is absent, in the way, or of another shape than needed."""


class PassportMismatch(IndexStateError):
    """The index was written with another embedder than the configured one."""


class EmbeddingError(EsHybridError):
    """The embedding server failed, or its answer cannot be trusted."""


class EmbeddingAway(EmbeddingError):
    """The embedding server cannot be reached, or is busy or broken for now.

    Attributes:
        busy: It says that it has too much to do, which is no fault of what it was sent.
        retry_after: Seconds it asked to be left alone for; 0 where it said nothing.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        place: str = "",
        busy: bool = False,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message, remedy=remedy, place=place)
        self.busy = busy
        self.retry_after = retry_after


class TextsRefused(EmbeddingError):
    """The embedding server gives no usable vectors of these texts; others may be fine."""


class RerankError(EsHybridError):
    """The reranker failed, or its model folder cannot be used."""


class RerankSkipped(EsHybridError):
    """The reranker is not for this query or these documents. No failure: the order stays."""


class SourceError(EsHybridError):
    """A source file as a whole cannot be read."""


class EvaluationError(EsHybridError):
    """Queries, judgements or runs cannot be used."""


class AlignError(EsHybridError):
    """An alignment, its truth, or a decision about it cannot be used."""


class RowError(EsHybridError):
    """One row is unusable. The pipeline turns it into a verdict; it never ends a load.

    `str()` gives `file:line sku=… field=…: message; remedy`, leaving out what is empty.

    Attributes:
        sku: The row's own; where it has none, `id` names the row instead.
        id: The row's own, as it stands there.
        field: The product field that is wrong.
        column: The row's key that it is taken from, where that is another name.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        place: str = "",
        sku: str = "",
        id: str = "",  # noqa: A002 - what it is called everywhere
        field: str = "",
        column: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy, place=place)
        self.sku, self.id, self.field, self.column = sku, id, field, column

    def __str__(self) -> str:
        named = [self.place]
        if self.sku or self.id:
            named.append(f"sku={_brief(self.sku)}" if self.sku else f"id={_brief(self.id)}")
        if self.field:
            named.append(f"field={self.field}")
        if self.column:
            named.append(f"column={_brief(self.column)!r}")
        where = " ".join(filter(None, named))
        text = f"{where}: {self.message}" if where else self.message
        return f"{text}; {self.remedy}" if self.remedy else text


def _brief(text: str) -> str:
    """On one line, not a page of it, and such as a terminal can print."""
    text = " ".join(text.split()).encode(errors="backslashreplace").decode()
    return text if len(text) <= 60 else f"{text[:60]}…"
