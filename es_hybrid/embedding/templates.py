"""How a model wants queries and documents: by the settings, its name, or its repository."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from es_hybrid.embedding.embedder import EmbedderIdentity
from es_hybrid.settings import EmbeddingSettings
from es_hybrid.settings.templates import AUTO, FAMILIES, Family, family_of

__all__ = ["chosen_templates", "configured_identity"]

_FILE = "config_sentence_transformers.json"
# The names by which sentence-transformers looks for the prompt of documents; the first counts.
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")


def configured_identity(settings: EmbeddingSettings, *, dims: int) -> EmbedderIdentity:
    """The identity of a server's embedder, without asking the server."""
    templates, _ = chosen_templates(settings)
    return EmbedderIdentity(
        model=settings.model,
        revision=settings.revision,
        dims=dims,
        query_instruction=settings.query_instruction,
        query_template=templates.query,
        document_template=templates.document,
        query_parameters=_as_json(settings.query_parameters),
        document_parameters=_as_json(settings.document_parameters),
    )


def chosen_templates(settings: EmbeddingSettings) -> tuple[Family, str]:
    """The templates of queries and documents, and what chose those of `auto`.

    The latter is empty if the model is unknown and its texts are sent unchanged.
    """
    automatic, reason = _automatic(settings)
    families = {**FAMILIES, AUTO: automatic}
    query, document = settings.query_template, settings.document_template
    chosen = Family(
        families[query].query if query in families else query,
        families[document].document if document in families else document,
    )
    return chosen, reason if AUTO in (query, document) else "the settings"


def _automatic(settings: EmbeddingSettings) -> tuple[Family, str]:
    if settings.query_parameters != settings.document_parameters:
        # The server tells queries from documents by them, and adds the model's prompts itself.
        return Family(), "the parameters, by which the server adds its own prompts"
    name = family_of(settings.model)
    if name is not None:
        return FAMILIES[name], f"the model's name: family {name}"
    published = _published(settings.model, settings.revision)
    if published is not None:
        return published, "the prompts that the model's repository publishes"
    return Family(), ""


def _published(model: str, revision: str) -> Family | None:
    """The prompts in a model's folder, or in its copy in the cache of `huggingface_hub`."""
    try:
        file = Path(model, _FILE) if Path(model).is_dir() else _cached(model, revision)
        prompts = json.loads(file.read_text("utf-8"))["prompts"] if file else {}
        names = [name for name in _DOCUMENT_PROMPTS if name in prompts]
        if "query" not in prompts and not names:
            return None
        query, document = prompts.get("query"), prompts[names[0]] if names else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Family(f"{query or ''}{{text}}", f"{document or ''}{{text}}")


def _cached(model: str, revision: str) -> Path | None:
    """The file of a repository that was downloaded before; nothing is downloaded."""
    try:
        from huggingface_hub import try_to_load_from_cache
    except ModuleNotFoundError:
        return None
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", model):
        return None
    try:
        found = try_to_load_from_cache(model, _FILE, revision=revision or None)
    except ValueError:  # not a name that a repository can have
        return None
    return Path(found) if isinstance(found, str) else None


def _as_json(parameters: dict[str, Any]) -> str:
    return json.dumps(parameters, ensure_ascii=False, sort_keys=True) if parameters else ""
