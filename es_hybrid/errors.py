"""Every error that es-hybrid raises on purpose.

    EsHybridError              exit status 2: the command cannot continue
    ├── Outage                 exit status 75: a server stayed unavailable; resume later
    ├── Interrupted            exit status 130 or 143: stopped by a signal; resume at any time
    ├── TooManyRejected        a load exceeded its error budget
    ├── SettingsError          a setting is wrong or missing
    ├── InvalidRequest         the caller asked for something that cannot be answered
    ├── StorageError           a file of es-hybrid's own cannot be written, e.g. on a full disk
    ├── MissingExtra           an optional dependency is not installed
    ├── NodeError              the embedded Elasticsearch failed
    ├── ElasticsearchError     the cluster cannot be reached, or refuses a request
    │   ├── PointInTimeLost    an index cannot be read further in the same state
    │   └── RequestRefused     a search that Elasticsearch refuses, or would refuse
    ├── KibanaError            Kibana cannot be reached, or refuses what it is to import
    ├── IndexStateError        the index is missing, conflicts, or has an unexpected shape
    │   └── PassportMismatch   the index was written with another embedder
    ├── EmbeddingError         the embedding server failed, or its answer is unusable
    │   ├── EmbeddingAway      it cannot be reached or is busy; retrying later may help
    │   └── TextsRefused       it rejects these texts; others may be fine
    │       └── TextTooLong    a part of the text would be fine
    ├── RerankError            the reranker failed, or its model folder is unusable
    │   └── CanariesFailed     it ranks queries wrongly whose right product is beyond doubt
    ├── RerankSkipped          the reranker does not suit this query (never leaves a search)
    ├── SearchCancelled        no one waits for this search any more (never leaves a search)
    ├── SourceError            a whole source file cannot be read
    ├── EvaluationError        queries, judgements or runs cannot be used
    ├── AlignError             an alignment, its truth or its decisions cannot be used
    └── RowError               one row is unusable (recorded as rejected, never ends a load)

Each one names the place, the problem and the remedy, all without keys and passwords.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.secrets import scrub, scrub_json


class EsHybridError(Exception):
    """An error with a place, a problem and a remedy.

    `str()` gives `place: message; remedy`, omitting empty parts.
    """

    exit_code: int = 2

    def __init__(self, message: str, *, remedy: str = "", place: str = "") -> None:
        self.message = scrub(message)
        self.remedy = scrub(remedy)
        self.place = scrub(place)
        super().__init__(self.message)

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}" if self.place else self.message
        return f"{text}; {self.remedy}" if self.remedy else text


class Outage(EsHybridError):
    """A server stayed unavailable or busy for longer than the configured wait."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again later


class Interrupted(EsHybridError):
    """A signal ended the work early; completed work is kept."""

    def __init__(self, message: str, *, remedy: str = "", place: str = "", signal: int = 2) -> None:
        super().__init__(message, remedy=remedy, place=place)
        self.exit_code = 128 + signal


class TooManyRejected(EsHybridError):
    """The load exceeded its error budget: the fault is not in single rows."""


class SettingsError(EsHybridError):
    """A setting is wrong or missing. Raised for configuration only, never for a request."""


class InvalidRequest(EsHybridError):
    """The caller asked for something that cannot be answered; `serve` answers 400."""


class StorageError(EsHybridError):
    """A file or folder of es-hybrid's own cannot be written, as on a full disk."""


class MissingExtra(EsHybridError):
    """An optional dependency is not installed; the remedy is the install command."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} is not installed",
            remedy=f'run `pip install "es-hybrid[{extra}]"`',
        )
        self.extra = extra


class NodeError(EsHybridError):
    """The embedded Elasticsearch cannot start, or stopped unexpectedly."""


class ElasticsearchError(EsHybridError):
    """The cluster cannot be reached, or refuses a request."""


class PointInTimeLost(ElasticsearchError):
    """An index cannot be read further in the state in which reading began."""


class RequestRefused(ElasticsearchError):
    """A search that Elasticsearch refuses, or that es-hybrid refuses on its behalf.

    Attributes:
        status: HTTP status of the answer.
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
        self._answer: Mapping[str, Any] | None = None if answer is None else scrub_json(answer)

    def body(self) -> Mapping[str, Any]:
        """The error body: Elasticsearch's own if it answered, else one in the same form."""
        if self._answer is not None:
            return self._answer
        cause = {"type": self.type, "reason": self.message}
        return {"error": {"root_cause": [cause], **cause}, "status": self.status}


class KibanaError(EsHybridError):
    """Kibana cannot be reached, or refuses a request or an object."""


class IndexStateError(EsHybridError):
    """The index is missing, conflicts with the request, or has an unexpected shape."""


class PassportMismatch(IndexStateError):
    """The index was written with another embedder than the configured one."""


class EmbeddingError(EsHybridError):
    """The embedding server failed, or its answer is unusable."""


class EmbeddingAway(EmbeddingError):
    """The embedding server cannot be reached, or is temporarily busy or broken.

    Attributes:
        busy: It reported overload, so the texts are not at fault.
        retry_after: Seconds it asked to wait before the next request; 0 if it gave none.
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
    """The embedding server returns no usable vectors for these texts; others may be fine."""


class TextTooLong(TextsRefused):
    """The embedding server finds a text too long.

    Attributes:
        share: Share of the text to try next, above 0 and below 1.
    """

    # Characters that every server takes; what is refused below is not refused for its length.
    _SHORTEST = 20

    def __init__(
        self, message: str, *, remedy: str = "", place: str = "", share: float = 0.5
    ) -> None:
        super().__init__(message, remedy=remedy, place=place)
        self.share = share

    def shortened(self, text: str) -> str:
        """The beginning of the text that may fit; empty if there is nothing left to try."""
        length = int(len(text) * self.share)
        return text[:length] if length >= self._SHORTEST else ""


class RerankError(EsHybridError):
    """The reranker failed, or its model folder is unusable."""


class CanariesFailed(RerankError):
    """The reranker ranks queries wrongly whose right product is beyond doubt."""


class RerankSkipped(EsHybridError):
    """The reranker does not suit this query or these documents. Not a failure: order is kept."""


class SearchCancelled(EsHybridError):
    """Nobody waits for this search any more: it closes what it opened."""


class SourceError(EsHybridError):
    """A whole source file cannot be read."""


class EvaluationError(EsHybridError):
    """Queries, judgements or runs cannot be used."""


class AlignError(EsHybridError):
    """An alignment, its ground truth, or a decision about it cannot be used."""


class RowError(EsHybridError):
    """One row is unusable. It is recorded as rejected and never ends a load.

    `str()` gives `file:line sku=… field=…: message; remedy`, omitting empty parts.

    Attributes:
        sku: The row's SKU; if it is empty, `id` names the row instead.
        id: The row's id as written in the source.
        field: The product field at fault.
        column: The source column the field is mapped from, if its name differs.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        place: str = "",
        sku: str = "",
        id: str = "",  # noqa: A002 - the name used everywhere
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
    """One short printable line."""
    text = " ".join(text.split()).encode(errors="backslashreplace").decode()
    return text if len(text) <= 60 else f"{text[:60]}…"
