"""A test of a share that may be looked at after every observation.

The mixture sequential probability ratio test (Robbins 1970; Johari, Pekelis and Walsh 2015) of
independent trials: the likelihood of the outcomes under a Beta mixture of shares, relative to that
under the null hypothesis. It is a martingale that starts at 1, so by Ville's inequality it ever
reaches 1 / alpha with a probability of at most alpha if the null hypothesis is true.
"""

from __future__ import annotations

import math

# Weight of the mixture in trials: differences of a few percent, as of two good rankings, are found
# soonest. Any weight keeps alpha.
_WEIGHT = 100.0
_HALVINGS = 60


def log_evidence(wins: int, losses: int, *, null: float) -> float:
    """Natural logarithm of the evidence against a share of wins, log(1 / alpha) and more reject it.

    Args:
        null: The share of wins under the null hypothesis, between 0 and 1.
    """
    return _log_mixture(wins, losses, null) - _log_likelihood(wins, losses, null)


def share_interval(
    wins: int, losses: int, *, null: float, alpha: float = 0.05
) -> tuple[float, float]:
    """Lower and upper bound of the share of wins, in [0, 1].

    With a probability of at least 1 - alpha it contains the true share at every look.

    Args:
        null: As for `log_evidence`: this share is outside as soon as it is rejected.
        alpha: Between 0 and 1.
    """
    least = _log_mixture(wins, losses, null) + math.log(alpha)
    best = wins / (wins + losses) if wins + losses else 0.5

    def bound(outside: float) -> float:
        inside = best
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            if _log_likelihood(wins, losses, middle) > least:
                inside = middle
            else:
                outside = middle
        return outside

    return bound(0.0), bound(1.0)


def _log_mixture(wins: int, losses: int, centre: float) -> float:
    """Log-likelihood of the outcomes under Beta-distributed shares."""
    for_wins, for_losses = _WEIGHT * centre, _WEIGHT * (1 - centre)
    return _log_beta(for_wins + wins, for_losses + losses) - _log_beta(for_wins, for_losses)


def _log_likelihood(wins: int, losses: int, share: float) -> float:
    return sum(
        count * math.log(probability) if probability else -math.inf
        for count, probability in ((wins, share), (losses, 1 - share))
        if count
    )


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
