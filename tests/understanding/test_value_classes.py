"""Classes of facet values: labels, members, and the stored form."""

from __future__ import annotations

import logging

import pytest

from es_hybrid.understanding.value_classes import (
    NO_CLASSES,
    ValueClass,
    ValueClasses,
    class_document,
    classes_in,
    classes_request,
)

NIKE = ValueClass(
    id="brand=Nike",
    field="brand",
    labels={"en": "Nike", "zh-CN": "耐克", "zh-TW": "耐吉"},
    values=("Nike", "耐克", "耐吉"),
)


def test_a_label_is_in_the_first_language_there_is() -> None:
    assert NIKE.label(["zh-TW", "en"]) == "耐吉"
    assert NIKE.label(["zh"]) == "耐克", "another region's"
    assert NIKE.label(["en-GB"]) == "Nike"
    assert NIKE.label(["ko", "zh-CN"]) == "耐克"
    assert NIKE.label(["ko"]) == NIKE.label([]) == "Nike"


def test_members_are_known_by_field_and_value() -> None:
    classes = ValueClasses([NIKE])
    assert classes.same("brand", "耐克") == NIKE.values
    assert classes.same("brand", "Puma") == ("Puma",)
    assert classes.same("lang", "Nike") == ("Nike",)
    assert classes.same("brand", 7) == (7,)
    assert (classes.of("brand"), classes.of("lang")) == ([NIKE], [])


def test_the_stored_form_is_read_back(caplog: pytest.LogCaptureFixture) -> None:
    path, body = classes_request(["b", "a"])
    assert (path, body) == ("/es-hybrid-values/_mget", {"ids": ["a", "b"]})
    documents = [{"found": True, "_source": class_document([NIKE])}, {"found": False}]
    assert classes_in({"docs": documents}).classes == (NIKE,)
    assert classes_in({}) == NO_CLASSES
    with caplog.at_level(logging.WARNING):
        assert classes_in({"docs": [{"found": True, "_source": {"classes": [{"id": 1}]}}]}) == (
            NO_CLASSES
        )
    assert "es-hybrid-values is damaged" in caplog.text
