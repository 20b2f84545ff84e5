"""The floor of the sample catalogue, measured on the real node."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from wordfreq import top_n_list

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import EvaluationError, PassportMismatch
from es_hybrid.evaluation.floor import _Measurement, _strange_pairs, calibrate_index
from es_hybrid.index.document import to_document, write_vector
from es_hybrid.index.lifecycle import create_index, open_index, read_mappings, write_meta
from es_hybrid.records import Product
from es_hybrid.settings import Settings
from es_hybrid.understanding.store import VOCABULARIES
from es_hybrid.understanding.vocabulary import Vocabulary
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


def test_the_words_are_stored_even_if_there_is_no_floor(
    es: Elasticsearch, catalogue: str, catalogue_settings: Settings
) -> None:
    ((index, _),) = read_mappings(es, catalogue).items()
    es.delete(index=VOCABULARIES, id=index)
    with pytest.raises(PassportMismatch):
        list(calibrate_index(es, catalogue, catalogue_settings, FakeEmbedder()))
    assert es.exists(index=VOCABULARIES, id=index)


@pytest.mark.parametrize(
    ("titles", "missed"),
    [(["机械键盘 茶轴 有线", "无线鼠标 静音"], True), (["A", "B"], False)],
    ids=["without spaces", "without two words"],
)
def test_titles_without_words_or_spaces(
    es: Elasticsearch, index_name: str, embedder: LocalEmbedder, titles: list[str], missed: bool
) -> None:
    settings = Settings().with_(index={"name": index_name})
    create_index(es, settings, embedder)
    for number, title in enumerate(titles):
        document = to_document(Product(id=f"{number}", title=title, lang="zh"), text_hash="")
        vector = embedder.embed_documents([title])[0]
        document["embedding"] = write_vector(vector, packed=True)
        es.index(index=index_name, id=f"{number}", document=document, refresh=True)
    [(_, floor)] = calibrate_index(es, index_name, settings, embedder)
    assert 0.5 < floor.score < 1
    assert missed or floor.missed == 0
    assert open_index(es, index_name).floor == floor


def test_a_catalogue_that_uses_every_common_word() -> None:
    words = Vocabulary(dict.fromkeys(top_n_list("en", 15_000), 1), 10, frozenset(["en"]))
    ((*pairs,),) = _strange_pairs(words, random.Random(1))
    assert len(pairs) == 1500


def test_an_index_without_vectors_is_reported(
    es: Elasticsearch, index_name: str, embedder: LocalEmbedder
) -> None:
    settings = Settings().with_(index={"name": index_name})
    create_index(es, settings, embedder)
    document = to_document(Product(id="1", title="Kettle", lang="en"), text_hash="")
    es.index(index=index_name, id="1", document=document, refresh=True)
    with pytest.raises(EvaluationError, match="no document has a vector"):
        list(calibrate_index(es, index_name, settings, embedder))


def test_refused_searches_are_reported(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder
) -> None:
    measure = _Measurement(es, catalogue, open_index(es, catalogue), embedder, 100)
    too_short = np.ones(3, np.float32)
    with pytest.raises(EvaluationError, match=r"refuses vector searches: .*dimensions"):
        list(measure._scores([too_short]))


def test_few_candidates_are_enough(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder
) -> None:
    measure = _Measurement(es, catalogue, open_index(es, catalogue), embedder, 1)
    assert len(list(measure._scores([embedder.embed_query("kettle")]))) == 1
