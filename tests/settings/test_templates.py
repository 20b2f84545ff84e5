"""Families of embedding models: which one a name belongs to, and which templates are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from es_hybrid.settings import EmbeddingSettings
from es_hybrid.settings.templates import FAMILIES, family_of

# As on the Hugging Face Hub, in Ollama, as files, as folders, and of hosted services.
MODELS = {
    "Qwen/Qwen3-Embedding-0.6B": "qwen3",
    "Qwen3-Embedding-4B-Q8_0.gguf": "qwen3",
    "/models/qwen3_embedding_8b": "qwen3",
    "qwen3-embedding:0.6b": "qwen3",
    "intfloat/multilingual-e5-large-instruct": "instruct",
    "intfloat/e5-mistral-7b-instruct": "instruct",
    "Alibaba-NLP/gte-Qwen2-1.5B-instruct": "instruct",
    "Salesforce/SFR-Embedding-Mistral": "instruct",
    "Linq-AI-Research/Linq-Embed-Mistral": "instruct",
    "nvidia/NV-Embed-v2": "instruct",
    "NovaSearch/stella_en_1.5B_v5": "instruct",
    "intfloat/multilingual-e5-small": "e5",
    "intfloat/e5-base-v2": "e5",
    "multilingual-e5-small-q4": "e5",
    "BAAI/bge-base-en-v1.5": "bge",
    "BAAI/bge-large-en": "bge",
    "mixedbread-ai/mxbai-embed-large-v1": "bge",
    "mxbai-embed-large": "bge",
    "BAAI/bge-small-zh-v1.5": "bge-zh",
    "BAAI/bge-multilingual-gemma2": "bge-gemma2",
    "BAAI/bge-en-icl": None,
    "BAAI/bge-m3": "none",
    "bge-m3:latest": "none",
    "thenlper/gte-base": "gte",
    "Alibaba-NLP/gte-multilingual-base": "gte",
    "Alibaba-NLP/gte-modernbert-base": "gte",
    "jinaai/jina-embeddings-v2-base-de": "none",
    "jinaai/jina-embeddings-v3": "jina",
    "jinaai/jina-embeddings-v4-vllm-retrieval": "jina-v4",
    "jinaai/jina-embeddings-v5-text-small": "jina-v5",
    "nomic-ai/nomic-embed-text-v1": "nomic",
    "nomic-ai/nomic-embed-text-v1.5": "nomic",
    "nomic-ai/nomic-embed-text-v2-moe": "nomic",
    "nomic-ai/modernbert-embed-base": "nomic",
    "Snowflake/snowflake-arctic-embed-m": "snowflake-arctic",
    "Snowflake/snowflake-arctic-embed-m-v1.5": "snowflake-arctic",
    "Snowflake/snowflake-arctic-embed-l-v2.0": "snowflake-arctic-v2",
    "snowflake-arctic-embed2": "snowflake-arctic-v2",
    "google/embeddinggemma-300m": "embeddinggemma",
    "embeddinggemma": "embeddinggemma",
    "ibm-granite/granite-embedding-278m-multilingual": "none",
    "sentence-transformers/all-MiniLM-L6-v2": "none",
    "sentence-transformers/paraphrase-multilingual-mpnet-base-v2": "none",
    "text-embedding-3-large": "none",
    # Their services take `input_type`, and other models may want anything.
    "nvidia/nv-embedqa-e5-v5": None,
    "voyage-3.5": None,
    "embed-multilingual-v3.0": None,
    "nomic-ai/nomic-embed-code": None,
    "our-own-embedder": None,
}


@pytest.mark.parametrize(("model", "family"), MODELS.items())
def test_the_name_of_a_model_tells_its_family(model: str, family: str | None) -> None:
    assert family_of(model) == family


def test_every_family_has_a_model() -> None:
    assert set(MODELS.values()) - {None} == set(FAMILIES)


@pytest.mark.parametrize("side", ["query_template", "document_template"])
@pytest.mark.parametrize("template", ["qwen", "Query: ", "{query}", "{text} {text}", ""])
def test_neither_a_family_nor_a_template_is_refused(side: str, template: str) -> None:
    with pytest.raises(ValidationError, match=r"not one of auto, none, qwen3.*\{text\} in it"):
        EmbeddingSettings.model_validate({side: template})


def test_documents_have_no_instruction() -> None:
    with pytest.raises(ValidationError, match="documents have no instruction"):
        EmbeddingSettings(document_template="{instruction}: {text}")


def test_spaces_around_a_template_count() -> None:
    assert EmbeddingSettings(query_template=" {text}\n").query_template == " {text}\n"


@pytest.mark.parametrize("name", ["input", "model", "dimensions", "encoding_format"])
def test_parameters_do_not_replace_what_other_settings_say(name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name}: set by embedding"):
        EmbeddingSettings(query_parameters={name: "x"})


def test_the_documentation_shows_every_family() -> None:
    page = Path(__file__).parents[2].joinpath("docs/indices.md").read_text("utf-8")
    shown = re.findall(r"^\| `([\w-]+)` \| .+ \| `(.+)` \| `(.+)` \|$", page, re.MULTILINE)
    written = {name: [each.replace("\n", r"\n").replace("|", r"\|") for each in family]
               for name, family in FAMILIES.items()}  # fmt: skip
    assert {name: templates for name, *templates in shown} == written
