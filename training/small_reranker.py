"""Train the small reranker that is bundled with es-hybrid.

    python -m training.small_reranker WORK

Needs the extras `local`, `export` and `eval`, the dependency group `training`, and the
data of docs/data.md.
Takes three quarters of an hour on two cores that multiply bfloat16, twice that on others.
Intermediate results in WORK (search results, initial model, checkpoint) are reused; the finished
model is WORK/model. The same seed gives the same groups in the same order; the last digits of the
weights depend on the machine.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from es_hybrid.embedding import open_embedder
from es_hybrid.reranking.export import export
from es_hybrid.reranking.manifest import Manifest
from es_hybrid.reranking.reference import TransformersReference
from es_hybrid.reranking.verify import verify
from es_hybrid.settings import Settings
from training.body import make_start
from training.catalogue import Item, read_catalogue
from training.cross_encoder import Recipe, train
from training.data import SAMPLE
from training.gate import Figures, judged_sets, losing, measure_gain, passing, sample_sets
from training.groups import make_groups
from training.lexicon import Family, Lexicon, Measure, Modifier, read_lexicon
from training.lists import Lists, loaded_index
from training.multilingual import vectors_of
from training.queries import make_queries
from training.things import make_things
from training.translations import make_translations, translated_texts
from training.wordnet import Thing, Things, read_things

SEED = 20
_THINGS, _TRANSLATIONS = 20_000, 6_000  # groups
_SOURCE = "es-hybrid training/small_reranker.py"
_WEIGHT = 0.7  # of its score; the rest is the fused score's. Chosen on half of the queries


def main(work: Path) -> None:
    """Build training data, train, export, verify and evaluate."""
    work.mkdir(parents=True, exist_ok=True)
    lexicon = read_lexicon()
    items = read_catalogue(lexicon.families)
    if not (work / "checkpoint").exists():
        with Lists(work / "lists.jsonl") as lists:
            _teach(work, lexicon, items, lists)
    manifest = _export(work / "checkpoint", work / "model")
    # The manifest lists no languages yet, so the model reranks all of them.
    with loaded_index() as settings:
        chorus = measure_gain(settings, work / "model", *judged_sets())
    with loaded_index(SAMPLE) as settings:
        sample = measure_gain(settings, work / "model", *sample_sets())
        for name, figures in (("chorus", chorus), ("sample", sample)):
            _report(name, figures)
        languages = _name(passing(chorus, sample), manifest, work / "model", settings)
    size = sum(path.stat().st_size for path in (work / "model").iterdir())
    say(f"{size / 1e6:.1f} MB, languages: {', '.join(languages) or 'none'}")


def _name(
    languages: Sequence[str], manifest: Manifest, model: Path, settings: Settings
) -> Sequence[str]:
    """List the languages in the manifest, without those that lose as shipped.

    As shipped, only searches in a listed language over products in a listed language are reranked.
    """
    while True:
        replace(manifest, languages=tuple(languages)).write(model)
        shipped = measure_gain(settings, model, *sample_sets())
        _report(f"sample as shipped for {', '.join(languages)}", shipped)
        left = [one for one in languages if one not in losing(shipped)]
        if left == list(languages):
            return languages
        languages = left


def _report(name: str, figures: Sequence[Figures]) -> None:
    say(f"{name}: language, queries, fused, reranked, gain, 95 % interval of the gain")
    for one in figures:
        say(str(one))


def _teach(work: Path, lexicon: Lexicon, items: Sequence[Item], lists: Lists) -> None:
    rng = random.Random(SEED)
    encode = partial(vectors_of, embedder=open_embedder(Settings().embedding))
    things = read_things(encode)
    groups = make_things(_THINGS, things, lexicon, encode, rng)
    queries = make_queries(items, lexicon, rng)
    groups += make_groups(queries, items, lists, rng)
    groups += make_translations(_TRANSLATIONS, rng)
    say(f"{len(things)} things, {len(queries)} generated queries, {len(groups)} groups")
    make_start(_corpus(lexicon, items, things), work / "start", seed=SEED)
    train(work / "start", groups, work / "checkpoint", recipe=Recipe(seed=SEED), say=say)


def _corpus(lexicon: Lexicon, items: Sequence[Item], things: Things) -> Iterator[str]:
    """Texts in whose languages the model has to know every piece."""
    yield from (item.text for item in items)
    yield from translated_texts()
    for thing in things.values():
        yield thing.english
    named: Sequence[Family | Thing] = [*lexicon.families, *things.values()]
    for each in named:
        for names in each.names.values():
            yield from names
    worded: Sequence[Modifier | Measure] = [*lexicon.modifiers, *lexicon.measures]
    for words in (*(one.words for one in worded), *lexicon.brands.values()):
        yield from words.values()
    for frames in lexicon.frames.values():
        yield from frames


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
