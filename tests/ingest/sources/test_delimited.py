"""CSV as spreadsheets, databases and shops write it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from es_hybrid.errors import SourceError
from ingest.sources import Format, Row, check_source, guess_format, open_rows


def read(folder: Path, content: str | bytes, name: str = "a.csv") -> list[Row]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(open_rows(str(path), guess_format(name)))


def seen(rows: list[Row]) -> list[tuple[str, dict[str, str]]]:
    """The line of each row and its values; none if it has a problem."""
    return [(row.place.rpartition(":")[2], dict(row.values)) for row in rows]


def test_quotes_lines_and_rows_with_too_many_fields(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        "\ufeffid,title,price\r\n"
        '1,"Kettle, 1.7 L",12.99\r\n'
        '2,"two\nlines",\n'
        "3,one, too many,5\n"
        "\n"
        '4,"a ""quoted"" word",5\n',
    )
    assert seen(rows) == [
        ("2", {"id": "1", "title": "Kettle, 1.7 L", "price": "12.99"}),
        ("3", {"id": "2", "title": "two\nlines"}),
        ("5", {}),
        ("7", {"id": "4", "title": 'a "quoted" word', "price": "5"}),
    ]
    assert str(rows[2].problem) == (
        f"{tmp_path}/a.csv:5: 4 fields, the header has 3; "
        "quote fields that contain the delimiter or a line break"
    )
    assert rows[2].raw == "3,one, too many,5"


@pytest.mark.parametrize(
    ("name", "content", "title", "price"),
    [
        ("a.csv", "id;title;price\n1;Kessel, rot;12,99\n", "Kessel, rot", "12,99"),
        ("a.csv", "id;title (de, at);price\n1;Kessel;12,99\n2;Topf;9,90\n", None, "12,99"),
        ("a.csv", "id|title|price\n1|a, b; c|5\n", "a, b; c", "5"),
        ("a.csv", "id\ttitle\tprice\n1\ta,b\t5\n", "a,b", "5"),
        ("a.tsv", "id\ttitle\tprice\n1\ta, b; c|d\t5\n", "a, b; c|d", "5"),
        ("a.tsv", "id,title,price\n1,Mug,5\n", "Mug", "5"),
        ("a.csv", "sep=;\nid;title;price\n1;a,b,c;5\n", "a,b,c", "5"),
        ("a.csv", '"sep=\t"\r\nid\ttitle\tprice\r\n1\ta\t5\r\n', "a", "5"),
        ("a.csv", "title,tags;labels,price,id\na,x;y;z,5,1\nb,x;y,6,2\n", "a", "5"),
    ],
)
def test_delimiters(tmp_path: Path, name: str, content: str, title: str | None, price: str) -> None:
    first = read(tmp_path, content, name)[0].values
    assert (first["id"], first.get("title"), first["price"]) == ("1", title, price)


def test_the_line_sep_is_counted(tmp_path: Path) -> None:
    assert seen(read(tmp_path, "sep=,\n\nid,title\n1,a\n")) == [("4", {"id": "1", "title": "a"})]


def test_delimiters_at_the_end_and_rows_of_delimiters(tmp_path: Path) -> None:
    rows = read(tmp_path, "id;title;price\n1;Mug;9,90;;\n;;\n ; ;\n2;Cap;8,90;\n;;;;\n")
    assert seen(rows) == [
        ("2", {"id": "1", "title": "Mug", "price": "9,90"}),
        ("5", {"id": "2", "title": "Cap", "price": "8,90"}),
    ]
    with pytest.raises(SourceError, match="the file has a header but no rows"):
        read(tmp_path, "id;title\n;\n;;\n")


def test_short_rows_lack_their_last_fields(tmp_path: Path) -> None:
    rows = read(tmp_path, "id,title,brand,price\n1,Mug\n2,Cap,Feld\n")
    assert seen(rows) == [
        ("2", {"id": "1", "title": "Mug"}),
        ("3", {"id": "2", "title": "Cap", "brand": "Feld"}),
    ]


def test_columns_without_a_name_or_with_that_of_another(tmp_path: Path) -> None:
    content = "id,title,image,image,price,,\n1,Mug,a.jpg,b.jpg,9.90,x,\n"
    assert read(tmp_path, content)[0].values == {"id": "1", "title": "Mug", "price": "9.90"}
    path = str(tmp_path / "a.csv")
    with pytest.raises(SourceError, match="two columns have the same name: 'image'; rename one"):
        check_source(path, "csv", required=("id",), wanted=("image",))


def test_a_header_of_many_columns_takes_linear_time(tmp_path: Path) -> None:
    """With a search for each name, 100,000 columns take minutes."""
    names = [f"c{n}" for n in range(100_000)]
    (row,) = read(tmp_path, f"id,{','.join(names)}\n1{',x' * len(names)}\n")
    assert len(row.values) == 100_001


def test_a_line_break_in_the_header(tmp_path: Path) -> None:
    rows = read(tmp_path, 'id,"title\r\n(english)",price\r\n1,Mug,9.90\r\n')
    assert seen(rows) == [("3", {"id": "1", "title (english)": "Mug", "price": "9.90"})]
    with pytest.raises(SourceError) as error:
        read(tmp_path, 'id,"title\n1,Mug\n')
    assert str(error.value) == (
        f"{tmp_path}/a.csv:1: the header cannot be read: unexpected end of data; "
        "write column names, and close the quotes around them"
    )


def test_quotes_after_a_backslash(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        "id,title,description\n"
        '1,"27\\" monitor","A \\"wide\\"\nscreen"\n'
        '2,"ends with 12\\"","C:\\\\temp\\\\"\n'
        "3,Red mug,plain\n"
        '4,"also ""doubled""","a\\nb"\n',
    )
    assert seen(rows) == [
        ("2", {"id": "1", "title": '27" monitor', "description": 'A "wide"\nscreen'}),
        ("4", {"id": "2", "title": 'ends with 12"', "description": "C:\\temp\\"}),
        ("5", {"id": "3", "title": "Red mug", "description": "plain"}),
        ("6", {"id": "4", "title": 'also "doubled"', "description": "a\\nb"}),
    ]


