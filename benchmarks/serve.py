"""Cost of `es-hybrid serve` in front of Elasticsearch.

    python -m benchmarks.serve [--products 5000] [--rounds 6] [--seconds 4]

Runs on one embedded node; the server and the load generator are separate processes.

- A plain search (words, ten hits, a facet) that the server only passes through, compared with the
  same search sent to Elasticsearch directly, in turn, at 16 connections. At half the rate that
  Elasticsearch alone can serve, this shows the added latency. Without a pause it shows the lost
  throughput: on few cores the server and Elasticsearch compete for CPU time.
- The same search through servers with rules in `serve.rewrite`: two that do not fit it, and one
  that fits but whose share is 0, so that the search is decoded and then passed through as well.
- A hybrid search (`rrf` of words and vectors), one at a time, compared with the slower of its two
  legs sent to Elasticsearch directly plus the time of the embedding; query by query in turn. Runs
  with the embedded encoder and with an embedding server that takes 40 ms per query, a third of what
  Qwen3-Embedding-4B takes on an A10G (120 ms). Many at once: `benchmarks.throughput`.

The node is warmed up under load, and then by searches one at a time until they get no faster
(`benchmarks.warming`). Products and queries are from chorus-icecat (docs/data.md) if present, else
from the sample catalogue.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from elasticsearch import Elasticsearch

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles
from benchmarks.load_generator import generate
from benchmarks.search import load, milliseconds
from benchmarks.servers import serving
from benchmarks.warming import Times, when_warm
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.settings import EmbeddingSettings, load_settings
from tests.fakes.embedding import EmbeddingServer
from tests.fakes.http import Answer
from training.data import cluster

INDEX = "bench-serve"
CONNECTIONS = 16
WINDOW = 100
EMBEDDING_MS = 40.0
# Rules that do not fit `plain`, and one whose share is none of the searches.
UNFIT = [{"form": "magento", "index": INDEX}, {"form": "search-ui", "index": INDEX}]
CONTROL = [{"form": "saleor", "index": INDEX, "share": 0}]


def lexical(query: str) -> dict[str, Any]:
    """The lexical query."""
    fields = ["title", "brand.text", "category.text", "description"]
    return {"multi_match": {"query": query, "fields": fields, "type": "cross_fields"}}


def plain(query: str) -> dict[str, Any]:
    """A typical search of a shop without vectors."""
    facet = {"brand": {"terms": {"field": "brand"}}}
    return {"query": lexical(query), "size": 10, "aggs": facet, "_source": ["title", "brand"]}


def hybrid(query: str) -> dict[str, Any]:
    """The lexical query fused with the nearest neighbours of the query's vector."""
    text = {"text_embedding": {"model_id": "-", "model_text": query}}
    neighbours = {"field": "embedding", "query_vector_builder": text, **_breadth()}
    retrievers = [{"standard": {"query": lexical(query)}}, {"knn": neighbours}]
    return {
        "retriever": {"rrf": {"retrievers": retrievers, "rank_window_size": WINDOW}},
        "size": 10,
        "_source": ["title", "brand"],
    }


def legs(query: str, vector: list[float]) -> list[dict[str, Any]]:
    """The two legs of `hybrid` as separate searches."""
    shown = {"size": WINDOW, "_source": ["title", "brand"]}
    neighbours = {"field": "embedding", "query_vector": vector, **_breadth()}
    return [{"query": lexical(query), **shown}, {"knn": neighbours, **shown}]


def _breadth() -> dict[str, int]:
    return {"k": WINDOW, "num_candidates": 1000}


