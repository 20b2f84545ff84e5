"""Driving a search: who serves its needs, for how long, and what happens when a part fails.

`driver.py` has the two drivers; `budget.py` shares out the time, `guard.py` keeps it, `breaker.py`
spares a part that keeps failing, `parts.py` puts the embedder and the reranker behind the three.
"""

from __future__ import annotations

from es_hybrid.drive.driver import AsyncDriver, Driver, Send, SendAsync, Timings
from es_hybrid.drive.parts import Parts

__all__ = ["AsyncDriver", "Driver", "Parts", "Send", "SendAsync", "Timings"]
