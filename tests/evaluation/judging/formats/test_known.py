"""Every format, from small files of its form to grades."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.formats.known import FORMATS

ESCI = {
    "example_id": [0, 1, 2],
    "query": ["!awnmower tires", "bici", "靴"],
    "query_id": [1, 2, 3],
    "product_id": ["B000M", "B001", "B002"],
    "product_locale": ["us", "es", "jp"],
    "esci_label": ["E", "S", "I"],
    "small_version": [0, 1, 1],
    "split": ["train", "test", "test"],
}
WANDS = {
    "query.csv": "query_id\tquery\tquery_class\n"
    '208\t"fawkes 36"" blue vanity"\tVanities\n218\twand bunk beds\t\n',
    "label.csv": "id\tquery_id\tproduct_id\tlabel\n0\t208\t42931\tPartial\n1\t218\t7\tExact\n"
    "2\t9\t7\tExact\n",
}
WORKBENCH = """{"name": "list", "type": "IMPORT_JUDGMENT", "judgmentRatings": [
  {"query": "star \\"wars\\"", "ratings": [{"docId": "12180", "rating": 2},
                                           {"docId": "602", "rating": "0.700"}]},
  {"query": "no ratings"},
  {"query": "Willis", "ratings": []}, {"query": "Eis", "ratings": [{"docId": 5, "rating": 0}]}
]}"""
SEARCHED = '{"took": 3, "hits": {"hits": [{"_source": %s}, {"_source": %s}]}}'
RRE = """{"id_field": "id", "queries": [
  {"placeholders": {"$query": "laptop"}, "relevant_documents": {"0": ["1"], "3": ["2", "3"]}},
  {"placeholders": {"$query": "Maus"}, "relevant_documents": {"1": {"ids": ["4"], "gain": 1}}}
]}"""
QUEPID = "query,docid,rating\nlaptop,1,3\n =1+1,2,0\nunrated\nlaptop,3,\n"
BOOK = "query,docid,Ann,Bob,ai judge\nlaptop,1,3,2,3\nlaptop,2,0,,1\nlaptop,3,,,\nlaptop,4,x,,\n"
CHORUS = "query,docid,name,description,agent_1_rating,final_rating\nspeaker,9,MBS-100,x,2,3\n"
TOPICS = """<top>
<num> Number: 301
<title> International Crime

