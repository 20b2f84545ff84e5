"""The passport: what the vectors of an index were made with, kept in the mapping's `_meta`.

Vectors of two models lie in two spaces, and nothing in a vector says which. So the index says it,
and writing or searching with another embedder is refused with both sides named.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.embedding import Embedder
from es_hybrid.errors import PassportMismatch
from es_hybrid.settings import Settings

META_KEY = "es_hybrid"

# A model behind an unchanged name can still change (another revision, quantisation or pooling).
# These few texts are embedded when the index is made and again when it is written to.
CANARY_TEXTS = (
    "Stainless steel electric kettle 1.7 L",
    "冰丝男士短袖T恤 透气速干运动装",
    "Chaussures de randonnée imperméables pour femme",
)
# Batch size and hardware move a float16 server's vectors by about 1e-3; another model by far more.
CANARY_MIN_COSINE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """What one vector field holds.

    Attributes:
        canaries: `CANARY_TEXTS` embedded, each as base64 of little-endian float16 `[dims]`.
    """

    vector_field: str
    model: str
    revision: str
    dims: int
    similarity: str
    query_instruction: str
    text_template: tuple[str, ...]
    text_max_chars: int
    languages: tuple[str, ...] = ()
    canaries: tuple[str, ...] = field(default=(), repr=False)

    def to_meta(self) -> dict[str, Any]:
        """The passport as it stands in the mapping's `_meta`."""
        return {META_KEY: asdict(self)}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Passport | None:
        """The passport in a mapping (`{"_meta": …, "properties": …}`), or None without one."""
        stored = mapping.get("_meta", {}).get(META_KEY)
        if stored is None:
            return None
        lists = {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
        return cls(**{**stored, **lists})


def issue_passport(settings: Settings, embedder: Embedder, languages: Sequence[str]) -> Passport:
    """A passport for an index about to be made; embeds the canaries."""
    identity = embedder.identity
    vectors = embedder.embed_documents(CANARY_TEXTS)
    return Passport(
        vector_field=settings.index.vector_field,
        model=identity.model,
        revision=identity.revision,
        dims=identity.dims,
        similarity=settings.index.similarity,
        query_instruction=identity.query_instruction,
        text_template=settings.ingest.text_template,
        text_max_chars=settings.ingest.text_max_chars,
        languages=tuple(languages),
        canaries=tuple(_pack(vector) for vector in vectors),
    )


def check_identity(passport: Passport, embedder: Embedder, *, index: str) -> None:
    """Refuse an embedder whose vectors cannot be compared with the index's.

    Raises:
        PassportMismatch: naming both sides.
    """
    identity = embedder.identity
    names = [
        name
        for name in ("model", "revision", "dims")
        if getattr(passport, name) != getattr(identity, name)
    ]
    if not names:
        return
    stored, ours = (
        ", ".join(f"{name} {getattr(side, name)!r}" for name in names)
        for side in (passport, identity)
    )
    settings = ", ".join(f"embedding.{name}" for name in names)
    raise PassportMismatch(
        f"the vectors were made with {stored}, the configured embedder has {ours}",
        place=f"index {index}",
        remedy=f"set {settings} to the index's, or load into a new index",
    )


def check_writing(
    passport: Passport, embedder: Embedder, *, index: str, template: Sequence[str], max_chars: int
) -> None:
    """Refuse to write what would not match the vectors already there: embedder, text, canaries.

    Raises:
        PassportMismatch: naming both sides.
    """
    check_identity(passport, embedder, index=index)
    for setting, stored, ours in (
        ("text_template", passport.text_template, tuple(template)),
        ("text_max_chars", passport.text_max_chars, max_chars),
    ):
        if stored != ours:
            raise PassportMismatch(
                f"its texts were made with {setting} {stored!r}, the settings say {ours!r}",
                place=f"index {index}",
                remedy=f"set ingest.{setting} to the index's, or load into a new index",
            )
    _check_canaries(passport, embedder, index=index)


def _check_canaries(passport: Passport, embedder: Embedder, *, index: str) -> None:
    vectors = embedder.embed_documents(CANARY_TEXTS[: len(passport.canaries)])
    for text, stored, vector in zip(CANARY_TEXTS, passport.canaries, vectors, strict=False):
        cosine = float(_unpack(stored) @ vector)
        if cosine < CANARY_MIN_COSINE:
            raise PassportMismatch(
                f"the text {text!r} embeds otherwise than when the index was made (cosine "
                f"{cosine:.3f}, at least {CANARY_MIN_COSINE} is needed), though the model is "
                f"still called {passport.model!r}",
                place=f"index {index}",
                remedy="serve the former model, or load into a new index",
            )


def _pack(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f2").tobytes()).decode("ascii")


def _unpack(packed: str) -> NDArray[np.float32]:
    """The canary again, brought back to length 1 after rounding to float16."""
    vector = np.frombuffer(base64.b64decode(packed), dtype="<f2").astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))
