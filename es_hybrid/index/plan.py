"""What adding vectors to an index that is already there would change, and what it would cost."""

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
from es_hybrid.index.document import embedded_text, product_of
from es_hybrid.index.lifecycle import read_mappings
from es_hybrid.index.meta import write_meta
from es_hybrid.index.passport import (
    HASH_FIELD,
    Passport,
    check_identity,
    issue_passport,
    passports_of,
    passports_to_meta,
)
from es_hybrid.index.shop_fields import ShopFields, shop_fields
from es_hybrid.index.text import text_hash
from es_hybrid.settings import Settings

HASH_MAPPING = {"type": "keyword", "index": False, "doc_values": False}
# Documents that are looked at to tell how many lack a text, and how fast their texts are embedded.
SAMPLE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPlan:
    """What `index plan` shows and `index apply` does.

    Attributes:
        name: The index itself, also where an alias was asked for.
        passport: The one that it has for the vector field, or will have.
        issued: Whether the passport is still to be written.
        added: Fields still to be added to the mapping.
        kept: What else stands in `_meta`, and stays.
        with_vector: Documents that have a vector, fresh or stale.
        sampled: How many were looked at closely.
        without_title: Of those, how many have no title to embed.
        stale: Of those, how many have a vector of a text that has changed since.
        cost: Of a vector for every document.
        texts_per_second: As fast as a batch of the sample was embedded; None without a sample.
        conflicts: Why it cannot be done; empty where it can.
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
        """Documents still to be embedded; the stale ones by what the sample says."""
        stale = self.stale / self.sampled * self.documents if self.sampled else 0.0
        return min(self.documents, self.documents - self.with_vector + math.ceil(stale))

    @property
    def requests(self) -> int:
        """Embedding calls for them."""
        return math.ceil(self.to_embed / self.batch_size)

    @property
    def seconds(self) -> float | None:
        """For embedding them, one batch after another."""
        rate = self.texts_per_second
        return None if rate is None else self.to_embed / rate


def plan_index(client: Elasticsearch, settings: Settings, embedder: Embedder) -> IndexPlan:
    """Look at an index and change nothing.

    Raises:
        IndexStateError: no such index, several behind one alias, or a data stream.
        PassportMismatch: its vector field holds another model's vectors.
        EmbeddingError: the embedder cannot tell its dims.
    """
    name, mapping = _the_index(client, settings.index.name)
    shop = shop_fields(mapping.get("properties", {}), settings.ingest.fields)
    there = passports_of(mapping)
    stands = next((p for p in there if p.vector_field == settings.index.vector_field), None)
    if stands is None:
        passport = _issued(settings, embedder, shop, there)
    else:
        check_identity(stands, embedder, index=name)
        passport = _as_set(stands, settings, shop)
    wanted = {
        passport.vector_field: vector_mapping(settings.index, dims=passport.dims),
        passport.hash_field: HASH_MAPPING,
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
        issued=passport != stands,
        added={n: f for n, f in wanted.items() if n not in mapping.get("properties", {})},
        kept=tuple(sorted(set(mapping.get("_meta", {})) - set(passports_to_meta([passport])))),
        documents=documents,
        with_vector=counted["aggregations"]["vectors"]["doc_count"],
        size_bytes=client.indices.stats(index=name, metric="store")["_all"]["primaries"]["store"][
            "size_in_bytes"
        ],
        sampled=len(sample),
        without_title=sum(not title for title, _, _ in sample),
        stale=sum(stored not in (None, text_hash(text)) for _, text, stored in sample),
        cost=vector_cost(settings.index.vector_type, documents=documents, dims=passport.dims),
        batch_size=embedder.batch_size,
        texts_per_second=_rate(embedder, [text for _, text, _ in sample]),
        conflicts=tuple(_conflicts(client, name, mapping, wanted, passport.shop)),
    )


def apply_plan(client: Elasticsearch, plan: IndexPlan) -> None:
    """Add the fields and the passport. Does nothing where they are there.

    Raises:
        IndexStateError: the plan has conflicts.
    """
    if plan.conflicts:
        raise IndexStateError(
            "; ".join(plan.conflicts),
            place=f"index {plan.name}",
            remedy="then plan again: `es-hybrid index plan`",
        )
    if not plan.issued and not plan.added:
        return
    _, mapping = _the_index(client, plan.name)
    others = [p for p in passports_of(mapping) if p.vector_field != plan.passport.vector_field]
    # In one request: a field without its passport would be one that nobody dares to write into.
    write_meta(
        client,
        plan.name,
        passports_to_meta([*others, plan.passport]),
        properties=dict(plan.added),
    )


def _issued(
    settings: Settings, embedder: Embedder, shop: ShopFields, there: Sequence[Passport]
) -> Passport:
    """A passport for a field that is not there yet, beside those of other fields."""
    ours = bool(there) and there[0].shop is None
    return issue_passport(
        settings,
        embedder,
        languages=there[0].languages if ours else (),
        shop=None if ours else shop,
        # Of its own: a vector of one model may be stale while that of the other is fresh.
        hash_field=f"{settings.index.vector_field}_hash" if there else HASH_FIELD,
    )


def _as_set(passport: Passport, settings: Settings, shop: ShopFields) -> Passport:
    """A shop's index follows its settings: with the text its hash changes, and backfill sees it."""
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
    """The one index that a name stands for, and its mapping."""
    mappings = read_mappings(client, name)
    if len(mappings) != 1:
        raise IndexStateError(
            f"it stands for {len(mappings)} indices",
            place=f"index {name}",
            remedy="name one of " + ", ".join(sorted(mappings)),
        )
    ((index, mapping),) = mappings.items()
    if index.startswith(".ds-"):
        raise IndexStateError(
            "it is a data stream, whose documents cannot be updated in place",
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


def _sample(
    client: Elasticsearch, name: str, passport: Passport
) -> list[tuple[str, str, str | None]]:
    """(title, text, stored hash) of some documents, picked at random."""
    answer = client.search(
        index=name,
        size=SAMPLE,
        query={"function_score": {"random_score": {}}},
        source_excludes=[passport.vector_field],
    )
    hits = [hit for hit in answer["hits"]["hits"] if "_source" in hit]
    products = [product_of(passport, hit["_id"], hit["_source"]) for hit in hits]
    return [
        (product.title, embedded_text(passport, product), hit["_source"].get(passport.hash_field))
        for hit, product in zip(hits, products, strict=True)
    ]


def _rate(embedder: Embedder, texts: Sequence[str]) -> float | None:
    """Texts a second of one batch; the model is warm from the canaries or the probe."""
    batch = [text for text in texts if text][: embedder.batch_size]
    if not batch:
        return None
    start = time.perf_counter()
    embedder.embed_documents(batch)
    return len(batch) / max(time.perf_counter() - start, 1e-6)
