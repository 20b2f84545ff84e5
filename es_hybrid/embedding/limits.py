"""What a server's refusal says about its limits."""

from __future__ import annotations

import re

__all__ = ["batch_limit", "is_too_long", "share_to_keep"]

_MOST = r"(?:max\w*|at most|up to|larger than|more than|greater than|less than|exceed\w*|limit\w*)"
# As in "batch size 32 > maximum allowed batch size 8", "should not be larger than 10", "at most 9".
_BATCH_LIMIT = re.compile(
    rf"{_MOST}[^\d.;]{{0,40}}?(\d{{1,5}})(?!\d|\s*(?:tokens|characters|bytes|kb|mb))",
    re.IGNORECASE,
)
# As in "must have less than 512 tokens. Given: 900" and "maximum context length is 8192 tokens,
# however you requested 9000 tokens".
_TOKEN_LIMIT = re.compile(rf"{_MOST}[^\d.;]{{0,40}}?(\d{{2,7}}) tokens", re.IGNORECASE)
_TOKENS_GIVEN = re.compile(
    r"(?:given|requested|got|has|have|contains|resulted in|input)[^\d]{0,30}?(\d{2,7})",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"\d (?:tokens|characters)|too (?:many tokens|long|large)"
    r"|(?:context|sequence|input|maximum) (?:length|size)|exceed\w* .{0,40}(?:length|tokens)",
    re.IGNORECASE,
)
# Kept of what should fit: the tokens of a text are not spread evenly over it.
_MARGIN = 0.95


def batch_limit(reason: str, sent: int) -> int | None:
    """The number of texts per request that a refusal names, from 1 to below `sent`, or None."""
    named = [int(number) for number in _BATCH_LIMIT.findall(reason)]
    return min((number for number in named if 1 <= number < sent), default=None)


def is_too_long(reason: str) -> bool:
    """Whether a refusal says that the text is too long."""
    return _TOO_LONG.search(reason) is not None


def share_to_keep(reason: str) -> float:
    """The share of a text that fits, by the numbers that a refusal names; a half without them."""
    limit, given = _TOKEN_LIMIT.search(reason), None
    if limit:
        given = _TOKENS_GIVEN.search(reason, limit.end())
    if not limit or not given or int(given[1]) <= int(limit[1]):
        return 0.5
    return _MARGIN * int(limit[1]) / int(given[1])
