"""A shop's index on the shared node, and a real embedding server for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.embedding.openai import _PROBE_TEXT
from es_hybrid.embedding.resilient import _HARMLESS
from es_hybrid.index.passport import CANARY_TEXTS
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import (
    ElasticsearchSettings,
    EmbeddingSettings,
    IndexSettings,
    IngestSettings,
    Settings,
)
from ingest.load.job import LoadJob
from ingest.load.replay import ReplayJob
from ingest.record.loads import find_load
from ingest.record.tally import Tally
from tests.fakes.embedding import EmbeddingServer

DIMS = 64


@dataclass
class Shop:
    """Loads rows and reads what is stored."""

    es: Elasticsearch
    settings: Settings
    server: EmbeddingServer
    folder: Path
    said: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    seen: int = 0

    @property
    def dead_letters(self) -> list[dict[str, Any]]:
        path = self.folder / "dead.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def job(self, rows: Sequence[dict[str, Any]] | None = None, **flags: Any) -> LoadJob:
        """A load of rows from a JSONL file; of the existing file if none are given."""
        path = self.folder / "rows.jsonl"
        if rows is not None:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return LoadJob.of(
            self.settings,
            [str(path)],
            file_format=None,
            mapping={},
            dead_letters=self.folder / "dead.jsonl",
            **flags,
        )

    def load(self, rows: Sequence[dict[str, Any]] | None = None, **flags: Any) -> Tally:
        """Run such a load; `tally` has its counts, also after an error."""
        return self.carry_out(self.job(rows, **flags))

    def carry_out(self, job: LoadJob | ReplayJob) -> Tally:
        """Run a job."""
        try:
            job.run(say=self.said.append, on_progress=lambda _: None)
        finally:
            self.tally = job.tally
        return job.tally

    def resume(self) -> Tally:
        """Resume the newest unfinished load."""
        ledger = find_load(self.settings.ingest.ledger_dir, None, unfinished=True)
        return self.carry_out(LoadJob.resumed(self.settings, ledger))

    def replay(self) -> Tally:
        """Load the rejected rows again."""
        return self.carry_out(
            ReplayJob(settings=self.settings, dead_letters=self.folder / "dead.jsonl")
        )

    def with_settings(self, section: str, **changed: Any) -> None:
        """Change settings of a section."""
        new = getattr(self.settings, section).model_copy(update=changed)
        self.settings = self.settings.model_copy(update={section: new})

    def embedded(self) -> list[str]:
        """The texts of products that were embedded since the last call."""
        texts = self.server.texts
        new = texts[self.seen :]
        self.seen = len(texts)
        own = (*CANARY_TEXTS, _PROBE_TEXT, _HARMLESS)
        return [text for text in new if text not in own]

    def stored(self) -> dict[str, dict[str, Any]]:
        """Id -> document with its vector."""
        hits = self.es.search(
            index=self.settings.index.name, size=10_000, source={"exclude_vectors": False}
        )["hits"]["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}


def as_vector(stored: dict[str, Any]) -> NDArray[np.float32]:
    return np.asarray(stored["embedding"], dtype=np.float32)


@pytest.fixture
def open_shop(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, tmp_path: Path
) -> Iterator[Callable[..., Shop]]:
    """Make a shop: `open_shop(fault=…, url=…, ingest={…}, embedding={…})`."""
    servers: list[EmbeddingServer] = []

    def make(
        *,
        fault: Any = None,
        url: str | None = None,
        ingest: dict[str, Any] | None = None,
        embedding: dict[str, Any] | None = None,
    ) -> Shop:
        server = EmbeddingServer(dims=DIMS, fault=fault)
        server.__enter__()
        servers.append(server)
        settings = Settings(
            elasticsearch=ElasticsearchSettings(url=url or node.url),
            embedding=EmbeddingSettings(
                **{"base_url": server.url, "batch_size": 8, "max_retries": 1} | (embedding or {})
            ),
            index=IndexSettings(name=index_name),
            ingest=IngestSettings(
                # Many tests reject a row by its price.
                **{
                    "default_lang": "en",
                    "ledger_dir": tmp_path / "loads",
                    "bad_price": "reject",
                }
                | (ingest or {})
            ),
        )
        return Shop(es, settings, server, tmp_path)

    yield make
    for server in servers:
        server.__exit__(None, None, None)
