"""What a load guarantees, one file a guarantee; docs/reliability.md has the numbers.

Each test has a short form, which `make test` runs, and the full number as `make soak`. Each proves
from its own log that its faults really happened.
"""
