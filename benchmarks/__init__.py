"""Benchmarks: each is a command that runs its rivals in the same run and ends with RATIO lines."""
