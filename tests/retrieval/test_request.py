"""Wrong requests are refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import InvalidRequest
from es_hybrid.retrieval.request import MAX_QUERY_CHARS, SearchRequest


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"text": " \n\u3000"}, "blank"),
        ({"text": "\u200b\ufeff\u2060"}, "blank"),
        ({"page": 0}, "page 0"),
        ({"size": 0}, "0 hits"),
        ({"page": 1001, "size": 10}, "out of range"),
        ({"cutoff": 1.5}, "cutoff of 1.5"),
        ({"cutoff": -0.1}, "cutoff"),
        ({"cutoff": float("nan")}, "cutoff"),
        ({"sort": "price"}, "sort: a string where a list is needed"),
        ({"facets": "brand"}, "facets: "),
        ({"pinned": "A-1"}, "pinned: "),
        ({"highlight": "title"}, "highlight: "),
    ],
)
def test_what_no_stage_could_answer_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        SearchRequest(**{"text": "kettle", **options})


def test_a_long_text_is_cut_and_says_so() -> None:
    request = SearchRequest(text="  " + "x" * (MAX_QUERY_CHARS + 1))
    assert (len(request.words), request.is_cut) == (MAX_QUERY_CHARS, True)
    assert not SearchRequest(text=" " * 2000 + "x").is_cut


def test_words_are_cleaned_like_the_texts_of_products() -> None:
    request = SearchRequest(text="\u200bＫＸ－４８２０Ｂ\u00a0 men’s\n")
    assert request.words == "KX-4820B men's"
    assert request.text == "\u200bＫＸ－４８２０Ｂ\u00a0 men’s\n"
    assert SearchRequest(text="a < b &amp; <c>").words == "a < b &amp; <c>"


def test_words_grow_and_are_cut_afterwards() -> None:
    request = SearchRequest(text="\ufdfa" * 100)
    assert (len(request.words), request.is_cut) == (MAX_QUERY_CHARS, True)


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert SearchRequest(text="a\ud83db").words == "a\ufffdb"
    assert SearchRequest(text="\ud83d\ude00").words == "😀"


def test_the_largest_page_is_within_reach() -> None:
    assert SearchRequest(text="x", page=1000, size=10).first == 9990
