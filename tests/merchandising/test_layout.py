"""The room of merchandising stays free when it is not used."""

from __future__ import annotations

import subprocess
import sys


def test_a_search_client_imports_no_store_of_rules() -> None:
    store = "es_hybrid.merchandising.rules.store"
    code = f"import sys, es_hybrid.retrieval.engine; sys.exit({store!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
