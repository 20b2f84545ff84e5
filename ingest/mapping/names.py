"""The names that shops give to the columns of their feeds."""

from __future__ import annotations

import re
import unicodedata

# Field -> names, most certain first; lower case, one space between words.
_NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        "id", "product id", "item id", "offer id", "entity id", "objectid", "article id", "uid",
        "商品id", "商品编号", "产品编号", "商品番号", "artikelnummer", "artikel nr", "artnr",
        "produkt id", "produktnummer", "id producto", "codigo", "codigo producto", "référence",
        "reference", "id produit", "codice", "codice prodotto", "id prodotto", "código",
        "상품번호", "상품 id", "код товара", "артикул", "رقم المنتج", "handle", "asin", "sku",
    ),
    "title": (
        "title", "product title", "product name", "item name", "item title", "name",
        "display name", "商品名称", "商品标题", "产品名称", "商品名", "产品名", "品名", "标题",
        "名称", "商品タイトル", "製品名", "タイトル", "상품명", "제품명", "상품 이름", "titel",
        "produkttitel", "bezeichnung", "artikelbezeichnung", "artikelname", "produktname",
        "produktbezeichnung", "titre", "nom du produit", "nom produit", "nom", "libellé",
        "désignation", "título", "nombre del producto", "nombre producto", "nombre", "titolo",
        "nome prodotto", "nome", "nome do produto", "naam", "productnaam", "nazwa", "название",
        "наименование", "اسم المنتج", "العنوان", "ürün adı", "ชื่อสินค้า",
    ),
    "description": (
        "description", "product description", "long description", "full description", "body html",
        "details", "short description", "商品描述", "产品描述", "商品详情", "详情", "描述",
        "商品説明", "説明", "상품설명", "상품 설명", "설명", "beschreibung", "produktbeschreibung",
        "artikelbeschreibung", "langtext", "description du produit", "descripción", "descripcion",
        "descrizione", "descrição", "omschrijving", "beschrijving", "opis", "описание", "الوصف",
        "açıklama", "รายละเอียด", "about product", "product features", "bullet points",
    ),
    "brand": (
        "brand", "brand name", "vendor", "manufacturer", "maker", "品牌", "品牌名称", "ブランド",
        "メーカー", "브랜드", "제조사", "marke", "hersteller", "marque", "fabricant", "marca",
        "fabricante", "merk", "marka", "producent", "бренд", "производитель", "العلامة التجارية",
    ),
    "category": (
        "category", "category path", "product type", "product category", "category hierarchy",
        "categories", "google product category", "category name", "product class", "类目", "分类",
        "商品分类", "商品类目", "品类", "カテゴリ", "カテゴリー", "카테고리", "분류", "kategorie",
        "kategoriepfad", "warengruppe", "catégorie", "rayon", "categoría", "categoria",
        "categorie", "kategoria", "категория", "التصنيف", "kategori", "หมวดหมู่", "type",
    ),
    "price": (
        "price", "current price", "selling price", "sale price", "list price", "unit price",
        "regular price", "retail price", "价格", "售价", "单价", "销售价", "価格", "販売価格",
        "가격", "판매가", "preis", "verkaufspreis", "vk preis", "bruttopreis", "prix",
        "prix de vente", "prix ttc", "precio", "precio venta", "prezzo", "preço", "prijs", "cena",
        "цена", "السعر", "fiyat", "ราคา",
    ),
    "currency": (
        "currency", "currency code", "price currency", "货币", "币种", "通貨", "통화", "währung",
        "waehrung", "devise", "moneda", "valuta", "moeda", "waluta", "валюта", "العملة",
        "para birimi",
    ),
    "sku": (
        "sku", "product sku", "variant sku", "mpn", "model number", "part number", "item number",
        "model", "货号", "型号", "商品编码", "品番", "型番", "모델명", "artikelnummer", "modell",
        "modellnummer", "herstellernummer", "référence fabricant", "modelo", "codice articolo",
        "артикул",
    ),
    "gtin": (
        "gtin", "ean", "upc", "barcode", "ean13", "ean code", "gtin13", "isbn", "jan",
        "gtin upc ean or isbn", "条码", "条形码", "商品条码", "jan コード", "jancode", "바코드",
        "ean nummer", "strichcode", "code barres", "code ean", "codigo de barras",
        "código de barras", "codice a barre", "штрихкод", "الباركود",
    ),
    "lang": (
        "lang", "language", "locale", "language code", "语言", "言語", "언어", "sprache", "langue",
        "idioma", "lingua", "taal", "język", "язык", "اللغة", "dil", "ภาษา",
    ),
    "attributes": (
        "attributes", "specs", "specifications", "properties", "features", "product attributes",
        "属性", "规格", "商品属性", "规格参数", "仕様", "スペック", "속성", "사양", "attribute",
        "merkmale", "eigenschaften", "technische daten", "attributs", "caractéristiques",
        "atributos", "características", "attributi", "caratteristiche", "kenmerken",
        "характеристики", "المواصفات",
    ),
    "version": (
        "version", "updated at", "last modified", "modified at", "modified", "update time",
        "更新时间", "修改时间", "更新日時", "수정일", "geändert am", "date de modification",
        "fecha de modificación", "дата изменения",
    ),
}  # fmt: skip

FIELDS = tuple(_NAMES)

# A name that also contains one of these means something else: `min price`, `brand id`.
_DIFFERENT = set(
    "id ids code codes count url link image img picture length width min max old original compare "  # noqa: SIM905 - clearer than thirty quoted words
    "cost net discount seo meta parent qty weight tax shipping unit per alt status".split()
)
_CERTAIN = 1.0
_LIKELY = 0.5
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def plain(name: str) -> str:
    """A column's name in lower case, with one space between words."""
    spaced = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name))
    # In Thai and Arabic, marks are parts of letters.
    kept = (sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in spaced)
    return " ".join("".join(kept).casefold().split())


def name_score(field: str, column: str) -> float:
    """How well a column's name fits a field, 0 to 1; earlier names score slightly higher."""
    name = plain(column)
    known = _NAMES[field]
    if name in known:
        return _CERTAIN - known.index(name) / 1000
    words = set(name.split())
    for rank, candidate in enumerate(known):
        rest = words - set(candidate.split())
        if _contains(name, candidate) and not rest & _DIFFERENT:
            return _LIKELY - rank / 1000
    return 0.0


def _contains(name: str, candidate: str) -> bool:
    """Whether the name contains the candidate: as whole words in scripts that have spaces."""
    if not candidate.isascii() and len(candidate) > 1 and not candidate[0].islower():
        return candidate in name
    return f" {candidate} " in f" {name} "
