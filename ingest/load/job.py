"""A load as the command asks for it: files, settings, ledger and index brought together."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from es_hybrid.errors import EsHybridError, SettingsError, SourceError
from es_hybrid.settings import IngestSettings, Settings
from ingest.cleaning.clean import Cleaner
from ingest.load.attempt import Attempt
from ingest.load.missing import delete_missing
from ingest.load.slices import Shard, cut
from ingest.load.target import Target, open_target, refresh
from ingest.record.dead_letters import DeadLetters
from ingest.record.error_budget import Budget
from ingest.record.ledger import Ledger, LoadFacts, SourceFacts
from ingest.record.loads import LOAD, check_newest, lock_index, new_path, prune
from ingest.record.tally import Tally
from ingest.sources import (
    Format,
    Source,
    can_be_read_again,
    check_source,
    estimated_rows,
    find_sources,
    fingerprint,
    open_rows,
    place_of,
)

# Rows of a shard: enough for a good request, few enough that little is done twice.
_SHARD_ROWS = 500
# Settings of the section that say how a load runs, not what is made of a row.
_OPERATIONAL = {
    "bulk_bytes", "bulk_concurrency", "max_outage_s", "dead_letters", "ledger_dir", "max_rejected",
    "max_rejected_share", "max_rejected_in_a_row", "max_delete_share", "ray_actors",
    "source_api_key",
}  # fmt: skip


@dataclass(kw_only=True)
class LoadJob:
    """A load that begins, or goes on.

    Attributes:
        sources: In the order they are loaded.
        mapping: Product field -> column, over those of the settings.
        ledger: Of the load that goes on; None for one that begins.
        attempt: This run of it.
        name: Of the load, as `ingest resume` takes it; empty until it has begun.
    """

    settings: Settings
    sources: Sequence[Source]
    mapping: Mapping[str, str]
    dead_letters: Path
    delete_missing: bool = False
    reuse_vectors_from: str | None = None
    ledger: Path | None = None
    attempt: Attempt = field(default_factory=Attempt)
    name: str = ""
    _before: Tally = field(default_factory=Tally)

    @classmethod
    def of(
        cls,
        settings: Settings,
        files: Sequence[str],
        *,
        file_format: Format | None,
        mapping: Mapping[str, str],
        dead_letters: Path | None,
        say: Callable[[str], None] = lambda _: None,
        **options: Any,
    ) -> LoadJob:
        """The job with the command's flags over the settings.

        Raises:
            SourceError: there is no such file, or its name does not tell its format.
        """
        return cls(
            settings=_with_mapping(settings, mapping),
            sources=find_sources(files, file_format, say=say),
            mapping=mapping,
            dead_letters=dead_letters or settings.ingest.dead_letters,
            **options,
        )

    @classmethod
    def resumed(cls, settings: Settings, ledger: Path, **options: Any) -> LoadJob:
        """The rest of a load, by its ledger.

        Raises:
            EsHybridError: it has finished, or what it began with is not there any more.
        """
        with Ledger(ledger) as opened:
            facts, finished = opened.facts, opened.finished
        if finished:
            raise SettingsError(
                "this load has finished", place=ledger.stem, remedy="nothing is left to do"
            )
        settings = _with_mapping(settings, facts.mapping)
        index = settings.index.model_copy(update={"name": facts.index})
        job = cls(
            settings=settings.model_copy(update={"index": index}),
            sources=[Source(source.path, source.format) for source in facts.sources],
            mapping=facts.mapping,
            dead_letters=Path(facts.dead_letters),
            delete_missing=facts.delete_missing,
            reuse_vectors_from=facts.reuse_vectors_from,
            ledger=ledger,
            **options,
        )
        check_newest(settings.ingest.ledger_dir, facts)
        _check_unchanged(facts, job.settings.ingest)
        return job

    @property
    def index(self) -> str:
        """The index or alias that is loaded into."""
        return self.settings.index.name

    @property
    def rejected(self) -> int:
        """Rows rejected, those of earlier runs of the load included."""
        return self._before.rejected + self.tally.rejected

    @property
    def taken(self) -> int:
        """Rows taken, those of earlier runs of the load included."""
        return self._before.taken + self.tally.taken

    @property
    def tally(self) -> Tally:
        """The counts of this run so far, also after an error."""
        return self.attempt.tally

    def run(self, *, say: Callable[[str], None], on_progress: Callable[[Tally], None]) -> None:
        """Check every source and the index, then load.

        Args:
            say: Takes a line about what was decided, as that an index was made.

        Raises:
            EsHybridError: something is wrong as a whole; what is loaded stays.
        """
        ingest = self.settings.ingest
        cleaner = Cleaner(self.settings)
        with lock_index(ingest.ledger_dir, self.index), ExitStack() as opened:
            for path, file_format in self.sources:
                check_source(
                    path, file_format, required=cleaner.required_columns, settings=self.settings
                )
            target = opened.enter_context(
                open_target(
                    self.settings,
                    reuse_vectors_from=self.reuse_vectors_from,
                    begins=self.ledger is None,
                    say=say,
                )
            )
            ledger = opened.enter_context(self._opened_ledger(target))
            self.name, self._before = ledger.path.stem, ledger.totals()
            if self._before.rows:
                say(f"{self._before.rows:,} rows are done already")
            dead_letters = DeadLetters(
                self.dead_letters,
                index=self.index,
                known_bytes=ledger.dead_letters_bytes if self.ledger else None,
            )
            try:
                with closing(self._shards(ledger, cleaner)) as shards:
                    self.attempt.carry_out(
                        shards,
                        target=target,
                        ledger=ledger,
                        dead_letters=dead_letters,
                        budget=Budget(ingest),
                        row_id=cleaner.row_id,
                        on_progress=on_progress,
                    )
                if self.delete_missing:
                    delete_missing(target, ledger, share=ingest.max_delete_share, say=say)
                ledger.finish()
            except EsHybridError as error:
                error.remedy = "; ".join(filter(None, (error.remedy, self._go_on)))
                raise
            finally:
                refresh(target.client, self.index)
        prune(ingest.ledger_dir, self.index)

    def _opened_ledger(self, target: Target) -> Ledger:
        if self.ledger is not None:
            ledger = Ledger(self.ledger)
            for number, source in enumerate(ledger.facts.sources):
                if source.fingerprint is None:
                    ledger.forget(number)
            return ledger
        now = time.time()
        facts = LoadFacts(
            index=self.index,
            kind=LOAD,
            started=now,
            version=int(now * 1e6),
            sources=tuple(
                SourceFacts(source.path, source.format, fingerprint(source.path),
                            estimated_rows(source))
                for source in self.sources
            ),
            shaping=shaping(self.settings.ingest),
            mapping=dict(self.mapping),
            dead_letters=str(self.dead_letters),
            delete_missing=self.delete_missing,
            reuse_vectors_from=self.reuse_vectors_from,
            shard_rows=_SHARD_ROWS,
            first_rows=min(target.embedder.batch_size, _SHARD_ROWS),
        )  # fmt: skip
        size = DeadLetters(self.dead_letters, index=self.index).size
        path = new_path(self.settings.ingest.ledger_dir, self.index)
        return Ledger.create(path, facts, dead_letters_bytes=size)

    def _shards(self, ledger: Ledger, cleaner: Cleaner) -> Generator[Shard, None, None]:
        """What the ledger does not have yet. Every row has the same version whenever it is read."""
        facts, done = ledger.facts, ledger.done
        version = facts.version + 1
        for number, source in enumerate(self.sources):
            rows = open_rows(
                *source,
                required=cleaner.required_columns,
                wanted=tuple(cleaner.keys.values()),
                settings=self.settings,
            )
            size = facts.shard_rows
            first_size = facts.first_rows if number == 0 else size
            # A generator that holds a file, or a point in time of an index.
            with closing(rows):
                for shard in cut(
                    rows, source=number, first_version=version, size=size, first_size=first_size
                ):
                    version += len(shard.rows)
                    if shard.key not in done:
                        yield shard

    @property
    def _go_on(self) -> str:
        return f"then go on with `es-hybrid ingest resume {self.name}`"


def shaping(ingest: IngestSettings) -> dict[str, Any]:
    """The settings that decide what is made of a row, as JSON has them."""
    return ingest.model_dump(mode="json", exclude=_OPERATIONAL)


def _with_mapping(settings: Settings, mapping: Mapping[str, str]) -> Settings:
    fields = {**settings.ingest.fields, **mapping}
    ingest = settings.ingest.model_copy(update={"fields": fields})
    return settings.model_copy(update={"ingest": ingest})


def _check_unchanged(facts: LoadFacts, ingest: IngestSettings) -> None:
    """Refuse to go on where the other half would be made otherwise.

    Raises:
        SettingsError: settings that decide what is made of a row have changed.
        SourceError: a source has changed, or cannot be read a second time.
    """
    now = shaping(ingest)
    changed = sorted(name for name in now if now[name] != facts.shaping.get(name))
    if changed:
        raise SettingsError(
            "changed since the load began: " + ", ".join(f"ingest.{name}" for name in changed),
            remedy="set it back, or run `es-hybrid ingest load` again: stored rows cost little",
        )
    for source in facts.sources:
        place = place_of(source.path)
        if not can_be_read_again(source.path):
            raise SourceError(
                "a pipe cannot be read a second time",
                place=place,
                remedy="run `es-hybrid ingest load` again: stored rows cost little",
            )
        if source.fingerprint is not None and fingerprint(source.path) != source.fingerprint:
            raise SourceError(
                "the file has changed since the load began",
                place=place,
                remedy="run `es-hybrid ingest load` again: stored rows cost little",
            )
