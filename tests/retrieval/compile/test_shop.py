"""A shop's request as a plan."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest

from es_hybrid.errors import InvalidRequest, SettingsError
from es_hybrid.index.passport import Passport
from es_hybrid.index.shop_fields import ShopFields, WordField
from es_hybrid.retrieval.compile.shop import shop_plan
from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.engine import execute
from es_hybrid.retrieval.needs import Call
from es_hybrid.retrieval.nodes import (
    DocumentText,
    Groups,
    Knn,
    Pinned,
    Rerank,
    Rrf,
    Standard,
)
from es_hybrid.retrieval.plan import Plan
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.settings import Settings
from es_hybrid.understanding.meaning import Meaning

PASSPORT = Passport(
    vector_field="embedding",
    model="m",
    revision="1",
    dims=2,
    similarity="cosine",
    query_instruction="",
    text_template=("title", "brand"),
    text_max_chars=100,
    languages=("en",),
)


def _plan(
    text: str = "red kettle",
    *,
    reranks: bool = False,
    passport: Passport = PASSPORT,
    **options: Any,
) -> Plan:
    settings = Settings.model_validate(options.pop("settings", {}))
    request = SearchRequest(text=text, **options)
    meant = Meaning(request.words)
    return shop_plan(
        request, meant, index="shop", passport=passport, settings=settings, reranks=reranks
    )


def test_both_legs_are_fused_with_the_settings_weights() -> None:
    plan = _plan(filters={"brand": "Nike"}, page=2, size=20)
    root = plan.root
    assert isinstance(root, Rrf)
    lexical, nearest = (child.node for child in root.children)
    assert isinstance(lexical, Standard)
    assert isinstance(nearest, Knn)
    assert [(child.node.stage, child.weight) for child in root.children] == [
        ("bm25", 1.0),
        ("knn", 0.7),
    ]
    assert root.filters == ({"term": {"brand": "Nike"}},)
    assert (nearest.text, nearest.k, nearest.num_candidates) == ("red kettle", 100, 1000)
    assert (plan.from_, plan.size, plan.cutoff, plan.degrade) == (20, 20, None, True)
    assert lexical.query != lexical.alone


@pytest.mark.parametrize(("mode", "kind"), [("bm25", Standard), ("knn", Knn)])
def test_one_leg_alone_is_no_fusion(mode: Any, kind: type) -> None:
    assert isinstance(_plan(mode=mode).root, kind)


def test_a_vector_leg_alone_cannot_do_without_its_vector() -> None:
    assert _plan(mode="bm25").degrade
    assert not _plan(mode="knn").degrade


def test_the_window_follows_from_the_page_but_not_for_candidates() -> None:
    def window(**options: Any) -> int:
        root = _plan(page=30, size=10, **options).root
        assert isinstance(root, Rrf)
        return root.rank_window_size

    assert window() == 300
    assert window(sort=["price"]) == window(cutoff=0.5) == 100


def test_the_window_of_groups_is_the_same_on_every_page() -> None:
    for page, size, wanted in ((1, 10, 100), (30, 10, 100), (2, 300, 300)):
        root = _plan(page=page, size=size, collapse="brand", pinned=["a"]).root
        assert isinstance(root, Groups)
        assert (root.field, root.window, root.alone) == ("brand", wanted, True)
        assert isinstance(root.child, Pinned)


def test_the_best_are_reranked_and_pinned_ids_stand_above() -> None:
    plan = _plan(reranks=True, pinned=["b", "a"], filters={"lang": "en"})
    assert isinstance(plan.root, Pinned)
    assert plan.root.documents == ((None, "b"), (None, "a"))
    assert plan.root.filtered
    assert plan.root.filters
    reranked = plan.root.child
    assert isinstance(reranked, Rerank)
    assert reranked.document is not None
    kettle = {"title": "Kettle", "brand": "Nike", "lang": "en"}
    assert reranked.document("1", kettle) == DocumentText("Kettle. Nike", "en")
    assert reranked.document("1", {"title": "Kettle"}) == DocumentText("Kettle", "")
    assert (reranked.rank_window_size, reranked.keep_rest) == (50, True)


def test_nothing_is_reranked_that_is_sorted_or_asked_without() -> None:
    for options in ({"sort": ["price"]}, {"rerank": False}):
        assert isinstance(_plan(reranks=True, **options).root, Rrf)
    assert isinstance(_plan(reranks=False).root, Rrf)


def test_ticked_values_cut_hits_and_the_other_facets() -> None:
    plan = _plan(selected={"brand": ["Nike"]}, facets=["brand", "lang"])
    assert plan.selected == {"bool": {"filter": [{"terms": {"brand": ["Nike"]}}]}}
    assert plan.root.filters == ()
    assert plan.aggs is not None
    assert list(plan.aggs["brand"]) == ["terms"]
    assert list(plan.aggs["lang"]) == ["filter", "aggs"]


def test_sorted_and_cut_searches_are_about_candidates() -> None:
    plan = _plan(sort=["price:desc", "released"])
    assert plan.sort == [{"price": {"order": "desc"}}, {"released": {"order": "asc"}}, "_score"]
    assert plan.cutoff == 0.3
    assert _plan(sort=["price"], cutoff=0).cutoff == 0.0
    assert _plan().cutoff is _plan(collapse="brand").cutoff is None
    assert _plan(cutoff=0.4, sort=["price"]).cutoff == 0.4


@pytest.mark.parametrize("order", ["", "price:up", ":desc", "price:desc:asc"])
def test_an_order_that_is_none_is_named(order: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot read the order"):
        _plan(sort=[order])


def test_what_is_shown_leaves_out_the_vector_and_escapes_highlights() -> None:
    fetch = _plan(highlight=["title"]).fetch
    assert fetch["_source"] == {"excludes": ["embedding", "text_hash"]}
    assert fetch["highlight"]["encoder"] == "html"
    assert "highlight" not in _plan().fetch


_HOSTILE = [
    "*", "t:*", "title:(a OR b)", '{"match_all": {}}', "'; DROP", "\\", '"', "_id:1", "a~2", "a^9",
    "AND", "NOT x", "+a -b", "<script>", "\u202e", "\x00", "((((", "]]]]", "../..", "${jndi:x}",
    "{{#tojson}}", "😀", "\ufeff", "%s%n", "\r\n", "/.*/", "[1 TO *]", "_exists_:sku",
]  # fmt: skip


def _shape(value: Any) -> Any:
    """The plan with every leaf replaced by its type."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return type(value).__name__, _shape(fields)
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shape(inner) for inner in value]
    return type(value).__name__


