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

from es_hybrid.embedding import Embedder, EmbedderIdentity
from es_hybrid.errors import IndexStateError, PassportMismatch
from es_hybrid.index.shop_fields import ShopFields
from es_hybrid.settings import Settings

META_KEY = "es_hybrid"
HASH_FIELD = "text_hash"

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
        hash_field: Where the hash of the embedded text stands, beside this field's vector.
        canaries: `CANARY_TEXTS` embedded, each as base64 of little-endian float16 `[dims]`.
        shop: Set for an index that a shop made for itself: where a product's fields are there.
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

    def to_meta(self) -> dict[str, Any]:
        """The passport as the mapping's `_meta` has it."""
        return passports_to_meta([self])

    def stored(self) -> dict[str, Any]:
        """As JSON; what is default is left out."""
        facts = asdict(self) | {"shop": self.shop and self.shop.to_meta()}
        if self.hash_field == HASH_FIELD:
            del facts["hash_field"]
        return {name: value for name, value in facts.items() if value is not None}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Passport:
        """Read what `stored` gave."""
        lists = {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
        shop = {"shop": ShopFields.from_meta(stored["shop"])} if "shop" in stored else {}
        return cls(**{**stored, **lists, **shop})


def passports_to_meta(passports: Sequence[Passport]) -> dict[str, Any]:
    """The entry of `_meta`: one passport, or a list where vectors of several models stand."""
    stored = [passport.stored() for passport in passports]
    return {META_KEY: stored[0] if len(stored) == 1 else stored}


def passports_of(mapping: Mapping[str, Any]) -> tuple[Passport, ...]:
    """The passports in a mapping (`{"_meta": …, "properties": …}`), one a vector field."""
    stored = mapping.get("_meta", {}).get(META_KEY, [])
    return tuple(map(Passport.restored, stored if isinstance(stored, list) else [stored]))


def choose_passport(
    passports: Sequence[Passport], vector_field: str | None, *, place: str
) -> Passport:
    """The passport of `vector_field`; the only one there is, whatever its field.

    Raises:
        IndexStateError: there is none, or several and none is of that field.
    """
    if not passports:
        raise IndexStateError(
            "it has no es-hybrid passport, so nothing says what its vectors were made with",
            place=place,
            remedy="load into a new index, or prepare this one: `es-hybrid index plan`",
        )
    fields = [each.vector_field for each in passports]
    if len(set(fields)) < len(fields):
        raise IndexStateError(
            "it stands for indices with unlike passports",
            place=place,
            remedy="name one of the indices",
        )
    of_field = [each for each in passports if each.vector_field == vector_field]
    if len(passports) > 1 and not of_field:
        raise IndexStateError(
            "it has several vector fields: "
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
    """A passport for a field about to be made; embeds the canaries."""
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
        hash_field=hash_field,
        languages=tuple(languages),
        canaries=tuple(_pack(vector) for vector in vectors),
        shop=shop,
    )


def check_identity(passport: Passport, embedder: Embedder, *, index: str) -> None:
    """Refuse an embedder whose vectors cannot be compared with the index's.

    Raises:
        PassportMismatch: naming both sides.
    """
    compare_identity(passport, embedder.identity, index=index)


def compare_identity(passport: Passport, identity: EmbedderIdentity, *, index: str) -> None:
    """As `check_identity`, of an embedder that is not asked.

    Raises:
        PassportMismatch: naming both sides.
    """
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
    """As `check_embedding`, and refuse to load products into an index of a shop's own mapping.

    Raises:
        IndexStateError: it is one.
        PassportMismatch: naming both sides.
    """
    if passport.shop is not None:
        raise IndexStateError(
            "its documents are the shop's own, of another form than a load writes",
            place=f"index {index}",
            remedy="fill its vectors with `es-hybrid ingest backfill`, or load into a new index",
        )
    check_embedding(passport, embedder, index=index, template=template, max_chars=max_chars)


def check_embedding(
    passport: Passport, embedder: Embedder, *, index: str, template: Sequence[str], max_chars: int
) -> None:
    """Refuse vectors that would not match those already there: embedder, text, canaries.

    Raises:
        PassportMismatch: naming both sides.
    """
    check_identity(passport, embedder, index=index)
    check_text(passport, index=index, template=template, max_chars=max_chars)
    check_canaries(passport, embedder, index=index)


def check_text(passport: Passport, *, index: str, template: Sequence[str], max_chars: int) -> None:
    """Refuse texts that would be made otherwise than those already embedded.

    Raises:
        PassportMismatch: naming both sides.
    """
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


def check_canaries(passport: Passport, embedder: Embedder, *, index: str) -> None:
    """Embed the canaries and hold them against those of the passport.

    Raises:
        PassportMismatch: another model answers under the same name.
        EmbeddingError: the embedder failed.
    """
    if not passport.canaries:
        return
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
