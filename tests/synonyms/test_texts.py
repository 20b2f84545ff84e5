from __future__ import annotations

import json
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import AlignError, EvaluationError
from es_hybrid.settings import Settings, load_settings
from es_hybrid.synonyms.association import TextPair
from es_hybrid.synonyms.texts import pairs_of_clicks, pairs_of_groups, pairs_of_index
from tests.fakes.models import FakeEmbedder
from tests.serve.live import make_index

ROWS = (
    {"group_id": "1", "lang": "zh-CN", "title": "鼠标"},
    {"group_id": "1", "lang": "en", "title": "Mouse"},
    {"group_id": "1", "lang": "de", "title": "Mouse"},
    {"group_id": "2", "lang": "en", "title": "Desk"},
)
EXPECTED = [
    TextPair("Mouse", "鼠标", "de", "zh", "titles"),
    TextPair("Mouse", "鼠标", "en", "zh", "titles"),
]


def test_titles_of_a_group_are_paired_across_languages(tmp_path: Path) -> None:
    lines = tmp_path / "groups.jsonl"
    lines.write_text("\n".join(json.dumps(row) for row in ROWS), "utf-8")
    assert list(pairs_of_groups(lines)) == EXPECTED
    table = tmp_path / "groups.csv"
    cells = [",".join(row.values()) for row in ROWS]
    table.write_text("\n".join(["group_id,lang,title", *cells]), "utf-8-sig")
    assert list(pairs_of_groups(table)) == EXPECTED


@pytest.mark.parametrize(
    ("text", "place"), [("{", "g.jsonl"), ('{"title": "a"}', "g.jsonl:1"), ("[1]", "g.jsonl:1")]
)
def test_other_files_are_no_groups(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "g.jsonl"
    path.write_text(text, "utf-8")
    with pytest.raises(AlignError) as caught:
        list(pairs_of_groups(path))
    assert caught.value.place.endswith(place)


@pytest.fixture
def settings(es: Elasticsearch, index_name: str) -> Settings:
    """Settings of an index with three products, two of them in a group."""
    make_index(es, index_name, FakeEmbedder.identity)
    es.indices.put_mapping(index=index_name, properties={"group_id": {"type": "keyword"}})
    for id_, lang in (("2", "en"), ("3", "de")):
        es.update(index=index_name, id=id_, doc={"group_id": "hats", "lang": lang}, refresh=True)
    return load_settings(flags={"index": {"name": index_name}})


def test_groups_of_an_index(es: Elasticsearch, settings: Settings) -> None:
    assert list(pairs_of_index(es, settings)) == [
        TextPair("blue hat of felt", "red hat", "de", "en", "titles")
    ]


def test_clicks_are_paired_with_titles_once(
    es: Elasticsearch, settings: Settings, tmp_path: Path
) -> None:
    clicks = [("Cap", "2"), ("cap ", "2"), ("cap", "none"), ("KX-4820-99", "2"), ("shoe", 1)]
    log = tmp_path / "clicks.jsonl"
    log.write_text("\n".join(json.dumps({"query": q, "id": id_}) for q, id_ in clicks), "utf-8")
    assert sorted(pairs_of_clicks(log, es, settings)) == [
        TextPair("cap", "red hat", "en", "en", "clicks"),
        TextPair("shoe", "red shoe", "", "", "clicks"),
    ]


@pytest.mark.parametrize("line", ["nonsense", '{"query": 1, "id": 2}', '{"query": "a"}', "[]"])
def test_a_line_that_is_no_click_is_named(
    es: Elasticsearch, settings: Settings, tmp_path: Path, line: str
) -> None:
    log = tmp_path / "clicks.jsonl"
    log.write_text(f'{{"query": "a", "id": "1"}}\n{line}\n', "utf-8")
    with pytest.raises(EvaluationError, match="no click") as caught:
        list(pairs_of_clicks(log, es, settings))
    assert caught.value.place.endswith("clicks.jsonl:2")
