"""The passport: how the vectors of an index were made, stored in the mapping's `_meta`.

Vectors of two models cannot be compared, and a vector does not tell its model. So the index records
it, and writing or searching with another embedder is rejected with an error that names both.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.embedding import Embedder, EmbedderIdentity
from es_hybrid.errors import IndexStateError, PassportMismatch
from es_hybrid.index.shop_fields import ShopFields
from es_hybrid.settings import Settings
from es_hybrid.settings.templates import FAMILIES

META_KEY = "es_hybrid"
HASH_FIELD = "text_hash"

# A server can change its model without changing the name (revision, quantisation, pooling).
# So these texts are embedded when the index is created and compared whenever it is used.
CANARY_TEXTS = (
    "Stainless steel electric kettle 1.7 L",
    "冰丝男士短袖T恤 透气速干运动装",
    "Chaussures de randonnée imperméables pour femme",
)
# Batch size and hardware change a float16 server's vectors by about 1e-3; another model, far more.
CANARY_MIN_COSINE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """How close products must be to a query that shares no words with them; see docs/search.md.

    Attributes:
        score: Least mean score of the five nearest neighbours, as Elasticsearch scores them.
        found: Expected share of queries for other goods that are above it.
        missed: Share of the pairs of words in titles that are below it. Queries for them share
            words with products, so it is more than what to expect.
    """

    score: float
    found: float
    missed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """How the vectors of one field were made.

    Attributes:
        hash_field: Field with the hash of the text that this field's vector embeds.
        canaries: Vectors of `CANARY_TEXTS`, each base64 of little-endian float16 `[dims]`.
        shop: The product's fields in a mapping of the shop's own; None for es-hybrid's mapping.
        query_template: As in `EmbedderIdentity`, like the three fields after it. The defaults are
            those of passports that are older than these fields.
        floor: Measured by `index calibrate`; says nothing about how the vectors were made.
    """

    vector_field: str
    model: str
    revision: str
    dims: int
    similarity: str
    query_instruction: str
    text_template: tuple[str, ...]
    text_max_chars: int
    hash_field: str = HASH_FIELD
    languages: tuple[str, ...] = ()
    canaries: tuple[str, ...] = field(default=(), repr=False)
    shop: ShopFields | None = None
    query_template: str = FAMILIES["qwen3"].query
    document_template: str = FAMILIES["qwen3"].document
    query_parameters: str = ""
    document_parameters: str = ""
    floor: Floor | None = field(default=None, compare=False)

    @property
    def identity(self) -> EmbedderIdentity:
        """The embedder that made the vectors."""
        names = (each.name for each in fields(EmbedderIdentity))
        return EmbedderIdentity(**{name: getattr(self, name) for name in names})

    def to_meta(self) -> dict[str, Any]:
        """The passport as an entry of the mapping's `_meta`."""
        return passports_to_meta([self])

    def stored(self) -> dict[str, Any]:
        """The passport as JSON, without default values."""
        facts = asdict(self) | {"shop": self.shop and self.shop.to_meta()}
        defaults = {each.name: each.default for each in fields(self)}
        return {name: value for name, value in facts.items() if value != defaults[name]}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Passport:
        """Parse the output of `stored`."""
        lists = {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
        shop = {"shop": ShopFields.from_meta(stored["shop"])} if "shop" in stored else {}
        floor = {"floor": Floor(**stored["floor"])} if "floor" in stored else {}
        return cls(**{**stored, **lists, **shop, **floor})


def passports_to_meta(passports: Sequence[Passport]) -> dict[str, Any]:
    """The entry of `_meta`: one passport, or a list if the index has several vector fields."""
    stored = [passport.stored() for passport in passports]
    return {META_KEY: stored[0] if len(stored) == 1 else stored}


def passports_of(mapping: Mapping[str, Any]) -> tuple[Passport, ...]:
    """The passports in a mapping (`{"_meta": …, "properties": …}`), one per vector field."""
    stored = mapping.get("_meta", {}).get(META_KEY, [])
    return tuple(map(Passport.restored, stored if isinstance(stored, list) else [stored]))


def choose_passport(
    passports: Sequence[Passport], vector_field: str | None, *, place: str
) -> Passport:
    """The passport of `vector_field`, or the only passport, whatever its field.

    Raises:
        IndexStateError: there is none, or there are several and none belongs to that field.
    """
    if not passports:
        raise IndexStateError(
            "the index has no es-hybrid passport, so the model of its vectors is unknown",
            place=place,
            remedy="load into a new index, or prepare this one with `es-hybrid index plan`",
        )
    fields = [each.vector_field for each in passports]
    if len(set(fields)) < len(fields):
        raise IndexStateError(
            "the alias points to indices with different passports",
            place=place,
            remedy="name one of the indices",
        )
    of_field = [each for each in passports if each.vector_field == vector_field]
    if len(passports) > 1 and not of_field:
        raise IndexStateError(
            "the index has several vector fields: "
            + ", ".join(f"{each.vector_field} ({each.model})" for each in passports),
            place=place,
            remedy="set index.vector_field to one of them",
        )
    return (of_field or list(passports))[0]


def issue_passport(
    settings: Settings,
    embedder: Embedder,
    languages: Sequence[str],
    *,
    shop: ShopFields | None = None,
    hash_field: str = HASH_FIELD,
) -> Passport:
    """The passport of a field to be created; embeds the canaries."""
    vectors = embedder.embed_documents(CANARY_TEXTS)
    return Passport(
        **asdict(embedder.identity),
        vector_field=settings.index.vector_field,
        similarity=settings.index.similarity,
        text_template=settings.ingest.text_template,
        text_max_chars=settings.ingest.text_max_chars,
        hash_field=hash_field,
        languages=tuple(languages),
        canaries=tuple(_pack(vector) for vector in vectors),
        shop=shop,
    )


def check_identity(passport: Passport, identity: EmbedderIdentity, *, index: str) -> None:
    """Reject an embedder whose vectors cannot be compared with the index's.

    Raises:
        PassportMismatch: model, revision, dims, or what documents are sent as, differ.
    """
    names = [
        name
        for name in ("model", "revision", "dims", "document_template", "document_parameters")
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
        f"the vectors were made with {stored}, but the configured embedder has {ours}",
        place=f"index {index}",
        remedy=f"set {settings} as in the index, or load into a new index",
    )


def check_writing(
    passport: Passport, embedder: Embedder, *, index: str, template: Sequence[str], max_chars: int
) -> None:
    """`check_loadable` and `check_embedding`.

    Raises:
        IndexStateError: the index has a shop's own mapping.
        PassportMismatch: as in `check_embedding`.
        EmbeddingError: the embedder failed.
    """
    check_loadable(passport, index=index)
    check_embedding(passport, embedder, index=index, template=template, max_chars=max_chars)


def check_loadable(passport: Passport, *, index: str) -> None:
    """Reject a load into an index with a shop's own mapping.

    Raises:
        IndexStateError: it has one.
    """
    if passport.shop is not None:
        raise IndexStateError(
            "the index has the shop's own mapping, which a load cannot write",
            place=f"index {index}",
            remedy="fill its vectors with `es-hybrid ingest backfill`, or load into a new index",
        )


def check_embedding(
    passport: Passport, embedder: Embedder, *, index: str, template: Sequence[str], max_chars: int
) -> None:
    """Reject new vectors that would not match the existing ones: embedder, text, canaries.

    Raises:
        PassportMismatch: one of them differs.
        EmbeddingError: the embedder failed.
    """
    check_identity(passport, embedder.identity, index=index)
    check_text(passport, index=index, template=template, max_chars=max_chars)
    check_canaries(passport, embedder, index=index)


def check_text(passport: Passport, *, index: str, template: Sequence[str], max_chars: int) -> None:
    """Reject settings that build the embedded text differently than the index does.

    Raises:
        PassportMismatch: the template or the length limit differs.
    """
    for setting, stored, ours in (
        ("text_template", passport.text_template, tuple(template)),
        ("text_max_chars", passport.text_max_chars, max_chars),
    ):
        if stored != ours:
            raise PassportMismatch(
                f"the index was written with {setting} {stored!r}, but the settings say {ours!r}",
                place=f"index {index}",
                remedy=f"set ingest.{setting} as in the index, or load into a new index",
            )


def check_canaries(passport: Passport, embedder: Embedder, *, index: str) -> None:
    """Embed the canaries and compare them with the passport's.

    Raises:
        PassportMismatch: the embedder has another model under the same name.
        EmbeddingError: the embedder failed.
    """
    if not passport.canaries:
        return
    vectors = embedder.embed_documents(CANARY_TEXTS[: len(passport.canaries)])
    for text, stored, vector in zip(CANARY_TEXTS, passport.canaries, vectors, strict=False):
        cosine = float(_unpack(stored) @ vector)
        if cosine < CANARY_MIN_COSINE:
            raise PassportMismatch(
                f"the embedder's model is still called {passport.model!r}, but its vectors have "
                f"changed since the index was created (cosine {cosine:.3f} for the text {text!r}, "
                f"at least {CANARY_MIN_COSINE} required)",
                place=f"index {index}",
                remedy="serve the original model, or load into a new index",
            )


def _pack(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f2").tobytes()).decode("ascii")


def _unpack(packed: str) -> NDArray[np.float32]:
    """The canary, renormalized to length 1 after rounding to float16."""
    vector = np.frombuffer(base64.b64decode(packed), dtype="<f2").astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))
