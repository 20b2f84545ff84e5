"""What shoppers and documents write before a trade number: `EAN-13:`, `Art.-Nr.`, `型号`."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

_END = r"(?![^\W\d_])"
_NUMBER = rf"(?:nummer|number|numero|num|nr|no|n°|id|code|kod|#){_END}"
_SIGNS = r"[ .:=#-]*"

_GTIN = re.compile(
    rf"(?:(?:ean|gtin|upc|isbn|jan|itf|gs1|bar ?code|strichcode|code[ -]barres?|gencod|"
    r"codice a barre|c[oó]digo de barras|streepjescode|streckkod|kod kreskowy)"
    rf"(?:/(?:ean|gtin|upc|ucc))?{_END}|"
    r"(?:商品|国际|國際)?(?:条形?码|條形?碼)|janコード|バーコード|바코드)"
    rf"{_SIGNS}(?:(?:{_NUMBER}|コード|番号|号|號){_SIGNS})?|\(?01\)",
    re.IGNORECASE,
)
# `13` in `EAN 13`, `ISBN (10)`, `EAN/UCC-13`.
_LENGTH = re.compile(rf"\(?(?:A|8|10|12|13|14|128)\b\)?{_SIGNS}")

# What has a number. The word alone may be more: `model 3`, `type C`, `item 2`.
_NUMBERED = (
    r"(?:art|artikel|article|articolo|artigo|art[ií]culo|item|part|parts|teile?|ersatzteil|"
    r"product|produkt|prod|produit|vare|model|modell|modello|modelo|mod[eè]le|best|bestell?|order|"
    r"hersteller|manufacturer|mfr|kat|katalog|cat|catalog|catalogue|stock|type|typ)"
)
_REFERENCE = r"r[ée]f[ée]ren(?:ce|cia|z)|refer[eê]ncia|riferimento|r[ée]f"
_SKU = re.compile(
    rf"(?:sku|mpn|p/n|asin|oem|{_REFERENCE}){_END}{_SIGNS}(?:{_NUMBER}{_SIGNS})?|"
    rf"{_NUMBERED}[ .-]{{0,2}}{_NUMBER}{_SIGNS}|"
    rf"(?:{_NUMBERED}|c[oó]d(?:igo|ice|e)?|indeks|symbol) ?[:=#]{_SIGNS}|"
    rf"(?:art|mod|prod|c[oó]d)\.{_SIGNS}|"
    rf"(?:n[uú]m[eé]ro|nr|n°|código|codice|code|numer)(?: d[ei]| d')? ?{_NUMBERED}{_END}{_SIGNS}|"
    rf"(?:nr|no|n°){_END}{_SIGNS}|"
    r"(?:(?:产品|產品|商品|部件|物料)?(?:型号|型號|货号|貨號|编号|編號|款号|料号|料號)|"
    rf"品番|型番|品号|(?:商品|製品|モデル)番号|품번|모델명|모델 ?번호){_SIGNS}",
    re.IGNORECASE,
)
_NOUN = re.compile(rf"(?:{_NUMBERED}|number|nummer|code)(?:\.{_SIGNS}| )", re.IGNORECASE)


class LabelledText(NamedTuple):
    """A text and what its label says it is.

    Attributes:
        rests: What follows the label. `13` in `EAN 13 400…` may belong to either, so there may be
            two; the likelier is first.
        label: Empty if there is none; `noun` if it is one only before a number beyond doubt.
    """

    rests: tuple[str, ...]
    label: Literal["", "gtin", "sku", "noun"] = ""


def without_label(text: str) -> LabelledText:
    """The text after its label; the whole text if it has none.

    >>> without_label("Art.-Nr.: KX-4820")
    LabelledText(rests=('KX-4820',), label='sku')
    """
    if found := _GTIN.match(text):
        rest = text[found.end() :]
        shorter = _LENGTH.sub("", rest, count=1) if _LENGTH.match(rest) else rest
        return LabelledText(tuple(dict.fromkeys([shorter, rest])), "gtin")
    if found := _SKU.match(text):
        return LabelledText((text[found.end() :],), "sku")
    if found := _NOUN.match(text):
        return LabelledText((text[found.end() :],), "noun")
    return LabelledText((text,))
