"""The error budget: how many rejected rows abort a load.

Bad rows are scattered; a systemic error is not. A wrong decimal separator or field mapping rejects
every row, and should stop the load early.
"""

from __future__ import annotations

from dataclasses import dataclass

from es_hybrid.errors import ElasticsearchError, TooManyRejected
from es_hybrid.settings import IngestSettings
from ingest.record.result import SliceResult
from ingest.record.tally import Tally

# Refusals of the first documents, with none accepted, that abort a load.
_HOPELESS = 8
# Rows before which the share of rejected ones says nothing.
_SHARE_AFTER = 1_000


@dataclass(slots=True)
class Streak:
    """Counts consecutive rejections.

    Attributes:
        limit: Longest streak allowed; None for no limit.
        length: Consecutive rejections; set it to 0 after a good row.
    """

    limit: int | None
    length: int = 0

    def rejected(self, reason: str) -> None:
        """Count a rejected row.

        Raises:
            TooManyRejected: the streak has reached its limit.
        """
        self.length += 1
        if self.limit is not None and self.length >= self.limit:
            raise _too_many(f"{self.length:,} rows in a row were rejected", reason)


@dataclass(slots=True)
class ErrorBudget:
    """The budget of a whole load, checked after each slice."""

    settings: IngestSettings
    _in_a_row: int = 0

    def check(self, total: Tally, result: SliceResult) -> None:
        """Check a load after another slice of it.

        Args:
            total: The counts of the load, the slice included.

        Raises:
            TooManyRejected: the budget is exceeded.
            ElasticsearchError: the first documents are valid, and all of them are refused.
        """
        tally = result.tally
        if not tally.rejected:
            self._in_a_row = 0
            return
        if not total.taken:
            _check_first(result)
        reason = str(tally.reasons[0])
        self._check_streak(tally, reason)
        rejected, allowed = total.rejected, self.settings.max_rejected
        if allowed is not None and rejected > allowed:
            setting = f"ingest.max_rejected is {allowed:,}"
            raise _too_many(f"{rejected:,} rows were rejected, {setting}", reason)
        share, allowed_share = rejected / total.ended, self.settings.max_rejected_share
        if total.ended >= _SHARE_AFTER and share > allowed_share:
            setting = f"ingest.max_rejected_share is {allowed_share:.1%}"
            raise _too_many(f"{share:.1%} of {total.ended:,} rows were rejected, {setting}", reason)

    def _check_streak(self, tally: Tally, reason: str) -> None:
        """Count streaks across slices; inside a slice its worker counts them."""
        self._in_a_row = 0 if tally.taken else self._in_a_row + tally.rejected
        limit = self.settings.max_rejected_in_a_row
        if limit is not None and self._in_a_row >= limit:
            raise _too_many(f"{self._in_a_row:,} rows in a row were rejected", reason)


def _check_first(result: SliceResult) -> None:
    refused = [letter for letter in result.letters if letter.stage in ("embed", "bulk")]
    if len(refused) >= _HOPELESS:
        raise ElasticsearchError(
            f"all of the first {len(refused)} documents were refused: {refused[0].problem.message}",
            remedy="check the mapping and the blocks of the index, or the embedding server",
        )


def _too_many(problem: str, reason: str) -> TooManyRejected:
    return TooManyRejected(
        f"{problem}; the last: {reason}" if reason else problem,
        remedy="correct the cause",
    )
