"""Benchmarks: each a command that runs the rival side by side and ends with RATIO lines."""
