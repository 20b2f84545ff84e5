"""The embedder and the reranker: whether they answer, and whether they make sense.

A server with the wrong prompt template answers without an error, and ranks badly. So both rank
products whose order is beyond doubt.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from es_hybrid.embedding import Embedder
from es_hybrid.errors import PassportMismatch
from es_hybrid.index.passport import Passport, check_canaries, check_identity
from es_hybrid.reranking import Reranker
from es_hybrid.reranking.canaries import CANARIES, Canary, examine
from es_hybrid.settings import EmbeddingSettings, RerankSettings, Settings
from ingest.doctor.finding import Finding, Part, failure, ok, warning

# Servers cut longer vectors only if the model was trained for it.
_CUT = "a model that was not trained for shorter vectors (Matryoshka) loses quality: unset it"


def examine_embedder(embedder: Embedder, settings: EmbeddingSettings) -> Iterator[Finding]:
    """Findings about the embedder.

    Raises:
        EmbeddingError: it does not answer.
    """
    identity = embedder.identity
    started = time.perf_counter()
    embedder.embed_query(CANARIES["en"][0].query)
    took = 1000 * (time.perf_counter() - started)
    place = settings.base_url or "embedded encoder"
    yield ok("embedding", f"{place}: {identity.model}, {identity.dims} dims, {took:.0f} ms a query")
    if settings.base_url:
        forms = f"queries as {identity.query_form}, documents as {identity.document_form}"
        yield ok("embedding", f"sends {forms}")
    if settings.base_url and settings.dims:
        yield warning("embedding", f"embedding.dims = {settings.dims} cuts vectors", _CUT)
    wrong = [lang for lang, canaries in CANARIES.items() if _lead(embedder, *canaries[1:3]) <= 0]
    yield _judged("embedding", wrong, list(CANARIES), "embedding.query_template and the pooling")


def examine_reranker(reranker: Reranker, settings: RerankSettings) -> Iterator[Finding]:
    """Findings about the reranker.

    Raises:
        RerankError: it does not answer.
    """
    place = settings.url or str(settings.model or "bundled model")
    languages = ", ".join(sorted(reranker.languages)) or "any language"
    query, product = CANARIES["en"][0]
    started = time.perf_counter()
    reranker.score(query, [product, product])
    took = 1000 * (time.perf_counter() - started)
    yield ok("reranker", f"{place}: {languages}, {took:.0f} ms for two products")
    wanted, provider = settings.provider, getattr(reranker, "provider", None)
    if getattr(reranker, "fell_back", False):
        text = f"runs on {provider} instead of {wanted}"
        yield warning("reranker", text, "check the driver and the extra `gpu`")
    outcome = examine(reranker, place=place)
    if outcome.fault:
        yield failure("reranker", outcome.fault.message, outcome.fault.remedy)
        return
    if outcome.wrong:
        text = f"fails its canaries in {', '.join(outcome.wrong)}: not used for these languages"
        remedy = "its model may not know them; else check its prompt template"
        yield warning("reranker", text, remedy)
    if outcome.right:
        yield ok("reranker", f"passes its canaries in {', '.join(outcome.right)}")


def compare(passport: Passport, embedder: Embedder, settings: Settings) -> Iterator[Finding]:
    """Findings about the vectors of the index, compared with those of the embedder."""
    index = settings.index.name
    try:
        check_identity(passport, embedder.identity, index=index)
        check_canaries(passport, embedder, index=index)
    except PassportMismatch as mismatch:
        yield failure("index", mismatch.message, mismatch.remedy)
        return
    ours, theirs = embedder.identity.query_form, passport.identity.query_form
    if ours != theirs:
        text = f"queries are sent as {ours}, when the index was created as {theirs}"
        remedy = "set embedding.query_template, query_instruction and query_parameters accordingly"
        yield warning("index", text, remedy)
    yield ok("index", f"its vectors are those of {passport.model}")


def _lead(embedder: Embedder, asked: Canary, other: Canary) -> float:
    """By how much the cosine of the right product is greater."""
    documents = embedder.embed_documents([asked.product, other.product])
    right, wrong = np.asarray(documents) @ embedder.embed_query(asked.query)
    return float(right - wrong)


def _judged(part: Part, wrong: Sequence[str], tried: Sequence[str], cause: str) -> Finding:
    if not wrong:
        return ok(part, f"ranks pairs beyond doubt rightly in {', '.join(tried)}")
    text = f"ranks a pair beyond doubt wrongly in {', '.join(wrong)}"
    if len(wrong) * 2 > len(tried):
        return failure(part, text, f"check {cause}")
    return warning(part, text, f"its model may not know these languages; else check {cause}")
