"""Scores documents against a query with a cross-encoder.

>>> from es_hybrid import rerank
>>> rerank("kettle", ["scale", "electric kettle 1.7 l"])  # doctest: +SKIP
[('electric kettle 1.7 l', 0.98), ('scale', 0.01)]
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from es_hybrid.errors import SettingsError
from es_hybrid.reranking.ranking import Scored, score_within
from es_hybrid.reranking.reranker import Reranker

if TYPE_CHECKING:
    from es_hybrid.settings import RerankSettings

__all__ = [
    "BUNDLED",
    "Reranker",
    "Scored",
    "open_reranker",
    "required_reranker",
    "rerank",
    "score_within",
]

BUNDLED = Path(__file__).parents[1] / "data" / "reranker"
"""Folder of the small bundled model."""

# The reranker that `rerank` opened last, with the settings it was opened with.
_opened: tuple[RerankSettings, Reranker] | None = None


def rerank(
    query: str,
    candidates: Sequence[str],
    *,
    category: str | None = None,
    reranker: Reranker | None = None,
) -> list[tuple[str, float]]:
    """Sort texts by how well they match the query, best first, each with its score in [0, 1].

    Reads the settings of the working folder on every call. The configured reranker stays open until
    a call finds other settings.

    Args:
        query: Must not be blank.
        candidates: Texts in any order; most likely first if `rerank.deadline_ms` is set. Texts not
            scored by then come last, in the given order, with NaN.
        category: Selects one of `rerank.instructions`; default: `rerank.category`.
        reranker: Default: the configured one.

    Raises:
        InvalidRequest: there is no instruction for the category.
        SettingsError: no reranker is configured.
        RerankError: the reranker cannot score.
    """
    from es_hybrid.settings import load_settings

    settings = load_settings().rerank
    instruction = settings.instruction_for(category)
    chosen = reranker or _configured(settings)
    scored = score_within(chosen, query, candidates, instruction, seconds=settings.deadline_seconds)
    return scored.ranked()


def _configured(settings: RerankSettings) -> Reranker:
    global _opened
    # The same relative path is another model in another working folder.
    model = settings.model and settings.model.resolve()
    settings = settings.model_copy(update={"model": model})
    opened = _opened
    if opened is None or opened[0] != settings:
        _opened = opened = settings, required_reranker(settings)
    return opened[1]


def open_reranker(settings: RerankSettings, *, wait_for_canaries: bool = True) -> Reranker | None:
    """Open the configured reranker; the small bundled model if none is configured.

    Returns None if reranking is disabled, or if the bundled model or ONNX Runtime is missing.

    Args:
        wait_for_canaries: The first score of a server waits for those of its canaries; if not,
            scores are answered until the canaries have failed.

    Raises:
        RerankError: the model folder is unusable, or the URL is not one.
        MissingExtra: a model is configured, but ONNX Runtime or tokenizers is not installed.
    """
    if not settings.enabled:
        return None
    if settings.url:
        return _open_server(settings, settings.url, wait_for_canaries=wait_for_canaries)
    if settings.model is None and not _can_use_bundled():
        return None
    from es_hybrid.reranking.onnx import OnnxReranker

    return OnnxReranker(
        settings.model or BUNDLED,
        provider=settings.provider,
        threads=settings.threads,
        session_options=settings.session_options,
        max_length=settings.max_length,
        instruction=settings.instruction_for(),
    )


def _open_server(settings: RerankSettings, url: str, *, wait_for_canaries: bool) -> Reranker:
    """The server, checked by canaries: unlike that of a model folder, its prompt is unknown."""
    from es_hybrid.reranking.checked import CheckedReranker
    from es_hybrid.reranking.remote import RemoteReranker
    from es_hybrid.reranking.template import QWEN3

    server = RemoteReranker(
        url,
        api_key=settings.api_key.get_secret_value(),
        model=settings.url_model,
        form=settings.url_form,
        instruction=settings.instruction_for(),
        timeout=settings.timeout,
        template=QWEN3 if settings.url_template == "qwen3" else None,
    )
    if not settings.canaries:
        return server
    return CheckedReranker(server, place=url, wait=wait_for_canaries)


def required_reranker(settings: RerankSettings) -> Reranker:
    """Open the configured reranker, as `open_reranker`, but never return None.

    Raises:
        SettingsError: reranking is disabled, or there is no model.
        RerankError, MissingExtra: as `open_reranker`.
    """
    if not settings.enabled:
        raise SettingsError(
            "reranking is disabled", place="rerank.enabled", remedy="set it to true"
        )
    reranker = open_reranker(settings)
    if reranker is None:
        raise SettingsError(
            "there is no reranking model",
            place="rerank.model",
            remedy="set it to a model folder; create one with: es-hybrid model export",
        )
    return reranker


def _can_use_bundled() -> bool:
    runtime = all(importlib.util.find_spec(name) for name in ("onnxruntime", "tokenizers"))
    return runtime and BUNDLED.is_dir()
