"""Aligned products: one hit for each, in the shopper's language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from operator import itemgetter

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import RequestRefused
from es_hybrid.node import EmbeddedNode
from es_hybrid.search import HybridSearch
from tests.search.grouped import Model, Row, counted, ids_of, loaded, pages, settings_for
from training.data import ORACLE

SAMPLE, ORDERS = "test-search-display-sample", "test-search-display-oracle"
SHIRTS = "我想买一件夏天穿的透气男装"
PRODUCTS = 40


def grouped_as(es: Elasticsearch, index: str, groups: Mapping[str, str]) -> None:
    """Write `group_id` as `align apply` does."""
    es.indices.put_mapping(index=index, properties={"group_id": {"type": "keyword"}})
    bulk(
        es,
        (
            {"_op_type": "update", "_index": index, "_id": id_, "doc": {"group_id": group}}
            for id_, group in groups.items()
        ),
        refresh=True,
    )


@pytest.fixture(scope="module")
def sample() -> dict[str, Row]:
    lines = files("es_hybrid.data").joinpath("products.jsonl").read_text("utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


@pytest.fixture(scope="module")
def shop(
    es: Elasticsearch,
    node: EmbeddedNode,
    embedder: LocalEmbedder,
    sample: dict[str, Row],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[HybridSearch]:
    settings = settings_for(node.url, SAMPLE, tmp_path_factory.mktemp("ledgers"))
    loaded(settings, list(sample.values()), tmp_path_factory.mktemp("sample"))
    shop = HybridSearch(es, index=SAMPLE, embedder=embedder, settings=settings)
    # Before an alignment is applied, nothing is grouped, and nothing fails.
    plain = shop.search(SHIRTS, display_lang=["zh"], size=8, facets=["brand"], facets_by="group")
    assert [hit.matched for hit in plain.hits] == [None] * 8
    assert len({sample[hit.id]["group"] for hit in plain.hits}) < 8
    grouped_as(es, SAMPLE, {id_: row["group"] for id_, row in sample.items() if row.get("group")})
    yield shop
    for version in es.indices.get(index=SAMPLE):
        es.indices.delete(index=version)


def test_the_first_five_places_are_five_products(
    shop: HybridSearch, sample: dict[str, Row]
) -> None:
    before = [sample[hit.id]["group"] for hit in shop.search(SHIRTS, size=5).hits]
    after = shop.search(SHIRTS, size=5, display_lang=["zh", "en"]).hits
    assert len(set(before)) < 5
    assert len({sample[hit.id]["group"] for hit in after}) == 5
    assert {hit.source["lang"] for hit in after} == {"zh"}


def test_a_group_is_shown_in_the_first_language_that_it_has(
    shop: HybridSearch, sample: dict[str, Row]
) -> None:
    as_matched = pages(shop, SHIRTS, display_lang=["xx"], size=30)
    languages: dict[str, set[str]] = {}
    for row in sample.values():
        languages.setdefault(row["group"], set()).add(row["lang"])
    swapped = 0
    for wanted in (["fr", "de"], ["EN-gb"], ["de-AT", "zh_Hans"]):
        found = pages(shop, SHIRTS, display_lang=wanted, size=30)
        hits = [hit for page in found for hit in page.hits]
        matched = [hit for page in as_matched for hit in page.hits]
        for hit, best in zip(hits, matched, strict=True):
            assert (hit.rank, hit.score, hit.stages) == (best.rank, best.score, best.stages)
            assert hit.group == best.group == sample[hit.id]["group"]
            has = [tag[:2].lower() for tag in wanted if tag[:2].lower() in languages[hit.group]]
            assert hit.source["lang"] == (has[0] if has else best.source["lang"])
            if hit.id == best.id:
                assert hit.matched is None
            else:
                swapped += 1
                assert hit.matched is not None
                assert (hit.matched.id, hit.matched.lang) == (best.id, best.source["lang"])
        assert found[0].total == as_matched[0].total == len(hits)
    assert swapped > 20


def test_a_version_that_does_not_pass_the_filters_is_not_shown(
    shop: HybridSearch, sample: dict[str, Row]
) -> None:
    for options in ({"filters": {"lang": ["en", "de"]}}, {"selected": {"lang": ["en", "de"]}}):
        hits = shop.search(SHIRTS, display_lang=["zh", "de"], size=20, **options).hits
        assert {hit.source["lang"] for hit in hits} <= {"en", "de"}
        assert any(hit.source["lang"] == "de" for hit in hits)
    cheap = shop.search("kettle", display_lang=["zh"], filters={"currency": "USD"}).hits
    assert {hit.source["currency"] for hit in cheap} == {"USD"}


def test_highlights_are_those_of_the_version_shown(shop: HybridSearch) -> None:
    foreign = shop.search("kettle", display_lang=["zh"], highlight=["title"]).hits
    assert any(hit.matched for hit in foreign)
    assert all(hit.highlight == {} for hit in foreign if hit.matched)
    own = shop.search("kettle", display_lang=["en"], highlight=["title"]).hits
    assert any("<em>" in text for hit in own for text in hit.highlight.get("title", ()))


def test_another_field_may_name_the_groups(shop: HybridSearch, sample: dict[str, Row]) -> None:
    hits = shop.search(SHIRTS, display_lang=["en"], collapse="sku", size=20).hits
    assert len({hit.source["sku"] for hit in hits}) == len(hits)
    english = {row["sku"] for row in sample.values() if row["lang"] == "en"}
    assert all(hit.source["lang"] == "en" for hit in hits if hit.source["sku"] in english)


def own(text: str, **extension: object) -> dict[str, object]:
    """A body of a shop's own, with `ext.es_hybrid`."""
    query = {"multi_match": {"query": text, "fields": ["title", "description"]}}
    return {
        "query": query,
        "ext": {"es_hybrid": {"text": text, "window": 100, "rules": False, **extension}},
    }


