"""Long texts cut into chunks, and the best chunks for a query, as `chunk_rescorer` chooses them.

Knows nothing about languages: a sentence ends at punctuation.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from es_hybrid.retrieval.nodes import Chunks

# A word: a run of letters and digits, or one letter of a script without spaces.
_WORD = re.compile(
    r"(?=\w)[\u2e80-\u9fff\uf900-\ufaff]|[^\W\u2e80-\u9fff\uf900-\ufaff]+(?:['’]\w+)*"
)
# Where a sentence ends: after a full stop and spaces, unless a small letter follows; after one of
# a script without spaces; at the end of a line.
_END = re.compile(r"[.!?…]+[\"'”’)\]]*\s+(?![a-z])|[。！？]+[\"'”’）」』]*\s*|\n+")

# BM25, with Lucene's parameters.
_K1, _B = 1.2, 0.75
# Words of the sentence before that a chunk repeats at most.
_REPEATED = 20


def best_chunks(text: str, chunks: Chunks, query: str) -> list[str]:
    """The chunks with most of the query's words, best first; without any, the first ones."""
    texts, size = list(cut(text, chunks)), chunks.size
    scores = _bm25([_terms(text) for text in texts], _terms(query))
    found = [place for place, score in enumerate(scores) if score > 0]
    found.sort(key=lambda place: -scores[place])
    return [texts[place] for place in found[:size]] or texts[:size]


def cut(text: str, chunks: Chunks) -> Iterator[str]:
    """The chunks of a text, each with at most so many words; the text itself if there are none."""
    if chunks.strategy == "sentence":
        spans = list(_by_sentences(text, chunks.max_words, repeats=chunks.overlap > 0))
    else:
        spans = list(_by_words(text, 0, len(text), chunks.max_words, chunks.overlap))
    for start, end in spans or [(0, len(text))]:
        yield text[start:end]


def _by_sentences(text: str, most: int, *, repeats: bool) -> Iterator[tuple[int, int]]:
    """Whole sentences while they fit; a longer one is cut at words."""
    start, end, words = 0, 0, 0
    before = 0  # start of the last sentence
    for first, last in pairwise([0, *(match.end() for match in _END.finditer(text)), len(text)]):
        count = _count(text, first, last)
        if words and words + count > most:
            yield start, end
            start = _repeated(text, before, first, most - count, most) if repeats else first
            words = _count(text, start, first)
        words += count
        if words > most:
            *full, (start, _) = _by_words(text, start, last, most, min(_REPEATED, (most - 1) // 2))
            yield from full
            words = _count(text, start, last)
        before, end = first, last
    if words:
        yield start, len(text)


def _by_words(
    text: str, start: int, end: int, most: int, overlap: int
) -> Iterator[tuple[int, int]]:
    words = [match.start() for match in _WORD.finditer(text, start, end)]
    for at in range(0, max(1, len(words) - overlap), most - overlap):
        first = words[at] if at else start
        after = at + most
        yield first, words[after] if after < len(words) else end


def _repeated(text: str, before: int, first: int, room: int, most: int) -> int:
    """Where a chunk begins that repeats the end of the sentence before."""
    words = [match.start() for match in _WORD.finditer(text, before, first)]
    if len(words) <= room:
        return before
    kept = max(0, min(room, most // 2, _REPEATED))
    return words[-kept] if kept else first


def _count(text: str, start: int, end: int) -> int:
    return sum(1 for _ in _WORD.finditer(text, start, end))


def _terms(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _bm25(texts: Sequence[Sequence[str]], query: Sequence[str]) -> list[float]:
    """The score of each text for the words of the query."""
    counts = [Counter(text) for text in texts]
    mean = sum(map(len, texts)) / len(texts) or 1.0
    scores = [0.0] * len(texts)
    for term, times in Counter(query).items():
        having = sum(term in count for count in counts)
        weight = times * math.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
        for place, count in enumerate(counts):
            frequency = count[term]
            length = _K1 * (1 - _B + _B * len(texts[place]) / mean)
            scores[place] += weight * frequency / (frequency + length)
    return scores
