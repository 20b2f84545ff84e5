"""The guarantees of a load, one file each; docs/reliability.md has the numbers.

Each test has a short form, which `make test` runs, and a full one, which `make soak` runs. Each
asserts that its faults occurred.
"""
