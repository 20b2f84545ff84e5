from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.errors import SettingsError, StorageError
from es_hybrid.synonyms.candidates import SynonymCandidate, read_candidates, write_candidates

CHAIR = SynonymCandidate(
    words="chair", other="stuhl", languages=("en", "de"), score=0.9, support=3, origin="titles"
)  # fmt: skip


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_candidates([CHAIR, CHAIR], tmp_path / "c.jsonl")
    assert read_candidates(tmp_path / "c.jsonl") == [CHAIR, CHAIR]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_candidates(tmp_path / "none.jsonl")
    (tmp_path / "c.jsonl").write_text('{"words": "chair"}\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="no candidate") as caught:
        read_candidates(tmp_path / "c.jsonl")
    assert caught.value.place.endswith("c.jsonl:1")
    with pytest.raises(StorageError, match="cannot be written"):
        write_candidates([CHAIR], tmp_path / "none" / "c.jsonl")
