"""The order of an alignment: find candidates, score, rerank, decide, group."""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.align.blocking import Blocker, Embedded
from es_hybrid.align.compare.facts import FactComparison, Facts, facts_of
from es_hybrid.align.evidence import FoundPair, comparisons, features
from es_hybrid.align.groups import GroupMember, MemberLimits, Tie, groups, named
from es_hybrid.align.journal import Journal
from es_hybrid.align.records import PairRecord
from es_hybrid.align.scoring import Weights, first_scores, scores
from es_hybrid.align.second_look import Look, SecondLook
from es_hybrid.align.store import now
from es_hybrid.align.verdict import verdict
from es_hybrid.retrieval.response import StageRank
from es_hybrid.settings.align import AlignSettings

__all__ = ["OnProgress", "Sides", "block", "group", "judge", "read_sides"]

OnProgress = Callable[[str, int, int], None]
"""Called with the step, the amount done, and the total (0 if unknown)."""

# Products per transaction.
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Sides:
    """The products of a run: id -> facts.

    Attributes:
        same: Whether a catalogue is aligned with itself; `right` is `left` then.
    """

    left: Mapping[str, Facts]
    right: Mapping[str, Facts]
    same: bool

    def languages(self, pair: FoundPair) -> tuple[str, str]:
        """The languages of the left and the right product."""
        return self.left[pair.left_id].product.lang, self.right[pair.right_id].product.lang


def read_sides(journal: Journal) -> Sides:
    """Read the products that blocking stored."""
    stored = journal.products()
    left = {id_: facts_of(product) for id_, product in stored["left"].items()}
    if journal.same_side:
        return Sides(left, left, same=True)
    right = {id_: facts_of(product) for id_, product in stored["right"].items()}
    return Sides(left, right, same=False)


def block(
    lefts: Iterable[Embedded], blocker: Blocker, journal: Journal, progress: OnProgress
) -> None:
    """Find and store the candidates of each product that was not processed before."""
    done = journal.done()
    count = len(done)
    waiting = (left for left in lefts if left.product.id not in done)
    while batch := list(itertools.islice(waiting, _BATCH)):
        found = blocker.candidates(batch)
        journal.add(zip((left.product for left in batch), found, strict=True))
        count += len(batch)
        progress("finding candidates", count, 0)


def judge(
    journal: Journal,
    *,
    settings: AlignSettings,
    weights: Weights,
    encoder: str,
    second_look: SecondLook | None,
    progress: OnProgress,
) -> None:
    """Score and decide every pair, and store the results.

    Args:
        encoder: Model and revision of the vectors, for the records.
        second_look: The reranker, if there is one.

    Raises:
        RerankError: the reranker fails. Its scores so far are kept for the next run.
    """
    sides, pairs = read_sides(journal), journal.found()
    compared = comparisons(pairs, sides.left, sides.right)
    by_vectors = _by_vectors(pairs, sides, compared, weights)
    looked = {}
    if second_look is not None:
        likely = {pair.ids: score for pair, score in zip(pairs, by_vectors, strict=True)}
        looked = second_look.scores(journal, sides.left, sides.right, likely, progress)
    time, model = now(), f"{encoder}, weights {_checksum(settings.weights)}"
    ranks = _ranks(pairs, by_vectors)
    journal.put_pairs(
        _record(
            pair, sides, seen, StageRank(rank, score), looked.get(pair.ids), settings, model, time
        )
        for pair, seen, rank, score in zip(pairs, compared, ranks, by_vectors, strict=True)
    )


def _by_vectors(
    pairs: Sequence[FoundPair], sides: Sides, compared: Sequence[FactComparison], weights: Weights
) -> list[float]:
    evidence = features(pairs, sides.left, sides.right, compared, same_side=sides.same)
    first = first_scores(evidence, weights)
    languages = [sides.languages(pair) for pair in pairs]
    found: list[float] = scores(pairs, first, languages, weights, same_side=sides.same).tolist()
    return found


def _record(
    pair: FoundPair,
    sides: Sides,
    compared: FactComparison,
    by_vectors: StageRank,
    look: Look | None,
    settings: AlignSettings,
    model: str,
    time: str,
) -> PairRecord:
    """The decision about one pair, with everything that led to it."""
    left, right = sides.left[pair.left_id], sides.right[pair.right_id]
    limits = settings.thresholds_of(left.category)
    score = look.score if look else by_vectors.score
    found = verdict(left, right, compared, score, limits, same_side=sides.same)
    stages = {**pair.stages, "vectors": by_vectors}
    if look:
        stages["rerank"] = StageRank(1, look.rerank)
    return PairRecord(
        left_id=left.product.id,
        left_title=left.product.title,
        left_lang=left.product.lang,
        right_id=right.product.id,
        right_title=right.product.title,
        right_lang=right.product.lang,
        category=left.category,
        score=found.score,
        decision=found.decision,
        rule=found.rule,
        scorer="reranker" if look else "vectors",
        instruction=look.instruction if look else "",
        model=look.model if look else model,
        stages=stages,
        time=time,
    )


def _ranks(pairs: Sequence[FoundPair], found: Sequence[float]) -> list[int]:
    """The rank of each pair among those of its left product, from 1."""
    of_left: defaultdict[str, list[float]] = defaultdict(list)
    for pair, score in zip(pairs, found, strict=True):
        of_left[pair.left_id].append(score)
    return [
        1 + sum(other > score for other in of_left[pair.left_id])
        for pair, score in zip(pairs, found, strict=True)
    ]


def group(journal: Journal, settings: AlignSettings) -> dict[GroupMember, str]:
    """Group the merged pairs, store the groups, and return the name of each product's group."""
    sides, right_side = read_sides(journal), journal.facts["right_side"]
    ties, likeness = [], {}
    decided = journal.decided()
    for record in journal.records():
        left, right = GroupMember("left", record.left_id), GroupMember(right_side, record.right_id)
        likeness[left, right] = record.score
        if record.decision == "merge" and record.pair not in decided:
            ties.append(Tie(left, right, record.score))
    apart = []
    for (left_id, right_id), accepted in decided.items():
        if left_id in sides.left and right_id in sides.right:
            pair = GroupMember("left", left_id), GroupMember(right_side, right_id)
            if accepted:
                ties.append(Tie(*pair, 1.0, by_person=True))
            else:
                apart.append(pair)
    members = {
        GroupMember(side, id_): MemberLimits(
            frozenset(() if settings.duplicates else _slots(side, facts.product.lang)), facts.gtins
        )
        for side, of_side in (("left", sides.left), (right_side, sides.right))
        for id_, facts in of_side.items()
    }
    found = groups(members, ties, likeness, agree=settings.review, apart=apart)
    names = named(found, journal.groups())
    journal.put_groups(names)
    return names


def _slots(side: str, lang: str) -> Iterator[str]:
    """Side and language; a value of a facet has several languages, with commas between them."""
    return (f"{side} {each}" for each in lang.split(","))


def _checksum(path: Path | None) -> str:
    """Identifies the weights: the SHA-256 of the file, or that they are the bundled ones."""
    if path is None:
        return "as shipped"
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
