"""The order of suggestions."""

from __future__ import annotations

from es_hybrid.suggesting.suggestion import Kind, Suggestion, mixed


def _all(kind: Kind, count: int) -> list[Suggestion]:
    return [Suggestion(kind=kind, text=f"{kind} {n}") for n in range(count)]


def _texts(found: list[Suggestion]) -> list[str]:
    return [each.text for each in found]


def test_brands_and_categories_take_a_quarter_each() -> None:
    found = [*_all("product", 9), *_all("category", 9), *_all("brand", 9)]
    assert _texts(mixed(found, 8)) == [
        "brand 0", "brand 1", "category 0", "category 1",
        "product 0", "product 1", "product 2", "product 3",
    ]  # fmt: skip


def test_and_what_products_leave_free() -> None:
    found = [*_all("brand", 5), *_all("category", 5), *_all("product", 1)]
    assert _texts(mixed(found, 8)) == [
        "brand 0", "brand 1", "brand 2", "brand 3", "brand 4", "category 0", "category 1",
        "product 0",
    ]  # fmt: skip


def test_products_take_what_others_leave_free() -> None:
    assert _texts(mixed(_all("product", 9), 3)) == ["product 0", "product 1", "product 2"]


def test_a_short_list_has_the_best_of_each_kind() -> None:
    found = [*_all("product", 2), *_all("category", 2), *_all("brand", 2)]
    assert _texts(mixed(found, 3)) == ["brand 0", "category 0", "product 0"]


def test_texts_that_differ_in_case_and_accents_are_one() -> None:
    found = [
        Suggestion(kind="product", text=text, id=id_)
        for id_, text in enumerate_ids("Café", "CAFE", "Cafés")
    ]
    assert [each.id for each in mixed(found, 8)] == ["0", "2"]


def enumerate_ids(*texts: str) -> list[tuple[str, str]]:
    return [(str(number), text) for number, text in enumerate(texts)]
