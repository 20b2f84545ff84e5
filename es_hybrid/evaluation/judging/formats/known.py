"""The formats that can be imported, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from es_hybrid.evaluation.judging.formats.rated import Reader
from es_hybrid.evaluation.judging.formats.recorded import recorded
from es_hybrid.evaluation.judging.formats.tables import esci, ratings, wands
from es_hybrid.evaluation.judging.formats.trec import trec
from es_hybrid.evaluation.judging.formats.workbench import workbench
from es_hybrid.evaluation.judging.grades import GradeMap

_NUMBERS = GradeMap({})
# The order of the labels is that of the ESCI challenge (Reddy et al. 2022): a substitute is worth
# more than a complement.
_ESCI = GradeMap(
    {"e": 3, "s": 2, "c": 1, "i": 0}
    | {"exact": 3, "substitute": 2, "complement": 1, "irrelevant": 0}
)
_WANDS = GradeMap({"exact": 2, "partial": 1, "irrelevant": 0})


@dataclass(frozen=True, slots=True)
class JudgementFormat:
    """How to read a format, and the grades of its ratings if no others are asked for."""

    read: Reader
    grades: GradeMap


FORMATS: Mapping[str, JudgementFormat] = {
    "chorus": JudgementFormat(ratings, _NUMBERS),
    "esci": JudgementFormat(esci, _ESCI),
    "judgements": JudgementFormat(recorded, _NUMBERS),
    "quepid": JudgementFormat(ratings, _NUMBERS),
    "trec": JudgementFormat(trec, _NUMBERS),
    "wands": JudgementFormat(wands, _WANDS),
    "workbench": JudgementFormat(workbench, _NUMBERS),
}
