"""Stored vocabularies, on the real node."""

from __future__ import annotations

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import IndexStateError
from es_hybrid.index.lifecycle import create_index
from es_hybrid.settings import Settings, load_settings
from es_hybrid.understanding import store
from es_hybrid.understanding.store import (
    VOCABULARIES,
    forget_vocabulary,
    learn_after_writing,
    learn_vocabularies,
    vocabulary_in,
    vocabulary_request,
)
from es_hybrid.understanding.vocabulary import Vocabulary


@pytest.fixture
def index(es: Elasticsearch, embedder: LocalEmbedder, index_name: str) -> str:
    """An index with one product, behind an alias of its name and `-alias`."""
    settings = load_settings(flags={"index": {"name": index_name}})
    create_index(es, settings, embedder, alias=f"{index_name}-alias")
    _add(es, index_name, "1", "enamel mug")
    return index_name


def _add(es: Elasticsearch, index: str, id_: str, title: str) -> None:
    es.index(index=index, id=id_, document={"title": title, "lang": "en"}, refresh=True)


def _stored(es: Elasticsearch, *indices: str) -> Vocabulary | None:
    path, body = vocabulary_request(indices)
    answer = es.perform_request(
        "POST", path, body=dict(body),
        headers={"accept": "application/json", "content-type": "application/json"},
    )  # fmt: skip
    return vocabulary_in(answer.body)


FIELD = Settings().index.vector_field


def test_the_words_of_an_alias_are_those_of_its_index(es: Elasticsearch, index: str) -> None:
    found = learn_vocabularies(es, f"{index}-alias", vector_field=FIELD)
    assert found == {index: Vocabulary({"enamel": 1, "mug": 1}, 1, frozenset(["en"]))}
    assert _stored(es, index) == found[index]
    assert _stored(es, index, "no-such-index") is None


def test_a_pattern_does_not_find_the_vocabularies(es: Elasticsearch, index: str) -> None:
    learn_vocabularies(es, index, vector_field=FIELD)
    assert VOCABULARIES not in es.indices.get(index="*")


def test_an_index_without_a_passport_has_no_words(es: Elasticsearch, index_name: str) -> None:
    es.indices.create(index=index_name)
    with pytest.raises(IndexStateError):
        learn_vocabularies(es, index_name, vector_field=FIELD)


def test_a_forgotten_vocabulary_is_gone(es: Elasticsearch, index: str) -> None:
    learn_vocabularies(es, index, vector_field=FIELD)
    forget_vocabulary(es, index)
    forget_vocabulary(es, index)
    assert _stored(es, index) is None


def test_a_large_index_is_read_again_when_many_products_are_new(
    es: Elasticsearch, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_LARGE", 20)
    for number in range(2, 41):
        _add(es, index, str(number), "enamel mug")
    learn_after_writing(es, index, vector_field=FIELD, changed=1)
    _add(es, index, "41", "kettle")
    learn_after_writing(es, index, vector_field=FIELD, changed=1)
    known = _stored(es, index)
    assert known is not None
    assert (known.documents, "kettle" in known) == (40, False)
    for number in range(42, 46):
        _add(es, index, str(number), "kettle")
    learn_after_writing(es, index, vector_field=FIELD, changed=1)
    known = _stored(es, index)
    assert known is not None
    assert (known.documents, "kettle" in known) == (45, True)


def test_an_index_without_changes_is_read_once(es: Elasticsearch, index: str) -> None:
    learn_after_writing(es, index, vector_field=FIELD, changed=0)
    _add(es, index, "2", "kettle")
    learn_after_writing(es, index, vector_field=FIELD, changed=0)
    assert (known := _stored(es, index)) is not None
    assert known.documents == 1
    learn_after_writing(es, index, vector_field=FIELD, changed=1)
    assert (known := _stored(es, index)) is not None
    assert known.documents == 2


def test_a_failure_after_writing_is_logged(
    es: Elasticsearch, index_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    learn_after_writing(es, f"{index_name}-missing", vector_field=FIELD, changed=1)
    assert "searches do not know the words of what was written" in caplog.text


def test_a_damaged_document_is_no_vocabulary(caplog: pytest.LogCaptureFixture) -> None:
    source = {"words": "bm8gemxpYg==", "documents": 1, "languages": [], "currencies": []}
    assert vocabulary_in({"docs": [{"found": True, "_source": source}]}) is None
    assert vocabulary_in({"docs": [{"found": True, "_source": {}}]}) is None
    assert "es-hybrid index learn" in caplog.text
    assert vocabulary_in({}) is None
