"""Events about searches, loads and alignments, in a data stream."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from es_hybrid.settings.section import HashKey, Section


class EventsSettings(Section):
    """Events about searches, loads and alignments, in a data stream; see events.md."""

    enabled: bool = False
    """Whether events are written, to the cluster of `elasticsearch.url`."""
    stream: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")] = (
        "es-hybrid-events"
    )
    """Name of the data stream, and of its index template."""
    sample: float = Field(1.0, gt=0, le=1)
    """Share of the searches that are recorded, above 0 to 1. Loads and alignments always are."""
    query_text: Literal["none", "hash", "plain"] = "hash"
    """What is written of a query: nothing, a keyed hash, or its words in lower case."""
    hash_key: HashKey | None = None
    """Key of at least 16 characters for `query_text = "hash"`."""
    retention: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}[dh]$")] = "30d"
    """How long events are kept, in days or hours."""

    @model_validator(mode="after")
    def _can_hash(self) -> EventsSettings:
        if self.enabled and self.query_text == "hash" and self.hash_key is None:
            raise ValueError(
                "a hash of the queries needs a key: set hash_key, or query_text to none or plain"
            )
        return self