@contextmanager
def embedding_server(vectors: Mapping[str, Sequence[float]]) -> Iterator[dict[str, Any]]:
    """Run a slow embedding server that knows the queries' vectors; yields its settings.

    It reports the name and revision of the embedded encoder, which made the vectors.
    """
    encoder = open_embedder(EmbeddingSettings())

    def vector_of(text: str) -> Sequence[float]:
        # Other texts are the probe for the dims and the canaries of the index.
        return vectors.get(text) or encoder.embed_documents([text])[0].tolist()

    def answer(request: dict[str, Any], number: int) -> Answer:
        time.sleep(EMBEDDING_MS / 1000)
        data = [
            {"object": "embedding", "index": place, "embedding": vector_of(text)}
            for place, text in enumerate(request["input"])
        ]
        body = {"object": "list", "model": request["model"], "data": data}
        return Answer(200, json.dumps(body).encode(), {"content-type": "application/json"})

    identity = encoder.identity
    with EmbeddingServer(dims=identity.dims, fault=answer) as server:
        yield {
            "base_url": server.url,
            "model": identity.model,
            "revision": identity.revision,
            "dims": identity.dims,
            "query_instruction": "",
        }


def loaded(
    url: str, bodies: Sequence[dict[str, Any]], seconds: float, rate: float = 0.0
) -> list[float]:
    """Milliseconds of each response at 16 connections; see `benchmarks.load_generator`."""
    requests = [(f"/{INDEX}/_search", json.dumps(body)) for body in bodies]
    return generate([url], requests, connections=CONNECTIONS, seconds=seconds, rate=rate)


