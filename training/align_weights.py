"""Fit the weights of alignment that come along: `python -m training.align_weights`.

On adventureworks and the sample catalogue, whole and with products left out at random, so that the
weights know products without a counterpart. oracle-oe is kept for the test:
`python -m benchmarks.align`. Seeded; needs the extra `local` and ../shared/data.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from es_hybrid.align.fitting import Sample, fit_weights
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.settings import EmbeddingSettings
from training.multilingual import DATA, adventureworks, embedded, sample, sample_of

TARGET = Path(__file__).parents[1] / "es_hybrid/data/align_weights.json"
# Share of the products that are left out, and how often. Fitted on one of the two catalogues and
# tested on the other, F1 at 0.9 is .71 on average; .65 if tenths of a catalogue are learned too.
LEFT_OUT = ((0.0, 1), (0.4, 2))


def main() -> None:
    """Fit and write."""
    if not DATA.exists():
        sys.exit(f"{DATA} is not there: the weights are fitted on its products")
    embedder = LocalEmbedder(EmbeddingSettings())
    chance = np.random.default_rng(1)
    samples: list[Sample] = []
    for catalogue in (adventureworks(), sample()):
        products = embedded(catalogue.products, embedder)
        for share, times in LEFT_OUT:
            for _ in range(times):
                kept = [each for each in products if chance.random() >= share]
                samples.append(sample_of(catalogue, kept))
    identity = embedder.identity
    weights = fit_weights(
        [each for each in samples if each.same.any()],
        encoder=f"{identity.model}@{identity.revision}",
        fitted_on="adventureworks-multilingual and the sample catalogue",
    )
    weights.write(TARGET)
    sys.stdout.write(f"{TARGET}\n{TARGET.read_text(encoding='utf-8')}")


if __name__ == "__main__":
    main()
