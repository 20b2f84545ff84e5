"""`align run`, from its arguments to the groups."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from es_hybrid.align.blocking import Blocker
from es_hybrid.align.blocking.index import IndexBlocker
from es_hybrid.align.blocking.memory import MemoryBlocker
from es_hybrid.align.decisions import ReviewStore
from es_hybrid.align.engine import OnProgress, block, group, judge
from es_hybrid.align.journal import Journal
from es_hybrid.align.scoring import Weights
from es_hybrid.align.second_look import SecondLook
from es_hybrid.errors import EsHybridError
from es_hybrid.events import open_recorder
from es_hybrid.events.documents import align_event
from es_hybrid.reranking import open_reranker
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from ingest.align.catalogue import index_of, products_of
from ingest.align.sides import AlignResources, FileSide, Side
from ingest.sources import Format

if TYPE_CHECKING:
    from es_hybrid.events.recorder import Recorder

__all__ = ["SELF", "AlignJob", "Summary"]

SELF = "self"
# Below this many products in a language, the scores have too few rivals to compare with.
_FEW = 50


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of a run.

    Attributes:
        resumed: Whether it resumed an earlier run.
        decisions: Number of pairs by decision.
        groups: Number of products by group.
        seconds: Seconds by step.
        warnings: Reasons to distrust the scores.
    """

    resumed: bool
    decisions: Counter[str]
    groups: Counter[str]
    seconds: dict[str, float]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignJob:
    """One run: a catalogue compared with another one or with itself.

    Attributes:
        left: File or index.
        right: File, index, or `self`.
        rerank: Whether to use the configured reranker, if there is one.
    """

    settings: Settings
    left: str
    right: str
    file_format: Format | None = None
    rerank: bool = True

    def run(self, *, say: Callable[[str], None], progress: OnProgress) -> Summary:
        """Align, or resume the same run. All results go into the store.

        Args:
            say: Called with a line about each skipped row.

        Raises:
            EsHybridError: the run cannot continue; its results so far stay in the store.
        """
        recorder = open_recorder(self.settings)
        if recorder is None:
            return self._aligned(say, progress)
        with contextlib.closing(recorder):
            return self._recorded(recorder, say, progress)

    def _recorded(
        self, recorder: Recorder, say: Callable[[str], None], progress: OnProgress
    ) -> Summary:
        """Align, and record how it ended."""
        started = time.monotonic()
        index = index_of(self.left) or (None if self.right == SELF else index_of(self.right))

        def record(
            align: Callable[[], Mapping[str, int]], error: EsHybridError | None = None
        ) -> None:
            seconds = time.monotonic() - started
            recorder.add(
                lambda: align_event(index=index, align=align(), seconds=seconds, error=error)
            )

        try:
            summary = self._aligned(say, progress)
        except EsHybridError as error:
            record(dict, error)
            raise
        record(lambda: _counts(summary, ReviewStore(self.settings.align.store)))
        return summary

    def _aligned(self, say: Callable[[str], None], progress: OnProgress) -> Summary:
        align = self.settings.align
        weights = Weights.read(align.weights)
        journal = Journal.made(align.store)
        seconds: dict[str, float] = {}
        with AlignResources.open(self.settings, journal, (self.left, self.right)) as resources:
            with _timed(seconds, "candidates"):
                resumed = self._block(journal, resources, say, progress)
            encoder = resources.vectors.model
        with _timed(seconds, "scores"), self._second_look(resources) as look:
            judge(
                journal,
                settings=align,
                weights=weights,
                encoder=encoder,
                second_look=look,
                progress=progress,
            )
        with _timed(seconds, "groups"):
            names = group(journal, align)
        return Summary(
            resumed=resumed,
            decisions=Counter(record.decision for record in journal.records()),
            groups=Counter(names.values()),
            seconds=seconds,
            warnings=tuple(_warnings(weights, encoder, journal)),
        )

    def _block(
        self,
        journal: Journal,
        resources: AlignResources,
        say: Callable[[str], None],
        progress: OnProgress,
    ) -> bool:
        """Find candidates; returns whether an earlier run is resumed."""
        same = self.right == SELF
        lefts = self._side(self.left, resources, say)
        rights = lefts if same else self._side(self.right, resources, say)
        resumed = journal.begin(
            {
                "left": lefts.fingerprint,
                "right": rights.fingerprint,
                "right_side": "left" if same else "right",
                "encoder": resources.vectors.model,
                "text": resources.vectors.template,
                "candidates": str(self.settings.align.candidates),
                "duplicates": str(self.settings.align.duplicates),
            }
        )
        if not (resumed and lefts.count == len(journal.done())):
            with self._blocker(rights, resources, same, progress) as blocker:
                block(lefts.embedded(progress), blocker, journal, progress)
        return resumed

    def _side(self, name: str, resources: AlignResources, say: Callable[[str], None]) -> Side:
        index = index_of(name)
        if index is not None:
            return resources.index_side(index)
        products = products_of(name, self.settings, file_format=self.file_format, say=say)
        return FileSide(products, resources.vectors)

    @contextlib.contextmanager
    def _blocker(
        self, rights: Side, resources: AlignResources, same: bool, progress: OnProgress
    ) -> Iterator[Blocker]:
        align = self.settings.align
        if isinstance(rights, FileSide):
            yield MemoryBlocker(
                list(rights.embedded(progress)),
                count=align.candidates,
                same_side=same,
                duplicates=align.duplicates,
            )
            return
        with HybridSearch(
            resources.client,
            index=rights.index,
            embedder=resources.embedder,
            settings=self.settings,
        ) as search:
            yield IndexBlocker(
                search,
                rights.passport,
                resources.vectors,
                settings=self.settings,
                count=align.candidates,
                same_side=same,
                duplicates=align.duplicates,
            )

    @contextlib.contextmanager
    def _second_look(self, resources: AlignResources) -> Iterator[SecondLook | None]:
        """The configured reranker; docs/alignment.md explains why not the bundled one."""
        rerank = self.settings.rerank
        named = self.rerank and (rerank.model is not None or rerank.url is not None)
        reranker = open_reranker(rerank) if named else None
        if reranker is None:
            yield None
            return
        with contextlib.closing(reranker):
            yield SecondLook(
                reranker,
                settings=self.settings.align,
                rerank=rerank,
                text=resources.vectors.text,
            )


def _counts(summary: Summary, store: ReviewStore) -> dict[str, int]:
    """The fields of an event."""
    decisions = summary.decisions
    return {
        **{name: decisions[name] for name in ("merge", "review", "discard")},
        "candidates": decisions.total(),
        "groups": len(summary.groups),
        "queue": store.counts()["review"],
    }


def _warnings(weights: Weights, encoder: str, journal: Journal) -> Iterator[str]:
    if weights.encoder != encoder:
        yield (
            f"the weights were fitted for {weights.encoder}, these vectors come from {encoder}: "
            "fit your own with `es-hybrid align calibrate --fit`"
        )
    stored = journal.products()
    for side in ("left", "right"):
        sizes = Counter(product.lang for product in stored[side].values())
        few = sorted(lang or "?" for lang, size in sizes.items() if size < _FEW)
        if few:
            yield (
                f"fewer than {_FEW} products in {', '.join(few)} on the {side}: too few to "
                "show how close similar products are, so check the groups before you use them"
            )


@contextlib.contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    seconds[step] = time.monotonic() - start
