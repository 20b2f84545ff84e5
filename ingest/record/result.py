"""What became of a slice: consecutive rows of one source, processed and recorded together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from es_hybrid.errors import EsHybridError
from es_hybrid.waiting import Waited
from ingest.record.dead_letters import DeadLetter
from ingest.record.tally import Tally

# Version of an id whose rows were all rejected.
NOT_TAKEN = -1


class SliceKey(NamedTuple):
    """Position of the source, and of the slice in the source; both from 0."""

    source: int
    number: int


@dataclass(slots=True, kw_only=True)
class SliceResult:
    """What became of the rows of a slice.

    Attributes:
        complete: Every row of the slice has its verdict, and no row can be added to the slice.
        ids: Id -> version of the row that was taken, or `NOT_TAKEN`.
        unnamed: Rejected rows without a product id.
        error: Why processing stopped early.
        outages: That the worker waited for since its last result.
    """

    key: SliceKey
    tally: Tally
    complete: bool = False
    ids: dict[str, int] = field(default_factory=dict)
    unnamed: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    error: EsHybridError | None = None
    outages: list[Waited] = field(default_factory=list)
