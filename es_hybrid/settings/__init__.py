"""Settings from `es-hybrid.toml`, overridden by `ES_HYBRID_*` variables and command-line flags.

They are validated once, when a command starts. The setting `base_url` of the section `[embedding]`
is `ES_HYBRID_EMBEDDING__BASE_URL` in the environment. Keys and passwords are `SecretStr`, which
print as asterisks.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from es_hybrid.errors import SettingsError
from es_hybrid.settings.align import AlignSettings
from es_hybrid.settings.elasticsearch import ElasticsearchSettings
from es_hybrid.settings.embedding import EmbeddingSettings
from es_hybrid.settings.events import EventsSettings
from es_hybrid.settings.experiment import ExperimentSettings
from es_hybrid.settings.index import IndexSettings, Language, Similarity, VectorIndexType
from es_hybrid.settings.ingest import IngestSettings
from es_hybrid.settings.judge import JudgeSettings
from es_hybrid.settings.page import PageSettings
from es_hybrid.settings.rerank import RerankSettings
from es_hybrid.settings.search import SearchSettings
from es_hybrid.settings.serve import ServeSettings

__all__ = [
    "AlignSettings",
    "ElasticsearchSettings",
    "EmbeddingSettings",
    "EventsSettings",
    "ExperimentSettings",
    "IndexSettings",
    "IngestSettings",
    "JudgeSettings",
    "Language",
    "PageSettings",
    "RerankSettings",
    "SearchSettings",
    "ServeSettings",
    "Settings",
    "Similarity",
    "VectorIndexType",
    "load_settings",
    "load_variant",
]

DEFAULT_FILE = "es-hybrid.toml"
# What a variant may set in `rerank`: the model and the server are opened once.
_RERANK_VARIED = frozenset(
    ("category", "deadline_ms", "enabled", "instructions", "weight", "window")
)


class Settings(BaseSettings):
    """All settings of one run. Immutable."""

    model_config = SettingsConfigDict(
        env_prefix="ES_HYBRID_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    elasticsearch: ElasticsearchSettings = ElasticsearchSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    index: IndexSettings = IndexSettings()
    search: SearchSettings = SearchSettings()
    rerank: RerankSettings = RerankSettings()
    ingest: IngestSettings = IngestSettings()
    serve: ServeSettings = ServeSettings()
    align: AlignSettings = AlignSettings()
    page: PageSettings = PageSettings()
    judge: JudgeSettings = JudgeSettings()
    experiment: ExperimentSettings = ExperimentSettings()
    events: EventsSettings = EventsSettings()

    def with_(self, **sections: Mapping[str, Any]) -> Self:
        """Return a copy with other values: `settings.with_(index={"name": "products"})`.

        The values are not validated.
        """
        return self.model_copy(
            update={
                section: getattr(self, section).model_copy(update=dict(values))
                for section, values in sections.items()
            }
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources by precedence: flags, environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(
    file: Path | None = None, flags: Mapping[str, Mapping[str, Any]] | None = None
) -> Settings:
    """Read and validate the settings.

    Args:
        file: The settings file; default is `es-hybrid.toml` in the working folder, if it exists.
        flags: Section -> name -> value; a value of None is ignored.

    Raises:
        SettingsError: the file is missing or not valid TOML, or a value is invalid.
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
            f"not valid TOML: {error}", place=place, remedy="correct this line"
        ) from None
    except ValidationError as error:
        raise SettingsError(
            "; ".join(_explain(problem) for problem in error.errors()),
            place=place,
            remedy="correct the settings file, the ES_HYBRID_* variable or the flag",
        ) from None


def load_variant(settings: Settings, file: Path) -> Settings:
    """Settings with other values in the sections `search` and `rerank`, read from a file.

    Raises:
        SettingsError: the file is missing or not valid TOML, sets something else, or a value is
            invalid. The reranker itself is not changed: only how its scores are used.
    """
    given = _sections(file)
    unknown = {f"{section}.*" for section in given.keys() - {"search", "rerank"}} | {
        f"rerank.{name}" for name in given.get("rerank", {}).keys() - _RERANK_VARIED
    }
    if unknown:
        raise SettingsError(
            f"{', '.join(sorted(unknown))}: cannot differ",
            place=str(file),
            remedy="set only values of search, and of rerank " + ", ".join(sorted(_RERANK_VARIED)),
        )
    changed = {
        section: {**getattr(settings, section).model_dump(), **values}
        for section, values in given.items()
    }
    try:
        search = SearchSettings.model_validate(changed.get("search", settings.search))
        rerank = RerankSettings.model_validate(changed.get("rerank", settings.rerank))
    except ValidationError as error:
        raise SettingsError(
            "; ".join(_explain(problem) for problem in error.errors()),
            place=str(file),
            remedy="correct the file",
        ) from None
    return settings.model_copy(update={"search": search, "rerank": rerank})


def _sections(file: Path) -> dict[str, dict[str, Any]]:
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"not a readable TOML file: {error}", place=str(file), remedy="correct it, or its path"
        ) from None
    return {name: value if isinstance(value, dict) else {} for name, value in found.items()}


def _explain(problem: Mapping[str, Any]) -> str:
    """Format a problem as `section.name: message`, without the value, which may be a secret."""
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{name}: unknown setting"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{name}: {message[:1].lower()}{message[1:]}"
