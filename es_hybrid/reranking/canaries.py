"""The canaries: queries whose right product is beyond doubt.

A reranker behind the wrong prompt template, with a random head or with its label inverted answers
without an error, and ranks badly. So it scores a few queries of each language against the products
of all of them, and each query's own product must come first.

Each language has six queries and six products. A reranker whose order is random puts the right
product first with a probability of 1/6. One error is allowed, so it is right in a language with a
probability of 6 * (1/6)**5 * 5/6 + (1/6)**6 = .07 %, and in any of the six with less than .4 %. One
that ignores the query puts exactly one right product first.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from es_hybrid.errors import CanariesFailed
from es_hybrid.reranking.template import QWEN3
from es_hybrid.settings.instructions import DEFAULT_INSTRUCTION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from es_hybrid.reranking.reranker import Reranker

    # Query -> row, product -> column.
    Scores = NDArray[np.float32]

__all__ = ["CANARIES", "Canary", "CanaryOutcome", "examine"]


class Canary(NamedTuple):
    """A query and the product it asks for."""

    query: str
    product: str


# In every language some products are short and one is long: a server that pads on the wrong side
# scores the short ones wrongly.
CANARIES: Mapping[str, tuple[Canary, ...]] = {
    "en": (
        Canary("electric kettle", "Stainless steel electric kettle 1.7 L with automatic shut-off"),
        Canary("leather wallet", "Men's leather wallet, brown"),
        Canary(
            "wireless headphones",
            "Wireless headphones with noise cancelling, 30 hours of battery life, foldable, with "
            "case and charging cable, for travel, office and sport",
        ),
        Canary("running shoes", "Women's running shoes, size 39, breathable mesh"),
        Canary("cordless drill", "Cordless drill 18 V"),
        Canary("dog food", "Dry dog food with chicken and rice for adult dogs, 12 kg bag"),
    ),
    "de": (
        Canary("Wasserkocher", "Elektrischer Wasserkocher aus Edelstahl, 1,7 l, Abschaltautomatik"),
        Canary("Geldbörse Leder", "Herren-Geldbörse aus Leder, braun"),
        Canary(
            "kabellose Kopfhörer",
            "Kabellose Kopfhörer mit Geräuschunterdrückung, 30 Stunden Akkulaufzeit, faltbar, mit "
            "Etui und Ladekabel, für Reise, Büro und Sport",
        ),
        Canary("Laufschuhe", "Laufschuhe für Damen, Größe 39, atmungsaktiv"),
        Canary("Akkuschrauber", "Akkuschrauber 18 V"),
        Canary("Hundefutter", "Hundefutter mit Huhn und Reis für ausgewachsene Hunde, Sack 12 kg"),
    ),
    "fr": (
        Canary("bouilloire électrique", "Bouilloire électrique en inox 1,7 l, arrêt automatique"),
        Canary("portefeuille en cuir", "Portefeuille en cuir marron pour homme"),
        Canary(
            "casque sans fil",
            "Casque sans fil à réduction de bruit, 30 heures d'autonomie, pliable, avec étui et "
            "câble de charge, pour les voyages, le bureau et le sport",
        ),
        Canary("chaussures de course", "Chaussures de course pour femme, taille 39, respirantes"),
        Canary("perceuse visseuse", "Perceuse visseuse 18 V"),
        Canary("croquettes pour chien", "Croquettes pour chien adulte au poulet et riz, sac 12 kg"),
    ),
    "es": (
        Canary("hervidor eléctrico", "Hervidor eléctrico de acero 1,7 l con apagado automático"),
        Canary("cartera de piel", "Cartera de piel marrón para hombre"),
        Canary(
            "auriculares inalámbricos",
            "Auriculares inalámbricos con cancelación de ruido, 30 horas de batería, plegables, "
            "con estuche y cable de carga, para viajes, oficina y deporte",
        ),
        Canary("zapatillas de correr", "Zapatillas de correr para mujer, talla 39, transpirables"),
        Canary("taladro", "Taladro 18 V"),
        Canary("pienso para perros", "Pienso para perros adultos con pollo y arroz, saco de 12 kg"),
    ),
    "zh": (
        Canary("电热水壶", "不锈钢电热水壶 1.7升 自动断电"),
        Canary("真皮钱包", "男士真皮钱包 棕色"),
        Canary(
            "无线耳机",
            "无线降噪耳机，续航30小时，可折叠，附收纳盒和充电线，适合旅行、办公和运动时佩戴",
        ),
        Canary("跑步鞋", "女士跑步鞋 39码 透气网面"),
        Canary("电钻", "充电式电钻 18V"),
        Canary("狗粮", "成犬狗粮 鸡肉大米配方 12公斤装"),
    ),
    "ja": (
        Canary("電気ケトル", "ステンレス電気ケトル 1.7L 自動電源オフ"),
        Canary("革財布", "メンズ 本革財布 ブラウン"),
        Canary(
            "ワイヤレスヘッドホン",
            "ワイヤレスヘッドホン ノイズキャンセリング 連続再生30時間 折りたたみ式 "
            "ケースと充電ケーブル付き 旅行・オフィス・スポーツに",
        ),
        Canary("ランニングシューズ", "レディース ランニングシューズ 24.5cm 通気性メッシュ"),
        Canary("電動ドリル", "充電式 電動ドリル 18V"),
        Canary("ドッグフード", "成犬用ドッグフード チキン＆ライス 12kg"),
    ),
}  # fmt: skip

# Queries of a language, of six, whose product must come first.
_LEAST = 5
# Scores that differ by less are the same.
_SAME = 1e-6


class CanaryOutcome(NamedTuple):
    """What the canaries say about a reranker.

    Attributes:
        right: Languages in which it passes.
        wrong: Languages in which it does not, though it claims to know them.
        fault: Set if it passes in none; the error says why.
    """

    right: tuple[str, ...]
    wrong: tuple[str, ...]
    fault: CanariesFailed | None


def examine(reranker: Reranker, *, place: str, at_once: int = 1) -> CanaryOutcome:
    """Score the canaries of the languages that a reranker knows.

    Args:
        place: Address or folder of the reranker, for the error.
        at_once: Languages to score at the same time.

    Raises:
        RerankError: it cannot score.
    """
    known = [lang for lang in CANARIES if not reranker.languages or lang in reranker.languages]
    if not known:
        return CanaryOutcome((), (), None)
    with ThreadPoolExecutor(min(at_once, len(known)), "canaries") as threads:
        tables = threads.map(lambda lang: _scored(reranker, lang), known)
        scores = dict(zip(known, tables, strict=True))
    right = tuple(lang for lang in known if _passes(scores[lang]))
    wrong = tuple(lang for lang in known if lang not in right)
    fault = None if right else _fault(reranker, scores, place)
    return CanaryOutcome(right, wrong, fault)


def _scored(
    reranker: Reranker, lang: str, *, batched: bool = True, template: bool = False
) -> Scores:
    """Every query of a language against every product: `[6, 6]`.

    Args:
        batched: Score all products of a query at once; if not, one at a time.
        template: Send texts that already have the prompt of Qwen3-Reranker around them.
    """
    queries, products = zip(*CANARIES[lang], strict=True)
    rows = []
    for query in queries:
        asked, texts = query, list(products)
        if template:
            asked, texts = QWEN3.sent(asked, texts, DEFAULT_INSTRUCTION)
        batches = [texts] if batched else [[text] for text in texts]
        # Raw, as a sigmoid makes large logits equal.
        scores = [reranker.score(asked, one, DEFAULT_INSTRUCTION, raw=True) for one in batches]
        rows.append(np.concatenate(scores))
    return np.stack(rows)


def _firsts(scores: Scores) -> int:
    """Number of queries whose own product has the best score, and no other has the same."""
    others = np.where(np.eye(len(scores), dtype=bool), -np.inf, scores).max(axis=1)
    return int((scores.diagonal() > others).sum())


def _passes(scores: Scores) -> bool:
    return _firsts(scores) >= _LEAST


def _fault(reranker: Reranker, scores: Mapping[str, Scores], place: str) -> CanariesFailed:
    """The error with its most likely cause. Scores some canaries again to find it."""
    everything = np.stack(list(scores.values()))
    number, firsts = everything.shape[0] * everything.shape[1], sum(map(_firsts, everything))
    cause, remedy = _cause(reranker, next(iter(scores)), everything)
    return CanariesFailed(
        f"fails its canaries: the product asked for is first in {firsts} of {number} queries, by "
        f"chance in {number // 6}; {cause}",
        remedy=remedy,
        place=place,
    )


def _cause(reranker: Reranker, lang: str, scores: Scores) -> tuple[str, str]:
    """The likely cause and the remedy.

    Args:
        lang: Language whose canaries are scored again.
        scores: `[languages, 6, 6]`.
    """
    if np.ptp(scores, axis=2).max() < _SAME:
        return (
            "every product has the same score, so the model does not read it",
            "check that the server's prompt template contains the document and is not truncated",
        )
    if np.ptp(scores, axis=1).max() < _SAME:
        return (
            "the scores are the same for every query, so the model does not read it",
            "check that the server's prompt template contains the query",
        )
    if any(map(_passes, -scores)):
        return (
            "it is last in most, so the label is inverted",
            "serve the score of `yes`, not that of `no`",
        )
    if _passes(_scored(reranker, lang, batched=False)):
        return (
            "it is first if products are scored one at a time, so batches are padded on the wrong "
            "side",
            "make the server pad on the left for a model that reads the last token, e.g. Qwen3",
        )
    if _passes(_scored(reranker, lang, template=True)):
        return (
            "it is first if the texts are sent inside the prompt of Qwen3-Reranker, so the server "
            "adds no prompt",
            "start the server with the template of Qwen3-Reranker, or set rerank.url_template to "
            "qwen3",
        )
    return (
        "the model's head is random, or the prompt template is not the model's",
        "check the prompt template, and how the server loads the model: a class for sequence "
        "classification gives the official weights of Qwen3-Reranker a random head",
    )
