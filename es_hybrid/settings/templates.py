"""Templates of model families: what an embedding model expects around queries and documents.

Sources: the model cards, and the `prompts` that a repository publishes in
`config_sentence_transformers.json`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, StringConstraints

__all__ = ["AUTO", "FAMILIES", "Family", "Template", "family_of"]

AUTO = "auto"


class Family(NamedTuple):
    """What queries and documents are sent as.

    `{text}` stands for the text, `{instruction}` for `embedding.query_instruction`.
    """

    query: str = "{text}"
    document: str = "{text}"


_SENTENCE = "Represent this sentence for searching relevant passages: {text}"

FAMILIES: Mapping[str, Family] = {
    "none": Family(),
    "qwen3": Family("Instruct: {instruction}\nQuery:{text}"),
    "instruct": Family("Instruct: {instruction}\nQuery: {text}"),
    "e5": Family("query: {text}", "passage: {text}"),
    "bge": Family(_SENTENCE),
    "bge-zh": Family("为这个句子生成表示以用于检索相关文章：{text}"),
    "bge-gemma2": Family("<instruct>{instruction}\n<query>{text}"),
    "gte": Family(),
    "jina": Family(
        "Represent the query for retrieving evidence documents: {text}",
        "Represent the document for retrieval: {text}",
    ),
    "jina-v4": Family("Query: {text}", "Passage: {text}"),
    "jina-v5": Family("Query: {text}", "Document: {text}"),
    "nomic": Family("search_query: {text}", "search_document: {text}"),
    "snowflake-arctic": Family(_SENTENCE),
    "snowflake-arctic-v2": Family("query: {text}"),
    "embeddinggemma": Family("task: search result | query: {text}", "title: none | text: {text}"),
}

# What the name of a model contains, in lower case and with hyphens -> its family; the first counts.
_NAMES: Mapping[str, str] = {
    "qwen3-embedding": "qwen3",
    r"\be5-.*instruct|gte-qwen|linq-embed|sfr-embedding|nv-embed-v\d|stella-en": "instruct",
    r"\be5-(small|base|large)": "e5",
    r"bge-(small|base|large)-en|mxbai-embed-large": "bge",
    r"bge-(small|base|large)-zh": "bge-zh",
    "bge-multilingual-gemma2": "bge-gemma2",
    r"\bgte-(small|base|large|multilingual|modernbert)": "gte",
    "jina-embeddings-v3": "jina",
    "jina-embeddings-v4": "jina-v4",
    "jina-embeddings-v5": "jina-v5",
    r"nomic-embed-text|modernbert-embed-(base|large)": "nomic",
    r"arctic-embed(2|.*-v2)": "snowflake-arctic-v2",
    "arctic-embed": "snowflake-arctic",
    r"embeddinggemma(?!-2)": "embeddinggemma",
    r"bge-m3|jina-embeddings-v2|text-embedding-(3|ada)|granite-embedding|all-minilm|all-mpnet|"
    r"paraphrase-multilingual|\blabse": "none",
}


def family_of(model: str) -> str | None:
    """The family of a model by its name, a key of `FAMILIES`; None if it is unknown."""
    name = model.lower().replace("_", "-")
    return next((family for part, family in _NAMES.items() if re.search(part, name)), None)


def _known(template: str) -> str:
    if template != AUTO and template not in FAMILIES and template.count("{text}") != 1:
        names = ", ".join([AUTO, *FAMILIES])
        raise ValueError(f"not one of {names}, and not a template with {{text}} in it")
    return template


# Spaces at the ends of a template count.
Template = Annotated[str, StringConstraints(strip_whitespace=False), AfterValidator(_known)]
"""A key of `FAMILIES`, `auto`, or a text with `{text}` in it."""