def _bodies(plan: Plan) -> Any:
    """The bodies sent to Elasticsearch."""
    search = execute(plan, Context(execution="client", reranks=True))
    next(search)
    need = search.send([0.6, 0.8])
    assert isinstance(need, Call)
    return need.body


@pytest.mark.parametrize("seed", range(10))
def test_hostile_text_leaves_the_shape_of_plan_and_bodies_alone(seed: int) -> None:
    rng = random.Random(seed)
    options: dict[str, Any] = {
        "reranks": True,
        "facets": ["brand"],
        "highlight": ["title"],
        "settings": {"search": {"phrase_boost": 1}},
    }
    plain = _plan("red kettle", **options)
    for _ in range(20):
        # A word, so that `x_id:1x` is no trade number, which has clauses of its own.
        text = "kettle x" + " ".join(rng.choices(_HOSTILE, k=rng.randint(1, 6))) + "x"
        plan = _plan(text, **options)
        assert _shape(plan) == _shape(plain)
        assert _shape(_bodies(plan)) == _shape(_bodies(plain))
        assert isinstance(plan.root, Rerank)
        assert plan.root.text == SearchRequest(text=text).words


def test_an_index_of_the_shop_s_own_is_asked_in_its_own_fields() -> None:
    words = (WordField("german", "title", "name.de"), WordField("default", "brand", "marke.text"))
    shop = ShopFields(fields=(("title", "name.de"),), words=words, keywords=(("sku", "nr"),))
    plan = _plan(mode="bm25", passport=dataclasses.replace(PASSPORT, shop=shop))
    assert isinstance(plan.root, Standard)
    asked = repr(plan.root.query)
    assert "['name.de']" in asked
    assert "['marke.text']" in asked
    assert "{'nr': {'value': 'red kettle', 'case_insensitive': True}}" in asked
    assert "'title'" not in asked
    both = dataclasses.replace(shop, keywords=(("gtin", "ean"), ("sku", "nr")))
    for text, fields in (("KX-4820B", ["nr"]), ("4006381333931", ["nr", "ean"])):
        plan = _plan(text, mode="bm25", passport=dataclasses.replace(PASSPORT, shop=both))
        assert isinstance(plan.root, Standard)
        assert [f for f in ("nr", "ean") if f"'regexp': {{'{f}'" in repr(plan.root.query)] == fields
    bare = dataclasses.replace(PASSPORT, shop=ShopFields(fields=(("title", "name"),)))
    with pytest.raises(SettingsError, match="none of these is a text field of this index"):
        _plan(passport=bare)
