"""The report of `make audit`."""

from __future__ import annotations

import runpy
from pathlib import Path

AUDIT = Path(__file__).parents[1] / ".ci/audit.py"


def test_it_tells_findings_from_what_was_not_checked() -> None:
    summary = runpy.run_path(str(AUDIT))["summary"]
    assert summary(
        [
            {"name": "a", "version": "1", "vulns": []},
            {
                "name": "b",
                "version": "2",
                "vulns": [
                    {
                        "id": "PYSEC-1",
                        "fix_versions": ["2.1", "3"],
                        "aliases": [],
                        "description": "",
                    },
                    {"id": "PYSEC-2", "fix_versions": []},
                ],
            },
            {"name": "c", "skip_reason": "not found"},
        ]
    ) == [
        "b 2: PYSEC-1, fixed in 2.1, 3",
        "b 2: PYSEC-2, fixed in no version",
        "2 packages checked, 2 known vulnerabilities",
        "NOT CHECKED, as the database does not have them: 1 packages (c)",
    ]
