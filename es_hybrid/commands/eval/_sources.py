"""Open what `eval compare`, `diff` and `snapshot` ask: a search, or a snapshot of answers."""

from __future__ import annotations

import re
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from es_hybrid.commands._shared import connected, settings_of

if TYPE_CHECKING:
    from es_hybrid.evaluation.answers import AnswerSource, LiveAnswers
    from es_hybrid.evaluation.judgements import Query
    from es_hybrid.settings import Settings

# Titles to search for where no queries are given.
_TITLES = 50
# A settings file, and the index to use instead of the one that it names.
_SETTINGS = re.compile(r"(?P<file>.+\.toml)(?::(?P<index>[^:/\\]+))?")


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """One side of a comparison.

    Attributes:
        name: As the caller wrote it.
        answers: Where its answers come from.
        settings: Settings of the search; None for a snapshot.
    """

    name: str
    answers: AnswerSource
    settings: Settings | None


def open_source(
    name: str, settings: Settings, opened: ExitStack, *, size: int, rerank: bool
) -> OpenedSource:
    """Open a settings file (`.toml`, or `.toml:INDEX`), a snapshot (`.jsonl`), or an index.

    Args:
        settings: Settings of an index given by its name.
        size: Hits to request from a search.
        rerank: Whether a search uses the configured reranker.

    Raises:
        EsHybridError: it cannot be opened.
    """
    if name.endswith(".jsonl"):
        from es_hybrid.evaluation.answers import Snapshot

        return OpenedSource(name, opened.enter_context(closing(Snapshot(Path(name)))), None)
    if found := _SETTINGS.fullmatch(name):
        chosen = settings_of(Path(found["file"]), url=None, index=found["index"])
    else:
        chosen = settings.with_(index={"name": name})
    return OpenedSource(name, open_live(chosen, opened, size=size, rerank=rerank), chosen)


def open_live(settings: Settings, opened: ExitStack, *, size: int, rerank: bool) -> LiveAnswers:
    """Open the configured search; no shopper asks, so no event is written."""
    from es_hybrid.evaluation.answers import LiveAnswers
    from es_hybrid.search import HybridSearch

    settings = settings.with_(events={"enabled": False})
    if not rerank:
        settings = settings.with_(rerank={"enabled": False})
    return LiveAnswers(opened.enter_context(HybridSearch.open(settings)), size=size)


def queries_of(path: Path | None, *sources: OpenedSource) -> list[Query]:
    """The queries of a file, else of the first snapshot, else titles of the first index."""
    from es_hybrid.evaluation.answers import Snapshot
    from es_hybrid.evaluation.judgements import read_queries

    if path is not None:
        return read_queries(path)
    for source in sources:
        if isinstance(source.answers, Snapshot):
            return source.answers.queries
    from es_hybrid.evaluation.promotion import sampled_titles

    settings = sources[0].settings
    assert settings is not None
    with connected(settings) as client:
        return sampled_titles(client, settings, _TITLES)
