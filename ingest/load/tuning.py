"""The batch lab: which batch size and how many requests at once suit the embedding server.

Every setting of a grid is tried in turn, for several rounds, so that whatever else the machine
does weighs on all of them alike. The choice is not the fastest: throughput levels off, and what is
under way beyond that only waits, on the server's memory.
"""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from es_hybrid.embedding import Embedder
from es_hybrid.errors import EsHybridError, RowError, SourceError
from es_hybrid.index.document import embedding_text
from es_hybrid.settings import Settings
from ingest.cleaning.clean import Cleaner
from ingest.sources import Row

# Throughput this near to the best counts as the best.
TOLERANCE = 0.05
ROUNDS = 3
# Rows whose texts are taken: more would only say the same.
_SAMPLE_ROWS = 1000


@dataclass(frozen=True, slots=True, order=True)
class BatchSetting:
    """One point of the grid."""

    batch_size: int
    concurrency: int

    @property
    def under_way(self) -> int:
        """Texts that the server has at once."""
        return self.batch_size * self.concurrency


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What a setting reached.

    Attributes:
        texts_per_second: Median over the rounds.
        p50_ms, p95_ms: Milliseconds of one answered request, over all rounds; NaN without one.
        requests: Answered.
        errors: Requests that failed, each once: nothing is asked again here.
        reason: The first error.
    """

    setting: BatchSetting
    texts_per_second: float
    p50_ms: float
    p95_ms: float
    requests: int
    errors: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The setting to write down, and why."""

    measurement: Measurement
    reason: str


def sample_texts(rows: Iterable[Row], settings: Settings, *, place: str) -> list[str]:
    """The texts that would be embedded of the first usable rows.

    Args:
        place: What an error calls the rows' files.

    Raises:
        SourceError: there is no usable row.
    """
    cleaner = Cleaner(settings)
    texts: list[str] = []
    problem: RowError | None = None
    for row in itertools.islice(rows, _SAMPLE_ROWS):
        try:
            product = cleaner.clean(row)
        except RowError as error:
            problem = problem or error
            continue
        template, most = settings.ingest.text_template, settings.ingest.text_max_chars
        texts.append(embedding_text(product, template=template, max_chars=most))
    if not texts:
        raise SourceError(
            f"none of the first {_SAMPLE_ROWS:,} rows is usable"
            + (f": {problem}" if problem else ""),
            place=place,
            remedy="map its columns in [ingest.fields]: `es-hybrid ingest map` proposes how",
        )
    return texts


class FreshTexts:
    """Endless texts, none of them twice; safe to take from in several threads."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def take(self, count: int) -> list[str]:
        """The next `count`, each with its number in front.

        Servers keep what they computed of a text's beginning (SGLang's radix cache, vLLM's prefix
        cache). A text that they saw before would be answered at no cost.
        """
        with self._lock:
            numbers = list(itertools.islice(self._numbers, count))
        return [f"{number} {self._texts[number % len(self._texts)]}" for number in numbers]


@dataclass(slots=True)
class _Round:
    """One setting, tried for a while."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def grid(batch_sizes: Iterable[int], concurrencies: Iterable[int]) -> list[BatchSetting]:
    """Every batch size with every concurrency, each once, the smallest first."""
    return sorted({BatchSetting(*pair) for pair in itertools.product(batch_sizes, concurrencies)})


def tune(
    embedder: Embedder,
    texts: Sequence[str],
    settings: Sequence[BatchSetting],
    *,
    seconds: float,
    done: Callable[[], None] = lambda: None,
) -> list[Measurement]:
    """Measure each setting.

    Args:
        embedder: Sends up to the largest batch size as one request, and asks once.
        texts: At least one; taken in turn.
        seconds: Of one round; a request that was begun is finished.
        done: Called after each round, `ROUNDS + 1` times a setting: the first warms up.

    Raises:
        EmbeddingError: the embedder cannot embed a single text.
    """
    fresh = FreshTexts(texts)
    embedder.embed_documents(fresh.take(1))
    rounds: dict[BatchSetting, list[_Round]] = {setting: [] for setting in settings}
    for number in range(ROUNDS + 1):
        for setting in settings:
            # A server that refused a setting is not asked more of the same.
            if not any(tried.errors for tried in rounds[setting]):
                # The first one warms up: a server compiles when it first sees a shape.
                tried = _try(embedder, fresh, setting, seconds=seconds if number else 0.0)
                if number or tried.errors:
                    rounds[setting].append(tried)
            done()
    return [_summary(setting, rounds[setting]) for setting in settings]


def choose(measurements: Sequence[Measurement]) -> Choice | None:
    """The setting with the fewest texts under way among those near the best throughput.

    None when every setting had errors.
    """
    sound = [measured for measured in measurements if not measured.errors]
    if not sound:
        return None
    best = max(sound, key=lambda measured: measured.texts_per_second)
    enough = (1 - TOLERANCE) * best.texts_per_second
    near = [measured for measured in sound if measured.texts_per_second >= enough]
    chosen = min(near, key=lambda measured: (measured.setting.under_way, measured.p95_ms))
    share = chosen.texts_per_second / best.texts_per_second
    against = (
        "the best throughput"
        if chosen is best
        else f"{share:.0%} of the best, {best.texts_per_second:,.0f} with "
        f"{best.setting.batch_size} x {best.setting.concurrency}"
    )
    return Choice(
        chosen,
        f"{chosen.texts_per_second:,.0f} texts/s, {against}; the fewest texts under way within "
        f"{TOLERANCE:.0%} of it",
    )


def _try(embedder: Embedder, texts: FreshTexts, setting: BatchSetting, *, seconds: float) -> _Round:
    """Keep that many requests under way for so long, at least one from each thread."""
    result = _Round()
    started = time.perf_counter()

    def ask() -> None:
        while True:
            batch = texts.take(setting.batch_size)
            asked = time.perf_counter()
            try:
                embedder.embed_documents(batch)
            except EsHybridError as error:
                result.errors.append(error.message)
                return
            answered = time.perf_counter()
            result.latencies.append(answered - asked)
            if answered - started >= seconds:
                return

    with ThreadPoolExecutor(setting.concurrency, thread_name_prefix="tune") as pool:
        for future in [pool.submit(ask) for _ in range(setting.concurrency)]:
            future.result()
    result.seconds = time.perf_counter() - started
    return result


def _summary(setting: BatchSetting, rounds: Sequence[_Round]) -> Measurement:
    latencies = [latency * 1000 for tried in rounds for latency in tried.latencies]
    errors = [error for tried in rounds for error in tried.errors]
    p50, p95 = np.percentile(latencies, [50, 95]) if latencies else (np.nan, np.nan)
    return Measurement(
        setting=setting,
        texts_per_second=statistics.median(
            setting.batch_size * len(tried.latencies) / tried.seconds for tried in rounds
        ),
        p50_ms=float(p50),
        p95_ms=float(p95),
        requests=len(latencies),
        errors=len(errors),
        reason=errors[0] if errors else "",
    )
