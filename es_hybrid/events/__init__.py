"""Events about searches, loads and alignments, for the data stream of `events.stream`.

Switched off, no recorder is loaded or opened. Callers that open one close it:

    recorder = open_recorder(settings)  # None if events are off
    with watched(recorder, request, index=index) as record:
        record(*search())
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from es_hybrid.background import Count
from es_hybrid.events.documents import Asked
from es_hybrid.retrieval.response import Retrieved

if TYPE_CHECKING:
    from es_hybrid.events.recorder import Recorder
    from es_hybrid.settings import Settings

__all__ = ["Asked", "Record", "open_recorder", "watched"]

# Takes what was found, and stage -> milliseconds.
Record = Callable[[Retrieved, Mapping[str, float]], None]


def open_recorder(
    settings: Settings, count: Count = lambda outcome, number: None
) -> Recorder | None:
    """The recorder of the settings; None if events are off. Sends nothing yet.

    Args:
        count: Called with the number of events that were written or dropped.
    """
    if not settings.events.enabled:
        return None
    from es_hybrid.events.recorder import Recorder

    return Recorder(settings, count)


def watched(
    recorder: Recorder | None, asked: Asked, *, index: str
) -> AbstractContextManager[Record]:
    """Record the search in the block: what is found, or the error that leaves the block.

    Args:
        recorder: None if nothing is recorded.
    """
    if recorder is None or not recorder.draws():
        return nullcontext(_ignored)
    return recorder.search(asked, index=index)


def _ignored(found: Retrieved, timings: Mapping[str, float]) -> None:
    pass
