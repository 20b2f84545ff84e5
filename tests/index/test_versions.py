"""Names of versions, and which of them `prune` deletes."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from es_hybrid.index.versions import Version, alias_of, superfluous, version_name


def test_names() -> None:
    assert version_name("products", 7) == "products-v0007"
    assert alias_of("products-v0007") == "products"
    assert alias_of("my-v0001-v12345") == "my-v0001"
    assert alias_of("products") is None
    assert alias_of("products-v7") is None


def _version(number: int, **facts: bool | tuple[str, ...]) -> Version:
    plain = Version(
        name=version_name("p", number), created=datetime.now(UTC), documents=1, with_vector=1,
        size_bytes=1, model="m", live=False, former=False, aliases=(),
    )  # fmt: skip
    return dataclasses.replace(plain, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("live", "former", "keep", "deleted"),
    [
        (5, 4, 1, [1, 2, 3]),
        (5, 1, 1, [2, 3, 4]),
        (5, 4, 4, [1]),
        (2, 1, 1, []),
        (3, None, 1, [1, 2]),
    ],
)
def test_superfluous_versions(live: int, former: int | None, keep: int, deleted: list[int]) -> None:
    versions = [_version(n, live=n == live, former=n == former) for n in range(1, 6)]
    names = [version.name for version in superfluous(versions, keep)]
    assert names == [version_name("p", n) for n in deleted]


def test_a_version_with_another_alias_is_not_superfluous() -> None:
    versions = [_version(1, aliases=("archive",)), _version(2), _version(3, live=True)]
    assert [version.name for version in superfluous(versions, 1)] == ["p-v0002"]
