"""A load as the command requests it: sources, settings, ledger and index."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from es_hybrid.errors import (
    EsHybridError,
    IndexStateError,
    SettingsError,
    SourceError,
    TooManyRejected,
)
from es_hybrid.settings import Settings
from es_hybrid.understanding.store import learn_after_writing
from ingest.cleaning.clean import VERSION, Cleaner
from ingest.load.missing import delete_missing
from ingest.load.run import LoadRun, RunnerName, open_runner
from ingest.load.slices import Slice, cut
from ingest.load.target import Target, open_target, refresh
from ingest.record.dead_letters import DeadLetters
from ingest.record.error_budget import ErrorBudget
from ingest.record.ledger import Ledger, LoadFacts, SourceFacts
from ingest.record.load_events import recorded
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

# Large enough for efficient requests, small enough that little is processed twice.
_SLICE_ROWS = 500
# Settings of the section that say how a load runs, not what is made of a row.
_OPERATIONAL = {
    "bulk_bytes", "bulk_concurrency", "max_outage_s", "dead_letters", "ledger_dir", "max_rejected",
    "max_rejected_share", "max_rejected_in_a_row", "max_delete_share", "ray_actors",
    "source_api_key", "allow_repeated_ids",
}  # fmt: skip


@dataclass(kw_only=True)
class LoadJob:
    """A new or a resumed load.

    Attributes:
        sources: In the order they are loaded.
        mapping: Product field -> column; overrides the settings.
        ledger: Ledger of the load to resume; None for a new load.
        load_run: This run of it.
        name: Name of the load, as `ingest resume` takes it; empty until it has begun.
    """

    settings: Settings
    sources: Sequence[Source]
    mapping: Mapping[str, str]
    dead_letters: Path
    delete_missing: bool = False
    reuse_vectors_from: str | None = None
    ledger: Path | None = None
    runner: RunnerName = "local"
    load_run: LoadRun = field(default_factory=LoadRun)
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
        """A new load with the command's flags over the settings.

        Raises:
            SourceError: a file does not exist, or its format is unknown.
        """
        return cls(
            settings=settings.with_(ingest={"fields": {**settings.ingest.fields, **mapping}}),
            sources=find_sources(files, file_format, say=say),
            mapping=mapping,
            dead_letters=dead_letters or settings.ingest.dead_letters,
            **options,
        )

    @classmethod
    def resumed(cls, settings: Settings, ledger: Path, **options: Any) -> LoadJob:
        """The rest of a load, from its ledger.

        Raises:
            EsHybridError: it has finished, or its sources or settings have changed.
        """
        with Ledger(ledger) as opened:
            facts, finished = opened.facts, opened.finished
        if finished:
            raise IndexStateError(
                "this load has finished", place=ledger.stem, remedy="there is nothing to resume"
            )
        job = cls(
            settings=settings.with_(
                ingest={"fields": {**settings.ingest.fields, **facts.mapping}},
                index={"name": facts.index},
            ),
            sources=[Source(source.path, source.format) for source in facts.sources],
            mapping=facts.mapping,
            dead_letters=Path(facts.dead_letters),
            delete_missing=facts.delete_missing,
            reuse_vectors_from=facts.reuse_vectors_from,
            ledger=ledger,
            **options,
        )
        check_newest(settings.ingest.ledger_dir, facts)
        _check_unchanged(facts, job.settings)
        return job

    @property
    def index(self) -> str:
        """The index or alias."""
        return self.settings.index.name

    @property
    def rejected(self) -> int:
        """Rows rejected, also in earlier runs of the load."""
        return self._before.rejected + self.tally.rejected

    @property
    def taken(self) -> int:
        """Rows taken, also in earlier runs of the load."""
        return self._before.taken + self.tally.taken

    @property
    def repeated(self) -> int:
        """Rows, of all runs, whose id came again, unless the settings allow that."""
        if repeated_ids_allowed(self.settings):
            return 0
        return self._before.repeated + self.tally.repeated

    @property
    def tally(self) -> Tally:
        """The counts of this run so far, also after an error."""
        return self.load_run.tally

    def stop(self, signal: int) -> None:
        """End early; for a signal handler."""
        self.load_run.stop(signal)

    def run(self, *, say: Callable[[str], None], on_progress: Callable[[Tally], None]) -> None:
        """Check every source and the index, then load.

        Args:
            say: Takes a line about each decision, such as creating an index.

        Raises:
            EsHybridError: the load cannot continue; what is loaded stays.
        """
        ingest, index = self.settings.ingest, self.settings.index.name
        cleaner = Cleaner(self.settings)
        with lock_index(ingest.ledger_dir, index), ExitStack() as opened:
            for path, file_format in self.sources:
                check_source(
                    path,
                    file_format,
                    required=cleaner.required_columns,
                    wanted=tuple(cleaner.keys.values()),
                    settings=self.settings,
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
                index=index,
                known_bytes=ledger.dead_letters_bytes if self.ledger else None,
            )
            on_progress = opened.enter_context(
                recorded(
                    self.settings,
                    target.client,
                    id_=self.name,
                    runner=self.runner,
                    counts=lambda: self.tally,
                    waits=self.load_run.waits,
                    on_progress=on_progress,
                )
            )
            try:
                with (
                    closing(open_runner(self.runner, target)) as runner,
                    closing(self._slices(ledger, cleaner, say)) as slices,
                ):
                    self.load_run.process(
                        slices,
                        runner=runner,
                        ledger=ledger,
                        dead_letters=dead_letters,
                        budget=ErrorBudget(ingest),
                        row_id=cleaner.row_id,
                        on_progress=on_progress,
                    )
                if self.delete_missing:
                    delete_missing(target, ledger, share=ingest.max_delete_share, say=say)
                ledger.finish()
            except EsHybridError as error:
                resume = f"then resume with `es-hybrid ingest resume {self.name}`"
                if isinstance(error, SourceError | TooManyRejected):  # resuming what changed fails
                    resume += ", or load again if a file or a setting has changed"
                error.remedy = "; ".join(filter(None, (error.remedy, resume)))
                raise
            finally:
                refresh(target.client, index)
            learn_after_writing(
                target.client,
                index,
                vector_field=self.settings.index.vector_field,
                changed=self._before.written + self.tally.written,
            )
        prune(ingest.ledger_dir, index)

    def _opened_ledger(self, target: Target) -> Ledger:
        if self.ledger is not None:
            ledger = Ledger(self.ledger)
            for number, source in enumerate(ledger.facts.sources):
                if source.fingerprint is None:
                    ledger.forget(number)
            return ledger
        now, index = time.time(), self.settings.index.name
        facts = LoadFacts(
            index=index,
            kind=LOAD,
            started=now,
            version=int(now * 1e6),
            sources=tuple(
                SourceFacts(source.path, source.format, fingerprint(source.path),
                            estimated_rows(source))
                for source in self.sources
            ),
            shaping=shaping(self.settings),
            mapping=dict(self.mapping),
            dead_letters=str(self.dead_letters),
            delete_missing=self.delete_missing,
            reuse_vectors_from=self.reuse_vectors_from,
            slice_rows=_SLICE_ROWS,
            first_rows=min(target.embedder.batch_size, _SLICE_ROWS),
        )  # fmt: skip
        size = DeadLetters(self.dead_letters, index=index).size
        path = new_path(self.settings.ingest.ledger_dir, index)
        return Ledger.create(path, facts, dead_letters_bytes=size)

    def _slices(
        self, ledger: Ledger, cleaner: Cleaner, say: Callable[[str], None]
    ) -> Generator[Slice, None, None]:
        """The slices that are not done. A row has the same version in every run of the load."""
        facts, done = ledger.facts, ledger.done
        version = facts.version + 1
        for number, source in enumerate(self.sources):
            rows = open_rows(
                *source,
                required=cleaner.required_columns,
                wanted=tuple(cleaner.keys.values()),
                settings=self.settings,
                say=say,
            )
            size = facts.slice_rows
            first_size = facts.first_rows if number == 0 else size
            # The generator holds an open file or point in time.
            with closing(rows):
                for slice_ in cut(
                    rows, source=number, first_version=version, size=size, first_size=first_size
                ):
                    version += len(slice_.rows)
                    if slice_.key not in done:
                        yield slice_


def repeated_ids_allowed(settings: Settings) -> bool:
    """Whether several rows may have the same id: with a version, the newest one counts."""
    return settings.ingest.allow_repeated_ids or VERSION in settings.ingest.fields


def shaping(settings: Settings) -> dict[str, Any]:
    """The settings that decide what is made of a row, as JSON values by their full names."""
    index = settings.index.model_dump(mode="json", include={"languages"}, exclude_unset=True)
    ingest = settings.ingest.model_dump(mode="json", exclude=_OPERATIONAL)
    return {
        "index.languages": index.get("languages"),
        **{f"ingest.{name}": value for name, value in ingest.items()},
    }


def _check_unchanged(facts: LoadFacts, settings: Settings) -> None:
    """Refuse to resume if the rest of the rows would be processed differently.

    Raises:
        SettingsError: a setting that decides what is made of a row has changed.
        SourceError: a source has changed, or cannot be read again.
    """
    again = "run `es-hybrid ingest load` again: rows that are already stored cost little"
    now = shaping(settings)
    changed = sorted(name for name in now if now[name] != facts.shaping.get(name))
    if changed:
        raise SettingsError(
            "changed since the load began: " + ", ".join(changed),
            remedy=f"restore the old value, or {again}",
        )
    for source in facts.sources:
        place = place_of(source.path)
        if not can_be_read_again(source.path):
            raise SourceError("a pipe cannot be read again", place=place, remedy=again)
        if source.fingerprint is not None and fingerprint(source.path) != source.fingerprint:
            raise SourceError(
                "the file has changed since the load began", place=place, remedy=again
            )
