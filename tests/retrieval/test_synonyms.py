"""Searches with synonyms on the real node, over the sample catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import SettingsError
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from es_hybrid.understanding import synonym_file
from es_hybrid.understanding.synonyms import Synonym
from tests.fakes.elasticsearch import FaultyProxy, refusal
from tests.fakes.http import Answer, json_answer

Opener = Callable[[str], HybridSearch]


@pytest.fixture
def open_shop(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> Opener:
    """Opens a search of the sample catalogue with the given `search.synonyms`."""

    def opened(synonyms: str) -> HybridSearch:
        settings = catalogue_settings.with_(search={"synonyms": synonyms})
        return HybridSearch(es, index=catalogue, embedder=embedder, settings=settings)

    return opened


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "synonyms.txt"
    path.write_text(
        "keyboard, clackboard\nkettle => backpack\n[de]\nkeyboard => wasserkocher\n", "utf-8"
    )
    return path


def test_a_synonym_finds_what_the_word_of_the_catalogue_finds(
    open_shop: Opener, rules: Path
) -> None:
    shop = open_shop(str(rules))
    plain = open_shop("").search("mechanical keyboard")
    found = shop.search("mechanical clackboard", highlight=["title"])
    # The catalogue lacks it, so the vectors get the other word as well.
    assert [hit.id for hit in found.hits] == [hit.id for hit in plain.hits]
    assert found.synonyms == (Synonym(text="clackboard", searched=("keyboard", "clackboard")),)
    assert found.corrected == ""
    assert "<em>Keyboard</em>" in found.hits[0].highlight["title"][0]
    assert shop.search("mechanical keyboard under 50 dollars").synonyms


def test_a_one_way_rule_replaces_for_both_legs(open_shop: Opener, rules: Path) -> None:
    shop = open_shop(str(rules))
    found = shop.search("kettle")
    plain = open_shop("").search("backpack")
    assert [hit.id for hit in found.hits] == [hit.id for hit in plain.hits]
    assert found.total == plain.total
    assert shop.search("backpack").synonyms == ()


def test_a_synonym_can_be_removed(open_shop: Opener, rules: Path) -> None:
    found = open_shop(str(rules)).search("Kettle", ignore=["kettle"])
    assert found.synonyms == ()
    assert [hit.id for hit in found.hits] == [hit.id for hit in open_shop("").search("Kettle").hits]


def test_a_query_without_synonyms_stays_as_it_is(open_shop: Opener, rules: Path) -> None:
    found, plain = (open_shop(source).search("hiking boots") for source in (str(rules), ""))
    assert found.synonyms == ()
    assert [(hit.id, hit.score) for hit in found.hits] == [
        (hit.id, hit.score) for hit in plain.hits
    ]


def test_a_rule_for_another_language_does_not_apply(open_shop: Opener, rules: Path) -> None:
    shop = open_shop(str(rules))
    english = shop.search("a keyboard for the office with the letters that I know")
    assert [synonym.searched for synonym in english.synonyms] == [("keyboard", "clackboard")]
    german = shop.search("eine keyboard für das Büro mit den Buchstaben, die ich kenne")
    assert [synonym.searched for synonym in german.synonyms] == [
        ("keyboard", "wasserkocher", "clackboard")
    ]


def test_a_word_of_a_rule_is_not_misspelt(open_shop: Opener, tmp_path: Path) -> None:
    assert open_shop("").search("keybaord").corrected == "keyboard"
    rules = tmp_path / "s.txt"
    rules.write_text("keybaord => kettle", "utf-8")
    found = open_shop(str(rules)).search("mechancal keybaord")
    assert found.corrected == "mechanical keybaord"
    assert [synonym.text for synonym in found.synonyms] == ["keybaord"]


def test_a_changed_file_is_used_by_the_next_search(
    open_shop: Opener, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_shop(str(rules))
    monkeypatch.setattr(synonym_file, "_PAUSE", 0.0)
    assert shop.search("clackboard").synonyms
    rules.write_text("# nothing any more", "utf-8")
    assert shop.search("clackboard").synonyms == ()


def test_a_wrong_file_is_an_error_at_the_start(open_shop: Opener, tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("a => b => c", "utf-8")
    with pytest.raises(SettingsError, match="more than one =>"):
        open_shop(str(tmp_path / "s.txt"))


class SynonymsApi:
    """The synonyms API as Elasticsearch's reference describes its answers.

    The embedded node answers that a set is missing, but lacks the modules to store one.
    """

    def __init__(self, *rules: str) -> None:
        self.answer = self.of(*rules)
        self.asked: list[str] = []

    @staticmethod
    def of(*rules: str) -> Answer:
        listed = [{"id": f"rule-{n}", "synonyms": rule} for n, rule in enumerate(rules)]
        return json_answer(200, {"count": len(rules), "synonyms_set": listed})

    def __call__(self, target: str, body: bytes, forward: object) -> Answer | None:
        if not target.startswith("/_synonyms"):
            return None
        self.asked.append(target)
        return self.answer


Before = Callable[[SynonymsApi], AbstractContextManager[HybridSearch]]


@pytest.fixture
def shop_before(catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings) -> Before:
    """Opens a search of the sample catalogue with the set `shop/1` of a synonyms API."""
    settings = catalogue_settings.with_(search={"synonyms": "es://shop/1"})

    @contextmanager
    def opened(api: SynonymsApi) -> Iterator[HybridSearch]:
        url = settings.elasticsearch.url or ""
        with FaultyProxy(url, api) as proxy, Elasticsearch(proxy.url) as client:
            yield HybridSearch(client, index=catalogue, embedder=embedder, settings=settings)

    return opened


def test_a_set_of_elasticsearch_is_read_once_a_minute(shop_before: Before) -> None:
    api = SynonymsApi("keyboard, clackboard", "kettle => backpack")
    with shop_before(api) as shop:
        for _ in range(2):
            found = shop.search("clackboard")
            assert found.synonyms == (
                Synonym(text="clackboard", searched=("keyboard", "clackboard")),
            )
            assert found.degraded == ()
        assert api.asked == ["/_synonyms/shop%2F1?size=10000"]
        api.answer = api.of("a, b")
        shop._context.synonym_sets.pop("shop/1")  # as after a minute
        assert shop.search("clackboard").synonyms == ()


def test_a_missing_set_is_reported(open_shop: Opener) -> None:
    shop = open_shop("es://no-such-set")
    for _ in range(2):
        found = shop.search("keyboard")
        assert found.hits
        [problem] = found.degraded
        assert problem.startswith("synonyms: the set no-such-set cannot be read: ")
        assert "not found" in problem


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (refusal(403), "the set shop/1 cannot be read: injected 403"),
        (
            json_answer(400, {"error": "no handler found for uri [/_synonyms/shop]"}),
            "the set shop/1 cannot be read: no handler found",
        ),
        (SynonymsApi.of("a => b => c"), "set shop/1:1: more than one =>"),
        (json_answer(200, {"acknowledged": True}), "not an answer of the synonyms API"),
    ],
)
def test_a_set_that_cannot_be_read_costs_one_request_a_minute(
    shop_before: Before, answer: Answer, problem: str
) -> None:
    api = SynonymsApi()
    api.answer = answer
    with shop_before(api) as shop:
        for _ in range(2):
            [found] = shop.search("keyboard").degraded
            assert problem in found
    assert len(api.asked) == 1