<desc> Description:
What
</top>
<top>
<num>302</num><title>
Poliomyelitis
</top>
"""

Found = list[tuple[str, str, str, str, str]]


def _read(folder: Path, format_: str, files: Mapping[str, str | bytes]) -> tuple[Found, list[str]]:
    """(query id, query, language, document, rating) of each pair, and what was rejected."""
    paths = []
    for name, content in files.items():
        paths.append(folder / name)
        paths[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
    rejected: list[str] = []
    pairs = FORMATS[format_].read(paths, lambda error: rejected.append(str(error)))
    found = [(pair.query_id, pair.query, pair.lang, pair.id, pair.rating) for pair in pairs]
    return found, [each.replace(f"{folder}/", "") for each in rejected]


def test_esci_is_read_from_parquet_and_csv(tmp_path: Path) -> None:
    pq.write_table(pa.table(ESCI), tmp_path / "examples.parquet")
    expected = [
        ("1", "!awnmower tires", "en", "B000M", "E"),
        ("2", "bici", "es", "B001", "S"),
        ("3", "靴", "ja", "B002", "I"),
    ]
    rows = [",".join(ESCI), *(",".join(map(str, row)) for row in zip(*ESCI.values(), strict=True))]
    parquet = (tmp_path / "examples.parquet").read_bytes()
    assert _read(tmp_path, "esci", {"examples.parquet": parquet}) == (expected, [])
    assert _read(tmp_path, "esci", {"examples.csv": "\n".join(rows)}) == (expected, [])
    assert [FORMATS["esci"].grades.grade(label) for label in ("E", "S", "C", "Irrelevant")] == [
        3, 2, 1, 0,
    ]  # fmt: skip


def test_a_pointer_to_a_parquet_file_is_no_parquet_file(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"examples\.parquet: cannot be read as Parquet"):
        _read(tmp_path, "esci", {"examples.parquet": b"version https://git-lfs.github.com/spec/v1"})


@pytest.mark.parametrize("names", [("query.csv", "label.csv"), ("label.csv", "query.csv")])
def test_wands(tmp_path: Path, names: tuple[str, str]) -> None:
    found, rejected = _read(tmp_path, "wands", {name: WANDS[name] for name in names})
    assert found == [
        ("208", 'fawkes 36" blue vanity', "en", "42931", "Partial"),
        ("218", "wand bunk beds", "en", "7", "Exact"),
    ]
    assert rejected == ["label.csv:4: query 9 is unknown; add it to query.csv"]


def test_quepid_and_chorus_share_their_forms(tmp_path: Path) -> None:
    found, rejected = _read(
        tmp_path,
        "quepid",
        {"case.csv": QUEPID, "book.csv": BOOK, "ratings.csv": CHORUS, "rre.json": RRE},
    )
    assert [(query, id_, rating) for _, query, _, id_, rating in found] == [
        ("laptop", "1", "3"),
        ("=1+1", "2", "0"),
        ("laptop", "1", "3"),  # the median of 3, 2 and 3
        ("laptop", "2", "0"),  # the lower median of 0 and 1
        ("speaker", "9", "3"),
        ("laptop", "1", "0"),
        ("laptop", "2", "3"),
        ("laptop", "3", "3"),
        ("Maus", "4", "1"),
    ]
    assert len(rejected) == 1
    assert rejected[0].startswith("book.csv:5: a rating of ['x'] is no number")


def test_workbench(tmp_path: Path) -> None:
    expected = [
        ("", 'star "wars"', "", "12180", "2"),
        ("", 'star "wars"', "", "602", "0.700"),
        ("", "Eis", "", "5", "0"),
    ]
    found, rejected = _read(tmp_path, "workbench", {"list.json": WORKBENCH})
    assert found == expected
    assert [each.partition(" no")[0] for each in rejected] == ["list.json:4:"]
    searched = SEARCHED % (WORKBENCH, WORKBENCH)
    assert _read(tmp_path, "workbench", {"hits.json": searched})[0] == expected * 2


def test_trec_topics_and_tables_of_queries(tmp_path: Path) -> None:
    qrels = "301 0 FBIS-1 1\n302 0 FT-2 0\n301 0 FT-3\n399 0 FT-1 1\n"
    found, rejected = _read(tmp_path, "trec", {"topics.txt": TOPICS, "qrels.txt": qrels})
    assert found == [
        ("301", "International Crime", "", "FBIS-1", "1"),
        ("302", "Poliomyelitis", "", "FT-2", "0"),
    ]
    assert [each.split(";")[0] for each in rejected] == [
        "qrels.txt:3: not `query-id 0 document-id grade`",
        "qrels.txt:4: query 399 is unknown",
    ]
    table = "301\tInternational Crime\ten\nnone\n"
    found, rejected = _read(tmp_path, "trec", {"queries.tsv": table, "qrels.txt": qrels})
    assert found == [("301", "International Crime", "en", "FBIS-1", "1")]
    assert rejected[0].startswith("queries.tsv:2: not `id<TAB>text`")


@pytest.mark.parametrize(
    ("format_", "files", "message"),
    [
        ("esci", {"a.csv": "query,docid\n1,2\n"}, r"a\.csv: has no column query_id, product_id"),
        ("esci", {"a.csv": "", }, r"a\.csv: is empty"),
        ("wands", {"query.csv": "query_id\tquery\n"}, "1 files given, 2 expected"),
        ("quepid", {"a.csv": "text,id\n1,2\n"}, r"a\.csv: has no column query, docid"),
        ("workbench", {"a.json": "{}"}, r"a\.json: has no list 'judgmentRatings'"),
        ("workbench", {"a.json": '{"judgmentRatings": [\n{"q": "x",\n'}, r"a\.json:2: not JSON"),
    ],
)  # fmt: skip
def test_a_file_of_another_format_is_refused(
    tmp_path: Path, format_: str, files: Mapping[str, str], message: str
) -> None:
    with pytest.raises(EvaluationError, match=message):
        _read(tmp_path, format_, files)


def test_bad_rows_are_rejected_and_the_others_read(tmp_path: Path) -> None:
    table = (
        b"\xef\xbb\xbfquery,docid,rating\r\ngood,1,3\r\n\xff\xfe,2,1\r\na,b,c,d\r\n,3,1\r\n"
        b'"two\r\nlines",4,2\r\nlast,5,0'
    )
    found, rejected = _read(tmp_path, "quepid", {"case.csv": table})
    assert [(query, id_) for _, query, _, id_, _ in found] == [
        ("good", "1"), ("two\r\nlines", "4"), ("last", "5"),
    ]  # fmt: skip
    assert [each.split(";")[0] for each in rejected] == [
        "case.csv:3: not UTF-8",
        "case.csv:4: 4 cells under 3 columns",
        "case.csv:5: no query",
    ]