def by_turns(
    sides: dict[str, tuple[str, list[dict[str, Any]]]],
    rounds: int,
    seconds: float,
    rate: float = 0.0,
) -> dict[str, list[float]]:
    """Milliseconds of each side over all rounds but the first; prints a table."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(rounds + 1):
        for name, (url, bodies) in sides.items():
            answers = loaded(url, bodies, seconds, rate)
            if round_:
                times[name] += answers
    pace = f"at {rate:.0f} requests/s" if rate else "without a pause"
    print(f"\n{CONNECTIONS} connections, {pace}")
    print(f"{'ms':<18}{PERCENTILE_TITLES}{'per second':>12}")
    for name, answers in times.items():
        print(f"{row(name, answers)}{len(answers) / rounds / seconds:12.0f}")
    return times


def alternately(
    servers: Sequence[str], bodies: Sequence[dict[str, Any]], pairs: int
) -> list[list[float]]:
    """Milliseconds of the same searches through each server, one at a time in turn.

    The first tenth is left out.
    """
    connections = [HTTPConnection(urlsplit(url).netloc) for url in servers]
    sent = [json.dumps(body).encode() for body in bodies]
    times: list[list[float]] = [[] for _ in servers]

    def ask(connection: HTTPConnection, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", f"/{INDEX}/_search", body, headers)
        connection.getresponse().read()

    for number in range(pairs):
        order = list(zip(connections, times, strict=True))
        for connection, spent in order if number % 2 else order[::-1]:
            taken = milliseconds(partial(ask, connection, sent[number % len(sent)]))
            if number >= pairs // 10:
                spent.append(taken)
    return times


def row(name: str, times: Sequence[float]) -> str:
    """Table row: name, p50, p90 and p99."""
    return f"{name:<18}{percentiles(times)}"


def one_by_one(
    elasticsearch: str,
    server: str,
    queries: Sequence[str],
    vectors: dict[str, list[float]],
    embedder: Embedder,
    rounds: int,
    patience: float,
) -> dict[str, list[float]]:
    """Milliseconds of hybrid searches, of each leg and of the embedding, query by query in turn.

    Args:
        patience: See `until_steady`.
    """
    with Elasticsearch(elasticsearch) as direct, Elasticsearch(server) as through:
        headers = through.search(index=INDEX, body=hybrid(queries[0])).meta.headers
        if "x-es-hybrid-degraded" in headers:
            raise RuntimeError(headers["x-es-hybrid-degraded"])

        def round_(times: Times) -> float:
            for query in queries:
                words, neighbours = legs(query, vectors[query])
                calls: dict[str, Callable[[], object]] = {
                    "hybrid": partial(through.search, index=INDEX, body=hybrid(query)),
                    "words": partial(direct.search, index=INDEX, body=words),
                    "vectors": partial(direct.search, index=INDEX, body=neighbours),
                    "embedding": partial(embedder.embed_query, query),
                }
                for name, call in calls.items():
                    times[name].append(milliseconds(call))
            return statistics.median(times["hybrid"])

        return when_warm(round_, rounds=rounds, patience=patience)


def main() -> None:
    """Load, run, print the tables and the ratios."""
    options = parse_arguments(
        __doc__,
        elasticsearch=True,
        products=(5000, 100),
        queries=(1000, 10),
        rounds=(6, 1),
        seconds=(4.0, 0.3),
        warmup=(20.0, 0.5),
        patience=(240.0, 0.0),
        repeats=(5, 1),
        pairs=(20_000, 20),
    )
    with cluster(options.url) as url:
        settings = load_settings(flags={"elasticsearch": {"url": url}, "index": {"name": INDEX}})
        queries = load(settings, options.products)[: options.queries]
        embedder = open_embedder(settings.embedding)
        vectors = {query: embedder.embed_query(query).tolist() for query in queries}
        with (
            serving(url) as server,
            serving(url, rules=UNFIT) as unfit,
            serving(url, rules=CONTROL) as control,
        ):
            loaded(
                server,
                [body(query) for query in queries for body in (plain, hybrid)],
                options.warmup,
            )
            single = one_by_one(
                url, server, queries, vectors, embedder, options.repeats, options.patience
            )
            shops = {
                "Elasticsearch": (url, [plain(query) for query in queries]),
                "through serve": (server, [plain(query) for query in queries]),
            }
            many = by_turns(shops, options.rounds, options.seconds)
            half = len(many["Elasticsearch"]) / options.rounds / options.seconds / 2
            paced = by_turns(shops, options.rounds, options.seconds, half)
            ruled = alternately([server, unfit, control], shops["through serve"][1], options.pairs)
        with embedding_server(vectors) as section, serving(url, **section) as server:
            client = open_embedder(EmbeddingSettings.model_validate(section))
            remote = one_by_one(url, server, queries, vectors, client, min(2, options.repeats), 0.0)
    print()
    for pace, times in (("at half its rate", paced), ("without a pause", many)):
        direct, through = (statistics.median(times[name]) for name in shops)
        print(f"added to the median of a plain search {pace}: {through - direct:.2f} ms")
        options.print_ratio(
            f"pass_through_{pace.replace(' ', '_')}",
            through / direct,
            ours=f"{through:.1f} ms",
            rival=f"Elasticsearch directly: {direct:.1f} ms",
        )
    without, *with_rules = map(statistics.median, ruled)
    for name, spent in zip(("not_firing", "control"), with_rules, strict=True):
        print(f"added to the median by a rule, {name}: {spent - without:.3f} ms")
        options.print_ratio(f"rewrite_{name}", spent / without)
    print_cost("embedded_encoder", single, options)
    print_cost("embedding_server", remote, options)


def print_cost(embedded_by: str, single: dict[str, list[float]], options: Options) -> None:
    """Print the time of a hybrid search, and its ratio to its slower leg plus the embedding."""
    name = embedded_by.replace("_", " ")
    print(f"\none at a time, {name}\n{'ms':<18}{PERCENTILE_TITLES}")
    for name, times in single.items():
        print(row(name, times))
    alone = {name: statistics.median(times) for name, times in single.items()}
    slowest = max(alone["words"], alone["vectors"]) + alone["embedding"]
    options.print_ratio(
        f"hybrid_vs_slowest_leg_and_{embedded_by}",
        alone["hybrid"] / slowest,
        ours=f"{alone['hybrid']:.1f} ms",
        rival=f"its slower leg plus the embedding: {slowest:.1f} ms",
    )


if __name__ == "__main__":
    main()
