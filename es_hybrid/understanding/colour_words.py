"""Basic colours in the languages of shoppers: `rotes Kleid` finds `colour: Red` first."""

from __future__ import annotations

from es_hybrid.understanding.plain import plain

# One line for each language, its colours in the order of the first; `/` between words for one.
_WORDS = {
    "en": "black white grey/gray red blue green yellow orange brown pink purple silver",
    "de": "schwarz weiss grau rot blau grün gelb orange braun rosa/pink lila/violett silber",
    "fr": "noir blanc/blanche gris rouge bleu vert jaune orange marron/brun rose violet/violette "
    "argent",
    "es": "negro blanco gris rojo azul/azules verde amarillo naranja marrón rosa morado "
    "plata/plateado",
    "it": "nero bianco grigio rosso blu verde giallo arancione marrone rosa viola argento",
    "nl": "zwart wit/witte grijs/grijze rood/rode blauw groen geel/gele oranje bruin roze paars "
    "zilver",
    "pt": "preto branco cinza/cinzento vermelho azul/azuis verde amarelo laranja castanho/marrom "
    "rosa roxo prata/prateado",
    "sv": "svart/svarta vit/vita grå/gråa röd/röda/rött blå/blåa grön/gröna/grönt gul/gula/gult "
    "orange brun/bruna rosa lila silver",
    "da": "sort/sorte hvid/hvide grå rød/røde blå grøn/grønne gul/gule orange brun/brune lyserød "
    "lilla sølv",
    "no": "svart/svarte hvit/hvite grå rød/røde blå grønn/grønne gul/gule oransje brun/brune rosa "
    "lilla sølv",
    "pl": "czarny/czarna/czarne biały/biała/białe szary/szara/szare "
    "czerwony/czerwona/czerwone niebieski/niebieska/niebieskie zielony/zielona/zielone "
    "żółty/żółta/żółte pomarańczowy/pomarańczowa brązowy/brązowa/brązowe różowy/różowa/różowe "
    "fioletowy/fioletowa/fioletowe srebrny/srebrna/srebrne",
    "ru": "черный/черная/черное/черные белый/белая/белое/белые серый/серая/серое/серые "
    "красный/красная/красное/красные синий/синяя/синее/синие зеленый/зеленая/зеленое/зеленые "
    "желтый/желтая/желтое/желтые оранжевый/оранжевая/оранжевые коричневый/коричневая/коричневые "
    "розовый/розовая/розовое/розовые фиолетовый/фиолетовая/фиолетовые "
    "серебристый/серебристая/серебристые",
    "zh": "黑色 白色 灰色 红色/紅色 蓝色/藍色 绿色/綠色 黄色/黃色 橙色/橘色 棕色/褐色/咖啡色 "
    "粉色/粉红色 紫色 银色/銀色",
    "ja": "黒い/ブラック 白い/ホワイト 灰色/グレー 赤い/レッド 青い/ブルー 緑色/グリーン "
    "黄色/イエロー オレンジ 茶色/ブラウン ピンク 紫色/パープル シルバー",
    "ko": "검정/검은색/블랙 흰색/하얀색/화이트 회색/그레이 빨강/빨간색/레드 파랑/파란색/블루 "
    "초록/초록색/그린 노랑/노란색/옐로우 주황/주황색/오렌지 갈색/브라운 분홍/분홍색/핑크 "
    "보라/보라색/퍼플 은색/실버",
}
# How adjectives end: `schwarze`, `noires`; and what takes the place of an `o`: `negra`.
_ENDINGS = {"de": ("e", "em", "en", "er", "es"), "fr": ("e", "es", "s"), "nl": ("e",)}
_ENDINGS_OF_O = {"es": ("a", "as", "os"), "it": ("a", "e", "i"), "pt": ("a", "as", "os")}


def inflected(colour: str, language: str) -> list[str]:
    """The other forms of a colour in plain letters, where a rule makes them."""
    found = [colour + ending for ending in _ENDINGS.get(language, ())]
    if colour.endswith("o"):
        found += [colour[:-1] + ending for ending in _ENDINGS_OF_O.get(language, ())]
    return found


# Each of the basic colours: its words in all languages, in plain letters.
BASIC_COLOURS = tuple(
    frozenset(
        form
        for language, listed in zip(_WORDS, words, strict=True)
        for word in plain(listed).split("/")
        for form in (word, *inflected(word, language))
    )
    for words in zip(*(listed.split() for listed in _WORDS.values()), strict=True)
)
