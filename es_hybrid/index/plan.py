"""Adding vectors to an existing index: what it changes and costs, and doing it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.embedding import Embedder
from es_hybrid.errors import IndexStateError
from es_hybrid.index.body import vector_mapping
from es_hybrid.index.conflicts import field_conflicts, mapping_conflicts, settings_conflicts
from es_hybrid.index.cost import VectorCost, vector_cost
from es_hybrid.index.document import embedded_text, product_of, text_hash
from es_hybrid.index.lifecycle import read_mappings, write_meta
from es_hybrid.index.passport import (
    HASH_FIELD,
    Passport,
    check_identity,
    issue_passport,
    passports_of,
    passports_to_meta,
)
from es_hybrid.index.shop_fields import ShopFields, shop_fields
from es_hybrid.settings import Settings

_HASH_MAPPING = {"type": "keyword", "index": False, "doc_values": False}
# Random documents that estimate how many lack a title or are stale, and the embedding rate.
_SAMPLE = 64
# Title, text to embed, and hash of the text that was embedded.
_Sampled = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPlan:
    """What `index plan` shows and `index apply` does.

    Attributes:
        name: The index, even if an alias was given.
        passport: The existing or future passport of the vector field.
        issued: Whether the passport still has to be written.
        added: Fields still to be added to the mapping.
        kept: Other entries of `_meta`, which are kept.
        with_vector: Documents with a vector, fresh or stale.
        sampled: Documents in the sample.
        without_title: Sampled documents without a title to embed.
        stale: Sampled documents whose text changed after it was embedded.
        cost: Cost of one vector per document.
        texts_per_second: Embedding rate measured on one batch; None without a sample.
        conflicts: Reasons why the plan cannot be applied; empty if it can.
    """

    name: str
    passport: Passport
    issued: bool
    added: Mapping[str, Mapping[str, Any]]
    kept: tuple[str, ...]
    documents: int
    with_vector: int
    size_bytes: int
    sampled: int
    without_title: int
    stale: int
    cost: VectorCost
    batch_size: int
    texts_per_second: float | None
    conflicts: tuple[str, ...]

    @property
    def to_embed(self) -> int:
        """Documents to embed: those without a vector, and an estimate of the stale ones."""
        stale = self.stale / self.sampled * self.documents if self.sampled else 0.0
        return min(self.documents, self.documents - self.with_vector + math.ceil(stale))

    @property
    def requests(self) -> int:
        """Embedding requests for `to_embed` documents."""
        return math.ceil(self.to_embed / self.batch_size)

    @property
    def seconds(self) -> float | None:
        """Seconds to embed them, one batch at a time; None if unknown."""
        rate = self.texts_per_second
        return None if rate is None else self.to_embed / rate


def plan_index(client: Elasticsearch, settings: Settings, embedder: Embedder) -> IndexPlan:
    """Inspect an index without changing it.

    Raises:
        IndexStateError: the index is missing, an alias of several, or a data stream.
        PassportMismatch: its vector field holds another model's vectors.
        EmbeddingError: the embedder cannot report its dims.
    """
    name, mapping = _the_index(client, settings.index.name)
    shop = shop_fields(mapping.get("properties", {}), settings.ingest.fields)
    existing = passports_of(mapping)
    current = next((p for p in existing if p.vector_field == settings.index.vector_field), None)
    if current is None:
        passport = _new_passport(settings, embedder, shop, existing)
    else:
        check_identity(current, embedder.identity, index=name)
        passport = _updated(current, settings, shop)
    wanted = {
        passport.vector_field: vector_mapping(settings.index, dims=passport.dims),
        passport.hash_field: _HASH_MAPPING,
    }
    counted = client.search(
        index=name,
        size=0,
        track_total_hits=True,
        aggs={"vectors": {"filter": {"exists": {"field": passport.vector_field}}}},
    )
    documents = counted["hits"]["total"]["value"]
    sample = _sample(client, name, passport)
    return IndexPlan(
        name=name,
        passport=passport,
        issued=passport != current,
        added={n: f for n, f in wanted.items() if n not in mapping.get("properties", {})},
        kept=tuple(sorted(set(mapping.get("_meta", {})) - set(passports_to_meta([passport])))),
        documents=documents,
        with_vector=counted["aggregations"]["vectors"]["doc_count"],
        size_bytes=client.indices.stats(index=name, metric="store")["_all"]["primaries"]["store"][
            "size_in_bytes"
        ],
        sampled=len(sample),
        without_title=sum(not title for title, _, _ in sample),
        stale=_stale(sample),
        cost=vector_cost(settings.index.vector_type, documents=documents, dims=passport.dims),
        batch_size=embedder.batch_size,
        texts_per_second=_rate(embedder, [text for _, text, _ in sample]),
        conflicts=tuple(_conflicts(client, name, mapping, wanted, passport.shop)),
    )


def estimate_stale(client: Elasticsearch, name: str, passport: Passport, *, documents: int) -> int:
    """Documents whose text changed after it was embedded, estimated from 64 random ones.

    Args:
        documents: Number of documents in the index.
    """
    sample = _sample(client, name, passport)
    return round(_stale(sample) / len(sample) * documents) if sample else 0


def apply_plan(client: Elasticsearch, plan: IndexPlan) -> None:
    """Add the fields and the passport, unless they exist.

    Raises:
        IndexStateError: the plan has conflicts.
    """
    if plan.conflicts:
        raise IndexStateError(
            "; ".join(plan.conflicts),
            place=f"index {plan.name}",
            remedy="then run `es-hybrid index plan` again",
        )
    if not plan.issued and not plan.added:
        return
    _, mapping = _the_index(client, plan.name)
    others = [p for p in passports_of(mapping) if p.vector_field != plan.passport.vector_field]
    # In one request: a vector field without a passport would be unusable.
    write_meta(
        client,
        plan.name,
        passports_to_meta([*others, plan.passport]),
        properties=dict(plan.added),
    )


def _new_passport(
    settings: Settings, embedder: Embedder, shop: ShopFields, existing: Sequence[Passport]
) -> Passport:
    """The passport of a new vector field."""
    ours = bool(existing) and existing[0].shop is None
    return issue_passport(
        settings,
        embedder,
        languages=existing[0].languages if ours else (),
        shop=None if ours else shop,
        # One hash per vector field: one model's vector may be stale while the other's is fresh.
        hash_field=f"{settings.index.vector_field}_hash" if existing else HASH_FIELD,
    )


def _updated(passport: Passport, settings: Settings, shop: ShopFields) -> Passport:
    """The passport with the current settings for a shop's own mapping.

    A changed text has another hash, so backfill embeds it again.
    """
    if passport.shop is None:
        return passport
    ingest = settings.ingest
    return replace(
        passport,
        shop=shop,
        text_template=ingest.text_template,
        text_max_chars=ingest.text_max_chars,
    )


def _the_index(client: Elasticsearch, name: str) -> tuple[str, dict[str, Any]]:
    """The index that a name or alias resolves to, and its mapping."""
    mappings = read_mappings(client, name)
    if len(mappings) != 1:
        raise IndexStateError(
            f"the alias points to {len(mappings)} indices",
            place=f"index {name}",
            remedy="name one of " + ", ".join(sorted(mappings)),
        )
    ((index, mapping),) = mappings.items()
    if index.startswith(".ds-"):
        raise IndexStateError(
            "this is a data stream, whose documents cannot be updated",
            place=f"index {name}",
            remedy="load its documents into an index: `es-hybrid ingest load es://" + name + "`",
        )
    return index, mapping


def _conflicts(
    client: Elasticsearch,
    name: str,
    mapping: Mapping[str, Any],
    wanted: Mapping[str, Mapping[str, Any]],
    shop: ShopFields | None,
) -> Iterator[str]:
    settings = client.indices.get_settings(index=name, flat_settings=True)[name]["settings"]
    yield from mapping_conflicts(mapping, wanted)
    yield from settings_conflicts(settings, mapping)
    if shop is not None:
        yield from field_conflicts(shop, mapping)


def _sample(client: Elasticsearch, name: str, passport: Passport) -> list[_Sampled]:
    """Random documents."""
    answer = client.search(
        index=name,
        size=_SAMPLE,
        query={"function_score": {"random_score": {}}},
        source_excludes=[passport.vector_field],
    )
    hits = [hit for hit in answer["hits"]["hits"] if "_source" in hit]
    products = [product_of(passport, hit["_id"], hit["_source"]) for hit in hits]
    return [
        (product.title, embedded_text(passport, product), hit["_source"].get(passport.hash_field))
        for hit, product in zip(hits, products, strict=True)
    ]


def _stale(sample: Sequence[_Sampled]) -> int:
    return sum(stored not in (None, text_hash(text)) for _, text, stored in sample)


def _rate(embedder: Embedder, texts: Sequence[str]) -> float | None:
    """Texts per second for one batch; the model is warm from the canaries or the probe."""
    batch = [text for text in texts if text][: embedder.batch_size]
    if not batch:
        return None
    start = time.perf_counter()
    embedder.embed_documents(batch)
    return len(batch) / max(time.perf_counter() - start, 1e-6)
