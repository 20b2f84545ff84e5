"""Finding the batch size and concurrency that suit the embedding server.

All settings of a grid are measured in turn for several rounds, so that other load on the machine
affects them alike. The fastest is not chosen: throughput levels off, and texts in progress beyond
that point only wait in the server's memory.
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

# Throughput this close to the best counts as equal.
TOLERANCE = 0.05
ROUNDS = 3
# Rows whose texts are used.
_SAMPLE_ROWS = 1000


@dataclass(frozen=True, slots=True, order=True)
class BatchSetting:
    """One point of the grid."""

    batch_size: int
    concurrency: int

    @property
    def texts_in_progress(self) -> int:
        """Texts that the server has at the same time."""
        return self.batch_size * self.concurrency


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The measurement of a setting.

    Attributes:
        texts_per_second: Median of the rounds.
        p50_ms, p95_ms: Latency of the answered requests of all rounds; NaN without one.
        requests: Requests that were answered.
        errors: Requests that failed; failed requests are not repeated.
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
class BatchChoice:
    """The proposed setting, and the reason."""

    measurement: Measurement
    reason: str


def sample_texts(rows: Iterable[Row], settings: Settings, *, place: str) -> list[str]:
    """The texts to embed of the first usable rows.

    Args:
        place: Name of the rows' files in an error message.

    Raises:
        SourceError: there is no usable row.
    """
    cleaner = Cleaner(settings)
    texts: list[str] = []
    problem: RowError | None = None
    for row in itertools.islice(rows, _SAMPLE_ROWS):
        try:
            product = cleaner.clean(row).product
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
    """An endless supply of distinct texts. Safe for threads."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def take(self, count: int) -> list[str]:
        """The next `count` texts, each with its number in front.

        Servers cache what they computed for the beginning of a text (SGLang's radix cache, vLLM's
        prefix cache), so a repeated text would be embedded almost for free.
        """
        with self._lock:
            numbers = list(itertools.islice(self._numbers, count))
        return [f"{number} {self._texts[number % len(self._texts)]}" for number in numbers]


@dataclass(slots=True)
class _Round:
    """One round of a setting."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def grid(batch_sizes: Iterable[int], concurrencies: Iterable[int]) -> list[BatchSetting]:
    """Every batch size with every concurrency, without duplicates, smallest first."""
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
        embedder: Must send up to the largest batch size in one request, without retries.
        texts: At least one; used in turn.
        seconds: Duration of a round; requests in progress are finished.
        done: Called after each round, `ROUNDS + 1` times per setting: the first is a warm-up.

    Raises:
        EmbeddingError: the embedder cannot embed a single text.
    """
    fresh = FreshTexts(texts)
    embedder.embed_documents(fresh.take(1))
    rounds: dict[BatchSetting, list[_Round]] = {setting: [] for setting in settings}
    for number in range(ROUNDS + 1):
        for setting in settings:
            # A setting that failed is not measured further.
            if not any(tried.errors for tried in rounds[setting]):
                # The first round is a warm-up: servers compile for each new shape.
                tried = _try(embedder, fresh, setting, seconds=seconds if number else 0.0)
                if number or tried.errors:
                    rounds[setting].append(tried)
            done()
    return [_summary(setting, rounds[setting]) for setting in settings]


def choose(measurements: Sequence[Measurement]) -> BatchChoice | None:
    """The setting with the fewest texts in progress among those close to the best throughput.

    None if every setting had errors.
    """
    sound = [measured for measured in measurements if not measured.errors]
    if not sound:
        return None
    best = max(sound, key=lambda measured: measured.texts_per_second)
    enough = (1 - TOLERANCE) * best.texts_per_second
    near = [measured for measured in sound if measured.texts_per_second >= enough]
    chosen = min(near, key=lambda measured: (measured.setting.texts_in_progress, measured.p95_ms))
    share = chosen.texts_per_second / best.texts_per_second
    against = (
        "the best throughput"
        if chosen is best
        else f"{share:.0%} of the best, {best.texts_per_second:,.0f} with "
        f"{best.setting.batch_size} x {best.setting.concurrency}"
    )
    return BatchChoice(
        chosen,
        f"{chosen.texts_per_second:,.0f} texts/s, {against}; the fewest texts in progress within "
        f"{TOLERANCE:.0%} of it",
    )


def _try(embedder: Embedder, texts: FreshTexts, setting: BatchSetting, *, seconds: float) -> _Round:
    """Keep the setting's number of requests in progress for `seconds`, at least one per thread."""
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
