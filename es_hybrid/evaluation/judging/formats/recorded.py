"""Files of judgements that `eval judge`, the page and `eval llm` wrote."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from es_hybrid.evaluation.judging.formats.rated import RatedPair, Reject
from es_hybrid.evaluation.judging.store import JudgementStore, grades_of


def recorded(paths: Sequence[Path], reject: Reject) -> Iterator[RatedPair]:
    """Each pair once for people and once for LLMs, with the lower median of their grades.

    Reads each file whole: it has at most what people and an LLM judged.

    Raises:
        EvaluationError: a file cannot be read.
    """
    for path in paths:
        for by_judge in JudgementStore(path).read().values():
            first = next(iter(by_judge.values()))
            for llm in (False, True):
                if grades := grades_of(by_judge, llm=llm):
                    yield RatedPair(
                        query_id=first.query_id,
                        query=first.query,
                        lang=first.lang,
                        id=first.id,
                        rating=str(statistics.median_low(grades)),
                        place=str(path),
                        by_llm=llm,
                    )
