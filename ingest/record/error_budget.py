"""The error budget: how many rows may be rejected before a load is called off.

Bad rows are scattered; a systemic error is not. A wrong decimal separator or a wrong mapping
rejects every row, and is worth stopping for before the night is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from es_hybrid.errors import ElasticsearchError, TooManyRejected
from es_hybrid.settings import IngestSettings
from ingest.record.tally import Tally

if TYPE_CHECKING:  # it counts its own streaks by what stands here
    from ingest.load.slices import ShardResult

# If none of so many documents was taken, the next ones will not be either.
_HOPELESS = 8
# The share says nothing before so many rows.
_SHARE_AFTER = 1_000


@dataclass(slots=True)
class Streak:
    """Counts rejections that follow each other.

    Attributes:
        limit: Of them; None for no limit.
    """

    limit: int | None
    length: int = 0

    def taken(self) -> None:
        """A row was fine."""
        self.length = 0

    def rejected(self, reason: str) -> None:
        """A row was rejected.

        Raises:
            TooManyRejected: it is one too many.
        """
        self.length += 1
        if self.limit is not None and self.length >= self.limit:
            raise _too_many(f"{self.length:,} rows in a row were rejected", reason)


@dataclass(slots=True)
class Budget:
    """Of a whole load; shards are looked at as they end."""

    settings: IngestSettings
    _whole_shards: int = 0

    def check(self, total: Tally, shard: ShardResult) -> None:
        """Look at a load after another shard of it.

        Raises:
            TooManyRejected: the budget is spent.
            ElasticsearchError: it begins with rows that are clean, and none of them is taken.
        """
        if not shard.tally.rejected:
            self._whole_shards = 0
            return
        if not total.taken:
            _check_first(shard)
        reason = str(shard.tally.reasons[0])
        self._check_streak(shard.tally, reason)
        rejected, allowed = total.rejected, self.settings.max_rejected
        if allowed is not None and rejected > allowed:
            setting = f"ingest.max_rejected is {allowed:,}"
            raise _too_many(f"{rejected:,} rows were rejected, {setting}", reason)
        share, allowed_share = rejected / total.ended, self.settings.max_rejected_share
        if total.ended >= _SHARE_AFTER and share > allowed_share:
            setting = f"ingest.max_rejected_share is {allowed_share:.1%}"
            raise _too_many(f"{share:.1%} of {total.ended:,} rows were rejected, {setting}", reason)

    def _check_streak(self, shard: Tally, reason: str) -> None:
        """Across shards; inside of one its worker counts."""
        self._whole_shards = 0 if shard.taken else self._whole_shards + shard.rejected
        limit = self.settings.max_rejected_in_a_row
        if limit is not None and self._whole_shards >= limit:
            raise _too_many(f"{self._whole_shards:,} rows in a row were rejected", reason)


def _check_first(shard: ShardResult) -> None:
    refused = [letter for letter in shard.letters if letter.stage in ("embed", "bulk")]
    if len(refused) >= _HOPELESS:
        raise ElasticsearchError(
            f"none of the first {len(refused)} documents was taken: {refused[0].problem.message}",
            remedy="look at the index's mapping and blocks, or at the embedding server",
        )


def _too_many(problem: str, reason: str) -> TooManyRejected:
    return TooManyRejected(
        f"{problem}; the last: {reason}" if reason else problem,
        remedy="correct the cause",
    )
