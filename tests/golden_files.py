"""Request bodies compared with files; `REFRESH_GOLDEN=1 make test` rewrites the files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "golden"


def assert_golden(name: str, value: Any) -> None:
    """The value equals `golden/{name}.json`."""
    path = _FOLDER / f"{name}.json"
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    if os.environ.get("REFRESH_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path.name} differs"
