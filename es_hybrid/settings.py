"""Settings: `es-hybrid.toml` < environment `ES_HYBRID_*` < command-line flags.

One place for each setting, validated once when a command starts. A nested setting is written
`[embedding] base_url = …` in the file and `ES_HYBRID_EMBEDDING__BASE_URL` in the environment.
Keys and passwords are `SecretStr`: they print as asterisks.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from es_hybrid.errors import SettingsError

DEFAULT_FILE = "es-hybrid.toml"

Similarity = Literal["cosine", "dot_product", "l2_norm", "max_inner_product"]
VectorIndexType = Literal[
    "hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw", "bbq_disk", "flat", "int8_flat", "int4_flat",
    "bbq_flat",
]  # fmt: skip
# Those with an analyzer of their own in Elasticsearch; es_hybrid/index/analyzers.py names it.
Language = Literal[
    "ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pt", "ru", "th", "tr", "zh"
]


class _Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, use_attribute_docstrings=True
    )


class ElasticsearchSettings(_Section):
    """The cluster."""

    url: str | None = None
    """Unset: the embedded node that runs, else `http://localhost:9200`."""
    api_key: SecretStr | None = None
    """Encoded API key. Either this or a username."""
    username: str | None = None
    """With `password`, for basic authentication."""
    password: SecretStr | None = None
    """Of `username`."""
    ca_certs: Path | None = None
    """PEM file of the authority that signed the cluster's certificate."""
    timeout: float = Field(30.0, gt=0)
    """Seconds for one request."""

    @model_validator(mode="after")
    def _one_credential(self) -> ElasticsearchSettings:
        if self.api_key and self.username:
            raise ValueError("api_key and username are both set: keep one")
        return self


class EmbeddingSettings(_Section):
    """What turns texts into vectors."""

    base_url: str | None = None
    """An OpenAI-compatible server, as `http://localhost:30000/v1`. Unset: the embedded encoder."""
    api_key: SecretStr = SecretStr("EMPTY")
    """Sent to the server; SGLang takes any."""
    model: str = "Qwen/Qwen3-Embedding-0.6B"
    """As the server calls it. The embedded encoder has its own."""
    revision: str = ""
    """Of the model; part of the index's passport."""
    dims: int | None = Field(None, ge=32, le=4096)
    """Dims of the vectors. Unset: what the model gives. Fewer: cut, by the server or here."""
    query_instruction: str = (
        "Given a shopper's search query, retrieve the products that satisfy the query"
    )
    """Goes before queries and never before documents; empty for models that take none."""
    batch_size: int = Field(32, ge=1, le=2048)
    """Texts in one request."""
    concurrency: int = Field(4, ge=1, le=64)
    """Requests under way at once."""
    timeout: float = Field(60.0, gt=0)
    """Seconds for one request."""
    max_retries: int = Field(5, ge=0, le=20)
    """Of a request that failed or was answered with what cannot be used."""


class IndexSettings(_Section):
    """The index, as `index create` makes it."""

    name: str = "products"
    """Index, or an alias of one."""
    shards: int = Field(1, ge=1, le=1024)
    """Primary shards."""
    replicas: int | None = Field(None, ge=0, le=10)
    """Copies of each shard. Unset: one where there is a second node, else none."""
    similarity: Similarity = "cosine"
    """How vectors are compared."""
    vector_type: VectorIndexType = "int8_hnsw"
    """How vectors are indexed; `bbq_hnsw` takes a quarter of the memory of `int8_hnsw`."""
    vector_field: str = "embedding"
    """The field that holds the vector."""
    languages: tuple[Language, ...] = (
        "en", "zh", "ja", "ko", "de", "fr", "es", "it", "pt", "ru", "ar",
    )  # fmt: skip
    """Whose analyzers the text fields get, as far as the cluster has them."""


class SearchSettings(_Section):
    """How the two legs are asked and fused."""

    fields: tuple[str, ...] = (
        "title", "brand.text", "category.text", "description", "sku.text",
    )  # fmt: skip
    """The lexical leg's fields, scored as one; a boost is written `title^2`."""
    identifier_fields: tuple[str, ...] = ("sku", "gtin")
    """A product whose value here is the whole query comes first."""
    minimum_should_match: str = "2<75%"
    """Words a lexical hit must hold beside the vector leg; alone, any word will do."""
    window: int = Field(100, ge=1, le=10_000)
    """Hits taken from each leg."""
    num_candidates: int = Field(1000, ge=1, le=10_000)
    """Neighbours looked at on each shard; at least `window`."""
    rank_constant: int = Field(60, ge=1)
    """Of reciprocal rank fusion; the larger, the less the first ranks stand out."""
    bm25_weight: float = Field(1.0, ge=0)
    """Of the lexical leg."""
    knn_weight: float = Field(0.7, ge=0)
    """Of the vector leg. Measure with your own encoder: 0.7 suits the embedded one."""

    @model_validator(mode="after")
    def _candidates_cover_window(self) -> SearchSettings:
        if self.num_candidates < self.window:
            raise ValueError(
                f"num_candidates ({self.num_candidates}) is below window ({self.window})"
            )
        return self


