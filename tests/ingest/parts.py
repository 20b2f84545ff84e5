"""Parts of a load for tests that need no whole one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from es_hybrid.index.passport import Passport
from es_hybrid.settings import Settings
from ingest.load.changes import Rules
from ingest.load.worker import WorkerSpec
from ingest.record.ledger import Ledger, LoadFacts


def bare_spec(settings: Settings, *, index: str = "none", fresh: bool = True) -> WorkerSpec:
    """Of an index with 64 dims."""
    passport = Passport(
        vector_field="embedding",
        model="none",
        revision="",
        dims=64,
        similarity="cosine",
        query_instruction="",
        text_template=settings.ingest.text_template,
        text_max_chars=settings.ingest.text_max_chars,
    )
    return WorkerSpec(
        settings=settings,
        index=index,
        passport=passport,
        rules=Rules(hash_field="text_hash"),
        fresh=fresh,
        packs_vectors=True,
    )


def load_facts(**facts: Any) -> LoadFacts:
    """Of a load that read nothing yet."""
    given: dict[str, Any] = {
        "index": "none",
        "kind": "load",
        "started": 1.0,
        "version": 1_000_000,
        "sources": (),
        "shaping": {},
        "mapping": {},
        "dead_letters": "dead.jsonl",
        "delete_missing": False,
        "reuse_vectors_from": None,
        "shard_rows": 500,
        "first_rows": 32,
    }
    return LoadFacts(**given | facts)


def open_ledger(path: Path, **facts: Any) -> Ledger:
    """A new ledger."""
    return Ledger.create(path, load_facts(**facts), dead_letters_bytes=0)
