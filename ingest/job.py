"""A load as the command asks for it: files, settings and index brought together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from elasticsearch import Elasticsearch

from es_hybrid.client import connect, resolve_url, server_version, translated
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.errors import ElasticsearchError, EsHybridError
from es_hybrid.index.document import PACKED_VECTORS_SINCE
from es_hybrid.index.lifecycle import create_index, open_index
from es_hybrid.index.passport import Passport, check_writing
from es_hybrid.settings import Settings
from ingest.bulk import BulkWriter
from ingest.clean import Cleaner
from ingest.dead_letters import DeadLetters
from ingest.pipeline import Load, is_empty
from ingest.sources import Format, Row, check_source, guess_format, open_rows
from ingest.stored import StoredDocuments
from ingest.tally import Tally


@dataclass(kw_only=True)
class LoadJob:
    """Files to load into the index of the settings.

    Attributes:
        sources: Path and format of each file.
        tally: The counts so far, also after an error.
    """

    settings: Settings
    sources: Sequence[tuple[str, Format]]
    dead_letters: Path
    tally: Tally = field(default_factory=Tally)

    @classmethod
    def of(
        cls,
        settings: Settings,
        files: Sequence[str],
        *,
        file_format: Format | None,
        mapping: Mapping[str, str],
        dead_letters: Path | None,
    ) -> LoadJob:
        """The job with the command's flags over the settings.

        Raises:
            SourceError: the name of a file does not tell its format.
        """
        fields = {**settings.ingest.fields, **mapping}
        ingest = settings.ingest.model_copy(update={"fields": fields})
        return cls(
            settings=settings.model_copy(update={"ingest": ingest}),
            sources=[(path, file_format or guess_format(path)) for path in files],
            dead_letters=dead_letters or settings.ingest.dead_letters,
        )

    @property
    def index(self) -> str:
        """The index or alias that is loaded into."""
        return self.settings.index.name

    def run(self, *, say: Callable[[str], None], on_progress: Callable[[Tally], None]) -> None:
        """Check every file and the index, then load.

        Args:
            say: Takes a line when an index was made.

        Raises:
            EsHybridError: something is wrong as a whole; what is loaded stays.
        """
        cleaner = Cleaner(self.settings.ingest)
        for path, file_format in self.sources:
            check_source(path, file_format, required=cleaner.required_columns)
        place = resolve_url(self.settings.elasticsearch)
        with (
            closing(connect(self.settings.elasticsearch)) as client,
            closing(open_embedder(self.settings.embedding)) as embedder,
            DeadLetters(self.dead_letters) as dead_letters,
        ):
            with translated(place):
                passport = self._opened_index(client, embedder, say)
                fresh = is_empty(client, self.index)
                packs_vectors = server_version(client) >= PACKED_VECTORS_SINCE
            vector_field = passport.vector_field
            load = Load(
                cleaner=cleaner,
                embedder=embedder,
                writer=BulkWriter(client, self.index, place=place),
                stored=None
                if fresh
                else StoredDocuments(client, self.index, vector_field=vector_field, place=place),
                settings=self.settings.ingest,
                vector_field=vector_field,
                packs_vectors=packs_vectors,
                dead_letters=dead_letters,
                on_progress=on_progress,
            )
            self.tally = load.tally
            try:
                load.run(self._rows(cleaner))
            except EsHybridError as error:
                error.remedy = "; ".join(filter(None, (error.remedy, _GO_ON)))
                raise
            finally:
                _refresh(client, self.index)

    def _rows(self, cleaner: Cleaner) -> Iterator[Row]:
        for path, file_format in self.sources:
            yield from open_rows(
                path,
                file_format,
                required=cleaner.required_columns,
                wanted=tuple(cleaner.keys.values()),
            )

    def _opened_index(
        self, client: Elasticsearch, embedder: Embedder, say: Callable[[str], None]
    ) -> Passport:
        settings = self.settings
        if not client.indices.exists(index=self.index):
            passport = create_index(client, settings, embedder)
            say(f"made index {self.index}: {passport.dims} dims of {passport.model}")
            return passport
        passport = open_index(client, self.index)
        check_writing(
            passport,
            embedder,
            index=self.index,
            template=settings.ingest.text_template,
            max_chars=settings.ingest.text_max_chars,
        )
        return passport


_GO_ON = "then run the load again: rows that are stored already are passed over"


def _refresh(client: Elasticsearch, index: str) -> None:
    """Let searches see what was written; best effort, since Elasticsearch does it in time."""
    with contextlib.suppress(ElasticsearchError), translated(index):
        client.indices.refresh(index=index)
