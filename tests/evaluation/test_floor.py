"""The floor of the sample catalogue, measured on the real node."""

from __future__ import annotations

import dataclasses

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import EvaluationError, PassportMismatch
from es_hybrid.evaluation.floor import calibrate_index
from es_hybrid.index.lifecycle import create_index, open_index, read_mappings, write_meta
from es_hybrid.settings import Settings
from tests.fakes.models import FakeEmbedder


def test_the_floor_is_stored_in_the_passport(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> None:
    ((index, mapping),) = read_mappings(es, catalogue).items()
    before = open_index(es, catalogue)
    try:
        [(measured, floor)] = calibrate_index(es, catalogue, catalogue_settings, embedder)
        after = open_index(es, catalogue)
        assert (measured, after.floor) == (index, floor)
        assert dataclasses.replace(after, floor=None) == before
        # Vectors compare as before: passports with and without a floor are equal.
        assert after == before
        # Cosines of .1 to .4, as scores. A tenth of the pairs: there are several languages.
        assert 0.55 < floor.score < 0.7
        assert 0.05 < floor.found < 0.15
        assert 0 < floor.missed < 1
        [again] = calibrate_index(es, catalogue, catalogue_settings, embedder)
        assert again == (index, floor)
    finally:
        write_meta(es, index, mapping["_meta"])


def test_another_model_measures_nothing(
    es: Elasticsearch, catalogue: str, catalogue_settings: Settings
) -> None:
    with pytest.raises(PassportMismatch):
        list(calibrate_index(es, catalogue, catalogue_settings, FakeEmbedder()))
    assert open_index(es, catalogue).floor is None


def test_an_empty_index_has_no_floor(
    es: Elasticsearch, index_name: str, embedder: LocalEmbedder
) -> None:
    settings = Settings().with_(index={"name": index_name})
    create_index(es, settings, embedder)
    with pytest.raises(EvaluationError, match="no common words of the catalogue's languages"):
        list(calibrate_index(es, index_name, settings, embedder))
