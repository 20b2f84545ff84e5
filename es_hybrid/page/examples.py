"""Example texts for the reranker."""

from __future__ import annotations

from dataclasses import dataclass

from es_hybrid.settings.page import PageLanguage

__all__ = ["EXAMPLES", "Example"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A query, candidates, and the category of the instruction."""

    name: dict[PageLanguage, str]
    query: str
    candidates: tuple[str, ...]
    category: str


EXAMPLES = (
    Example(
        name={"en": "Child seat, five languages", "zh": "儿童座椅 · 多语言"},
        query="儿童增高安全座椅,ISOFIX硬接口,侧撞防护,适用3-12岁",
        candidates=(
            "Waterproof Baby Changing Mat, Foldable, Travel Size",
            "High-Back Booster Car Seat with ISOFIX, Side Impact Protection, Ages 3 to 12",
            "Siège auto rehausseur ISOFIX, protection contre les chocs latéraux, 3 à 12 ans",
            "Silla de coche elevadora con ISOFIX y protección lateral, de 3 a 12 años",
            "Kindersitzerhöhung mit ISOFIX, Seitenaufprallschutz, 3 bis 12 Jahre",
        ),
        category="baby",
    ),
    Example(
        name={"en": "Kettle, look-alikes", "zh": "电热水壶 · 相似商品"},
        query="stainless steel electric kettle, 1.7 litres, automatic shut-off",
        candidates=(
            "Digital food thermometer with folding probe, stainless steel",
            "Gooseneck kettle for pour-over coffee, stove top, 1 litre",
            "Stainless steel electric kettle 1.7 L, 2200 W, switches off by itself",
            "Glass electric kettle 1.5 L with blue light",
            "Stainless steel thermos bottle, 1 litre, keeps warm for 12 hours",
        ),
        category="general",
    ),
)
