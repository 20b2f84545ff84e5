"""Where the data sets are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from training.data import required


def test_a_missing_data_set_ends_the_program_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"ES_HYBRID_DATA .* chorus-icecat; docs/data\.md"):
        required(tmp_path / "chorus-icecat")
    assert required(tmp_path) == tmp_path


def test_the_folder_of_the_data_is_a_variable(tmp_path: Path) -> None:
    code = "from training.data import CHORUS; print(CHORUS)"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"ES_HYBRID_DATA": str(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == str(tmp_path / "chorus-icecat")
