from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.errors import SourceError
from ingest.sources import guess_format, open_rows


def read(folder: Path, content: bytes, name: str = "a.csv") -> tuple[list[str], list[str]]:
    """The titles, or the problems in their places, and what is said."""
    path, said = folder / name, list[str]()
    path.write_bytes(content)
    rows = open_rows(str(path), guess_format(name), say=said.append)
    titles = [row.problem.message if row.problem else str(row.values["title"]) for row in rows]
    return titles, [line.removeprefix(f"{path}: ") for line in said]


def table(*titles: str) -> str:
    return "id;title\n" + "".join(f"{n};{title}\n" for n, title in enumerate(titles))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_and_32_are_read(tmp_path: Path, encoding: str) -> None:
    titles = ["Küche", "冰丝", "\U0001f600" * 1000] * 500
    found, said = read(tmp_path, table(*titles).encode(encoding))
    assert found == titles
    assert said == [f"read as {encoding[:6].upper()}"]
    lines = '{"id": 1, "title": "Küche"}\n{"id": 2, "title": "冰丝"}'.encode(encoding)
    assert read(tmp_path, lines, "a.jsonl")[0] == ["Küche", "冰丝"]


WESTERN = [
    ["Wasserkocher für 12 €", "Größe “M” – weiß", "Äpfel 1 m² ½ kg"],
    ["Théière à l’ancienne", "œuf créé", "Garçon naïf"],
    ["Cafetière", "Piñata ¿qué?", "Más información"],
    ["Ações são irmãs", "Coração", "Botões"],
    ["Rødgrød på ø", "Smörgåsbord", "Täällä on höyryä"],
    ["Più caffè però", "città", "è così"],
]


@pytest.mark.parametrize("titles", WESTERN)
def test_windows_1252_is_read(tmp_path: Path, titles: list[str]) -> None:
    found, said = read(tmp_path, table("plain", *titles).encode("cp1252"))
    assert found == ["plain", *titles]
    assert said == ["read as Windows-1252, because it is not UTF-8"]


def test_windows_1252_in_the_header_and_late(tmp_path: Path) -> None:
    found, _ = read(tmp_path, "id;title;Größe\n1;Kessel;5\n".encode("cp1252"))
    assert found == ["Kessel"]
    titles = [f"chair {n}" for n in range(5000)] + ["Stühle", "Küche"]
    assert read(tmp_path, table(*titles).encode("cp1252"))[0] == titles


FOREIGN = [
    (["Łyżka do butów", "śniadanie ręcznik", "książka"], "cp1250"),
    (["Příliš žluťoučký kůň", "čaj", "řeka"], "cp1250"),
    (["Főző űrhajó", "tükörfúró", "időjárás"], "cp1250"),
    (["Çaydanlık", "küçük ağaç", "şişe ışık"], "cp1254"),
    (["чайник", "красный", "новый"], "cp1251"),
    (["βραστήρας", "κόκκινο", "νέο"], "cp1253"),
    (["水壶", "红色", "冰丝凉席"], "gbk"),
    (["やかん", "電気ケトル", "赤い"], "shift_jis"),
    (["주전자", "빨간", "새로운"], "cp949"),
]


@pytest.mark.parametrize(("titles", "encoding"), FOREIGN)
def test_other_encodings_are_not_guessed(tmp_path: Path, titles: list[str], encoding: str) -> None:
    with pytest.raises(SourceError, match=r"not UTF-8: byte .*iconv -f ENCODING -t UTF-8"):
        read(tmp_path, table(*titles).encode(encoding))


def test_one_bad_byte_is_one_dead_letter(tmp_path: Path) -> None:
    bad = "not UTF-8: byte 0xe9 in column 'title'"
    ascii_only = table(*(f"chair {n}" for n in range(1201)), "Caf*", "table")
    titles, said = read(tmp_path, ascii_only.encode().replace(b"*", b"\xe9"))
    assert titles[1200:] == ["chair 1200", bad, "table"]
    assert said == []
    for good in (["Küche", "Caf*", "x"], ["Caf*", "Küche", "x"], ["a", '"two\nCaf*"', "Küche"]):
        titles, _ = read(tmp_path, table(*good).encode().replace(b"*", b"\xe9"))
        assert titles == [bad if "*" in title else title for title in good]


def test_the_dead_letter_shows_what_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,title\n1,Küche\n2,Caf* table\n".encode().replace(b"*", b"\xe9"))
    (_, row) = open_rows(str(path), "csv")
    assert row.place == f"{path}:3"
    assert row.raw == "2,Caf\ufffd table"
