"""From evidence to a score in [0, 1]: two logistic regressions in sequence.

The first weighs `evidence.FEATURES`. The second uses the other languages: a third product z that is
similar to both x and y speaks for the pair; different third products for x and y speak against it.
It separates similar products that the first cannot separate.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from es_hybrid.align.evidence import FEATURES, FoundPair
from es_hybrid.errors import AlignError

__all__ = ["WITNESSES", "Weights", "first_scores", "scores", "witnesses"]

WITNESSES = ("own", "agree", "against")
"""The columns of `witnesses`."""

# Pairs below are ignored: they carry no information, and most pairs are below.
_LEAST = 0.02
# Limit of the sums over witnesses: a catalogue of thirty languages has more of them.
_WITNESSES = 0.5
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Coefficients of both regressions.

    Attributes:
        encoder: Model and revision of the vectors they were fitted on.
        fitted_on: A description of the products.
        bias: Intercept of the first regression.
        pair: Coefficients by the names in `FEATURES`.
        witness_bias: Intercept of the second regression.
        witness: Coefficients by the names in `WITNESSES`.
    """

    encoder: str
    fitted_on: str
    bias: float
    pair: Mapping[str, float]
    witness_bias: float
    witness: Mapping[str, float]

    @classmethod
    def read(cls, path: Path | None) -> Weights:
        """The weights in a file, or the bundled ones.

        Raises:
            AlignError: no such file, or not a file of weights.
        """
        source = path or files("es_hybrid.data").joinpath("align_weights.json")
        try:
            content = json.loads(source.read_text(encoding="utf-8"))
            if content.pop("format") != _FORMAT:
                raise ValueError("written by another version")
            weights = cls(**content)
            if set(weights.pair) != set(FEATURES) or set(weights.witness) != set(WITNESSES):
                raise ValueError("its names are not those of this version")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise AlignError(
                f"not a file of weights: {error}",
                place=str(source),
                remedy="create it with: es-hybrid align calibrate --fit",
            ) from None
        return weights

    def write(self, path: Path) -> None:
        """Write the file that `read` reads."""
        text = json.dumps({"format": _FORMAT, **asdict(self)}, ensure_ascii=False, indent=2)
        path.write_text(text + "\n", encoding="utf-8")


def first_scores(evidence: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """Scores from the pairs alone: `[n, len(FEATURES)]` -> `[n]` in [0, 1]."""
    coefficients = np.array([weights.pair[name] for name in FEATURES])
    return _sigmoid(evidence @ coefficients + weights.bias)


def scores(
    pairs: Sequence[FoundPair],
    first: NDArray[np.float64],
    languages: Sequence[tuple[str, str]],
    weights: Weights,
    *,
    same_side: bool,
) -> NDArray[np.float64]:
    """Scores from pairs and witnesses: `[n]` float64 in [0, 1].

    Args:
        first: The result of `first_scores`.
        languages: Languages of the left and the right product of each pair.
        same_side: Whether a catalogue is aligned with itself.
    """
    evidence = witnesses(pairs, first, languages, same_side=same_side)
    coefficients = np.array([weights.witness[name] for name in WITNESSES])
    return _sigmoid(evidence @ coefficients + weights.witness_bias)


def witnesses(
    pairs: Sequence[FoundPair],
    first: NDArray[np.float64],
    languages: Sequence[tuple[str, str]],
    *,
    same_side: bool,
) -> NDArray[np.float64]:
    """The evidence from products in third languages: `[n, len(WITNESSES)]` float64.

    `own` is the logit of `first`. For each third language with products z similar to x and y,
    `agree` adds the best first(x, z) * first(z, y); `against` adds the amount by which the best
    score of x times the best score of y exceeds it. Both sums are clipped at 0.5.
    """
    seen: defaultdict[str, defaultdict[str, dict[str, float]]]
    seen = defaultdict(lambda: defaultdict(dict))
    names = [_names(pair, same_side) for pair in pairs]
    for (x, y), score, (x_lang, y_lang) in zip(names, first.tolist(), languages, strict=True):
        if score >= _LEAST:
            seen[x][y_lang][y] = score
            seen[y][x_lang][x] = score
    evidence = np.zeros((len(pairs), len(WITNESSES)))
    clipped = np.clip(first, 1e-4, 1 - 1e-4)
    evidence[:, 0] = np.log(clipped / (1 - clipped))
    for row in np.flatnonzero(first >= _LEAST).tolist():
        x, y = names[row]
        for lang in (seen[x].keys() & seen[y].keys()) - set(languages[row]):
            of_x, of_y = seen[x][lang], seen[y][lang]
            shared = max((of_x[z] * of_y[z] for z in of_x.keys() & of_y.keys()), default=0.0)
            evidence[row, 1] += shared
            evidence[row, 2] += max(0.0, max(of_x.values()) * max(of_y.values()) - shared)
    evidence[:, 1:] = np.minimum(evidence[:, 1:], _WITNESSES)
    return evidence


def _names(pair: FoundPair, same_side: bool) -> tuple[str, str]:
    """Products of two catalogues may have the same id."""
    return (pair.left_id, pair.right_id) if same_side else (f"<{pair.left_id}", f">{pair.right_id}")


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-logits)))
