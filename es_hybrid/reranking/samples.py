"""Queries and products in many languages, for holding a graph against its original."""

from __future__ import annotations

__all__ = ["LONG", "SAMPLES"]

SAMPLES = {
    "透气的男士夏季短袖": (
        "男士冰丝速干T恤 夏季薄款短袖 轻盈透气",
        "Men's quick-dry short-sleeve shirt, breathable mesh for hot days",
        "T-shirt respirant pour homme, manches courtes, été",
        "女式羊毛大衣 冬季加厚保暖",
        "Kids' waterproof rain boots",
        "Leichtes Herren-Poloshirt aus Leinen",
        "充电宝 20000毫安 快充",
    ),
    "waterproof action camera with remote": (
        "4K sports camera, waterproof to 40 m, wrist remote and two batteries",
        "防水运动相机 4K高清 带无线遥控器",
        "Caméra d'action étanche avec télécommande Wi-Fi",
        "Camera bag, water-repellent, grey",
        "Spiegelreflexkamera, 24 Megapixel, Gehäuse",
        "リモコン付き防水アクションカメラ",
        "",
    ),
    "Wasserkocher 1,7 Liter Edelstahl": (
        "Elektrischer Wasserkocher aus Edelstahl, 1,7 l, 2200 W, kabellos",
        "Stainless steel electric kettle, 1.7 litres, auto shut-off",
        "Hervidor de agua eléctrico de acero inoxidable, 1,7 l",
        "不锈钢电热水壶 1.7升 自动断电",
        "Kaffeemaschine mit Thermoskanne",
        "Digital food thermometer with probe",
        "Bouilloire sifflante émaillée pour gaz, 2 l, rouge",
    ),
}

LONG = (
    "Owner's manual. Fill the tank with cold water up to the mark and close the lid until it "
    "clicks. 请勿在无水状态下通电使用。 Das Gerät schaltet sich nach dem Kochen selbst ab. "
    "Débranchez l'appareil avant de le nettoyer. Guarde estas instrucciones. "
) * 12
