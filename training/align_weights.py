"""Fit the bundled alignment weights: `python -m training.align_weights`.

Fitted on adventureworks and the sample catalogue, both complete and with random products left out,
so that some products have no counterpart. oracle-oe is the test set: `python -m benchmarks.align`.
Seeded; needs the extra `local` and the data of docs/data.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from es_hybrid.align.fitting import Sample, fit_weights
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.settings import EmbeddingSettings
from training.data import DATA, required
from training.multilingual import adventureworks, embedded, sample, sample_of

TARGET = Path(__file__).parents[1] / "es_hybrid/data/align_weights.json"
# (share of products left out, repetitions). Fitted on one of the two catalogues and tested on the
# other, the mean F1 at 0.9 is .71; .65 if samples of a tenth of a catalogue are added.
LEFT_OUT = ((0.0, 1), (0.4, 2))


def main() -> None:
    """Fit and write the weights."""
    required(DATA)
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
