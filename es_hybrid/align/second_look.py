"""Reranks the pairs that the vectors find likely."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from es_hybrid.align.compare.facts import Facts
from es_hybrid.align.journal import Journal
from es_hybrid.errors import InvalidRequest, SettingsError
from es_hybrid.records import Product
from es_hybrid.reranking import Reranker
from es_hybrid.reranking.language import misfit
from es_hybrid.settings import AlignSettings, RerankSettings

__all__ = ["Look", "SecondLook", "model_name"]

_GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Look:
    """The reranked score of one pair.

    Attributes:
        score: Weighted mean of the reranker's and the vectors' scores.
        rerank: The reranker's score.
    """

    score: float
    rerank: float
    instruction: str
    model: str


class SecondLook:
    """Scores pairs with a reranker if it is good for both languages.

    Args:
        text: Returns the text of a product that the reranker reads.
    """

    def __init__(
        self,
        reranker: Reranker,
        *,
        settings: AlignSettings,
        rerank: RerankSettings,
        text: Callable[[Product], str],
    ) -> None:
        self._reranker = reranker
        self._settings = settings
        self._rerank = rerank
        self._text = text
        self._weight = rerank.weight or reranker.weight
        self._model = model_name(reranker, rerank)

    def scores(
        self,
        journal: Journal,
        lefts: Mapping[str, Facts],
        rights: Mapping[str, Facts],
        by_vectors: Mapping[tuple[str, str], float],
        progress: Callable[[str, int, int], None],
    ) -> dict[tuple[str, str], Look]:
        """Pair -> its reranked score. Scores in the journal are not computed again.

        Raises:
            SettingsError: `align.instructions` names an unknown instruction.
            RerankError: the reranker fails.
        """
        likely = {
            pair: score
            for pair, score in by_vectors.items()
            if score >= self._settings.rerank_from
            and self._knows(lefts[pair[0]].product, rights[pair[1]].product)
        }
        known = journal.reranked(
            self._model_and_instructions(lefts[left_id].category for left_id, _ in likely)
        )
        waiting: defaultdict[str, list[str]] = defaultdict(list)
        for left_id, right_id in likely.keys() - known.keys():
            waiting[left_id].append(right_id)
        done = len(likely) - sum(map(len, waiting.values()))
        for left_id, right_ids in sorted(waiting.items()):
            progress("reranking", done, len(likely))
            scored = self._score(lefts[left_id], [rights[id_].product for id_ in right_ids])
            found = {(left_id, id_): s for id_, s in zip(right_ids, scored, strict=True)}
            journal.put_reranked(found)
            known |= found
            done += len(found)
        return {
            pair: Look(
                self._weight * known[pair] + (1 - self._weight) * score,
                known[pair],
                self._instruction(lefts[pair[0]].category),
                self._model,
            )
            for pair, score in likely.items()
        }

    def _model_and_instructions(self, categories: Iterable[str]) -> str:
        """The model and its instructions; scores of any other combination are not reused."""
        instructions = sorted({self._instruction(category) for category in categories})
        return " | ".join([self._model, *instructions])

    def _score(self, left: Facts, rights: Sequence[Product]) -> list[float]:
        texts = [self._text(right) for right in rights]
        instruction = self._instruction(left.category)
        found: list[float] = self._reranker.score(
            self._text(left.product), texts, instruction
        ).tolist()
        return found

    def _instruction(self, category: str) -> str:
        name = self._settings.instructions.get(category, _GENERAL)
        try:
            return self._rerank.instruction_for(name)
        except InvalidRequest as error:
            raise SettingsError(
                error.message, place="align.instructions", remedy=error.remedy
            ) from None

    def _knows(self, left: Product, right: Product) -> bool:
        languages = self._reranker.languages
        if not languages:
            return True
        if left.lang and right.lang:
            return all(product.lang.split("-")[0] in languages for product in (left, right))
        return misfit(languages, left.title, [right.title]) is None


def model_name(reranker: Reranker, settings: RerankSettings) -> str:
    """Name, revision and checksum of the model that scores, for the records."""
    if settings.url:
        return f"{settings.url_model or 'the model'} at {settings.url}"
    from es_hybrid.reranking.manifest import GRAPH
    from es_hybrid.reranking.onnx import OnnxReranker

    if not isinstance(reranker, OnnxReranker):
        return type(reranker).__name__
    manifest = reranker.manifest
    name = "@".join(filter(None, (manifest.source, manifest.revision)))
    return f"{name} sha256:{manifest.files[GRAPH][:16]}"
