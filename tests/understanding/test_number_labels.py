"""Labels before trade numbers."""

from __future__ import annotations

import pytest

from es_hybrid.understanding.number_labels import without_label

GTIN = [
    "EAN ", "EAN/UPC ", "ean: ", "EAN-13: ", "EAN13 ", "EAN 13 ", "EAN-Nr.: ", "EAN code: ",
    "GTIN ", "GTIN-14 ", "UPC: ", "UPC-A ", "UPC (12): ", "ISBN-13: ", "ISBN ", "JAN ",
    "JANコード: ", "Barcode: ", "bar code ", "Strichcode ", "code-barres : ", "código de barras: ",
    "codice a barre ", "条码", "条码:", "条形码 ", "商品条码:", "バーコード", "(01)", "01)",
]  # fmt: skip
SKU = [
    "SKU ", "sku: ", "SKU#", "MPN: ", "P/N ", "Art.-Nr. ", "Art.Nr.: ", "Artikelnummer ",
    "Artikel-Nr.: ", "Bestellnummer: ", "Best.-Nr. ", "Hersteller-Nr.: ", "Herstellernummer ",
    "Teilenummer ", "Modell-Nr. ", "Katalognummer ", "item no. ", "Item #", "part number: ",
    "part no ", "model: ", "Model No.: ", "product code ", "Ref. ", "ref: ", "Réf. ",
    "référence : ",
    "referencia ", "Réf ", "código: ", "cod. ", "art. ", "Mod. ", "codice articolo ",
    "numéro d'article ",
    "número de modelo: ", "n° ", "Nr. ", "No. ", "artikelnummer: ", "varenr. ", "varenummer ",
    "型号", "型号:", "型號 ", "货号:", "产品型号 ", "商品编号:", "品番", "品番:", "型番 ",
    "商品番号:", "품번 ",
]  # fmt: skip


@pytest.mark.parametrize("label", GTIN)
def test_labels_of_a_gtin(label: str) -> None:
    assert without_label(f"{label}4006381333931").label == "gtin"
    assert "4006381333931" in without_label(f"{label}4006381333931").rests


@pytest.mark.parametrize("label", SKU)
def test_labels_of_a_sku(label: str) -> None:
    assert without_label(f"{label}KX-4820B") == (("KX-4820B",), "sku")


@pytest.mark.parametrize("noun", ["model ", "Modell ", "modèle ", "Artikel ", "type ", "Teil. "])
def test_nouns_before_a_number_beyond_doubt(noun: str) -> None:
    assert without_label(f"{noun}KX-4820B") == (("KX-4820B",), "noun")


@pytest.mark.parametrize(
    "text",
    ["KX-4820B", "Cat5e", "modelling 12", "typewriter 3", "eancode", "skullcap 2",
     "reflector 12 V", "upcycling", "nora 12", "orders 12", "janet 12"],
)  # fmt: skip
def test_what_is_no_label(text: str) -> None:
    assert without_label(text) == ((text,), "")


def test_a_length_belongs_to_the_label_or_to_the_number() -> None:
    assert without_label("EAN 8 712345 678906").rests == ("712345 678906", "8 712345 678906")
