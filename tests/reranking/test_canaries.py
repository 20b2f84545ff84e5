"""The canaries: faults injected into servers over sockets, and into the bundled model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from es_hybrid.errors import CanariesFailed, RerankError
from es_hybrid.language import detect
from es_hybrid.reranking import BUNDLED, Reranker
from es_hybrid.reranking.canaries import CANARIES, CanaryOutcome, examine
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.reranking.remote import RemoteReranker
from es_hybrid.reranking.template import QWEN3
from tests.fakes.http import dead_url
from tests.fakes.models import FakeReranker
from tests.fakes.reranking import (
    Model,
    RerankServer,
    by_chance,
    by_length,
    by_overlap,
    serving_model,
)

ALL = tuple(CANARIES)


def _examined(model: Model) -> CanaryOutcome:
    with RerankServer(serving_model(model)) as server:
        reranker = RemoteReranker(server.url)
        outcome = examine(reranker, place="the server")
        reranker.close()
    return outcome


def _inverted(query: str, documents: Sequence[str]) -> list[float]:
    return [1 - score for score in by_overlap(query, documents)]


def _constant(query: str, documents: Sequence[str]) -> list[float]:
    return [0.5] * len(documents)


def _ignoring_the_query(query: str, documents: Sequence[str]) -> list[float]:
    return [by_length(document) for document in documents]


def _padded_on_the_wrong_side(query: str, documents: Sequence[str]) -> list[float]:
    """Reads the padding of every document but the longest."""
    longest = max(map(len, documents))
    right, padding = by_overlap(query, documents), by_chance(query, documents)
    return [
        score if len(document) == longest else noise
        for document, score, noise in zip(documents, right, padding, strict=True)
    ]


def _without_its_template(query: str, documents: Sequence[str]) -> list[float]:
    """Knows only texts in its prompt; the server joins query and document, and adds nothing."""
    prompts = [query + document for document in documents]
    if not all(text.startswith("<|im_start|>system") and QWEN3.tail in text for text in prompts):
        return by_chance(query, documents)
    asked = query.rpartition("<Query>: ")[2].strip()
    return by_overlap(asked, [each.removesuffix(QWEN3.tail) for each in documents])


@pytest.mark.parametrize(
    ("model", "cause", "remedy"),
    [
        (_inverted, "the label is inverted", "serve the score of `yes`"),
        (_constant, "every product has the same score", "prompt template contains the document"),
        (_ignoring_the_query, "the same for every query", "prompt template contains the query"),
        (_padded_on_the_wrong_side, "batches are padded on the wrong side", "pad on the left"),
        (_without_its_template, "the server adds no prompt", "the template of Qwen3"),
        (by_chance, "head is random", "random head"),
    ],
)
def test_a_fault_is_found_with_its_cause(model: Model, cause: str, remedy: str) -> None:
    right, wrong, fault = _examined(model)
    assert (right, wrong) == ((), ALL)
    assert fault is not None
    assert fault.place == "the server"
    assert cause in fault.message
    assert remedy in fault.remedy


def test_a_weak_model_that_is_right_passes_in_every_language() -> None:
    assert _examined(by_overlap) == CanaryOutcome(ALL, (), None)


def test_logits_are_compared_as_they_are() -> None:
    def logits(query: str, documents: Sequence[str]) -> list[float]:
        return [20 + 60 * score for score in by_overlap(query, documents)]

    assert _examined(logits) == CanaryOutcome(ALL, (), None)


def test_a_language_that_the_model_does_not_know() -> None:
    def model(query: str, documents: Sequence[str]) -> list[float]:
        return (by_overlap if max(query) < "\u3000" else by_chance)(query, documents)

    assert _examined(model) == CanaryOutcome(("en", "de", "fr", "es"), ("zh", "ja"), None)


def test_only_languages_that_the_model_names_are_examined() -> None:
    reranker = FakeReranker(lambda text: 0.5)
    reranker.languages = frozenset({"ja", "pl"})
    assert examine(reranker, place="x").wrong == ("ja",)
    reranker.languages = frozenset({"pl"})
    assert examine(reranker, place="x") == CanaryOutcome((), (), None)


def test_a_server_that_is_down_says_nothing_about_its_model() -> None:
    with pytest.raises(RerankError, match="cannot be reached") as caught:
        examine(RemoteReranker(dead_url()), place="x", at_once=6)
    assert not isinstance(caught.value, CanariesFailed)


class _Changed:
    """The bundled model, with other scores.

    Args:
        change: Scores in the order of the documents -> what is answered.
    """

    weight = 1.0

    def __init__(self, model: Reranker, change: slice | float) -> None:
        self._model = model
        self._change = change
        self.languages = model.languages

    def score(
        self,
        query: str,
        documents: Sequence[str],
        instruction: str | None = None,
        *,
        deadline: float | None = None,
        raw: bool = False,
    ) -> NDArray[np.float32]:
        scores = self._model.score(query, documents, instruction, deadline=deadline, raw=raw)
        return scores[self._change] if isinstance(self._change, slice) else self._change - scores

    def close(self) -> None:
        self._model.close()


@pytest.fixture(scope="module")
def bundled() -> OnnxReranker:
    return OnnxReranker(BUNDLED)


def test_the_bundled_model_passes_in_its_languages(bundled: OnnxReranker) -> None:
    right, wrong, fault = examine(bundled, place="x")
    assert set(right) == bundled.languages & set(CANARIES)
    assert (wrong, fault) == ((), None)


@pytest.mark.parametrize(
    ("change", "cause"),
    [(1.0, "the label is inverted"), (slice(None, None, -1), "products are scored one at a time")],
    ids=["inverted", "in the wrong order"],
)
def test_the_bundled_model_with_wrong_scores_fails(
    bundled: OnnxReranker, change: slice | float, cause: str
) -> None:
    fault = examine(_Changed(bundled, change), place="x").fault
    assert fault is not None
    assert cause in fault.message


def test_a_random_order_passes_less_than_once_in_a_hundred() -> None:
    random = np.random.default_rng(0)
    reranker = FakeReranker(lambda text: random.random())
    reranker.languages = frozenset({"en"})
    passed = sum(1 for _ in range(500) if examine(reranker, place="x").right)
    assert passed < 5


@pytest.mark.parametrize("lang", ALL)
def test_queries_and_products_are_in_their_language(lang: str) -> None:
    canaries = CANARIES[lang]
    assert len({each.product for each in canaries}) == 6
    assert detect(" ".join(each.product for each in canaries)) == lang
    lengths = [len(each.product) for each in canaries]
    assert max(lengths) > 2 * min(lengths)
