"""The embedder and the reranker: whether they answer, and whether they make sense.

A server with the wrong prompt template answers without an error, and ranks badly. So both score a
few pairs whose order is beyond doubt.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from es_hybrid.embedding import Embedder
from es_hybrid.errors import PassportMismatch
from es_hybrid.index.passport import Passport, check_canaries, check_identity
from es_hybrid.reranking import Reranker
from es_hybrid.settings import EmbeddingSettings, RerankSettings, Settings
from ingest.doctor.finding import Finding, Part, failure, ok, warning


class _Pair(NamedTuple):
    """A query, the product that it asks for, and one that it does not."""

    query: str
    right: str
    wrong: str


PAIRS: Mapping[str, _Pair] = {
    "en": _Pair(
        "electric kettle", "Stainless steel electric kettle 1.7 L", "Men's leather wallet, brown"
    ),
    "de": _Pair(
        "Wasserkocher", "Elektrischer Wasserkocher aus Edelstahl, 1,7 l", "Herren-Geldbörse, Leder"
    ),
    "fr": _Pair("bouilloire", "Bouilloire électrique en inox 1,7 l", "Portefeuille en cuir marron"),
    "es": _Pair("hervidor", "Hervidor eléctrico de acero 1,7 l", "Cartera de piel para hombre"),
    "zh": _Pair("电热水壶", "不锈钢电热水壶 1.7升", "男士真皮钱包 棕色"),
    "ja": _Pair("電気ケトル", "ステンレス電気ケトル 1.7L", "メンズ 本革財布 ブラウン"),
}
# Servers cut longer vectors only if the model was trained for it.
_CUT = "a model that was not trained for shorter vectors (Matryoshka) loses quality: unset it"


def examine_embedder(embedder: Embedder, settings: EmbeddingSettings) -> Iterator[Finding]:
    """Findings about the embedder.

    Raises:
        EmbeddingError: it does not answer.
    """
    identity = embedder.identity
    started = time.perf_counter()
    embedder.embed_query(PAIRS["en"].query)
    took = 1000 * (time.perf_counter() - started)
    place = settings.base_url or "embedded encoder"
    yield ok("embedding", f"{place}: {identity.model}, {identity.dims} dims, {took:.0f} ms a query")
    if settings.base_url:
        forms = f"queries as {identity.query_form}, documents as {identity.document_form}"
        yield ok("embedding", f"sends {forms}")
    if settings.base_url and settings.dims:
        yield warning("embedding", f"embedding.dims = {settings.dims} cuts vectors", _CUT)
    wrong = [lang for lang, pair in PAIRS.items() if _leads(embedder, pair) <= 0]
    yield _judged("embedding", wrong, list(PAIRS), "embedding.query_template and the pooling")


def examine_reranker(reranker: Reranker, settings: RerankSettings) -> Iterator[Finding]:
    """Findings about the reranker.

    Raises:
        RerankError: it does not answer.
    """
    known = reranker.languages
    pairs = {lang: pair for lang, pair in PAIRS.items() if not known or lang in known}
    started = time.perf_counter()
    leads = {}
    for lang, pair in pairs.items():
        right, wrong = reranker.score(pair.query, [pair.right, pair.wrong]).tolist()
        leads[lang] = right - wrong
    took = 1000 * (time.perf_counter() - started) / max(1, len(pairs))
    place = settings.url or settings.model or "bundled model"
    languages = ", ".join(sorted(known)) or "any language"
    yield ok("reranker", f"{place}: {languages}, {took:.0f} ms for two products")
    wanted, provider = settings.provider, getattr(reranker, "provider", None)
    if getattr(reranker, "fell_back", False):
        text = f"runs on {provider} instead of {wanted}"
        yield warning("reranker", text, "check the driver and the extra `gpu`")
    if pairs and all(lead < 0 for lead in leads.values()):
        text = "ranks every pair the wrong way round"
        yield failure("reranker", text, "the server reports the label `no`: choose the other one")
        return
    wrong_langs = [lang for lang, lead in leads.items() if lead <= 0]
    cause = "the prompt template, the instruction and the padding side of the server"
    yield _judged("reranker", wrong_langs, list(pairs), cause)


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


def _leads(embedder: Embedder, pair: _Pair) -> float:
    """By how much the cosine of the right product is greater."""
    documents = embedder.embed_documents([pair.right, pair.wrong])
    right, wrong = np.asarray(documents) @ embedder.embed_query(pair.query)
    return float(right - wrong)


def _judged(part: Part, wrong: Sequence[str], tried: Sequence[str], cause: str) -> Finding:
    if not wrong:
        return ok(part, f"ranks pairs beyond doubt rightly in {', '.join(tried)}")
    text = f"ranks a pair beyond doubt wrongly in {', '.join(wrong)}"
    if len(wrong) * 2 > len(tried):
        return failure(part, text, f"check {cause}")
    return warning(part, text, f"its model may not know these languages; else check {cause}")