def test_a_body_of_its_own_shows_each_product_once(
    shop: HybridSearch, sample: dict[str, Row]
) -> None:
    groups_of = {"groups": {"terms": {"field": "group_id", "size": 1000}}}
    collapsed = {"size": 100, "collapse": {"field": "group_id"}, "aggs": groups_of}
    matched = shop.answer({**own(SHIRTS), **collapsed})
    best = [hit["_id"] for hit in matched.hits]
    first = shop.answer({**own(SHIRTS, display_lang=["fr", "de"]), "size": 6})
    assert first.total == len(matched.answer["aggregations"]["groups"]["buckets"])
    seen = list(first.hits)
    for start in range(6, first.total or 0, 6):
        body = {**own(SHIRTS, display_lang=["fr", "de"]), "size": 6, "from": start}
        found = shop.answer(body)
        assert found.total == first.total
        seen += found.hits
    groups = [sample[hit["_id"]]["group"] for hit in seen]
    assert len(groups) == len(set(groups)) == first.total
    assert groups[: len(best)] == [sample[id_]["group"] for id_ in best]
    for hit in seen:
        product = sample[hit["_id"]]["group"]
        has = {row["lang"] for row in sample.values() if row["group"] == product}
        wanted = next((lang for lang in ("fr", "de") if lang in has), None)
        assert wanted in (None, hit["_source"]["lang"])
        assert hit["fields"]["group_id"] == [sample[hit["_id"]]["group"]]
        origin = hit["fields"].get("es_hybrid.matched", [hit["_id"]])
        assert sample[origin[0]]["group"] == sample[hit["_id"]]["group"]
        assert (origin == [hit["_id"]]) == ("es_hybrid.matched" not in hit["fields"])
    assert any("es_hybrid.matched" in hit["fields"] for hit in seen)
    shown = first.hits[0]
    assert first.stages_of(shown)["rrf"].score == pytest.approx(shown["_score"])


def test_a_body_of_its_own_keeps_what_it_asks_for(
    shop: HybridSearch, sample: dict[str, Row]
) -> None:
    body = {
        **own("kettle", display_lang=["en"]),
        "aggs": {"langs": {"terms": {"field": "lang"}}},
        "highlight": {"fields": {"title": {}}},
        "post_filter": {"terms": {"lang": ["en", "fr"]}},
        "explain": True,
    }
    found = shop.answer(body)
    assert set(found.answer["aggregations"]) == {"langs"}
    assert {hit["_source"]["lang"] for hit in found.hits} <= {"en", "fr"}
    assert any("<em>" in text for hit in found.hits for text in hit["highlight"].get("title", ()))
    assert all(hit["_explanation"] for hit in found.hits)
    assert "total" not in shop.answer({**body, "track_total_hits": False}).answer["hits"]
    with_own_groups = shop.answer({**body, "collapse": {"field": "sku"}, "size": 50})
    assert len({hit["_source"]["sku"] for hit in with_own_groups.hits}) == len(with_own_groups.hits)
    cheapest = shop.answer({**body, "sort": [{"price": "asc"}], "explain": False})
    assert [hit["sort"] for hit in cheapest.hits] == sorted(hit["sort"] for hit in cheapest.hits)
    languages = [str(number) for number in range(11)]
    with pytest.raises(RequestRefused, match=r"at most \[10\] entries"):
        shop.answer(own("kettle", display_lang=languages))


@pytest.fixture(scope="module")
def orders() -> dict[str, Row]:
    with (ORACLE / "products.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(PRODUCTS * 30), strict=False)]
    return {row["id"]: row for row in rows}


@pytest.fixture(scope="module")
def oracle(
    es: Elasticsearch,
    node: EmbeddedNode,
    embedder: LocalEmbedder,
    orders: dict[str, Row],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[HybridSearch]:
    if not ORACLE.exists():
        pytest.skip("no shared data")
    settings = settings_for(node.url, ORDERS, tmp_path_factory.mktemp("ledgers"))
    loaded(settings, list(orders.values()), tmp_path_factory.mktemp("orders"))
    grouped_as(es, ORDERS, {id_: row["sku"] for id_, row in orders.items()})
    yield HybridSearch(es, index=ORDERS, embedder=embedder, settings=settings)
    for version in es.indices.get(index=ORDERS):
        es.indices.delete(index=version)


def _sku(row: Row) -> str:
    return str(row["sku"])


class _BySku(Model):
    group = staticmethod(_sku)


@pytest.mark.parametrize("text", ["LCD monitor", "液晶显示器", "Tastatur", "disco duro 10GB"])
def test_products_in_thirty_languages_are_counted_once(
    oracle: HybridSearch, orders: dict[str, Row], text: str
) -> None:
    model = _BySku(oracle, orders, text)
    expected = model.best()
    found = pages(oracle, text, display_lang=["xx"], size=7)
    assert ids_of(found) == expected
    assert {page.total for page in found} == {len(expected)}
    for by in ("product", "group"):
        page = oracle.search(
            text, display_lang=["ja", "en"], facets=["lang", "category"], facets_by=by
        )
        for facet in ("lang", "category"):
            value = itemgetter(facet)
            assert page.facets[facet] == counted(
                orders, model.matches(), value, groups=by == "group", group=_sku
            )
        assert {hit.source["lang"] for hit in page.hits} == {"ja"}
        assert [_sku(orders[hit.id]) for hit in page.hits] == [
            _sku(orders[id_]) for id_ in expected[:10]
        ]
