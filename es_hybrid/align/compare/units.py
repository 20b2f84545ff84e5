"""Units of measure as shops write them, in many languages."""

from __future__ import annotations

import re

__all__ = ["UNIT", "unit_of"]

# Dimension -> {names: factor to the first unit}. Names are casefolded. Names that are also ordinary
# words after a number are omitted: `a` (3 a 12 años), `to` (3 to 12).
_UNITS: dict[str, dict[str, float]] = {
    "ml": {
        "ml milliliter milliliters millilitre millilitres mililitros 毫升 ミリリットル мл"
        " 밀리리터 مل": 1,
        "cl centiliter 厘升 сл": 10,
        "dl deciliter": 100,
        "l lt ltr liter liters litre litres litro litros litri リットル 升 公升 л литр литра литров"
        " 리터 لتر ลิตร": 1000,
        "m³ cbm": 1_000_000,
        "floz": 29.5735,
    },
    "g": {
        "mg 毫克 мг": 0.001,
        "g gr gram grams gramm gramme grammes gramo gramos grammi グラム 克 г грамм 그램 กรัม": 1,
        "kg kgs kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes kilogramo"
        " kilogramos キログラム キロ 千克 公斤 кг килограмм 킬로그램 كجم กก": 1000,
        "lb lbs pound pounds livres 磅 ポンド": 453.592,
        "oz ounce ounces onces 盎司 オンス": 28.3495,
        "斤": 500,
    },
    "mm": {
        "mm millimeter millimetre millimètres milímetros ミリ 毫米 мм 밀리미터 مم": 1,
        "cm centimeter centimetre zentimeter centimètres centímetros センチ 厘米 公分 см"
        " 센티미터 سم": 10,
        "m meter meters metre metres mètre mètres metro metros メートル 米 м метр метров"
        " 미터 متر": 1000,
        "km 公里": 1_000_000,
        "inch inches zoll pouce pouces pulgada pulgadas pollici polegadas インチ 英寸 吋 寸 дюйм"
        " дюйма дюймов 인치 بوصة นิ้ว \" ″ ”": 25.4,
        "ft feet foot 英尺": 304.8,
    },
    "w": {"w watt watts vatios ワット 瓦 вт ватт 와트 وات วัตต์": 1, "kw 千瓦 квт": 1000},
    "v": {"v volt volts voltios ボルト 伏 伏特 в вольт 볼트": 1, "kv": 1000},
    "a": {"amp amps ampere amperios アンペア 安培": 1, "ma": 0.001},
    "mah": {"mah 毫安 毫安时 мач": 1, "ah 安时": 1000},
    "wh": {"wh": 1, "kwh": 1000},
    "byte": {
        "kb ko кб": 1e3,
        "mb mo мб": 1e6,
        "gb go гб": 1e9,
        "tb тб": 1e12,
    },
    "hz": {"hz hertz ヘルツ 赫兹": 1, "khz": 1e3, "mhz": 1e6, "ghz": 1e9},
    "lumen": {"lm lumen lumens lúmenes ルーメン 流明": 1},
    "pixel": {"mp megapixel megapixels мп": 1, "万像素": 0.01},
    "rpm": {"rpm u/min tr/min 转": 1},
    "percent": {"% 퍼센트": 1},
    "celsius": {"°c ℃ 摄氏度": 1},
    "bar": {"bar 巴": 1},
    "db": {"db 分贝": 1},
    "pieces": {
        "pcs pc pieces piece pièces pièce stück stk teilig piezas pieza pezzi"
        " 个装 件套 片装 只装 支装 個入り 枚入り 本入り 件装 шт 개입": 1
    },
}  # fmt: skip

_BY_NAME = {
    name: (dimension, factor)
    for dimension, names in _UNITS.items()
    for together, factor in names.items()
    for name in together.split()
}
# A unit in letters ends at a word boundary; Chinese and Japanese have none. `3 in 1` is not a
# length, and `7 l'` is not a volume.
_SPACED = [name for name in _BY_NAME if re.match("[a-zµа-я]", name[-1])]
_OTHERS = [name for name in _BY_NAME if name not in _SPACED]


def _any_of(names: list[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


UNIT = (
    rf"(?:(?:{_any_of(_SPACED)})(?![a-zà-öø-ÿа-яё'’])|{_any_of(_OTHERS)}"
    r"|in(?=\s*(?:$|[),.;x×/])))"
)
"""Matches a unit's name in casefolded text."""


def unit_of(name: str) -> tuple[str, float]:
    """(dimension, factor to its first unit) of a name that `UNIT` matched."""
    return _BY_NAME["inch" if name == "in" else name]
