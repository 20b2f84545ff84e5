"""Measures the floor of an index: how close products are to words that they do not have.

Needs no judgements. What the shop does not sell is imitated by pairs of common words: of one that
no product uses and one that some do (`motorcycle helmet` in a shop of computers), and of two that
are used (`drum sticks`). What it sells is imitated by pairs of words from its titles.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import cycle, islice, pairwise
from statistics import fmean

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.client import reason_of, translated
from es_hybrid.embedding import Embedder
from es_hybrid.errors import EvaluationError
from es_hybrid.index.document import product_of
from es_hybrid.index.lifecycle import open_index, read_mappings, write_meta
from es_hybrid.index.passport import (
    Floor,
    Passport,
    check_identity,
    passports_of,
    passports_to_meta,
)
from es_hybrid.settings import Settings
from es_hybrid.understanding.common_words import SHOPPERS
from es_hybrid.understanding.plain import UNSPACED, is_unspaced
from es_hybrid.understanding.store import learn_vocabularies
from es_hybrid.understanding.vocabulary import Vocabulary

# Half of the pairs choose the floor, the other half tells how often it errs.
_LANGUAGES, _PAIRS = 4, 1500
_TITLES = 500
# Share of the pairs below the floor. In a shop of several languages a product may be described in
# one of them only, and then it shares no words with good queries in the others.
_BELOW, _BELOW_IN_SEVERAL = 0.99, 0.9
# Every measurement asks for the same words.
_SEED = 18
# A language's words by frequency, without those that every text has.
_RANKS = slice(300, 15_000)
_NAME = re.compile(rf"[^\W\d_{UNSPACED}]{{4,}}|[{UNSPACED}]{{2,}}")
# In scripts without spaces, two signs are taken for a word.
_TITLE_WORD = re.compile(rf"[{UNSPACED}]{{2}}|[^\W\d_{UNSPACED}]{{2,}}")
_NEIGHBOURS = 5
# Searches in one request.
_BATCH = 100


def calibrate_index(
    client: Elasticsearch, name: str, settings: Settings, embedder: Embedder
) -> Iterator[tuple[str, Floor]]:
    """Measure the floor of each index that a name resolves to, and store it in the passport.

    First stores the words of the indices for searches, whatever becomes of the floor. Takes 2,000
    query vectors for each index, and as many vector searches.

    Raises:
        IndexStateError: there is no such index, or it has no passport.
        PassportMismatch: its vectors come from another model.
        EvaluationError: as `_Measurement.floor`.
        EmbeddingError: the embedder fails.
        ElasticsearchError: the cluster refuses or fails.
    """
    field = settings.index.vector_field
    vocabularies = learn_vocabularies(client, name, vector_field=field)
    passport = open_index(client, name, vector_field=field)
    check_identity(passport, embedder.identity, index=name)
    for index, vocabulary in vocabularies.items():
        measure = _Measurement(client, index, passport, embedder, settings.search.num_candidates)
        with translated(f"index {index}"):
            floor = measure.floor(vocabulary)
            passports = passports_of(read_mappings(client, index)[index])
            stored = [
                replace(each, floor=floor) if each == passport else each for each in passports
            ]
            write_meta(client, index, passports_to_meta(stored))
        yield index, floor


@dataclass(frozen=True)
class _Measurement:
    """What is measured, and with what."""

    client: Elasticsearch
    index: str
    passport: Passport
    embedder: Embedder
    num_candidates: int

    def floor(self, vocabulary: Vocabulary) -> Floor:
        """The floor of the index.

        Raises:
            EvaluationError: no common words of the catalogue's languages are known, or the index
                has no vectors or refuses the searches.
        """
        chance = random.Random(_SEED)
        asked = _strange_pairs(vocabulary, chance)
        if not asked:
            raise EvaluationError(
                "no common words of the catalogue's languages are known",
                place=f"index {self.index}",
                remedy="give the products a `lang` that wordfreq lists, and load them again",
            )
        strange = [self._closeness(pairs) for pairs in asked]
        # An encoder that does not know a language finds all of its words alike.
        below = _BELOW if len(strange) == 1 else _BELOW_IN_SEVERAL
        score = float(np.median([np.quantile(each[::2], below) for each in strange]))
        titles = self._closeness(self._pairs_of_titles(chance))
        return Floor(
            score=round(score, 4),
            found=round(float(np.mean([np.mean(each[1::2] >= score) for each in strange])), 3),
            missed=round(float(np.mean(titles < score)), 3) if len(titles) else 0.0,
        )

    def _pairs_of_titles(self, chance: random.Random) -> list[str]:
        """Two successive words of each of some titles."""
        query = {"function_score": {"random_score": {"seed": _SEED, "field": "_seq_no"}}}
        excluded = [self.passport.vector_field]
        answer = self.client.search(
            index=self.index, query=query, size=_TITLES, source_excludes=excluded
        )
        titles = (
            product_of(self.passport, hit["_id"], hit["_source"]).title
            for hit in answer["hits"]["hits"]
        )
        pairs = (list(pairwise(_TITLE_WORD.findall(title))) for title in titles)
        return [_pair(chance.choice(each)) for each in pairs if each]

    def _closeness(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Mean score of the five nearest neighbours of each text: `[n]`."""
        with ThreadPoolExecutor(self.embedder.concurrency) as threads:
            vectors = list(threads.map(self.embedder.embed_query, texts))
        batches = (vectors[start : start + _BATCH] for start in range(0, len(vectors), _BATCH))
        return np.array([score for batch in batches for score in self._scores(batch)])

    def _scores(self, vectors: Sequence[NDArray[np.float32]]) -> Iterator[float]:
        searches: list[dict[str, object]] = []
        for vector in vectors:
            knn = {
                "field": self.passport.vector_field,
                "query_vector": vector.tolist(),
                "k": _NEIGHBOURS,
                "num_candidates": max(self.num_candidates, _NEIGHBOURS),
            }
            searches += [{}, {"knn": knn, "size": _NEIGHBOURS, "_source": False}]
        for answer in self.client.msearch(index=self.index, searches=searches)["responses"]:
            if "error" in answer:
                raise EvaluationError(
                    f"the index refuses vector searches: {reason_of(answer['error'])}",
                    place=f"index {self.index}, field {self.passport.vector_field}",
                )
            if not (hits := answer["hits"]["hits"]):
                raise EvaluationError(
                    "no document has a vector",
                    place=f"index {self.index}, field {self.passport.vector_field}",
                    remedy="load products first",
                )
            yield fmean(hit["_score"] for hit in hits)


def _strange_pairs(vocabulary: Vocabulary, chance: random.Random) -> list[list[str]]:
    """For each language, pairs of common words, of which the catalogue uses one or both."""
    from wordfreq import available_languages, top_n_list

    known = vocabulary.languages & available_languages("small").keys()
    languages = sorted(known, key=lambda language: (language not in SHOPPERS, language))
    languages = languages[:_LANGUAGES]
    pairs: list[list[str]] = []
    for language in languages:
        common = list(filter(_NAME.fullmatch, top_n_list(language, _RANKS.stop)[_RANKS]))
        # A large catalogue uses them all; words of scripts without spaces are in no vocabulary.
        unused = [word for word in common if word not in vocabulary] or common
        used = [word for word in common if word in vocabulary] or unused
        # Both halves, of which one chooses and one checks, have pairs of both kinds.
        kinds = islice(cycle([unused, unused, used, used]), _PAIRS // len(languages))
        drawn = ([chance.choice(kind), chance.choice(used)] for kind in kinds)
        pairs.append([_pair(chance.sample(each, 2)) for each in drawn])
    return pairs


def _pair(words: Sequence[str]) -> str:
    return ("" if is_unspaced(words[0]) else " ").join(words)
