"""What happened to rows that are not rejected: values left out, rows skipped, ids repeated."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that happened to several rows.

    Attributes:
        first: The first of them: its place or id, and the value.
    """

    rows: int
    first: str


class Remarks(dict[str, Remark]):
    """A few words, the same for all rows that are concerned -> how many, and the first one."""

    def add(self, kind: str, first: str, rows: int = 1) -> None:
        """Count rows; `first` is kept if it is the first of its kind."""
        earlier = self.get(kind)
        self[kind] = Remark(rows + earlier.rows, earlier.first) if earlier else Remark(rows, first)

    def add_all(self, others: Remarks) -> None:
        """Add the counts of later rows."""
        for kind, remark in others.items():
            self.add(kind, remark.first, remark.rows)

    def lines(self) -> list[str]:
        """`    1,204  gtin: check digit; first p.csv:3: …`, most frequent first."""
        frequent = sorted(self.items(), key=lambda item: -item[1].rows)
        return [f"{remark.rows:>9,}  {kind}; first {remark.first}" for kind, remark in frequent]
