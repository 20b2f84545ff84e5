"""Make the small reranker that comes with es-hybrid.

    python -m training.small_reranker WORK

Needs the extras `local`, `export` and `eval`, the dependency group `training`, and ../shared/data.
Takes an hour on two cores. What stands in WORK already (the lists, the start, the checkpoint) is
used again; the finished model is WORK/model. The same seed gives the same groups and the same
order; the last digits of the weights depend on the machine.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from es_hybrid.rerank.export import export
from es_hybrid.rerank.onnx import OnnxReranker
from es_hybrid.rerank.reference import TransformersReference
from es_hybrid.rerank.verify import verify
from training.catalogue import Item, read_catalogue
from training.cross_encoder import Recipe, train
from training.gate import GAIN, judged_sets, measure_gain
from training.groups import make_groups
from training.lexicon import Family, read_families, read_modifiers
from training.lists import Lists
from training.queries import make_queries
from training.translations import make_translations
from training.vocabulary import make_start

SEED = 20
_TRANSLATIONS = 700
_SOURCE = "es-hybrid training/small_reranker.py"


def main(work: Path) -> None:
    """Queries, groups, start, two rounds of training, export, parity, gate."""
    work.mkdir(parents=True, exist_ok=True)
    families = read_families()
    items = read_catalogue(families)
    texts = {item.id: item.text for item in items}
    with Lists(work / "lists.jsonl") as lists:
        if not (work / "checkpoint").exists():
            _teach(work, families, items, lists)
        _export(work / "checkpoint", work / "model")
        reranker = OnnxReranker(work / "model")
        figures = measure_gain(
            *judged_sets(),
            lambda query: lists(query, "hybrid"),
            texts.__getitem__,
            reranker.score,
        )
    passing = [one.language for one in figures if one.gain >= GAIN]
    replace(reranker.manifest, source=_SOURCE, languages=tuple(passing)).write(work / "model")
    say("language, queries, fused, reranked, gain, its 95 % interval")
    for one in figures:
        say(str(one))
    size = sum(path.stat().st_size for path in (work / "model").iterdir())
    say(f"{size / 1e6:.1f} MB, for {', '.join(passing) or 'no language'}")


def _teach(work: Path, families: Sequence[Family], items: Sequence[Item], lists: Lists) -> None:
    """Two rounds over the made queries, the second without those of title words.

    They teach a first sense of what words have to do with each other, and then that whatever
    mentions a laptop answers `laptop`.
    """
    start, taught = work / "start", work / "taught"
    if not start.exists():
        make_start(families, start, seed=SEED)
    rng = random.Random(SEED)
    queries = make_queries(items, families, read_modifiers(), rng)
    groups = make_groups(queries, items, lists, rng)
    translations = make_translations(_TRANSLATIONS, rng)
    say(f"{len(queries)} made queries, {len(groups)} groups, {len(translations)} translations")
    if not taught.exists():
        train(start, groups + translations, taught, recipe=Recipe(seed=SEED), say=say)
    things = [query for query in queries if not query.wanted.words]
    groups = make_groups(things, items, lists, rng)
    recipe = Recipe(seed=SEED + 1)
    train(taught, groups + translations, work / "checkpoint", recipe=recipe, say=say)


def _export(checkpoint: Path, model: Path) -> None:
    manifest = export(str(checkpoint), model, dtype="int8")
    parity = verify(model, TransformersReference(checkpoint, manifest))
    say(f"int8: Kendall tau {parity.kendall_tau:.3f}, largest difference {parity.max_delta:.3f}")


def say(line: str) -> None:
    """One line with the time before it."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