def test_a_change_of_dialect_is_said_once(tmp_path: Path) -> None:
    path, said = tmp_path / "a.csv", list[str]()
    path.write_text('id,title\n1,"27\\" wide"\n2,"28\\" wide"\n')
    assert len(list(open_rows(str(path), "csv", say=said.append))) == 2
    assert said == [f"{path}: read on as if a backslash before a quote quotes it"]


def test_a_backslash_at_the_end_of_a_quoted_field_is_one(tmp_path: Path) -> None:
    rows = read(tmp_path, 'id,title,price\n1,"AC\\DC\\",5\n2,"27\\" wide",6\n3,"C:\\",7\n4,"a",8\n')
    assert [row.values.get("title") for row in rows] == ["AC\\DC\\", '27" wide', "C:\\", "a"]


def test_a_backslash_that_does_not_help_is_named(tmp_path: Path) -> None:
    bad, fine = read(tmp_path, 'id,title\n1,"27\\" "wide"\n2,fine\n')
    assert str(bad.problem).endswith(
        "close the quote, and double the quotes inside quotes instead of writing a backslash "
        "before them"
    )
    assert fine.values == {"id": "2", "title": "fine"}


def test_values_of_tsv_that_begin_with_a_quote(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        'id\ttitle\tsize\n1\t"12" monitor\tM\n2\t"Best of\tL\n3\tplain\t5"\n'
        '4\t"a\tb"\t"x ""y"""\n5\tMug\t"two\nlines"\n6\tCap\tS\n',
        "a.tsv",
    )
    assert seen(rows) == [
        ("2", {"id": "1", "title": '"12" monitor', "size": "M"}),
        ("3", {"id": "2", "title": '"Best of', "size": "L"}),
        ("4", {"id": "3", "title": "plain", "size": '5"'}),
        ("5", {"id": "4", "title": "a\tb", "size": 'x "y"'}),
        ("6", {"id": "5", "title": "Mug", "size": "two\nlines"}),
        ("8", {"id": "6", "title": "Cap", "size": "S"}),
    ]


def test_an_unclosed_quote_that_ends_at_a_later_one_hides_no_rows(tmp_path: Path) -> None:
    rows = read(tmp_path, 'id,title,a,b,c\n1,"open,,,\n2,x,,,\n3,y,,,\n4,pipe 5",,,\n5,z,,,\n')
    assert [row.values.get("id") for row in rows] == [None, "2", "3", "4", "5"]
    assert str(rows[0].problem).startswith(f"{tmp_path}/a.csv:2: not CSV: a quoted field contains ")


