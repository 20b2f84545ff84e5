"""Command line, first and last lines of every benchmark."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Mapping

from benchmarks.figures import machine


class Options(argparse.Namespace):
    """The parsed arguments of a benchmark."""

    smoke: bool
    url: str | None

    def print_ratio(self, name: str, value: float, *, ours: str = "", rival: str = "") -> None:
        """Print the line a benchmark is judged by, marked if it comes from a smoke run.

        Args:
            ours, rival: The two figures with their units, and the rival's name; printed before, and
                read by docs/make_figures.py.
        """
        if ours:
            print(f"  {ours} | {rival}")
        print(f"{'SMOKE ' if self.smoke else ''}RATIO {name} {value:.3f}", flush=True)


def parse_arguments(
    doc: str | None,
    *,
    elasticsearch: bool = False,
    choices: Mapping[str, Collection[str]] | None = None,
    **sizes: tuple[float, float] | tuple[str, str],
) -> Options:
    """Parse the command line of a benchmark, and print the machine it runs on.

    No query's vector is remembered: a benchmark asks the same queries again and again.

    Args:
        doc: Module docstring, shown by `--help`.
        elasticsearch: Add `--url`.
        choices: Accepted values of an option.
        sizes: Each becomes an option; its default in a full run and in a smoke run.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="tiny inputs, one round: shows that the benchmark runs, measures nothing",
    )
    if elasticsearch:
        parser.add_argument("--url", help="Elasticsearch to use [default: a fresh embedded node]")
    for name, (full, smoke) in sizes.items():
        parser.add_argument(
            f"--{name}",
            type=type(full),
            choices=(choices or {}).get(name),
            help=f"[default: {full}; smoke: {smoke}]",
        )
    options = parser.parse_args(namespace=Options())
    for name, (full, smoke) in sizes.items():
        if getattr(options, name) is None:
            setattr(options, name, smoke if options.smoke else full)
    os.environ["ES_HYBRID_EMBEDDING__QUERY_CACHE"] = "0"
    print(machine(), end="\n\n", flush=True)
    return options


def print_missing(rival: str) -> None:
    """Report a rival that this environment lacks."""
    print(f"{rival}: not installed, skipped; run `make bench`", flush=True)
