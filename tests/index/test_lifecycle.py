"""Creating an index: its language analyzers are those of the cluster."""

from __future__ import annotations

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import IndexStateError
from es_hybrid.index import body
from es_hybrid.index.lifecycle import create_index
from es_hybrid.settings import IndexSettings, Settings
from tests.fakes.models import FakeEmbedder


def test_the_node_has_the_analyzers_of_the_default_languages(
    es: Elasticsearch, index_name: str
) -> None:
    settings = Settings(index=IndexSettings(name=index_name))
    passport = create_index(es, settings, FakeEmbedder())
    assert passport.languages == ("ar", "cjk", "de", "en", "es", "fr", "it", "pt", "ru")
    words = es.indices.analyze(index=index_name, field="title.de", text="Laufschuhe für Damen")
    assert [token["token"] for token in words["tokens"]] == ["laufschuh", "dam"]


def test_a_cluster_without_an_analyzer_rejects_the_index_and_names_it(
    es: Elasticsearch, index_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(body.ANALYZERS, "th", ("th", "klingon"))
    settings = Settings(index=IndexSettings(name=index_name, languages=("en", "th")))
    with pytest.raises(IndexStateError, match=r"analyzer \[klingon\].*the \[index\] section"):
        create_index(es, settings, FakeEmbedder())
