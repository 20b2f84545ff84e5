"""Write the tables of README.md and docs/performance.md from benchmarks/results.

Nothing in them is typed by hand; a test fails if they are not what the results say.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results"
END = "<!-- end of figures -->"
QWEN = "reranking, a Qwen3 of width 512"
MANY = "hybrid searches, 16 connections without a pause,"
LOAD = "loading 20,000 rows: reading, cleaning, ledger; vectors precomputed"
# Beginning of a ratio's name -> what was measured, by benchmark, in the order of the table.
ROWS = {
    "search": {
        "hybrid_search_vs_bare_msearch": "a hybrid search, 5,000 products",
    },
    "throughput": {
        "searches_per_second_serve_16_connections": f"{MANY} through `serve`",
        "searches_per_second_AsyncHybridSearch_16_connections": f"{MANY} by `AsyncHybridSearch`",
    },
    "serve": {
        "pass_through_at_half_its_rate": "a plain search through `serve`, half of full load",
        "pass_through_without_a_pause": "the same at full load",
        "hybrid_vs_slowest_leg_and_embedded_encoder": (
            "a hybrid search through `serve`, query embedded in it"
        ),
        "hybrid_vs_slowest_leg_and_embedding_server": (
            "the same with an embedding server that takes 40 ms"
        ),
    },
    "query_vectors": {
        "remembered_vs_embedded": "a hybrid search whose query's vector is remembered",
    },
    "embedded_encoder": {
        "embedding_a_query_vs_numpy": "a query's vector by the embedded encoder",
        "embedding_documents_vs_numpy": "vectors of 20,000 products",
    },
    "ingest": {
        "ingest_vs_parallel_bulk_from_rows": LOAD,
        "ingest_vs_langchain": "the same",
        "ingest_vs_haystack": "the same",
        "ingest_in_batches_of_64_vs_parallel_bulk_from_rows": "the same, embedded in batches of 64",
        "ingest_memory_at_ten_times_the_rows": "peak memory with ten times the rows",
    },
    "rerank": {
        "rerank_60_tokens_es_hybrid_fp32": f"{QWEN} in fp32, 60 tokens",
        "rerank_200_tokens_es_hybrid_fp32": "the same, 200 tokens",
        "rerank_20_380_es_hybrid_fp32": "the same, 20 to 380 tokens",
        "rerank_60_tokens_es_hybrid_int8": f"{QWEN} in int8, 60 tokens",
        "rerank_200_tokens_es_hybrid_int8": "the same, 200 tokens",
        "rerank_20_380_es_hybrid_int8": "the same, 20 to 380 tokens",
    },
    "rerank_bundled": {
        "rerank_bundled_vs_sentence_transformers": "reranking 50 products, the bundled model",
    },
    "startup": {
        "import_vs_its_clients": "`import es_hybrid`",
    },
}
SHORT = {"search": 1, "throughput": 1, "serve": 1, "ingest": 1, "rerank": 1}


@cache
def results(benchmark: str) -> list[str]:
    """The output of a benchmark."""
    return (RESULTS / f"{benchmark}.txt").read_text(encoding="utf-8").splitlines()


def compared(benchmark: str, ratio: str) -> tuple[str, str, str]:
    """Our figure, the rival's and the ratio, as `Options.print_ratio` prints them."""
    lines = results(benchmark)
    at = next(at for at, line in enumerate(lines) if re.match(rf"RATIO {ratio}[\w.]* ", line))
    ours, rival = lines[at - 1].removeprefix("  ").split(" | ")
    return ours, rival, f"{float(lines[at].split()[2]):.2f}"


def short_table() -> str:
    """README's table: the first rows of some benchmarks."""
    rows = ["| | es-hybrid | rival in the same run |", "| --- | ---: | ---: |"]
    for benchmark, number in SHORT.items():
        for ratio, what in list(ROWS[benchmark].items())[:number]:
            ours, rival, _ = compared(benchmark, ratio)
            rows.append(f"| {what} | {ours} | {rival} |")
    return "\n".join(rows)


def whole_table() -> str:
    """The table of docs/performance.md, with the machine and the versions."""
    rows = ["| | by | es-hybrid | rival | ratio |", "| --- | --- | ---: | ---: | ---: |"]
    for benchmark, compared_by in ROWS.items():
        for ratio, what in compared_by.items():
            rows.append(f"| {what} | `{benchmark}` | {' | '.join(compared(benchmark, ratio))} |")
    machines = dict.fromkeys(re.sub(", load .*", "", results(name)[0]) for name in ROWS)
    versions = dict.fromkeys(results(name)[1] for name in ROWS)
    return "\n".join([*rows, "", *(f"{line}." for line in (*machines, *versions))])


TABLES = {"README.md": short_table, "docs/performance.md": whole_table}


def with_table(page: str, text: str) -> str:
    """The text of a page with its table as the results say."""
    begin = f"<!-- figures of {TABLES[page].__name__} in docs/make_figures.py -->\n"
    before, after = text.split(begin)
    return f"{before}{begin}\n{TABLES[page]()}\n\n{END}{after.split(END, 1)[1]}"


def main() -> None:
    """Write every table."""
    for page in TABLES:
        path = ROOT / page
        path.write_text(with_table(page, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