class RerankSettings(_Section):
    """The second look at the best hits."""

    model: Path | None = None
    """Folder made by `es-hybrid model export`. Without it and `url` nothing is reranked."""
    provider: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    """Where the model runs."""
    threads: int = Field(0, ge=0)
    """On the CPU; 0: one a core."""
    url: str | None = None
    """A rerank server in place of `model`, as `http://localhost:30000/v1/rerank`."""
    url_form: Literal["auto", "cohere", "sglang", "tei"] = "auto"
    """How it is spoken to; `cohere` also suits Jina and vLLM. `auto` finds out."""
    url_model: str = ""
    """What the server calls the model, where it wants to be told."""
    api_key: SecretStr = SecretStr("")
    """Of the server."""
    timeout: float = Field(10.0, gt=0)
    """Seconds for one request to the server."""
    window: int = Field(50, ge=1, le=1000)
    """Fused hits that are scored; the rest keep their order behind them."""
    instruction: str = (
        "Given a shopper's search query, judge whether the product satisfies the query"
    )
    """What the reranker is to judge."""
    max_length: int = Field(8192, ge=64, le=32_768)
    """Tokens of query, document and template together; longer documents are cut."""

    @model_validator(mode="after")
    def _one_reranker(self) -> RerankSettings:
        if self.model and self.url:
            raise ValueError("model and url are both set: keep one")
        return self


class IngestSettings(_Section):
    """How a source row becomes a product."""

    fields: dict[str, str] = {}
    """Product field -> the row's key, as `{title = "name"}`. Unnamed fields keep their own name."""
    category_separator: str = Field(">", min_length=1)
    """Between the steps of a category path."""
    decimal_separator: Literal[".", ","] = "."
    """In prices that are text."""
    default_currency: str = ""
    """Of rows that name none."""
    default_lang: str = ""
    """Of rows that name none; unset, it is detected."""
    text_template: tuple[str, ...] = ("title", "brand", "category", "description")
    """Product fields that make the text that is embedded, in this order."""
    text_max_chars: int = Field(2000, ge=100)
    """Characters of that text."""
    bulk_bytes: int = Field(4 * 1024 * 1024, ge=100_000)
    """Of one bulk request."""
    bulk_concurrency: int = Field(2, ge=1, le=32)
    """Bulk requests under way at once."""
    dead_letters: Path = Path("es-hybrid.rejected.jsonl")
    """Where rejected rows go."""


class Settings(BaseSettings):
    """All settings of one run, frozen."""

    model_config = SettingsConfigDict(
        env_prefix="ES_HYBRID_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    elasticsearch: ElasticsearchSettings = ElasticsearchSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    index: IndexSettings = IndexSettings()
    search: SearchSettings = SearchSettings()
    rerank: RerankSettings = RerankSettings()
    ingest: IngestSettings = IngestSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags win over the environment, the environment over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(
    file: Path | None = None, flags: Mapping[str, Mapping[str, Any]] | None = None
) -> Settings:
    """Read and validate the settings.

    Args:
        file: The settings file; `es-hybrid.toml` of the working folder when there is one.
        flags: Section -> name -> value; None values count as not given.

    Raises:
        SettingsError: a file that is missing or not TOML, or a value that is not allowed.
    """
    if file is None and Path(DEFAULT_FILE).is_file():
        file = Path(DEFAULT_FILE)
    if file is not None and not file.is_file():
        raise SettingsError(
            "no such settings file", place=str(file), remedy="check the path given with --config"
        )

    class SettingsFromFile(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    given: dict[str, Any] = {
        section: {name: value for name, value in values.items() if value is not None}
        for section, values in (flags or {}).items()
    }
    place = str(file) if file else "settings"
    try:
        return SettingsFromFile(**{section: values for section, values in given.items() if values})
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"not valid TOML: {error}", place=place, remedy="correct that line"
        ) from None
    except ValidationError as error:
        raise SettingsError(
            "; ".join(_explain(problem) for problem in error.errors()),
            place=place,
            remedy="correct it in the settings file, in ES_HYBRID_* or in the flag",
        ) from None


def _explain(problem: Mapping[str, Any]) -> str:
    """One problem as `section.name: what is wrong`. Never the value: it may be a key."""
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{name}: unknown setting"
    return f"{name}: {problem['msg'][:1].lower()}{problem['msg'][1:]}"
