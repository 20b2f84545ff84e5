"""TREC: topics or a table of queries, and qrels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.formats.rated import RatedPair, Reject, file_of
from es_hybrid.evaluation.judging.formats.text import lines

_NUMBER = re.compile(r"<num>\s*(?:Number:)?\s*([^\s<]+)", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*(?:Topic:)?\s*([^<]*)", re.IGNORECASE)


def trec(paths: Sequence[Path], reject: Reject) -> Iterator[RatedPair]:
    """Topics (`<num>`, `<title>`) or lines of `id<TAB>text[<TAB>language]`, then qrels.

    Raises:
        EvaluationError: a file cannot be read.
    """
    topics, qrels = file_of(paths, 2, "the queries, then the qrels")
    asked = dict(_queries(topics, reject))
    for place, line in lines(qrels, reject):
        parts = line.split()
        if len(parts) != 4:
            reject(
                EvaluationError(
                    "not `query-id 0 document-id grade`",
                    place=place,
                    remedy="write four columns",
                )
            )
        elif parts[0] not in asked:
            reject(
                EvaluationError(
                    f"query {parts[0]} is unknown", place=place, remedy=f"add it to {topics}"
                )
            )
        else:
            query, lang = asked[parts[0]]
            yield RatedPair(
                query_id=parts[0],
                query=query,
                lang=lang,
                id=parts[2],
                rating=parts[3],
                place=place,
                by_llm=parts[1].lower() == "llm",
            )


def _queries(path: Path, reject: Reject) -> Iterator[tuple[str, tuple[str, str]]]:
    """(id, (text, language)) of each query."""
    number, title_follows, is_topics = "", False, False
    for place, line in lines(path, reject):
        is_topics = is_topics or line.lstrip().lower().startswith(("<top", "<num"))
        if not is_topics:
            parts = line.split("\t")
            if len(parts) < 2 or not parts[0].strip() or not parts[1].strip():
                reject(
                    EvaluationError(
                        "not `id<TAB>text`", place=place, remedy="separate the columns with a tab"
                    )
                )
                continue
            yield parts[0].strip(), (parts[1], parts[2].strip() if len(parts) > 2 else "")
            continue
        if found := _NUMBER.search(line):
            number = found[1]
        title = _TITLE.search(line)
        text = title[1].strip() if title else line.strip() if title_follows else ""
        # Some topics have the title in the line after its tag.
        title_follows = title is not None and not text
        if text and number:
            yield number, (text, "")
            number = ""
