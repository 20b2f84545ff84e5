"""Real products multiplied: seeded variations of their words, prices and vectors."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from elasticsearch.helpers import pack_dense_vector
from numpy.typing import NDArray

from es_hybrid.embedding import Embedder
from es_hybrid.index.document import embedding_text, text_hash, to_document
from es_hybrid.records import Product
from es_hybrid.settings import Settings
from ingest.cleaning.clean import Cleaner
from ingest.sources import Row

# Length of the noise relative to a vector's: two variations of one product have a cosine of 0.9.
_NOISE = 1 / 3


@dataclass(frozen=True)
class VariedProducts:
    """As many products as one likes, made of real ones.

    Attributes:
        products: The real products.
        vectors: `[products, dims]` float32 of length 1, of their texts.
    """

    settings: Settings
    products: Sequence[Product]
    vectors: NDArray[np.float32]

    @classmethod
    def of(
        cls, settings: Settings, rows: Sequence[dict[str, Any]], embedder: Embedder
    ) -> VariedProducts:
        """Clean and embed the real rows."""
        cleaner = Cleaner(settings)
        products = [cleaner.clean(Row(str(row["id"]), row))[0] for row in rows]
        made = cls(settings, products, np.empty(0, np.float32))
        texts = [made.text(product) for product in products]
        size = embedder.batch_size
        batches = [texts[start : start + size] for start in range(0, len(texts), size)]
        return replace(made, vectors=np.concatenate([*map(embedder.embed_documents, batches)]))

    def text(self, product: Product) -> str:
        """The text of a product that is embedded."""
        shaping = self.settings.ingest
        return embedding_text(
            product, template=shaping.text_template, max_chars=shaping.text_max_chars
        )

    def documents(self, count: int) -> Iterator[dict[str, Any]]:
        """`count` documents with their `_id` and packed vector; first the real products."""
        for number, vector in enumerate(self.varied_vectors(count)):
            variation, place = divmod(number, len(self.products))
            product = self.products[place]
            if variation:
                product = _varied(product, variation, other=self.products[place - variation])
            document = to_document(product, text_hash=text_hash(self.text(product)))
            field = self.settings.index.vector_field
            yield {"_id": product.id, **document, field: pack_dense_vector(vector)}

    def varied_vectors(self, count: int) -> Iterator[NDArray[np.float32]]:
        """`count` vectors `[dims]` of length 1; first the real ones."""
        for number in range(count):
            variation, place = divmod(number, len(self.vectors))
            yield _near(self.vectors[place], seed=number) if variation else self.vectors[place]


def _varied(product: Product, variation: int, *, other: Product) -> Product:
    """Another id, model number and price; a word from another product, and half the description."""
    rng = random.Random(f"{product.id} {variation}")
    words = [*product.title.split(), f"{rng.randrange(100, 9999)}{rng.choice('ABCX')}"]
    words.insert(rng.randrange(len(words)), rng.choice(other.title.split() or ["new"]))
    description = [word for word in product.description.split() if rng.random() < 0.5]
    return replace(
        product,
        id=f"{product.id}-{variation}",
        title=" ".join(words),
        description=" ".join(description),
        price=product.price and round(product.price * rng.uniform(0.5, 2), 2),
    )


def _near(vector: NDArray[np.float32], *, seed: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).standard_normal(len(vector)).astype(np.float32)
    moved = vector + noise * (_NOISE * np.linalg.norm(vector) / np.linalg.norm(noise))
    near: NDArray[np.float32] = moved / np.linalg.norm(moved)
    return near
