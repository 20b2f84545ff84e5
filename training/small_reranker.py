"""Train the small reranker that is bundled with es-hybrid.

    python -m training.small_reranker WORK

Needs the extras `local`, `export` and `eval`, the dependency group `training`, and the
data of docs/data.md.
Takes an hour on two cores. Intermediate results in WORK (search results, initial model, checkpoint)
are reused; the finished model is WORK/model. The same seed gives the same groups in the same
order; the last digits of the weights depend on the machine.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from es_hybrid.reranking.export import export
from es_hybrid.reranking.manifest import Manifest
from es_hybrid.reranking.reference import TransformersReference
from es_hybrid.reranking.verify import verify
from training.catalogue import Item, read_catalogue
from training.cross_encoder import Recipe, train
from training.data import SAMPLE
from training.gate import judged_sets, measure_gain, passing, sample_sets
from training.groups import make_groups
from training.lexicon import Family, read_families, read_modifiers
from training.lists import Lists, loaded_index
from training.queries import make_queries
from training.translations import make_translations
from training.vocabulary import make_start

SEED = 20
_TRANSLATIONS = 700
_SOURCE = "es-hybrid training/small_reranker.py"
_WEIGHT = 0.5  # of its score relative to the fused score; chosen before measuring


def main(work: Path) -> None:
    """Build training data, train, export, verify and evaluate."""
    work.mkdir(parents=True, exist_ok=True)
    families = read_families()
    items = read_catalogue(families)
    if not (work / "checkpoint").exists():
        with Lists(work / "lists.jsonl") as lists:
            _teach(work, families, items, lists)
    manifest = _export(work / "checkpoint", work / "model")
    # The manifest lists no languages yet, so the model reranks all of them.
    with loaded_index() as settings:
        chorus = measure_gain(settings, work / "model", *judged_sets())
    with loaded_index(SAMPLE) as settings:
        sample = measure_gain(settings, work / "model", *sample_sets())
    languages = passing(chorus, sample)
    replace(manifest, languages=languages).write(work / "model")
    for name, figures in (("chorus", chorus), ("sample", sample)):
        say(f"{name}: language, queries, fused, reranked, gain, 95 % interval of the gain")
        for one in figures:
            say(str(one))
    size = sum(path.stat().st_size for path in (work / "model").iterdir())
    say(f"{size / 1e6:.1f} MB, languages: {', '.join(languages) or 'none'}")


def _teach(work: Path, families: Sequence[Family], items: Sequence[Item], lists: Lists) -> None:
    if not (work / "start").exists():
        make_start(families, work / "start", seed=SEED)
    rng = random.Random(SEED)
    queries = make_queries(items, families, read_modifiers(), rng)
    groups = make_groups(queries, items, lists, rng) + make_translations(_TRANSLATIONS, rng)
    say(f"{len(queries)} generated queries, {len(groups)} groups")
    train(work / "start", groups, work / "checkpoint", recipe=Recipe(seed=SEED), say=say)


def _export(checkpoint: Path, model: Path) -> Manifest:
    """Export the checkpoint as int8 and verify it against the original."""
    manifest = export(str(checkpoint), model, dtype="int8")
    parity = verify(model, TransformersReference(checkpoint, manifest))
    say(f"int8: Kendall tau {parity.kendall_tau:.3f}, largest difference {parity.max_delta:.3f}")
    manifest = replace(manifest, source=_SOURCE, weight=_WEIGHT, parity=parity)
    manifest.write(model)
    return manifest


def say(line: str) -> None:
    """Print one line with a timestamp."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
