"""What follows the fusion: what orders, groups and spreads the hits of a shop's search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from es_hybrid.retrieval.compile.signals import with_signals
from es_hybrid.retrieval.nodes import Groups, Node, Pinned, ReadDocument, Rerank, Spread
from es_hybrid.retrieval.request import MAX_WINDOW
from es_hybrid.settings import RerankSettings
from es_hybrid.settings.search import SearchSettings
from es_hybrid.settings.signals import Signal


def reranker(
    text: str,
    settings: RerankSettings,
    *,
    field: str | None = None,
    document: ReadDocument | None = None,
) -> Callable[[Node], Rerank]:
    """Puts a reranker over a tree; see `Rerank`."""
    return lambda child: Rerank(
        label="rerank",
        child=child,
        text=text,
        field=field,
        document=document,
        rank_window_size=settings.window,
        instruction=settings.instruction_for(),
        keep_rest=True,
        interpolated=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordering:
    """The stages above the fused legs, of a request or of a body with `ext.es_hybrid`.

    Attributes:
        window: Number of hits, or of groups, taken from each leg.
        sorted: Whether the page is sorted. It shows neither the order of the signals nor the
            reranker's, and keeps its own.
        signals: As in `SearchRequest`.
        rerank: Puts the reranker over a tree; None for no reranker.
        pinned: Ids shown first, as far as they pass the filters.
        group: Field whose values are groups; None if hits are not grouped.
        alone: See `Groups`.
        limits: As in `Spread`.
        diversity: As in `Spread`.
        vector_field: Field that its distances are measured in.
        page_size: Hits of a page.
        spread: Number of hits to spread.
    """

    window: int
    sorted: bool
    signals: Sequence[Signal]
    rerank: Callable[[Node], Rerank] | None
    pinned: Sequence[str]
    group: str | None
    alone: bool
    limits: Mapping[str, int]
    diversity: float
    vector_field: str | None
    page_size: int
    spread: int

    @property
    def documents(self) -> int:
        """Number of documents that the legs' windows may take."""
        return MAX_WINDOW if self.group else self.window

    def over(self, root: Node, search: SearchSettings) -> Node:
        """The whole tree, over the fused legs.

        Raises:
            InvalidRequest: the filter of a signal cannot be read.
        """
        if not self.sorted:
            # All variants of the groups in the window move, or none but those of the first would.
            moved = self.documents if self.group else search.window
            root = with_signals(root, self.signals, search, moved)
            root = self.rerank(root) if self.rerank else root
        if self.pinned:
            root = Pinned(
                label="pinned",
                child=root,
                documents=tuple((None, id_) for id_ in self.pinned),
                filtered=True,
                rank_window_size=self.documents,
            )
        if self.group:
            root = Groups(
                label="groups",
                child=root,
                field=self.group,
                window=self.window,
                alone=self.alone,
                rank_window_size=self.documents,
            )
        return root if self.sorted or not self.page_size else self._spread(root)

    def _spread(self, root: Node) -> Node:
        if not (self.limits or self.diversity):
            return root
        return Spread(
            label="spread",
            child=root,
            limits=self.limits,
            page_size=self.page_size,
            diversity=self.diversity,
            field=self.vector_field if self.diversity else None,
            rank_window_size=self.spread,
        )