def test_a_quote_never_closed_loses_its_own_row_only(tmp_path: Path) -> None:
    content = 'id,title\n1,fine\n2,"open\nmore of it\n3,fine\n4,fine\n'
    fine, lost, *rest = read(tmp_path, content)
    assert fine.values == {"id": "1", "title": "fine"}
    assert (lost.place, lost.raw) == (f"{tmp_path}/a.csv:3-4", '2,"open\nmore of it')
    assert str(lost.problem) == (
        f"{tmp_path}/a.csv:3-4: not CSV: unexpected end of data; "
        "close the quote, and double the quotes inside quotes"
    )
    assert seen(rest) == [
        ("5", {"id": "3", "title": "fine"}),
        ("6", {"id": "4", "title": "fine"}),
    ]


def test_a_poison_row_anywhere_loses_only_itself(tmp_path: Path) -> None:
    """RELIABILITY 5 for quotes: the row after the open one begins with a quote, or does not."""
    for place in range(0, 500, 7):
        lines = [f'{n},"title, {n}"' if n % 2 else f"{n},title {n}" for n in range(500)]
        lines[place] = f'{place},"open'
        rows = read(tmp_path, "id,title\n" + "\n".join(lines) + "\n")
        read_ids = [row.values["id"] for row in rows if not row.problem]
        assert read_ids == [str(n) for n in range(500) if n != place]
        assert [row.place.rpartition(":")[2] for row in rows if row.problem] == [str(place + 2)]


def test_an_error_does_not_end_the_file(tmp_path: Path) -> None:
    bad, fine = read(tmp_path, 'id,title\n1,"bad"quote\n2,fine\n')
    assert (bad.place, bad.problem is not None) == (f"{tmp_path}/a.csv:2", True)
    assert (fine.place, fine.values) == (f"{tmp_path}/a.csv:3", {"id": "2", "title": "fine"})


def test_a_row_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line closes a quote and opens the next one; the row would grow for ever."""
    monkeypatch.setattr("ingest.sources.delimited.MAX_LINE_BYTES", 1000)
    rows = read(tmp_path, 'id,title\n1,"a\n' + '","a\n' * 5000 + "2,fine\n")
    assert all(len(row.raw) < 2000 for row in rows)
    assert "longer than 1,000 characters" in str(rows[0].problem)
    assert rows[-1].values == {"id": "2", "title": "fine"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_same_rows_in_every_dialect(tmp_path: Path, delimiter: str) -> None:
    """As Python's own writer quotes them."""
    import csv
    import io

    chance = random.Random(5)
    words = ["Kettle", "a,b", "c;d", "e|f", "g\th", 'say "hi"', "two\nlines", "", "Größe", "x\\y"]
    rows = [{name: chance.choice(words) for name in "abcde"} | {"id": str(n)} for n in range(300)]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["id", *"abcde"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    found = read(tmp_path, text.getvalue())
    assert [row.values for row in found] == [{k: v for k, v in r.items() if v} for r in rows]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml", "this is an Excel workbook (XLSX)"),
        (b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/vnd.oasis.x", "an OpenDocument sprea"),
        (b"PK\x03\x04" + b"\0" * 26 + b"feed.csv", "this is a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "this is an Excel workbook of the old kind (XLS)"),
        (b"%PDF-1.7", "this is a PDF"),
        (b"\x1f\x8b\x08\0", "this is compressed with gzip"),
        (b"\x28\xb5\x2f\xfd", "this is compressed with Zstandard"),
        (b"PAR1", "this is Parquet"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>\n<title>Log in</title>", "this is an HTML page, perhaps"),
        (b'<?xml version="1.0"?>', "this is XML"),
        (b'[{"id": 1}]', "this is JSON"),
        (b'{"id": 1}\n', "this is JSON"),
    ],
)
@pytest.mark.parametrize("file_format", ["csv", "tsv", "shopify"])
def test_files_of_another_kind(
    tmp_path: Path, content: bytes, message: str, file_format: Format
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError) as error:
        check_source(str(path), file_format)
    assert message in error.value.message
    assert error.value.remedy
