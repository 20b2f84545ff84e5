"""`ext.es_hybrid.understand`: a body's text read as that of a shop's search, on the real node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.response import Retrieved
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from tests.serve.running import ask, serving


@pytest.fixture(scope="module")
def shop(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> HybridSearch:
    return HybridSearch(es, index=catalogue, embedder=embedder, settings=catalogue_settings)


def body(text: str, *, words: str = "", **extension: Any) -> dict[str, Any]:
    """The shop's own query for some words, with a text to understand."""
    query = {"match": {"title": words}} if words else {"match_none": {}}
    return {"query": query, "size": 50, "ext": {"es_hybrid": {"text": text, **extension}}}


def _prices(found: Retrieved) -> set[float]:
    return {hit["_source"]["price"] for hit in found.hits}


def test_a_plain_body_gets_none_of_it(shop: HybridSearch) -> None:
    found = shop.answer(body("keybaord under 50 dollars", words="keyboard"))
    assert found.meaning is None
    assert max(_prices(found)) > 50


def test_the_text_is_corrected_and_its_conditions_apply_to_both_leaves(shop: HybridSearch) -> None:
    asked = body("keybaord under 50 dollars", words="keyboard", understand=True)
    found = shop.answer(asked)
    assert found.meaning is not None
    assert found.meaning.words == "keyboard"
    assert [each.text for each in found.meaning.conditions] == ["under 50 dollars"]
    assert max(_prices(found)) < 50
    # The query is the shop's own: it is not corrected.
    price = {"range": {"price": {"lt": 50}}}
    filters = [price, {"term": {"currency": "USD"}}]
    by_hand = shop.answer(
        {
            **body("keyboard", filter=filters),
            "query": {"bool": {"must": {"match": {"title": "keyboard"}}, "filter": filters}},
        }
    )
    assert [hit["_id"] for hit in found.hits] == [hit["_id"] for hit in by_hand.hits]


def test_exclusions(shop: HybridSearch) -> None:
    found = shop.answer(body("shirt without stripes", words="shirt", understand=True))
    titles = [hit["_source"]["title"].lower() for hit in found.hits]
    assert titles
    assert not any("striped" in title for title in titles)


def test_values_of_the_catalogue_are_left_to_the_query(shop: HybridSearch) -> None:
    found = shop.answer(body("nike running shoes", words="shoes", understand=True))
    assert found.meaning is not None
    assert found.meaning.conditions == ()


@pytest.mark.parametrize("understand", [True, False])
def test_an_unknown_number_is_reported_and_the_hits_stay(
    shop: HybridSearch, understand: bool
) -> None:
    found = shop.answer(body("KX-4977Q", understand=understand))
    assert found.not_found == ("identifier" if understand else None)
    assert len(found.hits) == 50


def test_the_server_reports_it(catalogue: str, catalogue_settings: Settings) -> None:
    with serving(catalogue_settings.elasticsearch.url or "", rerank={"enabled": False}) as url:

        def extension(asked: Mapping[str, Any]) -> dict[str, Any]:
            answer = ask(url, f"/{catalogue}/_search", method="POST", body=asked).json()
            found: dict[str, Any] = answer["ext"]["es_hybrid"]
            return found

        found = extension(body("keybaord under 50 dollars", words="keyboard", understand=True))
        assert found["corrected"] == "keyboard"
        assert found["replaced"] == {"keybaord": "keyboard"}
        assert found["synonyms"] == []
        assert found["zero_results"] is None
        (condition,) = found["understood"]
        assert (condition["text"], condition["effect"]) == ("under 50 dollars", "filter")
        assert extension(body("KX-4977Q", understand=True))["zero_results"] == "identifier"
        assert "corrected" not in extension(body("keybaord", words="keyboard"))
        chosen = ask(
            url,
            f"/{catalogue}/_search?filter_path=ext.es_hybrid.understood.text",
            method="POST",
            body=body("keyboard under 50 dollars", words="keyboard", understand=True),
        ).json()
        assert chosen == {"ext": {"es_hybrid": {"understood": [{"text": "under 50 dollars"}]}}}


def test_another_value_is_refused(shop: HybridSearch) -> None:
    with pytest.raises(RequestRefused, match=r"\[perhaps\]"):
        shop.answer(body("keyboard", words="keyboard", understand="perhaps"))
