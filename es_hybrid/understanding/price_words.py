"""What shoppers say around a price, in 15 languages, each in plain letters."""

from __future__ import annotations

import re

from es_hybrid.understanding.plain import CJK, plain

# Words before an amount -> operator.
_BEFORE = {
    "lt": """
        <; under; below; beneath; less than; less then; lower than; cheaper than; cheaper then
        unter; unterhalb von; kleiner; kleiner als; weniger als; billiger als; günstiger als
        guenstiger als
        moins de; à moins de; en dessous de; au dessous de; sous; inférieur à; inférieure à
        inférieurs à; inférieures à; moins cher que; moins chère que; moins chers que
        moins chères que
        menos de; por menos de; por debajo de; debajo de; inferior a; más barato que; menos que
        menor de; menor a; menor que; inferiores a
        más barata que; más baratos que; más baratas que; a menos de; abaixo de; mais barato que
        meno di; a meno di; sotto; al di sotto di; inferiore a; più economico di
        onder; minder dan; beneden; goedkoper dan; lager dan
        mindre än; billigare än; mindre end; billigere end; mindre enn; billigere enn
        poniżej; mniej niż; tańsze niż; дешевле; меньше; менее; ниже
        低于; 少于; 小于; 便宜于; 不到; 低於""",
    "lte": """
        < =; ≤; up to; upto; max; maximum; at most; no more than; not more than; not over; within
        budget; budget of; budget is; not exceeding; no higher than; not cost more than
        doesn t cost more than; max price; maximum price; maximum price of; no more expensive than
        bis; bis zu; höchstens; hoechstens; maximal; nicht mehr als; nicht über; nicht ueber
        nicht teurer als; budget von; max preis; maximalpreis; höchstpreis; preislimit
        jusqu à; jusque; maxi; au maximum; au plus; pas plus de; pas plus que; budget de
        pas plus cher que; prix maximum; ne dépassant pas; ne dépasse pas; ne coûte pas plus de
        hasta; máximo; como máximo; no más de; no cueste más de; no cuesten más de; presupuesto
        presupuesto de; maximo de; a lo sumo; no pasen de; no pase de; no supere; no superen
        máximo de; até; no máximo; não mais de; orçamento de; não custe mais de
        fino a; fino ai; massimo; al massimo; non più di; non costi più di; non costa più di
        entro; entro i; budget di; non oltre
        tot; tot en met; maximaal; hoogstens; niet meer dan; budget van; hooguit
        upp till; högst; inte mer än; op til; højst; maks; opptil; høyst; inntil; ikke mere end
        ikke mer enn
        do; maksymalnie; maks; nie więcej niż; najwyżej; до; не дороже; не более; не больше
        максимум; не выше
        不超过; 不要超过; 别超过; 不高于; 不多于; 最多; 至多; 最高; 预算; 預算; 不超過; 최대; 예산
        最大; 予算; 予算は; 予算が""",
    "gt": """
        >; over; above; more than; more then; greater than; higher than; exceeding
        über; ueber; mehr als; oberhalb von; teurer als
        plus de; au dessus de; à plus de; supérieur à; supérieure à; supérieurs à; plus cher que
        más de; por encima de; superior a; mayor de; mayor a; mayor que; mais de; acima de
        più di; oltre; oltre i; sopra; al di sopra di; superiore a
        boven; meer dan; duurder dan
        över; mer än; mere end; mer enn; dyrare än
        powyżej; więcej niż; droższe niż; дороже; больше; более; свыше; выше
        高于; 超过; 大于; 多于; 高於; 超過""",
    "gte": """
        > =; ≥; at least; from; min; minimum; starting at; starting from; no less than
        not less than; upwards of; min price; minimum price
        ab; mindestens; wenigstens; mindestpreis; nicht unter; nicht weniger als
        à partir de; a partir d; dès; au moins; au minimum; pas moins de
        desde; a partir de; como mínimo; al menos; mínimo; por lo menos; no menos de; no mínimo
        pelo menos
        a partire da; almeno; minimo; come minimo; vanaf; ten minste; minstens; minimaal
        från; fra; minst; mindst; od; co najmniej; от; не менее; не меньше; минимум
        至少; 不低于; 不少于; 起码; 最低; 최소""",
    "around": """
        ~; around; about; approx; approximately; roughly; circa; ca; somewhere around
        etwa; ungefähr; ungefaehr; rund; um; um die; so um; so um die; zirka
        environ; autour de; aux alentours de; à peu près; dans les
        alrededor de; unos; aproximadamente; cerca de; más o menos; por volta de
        intorno a; intorno ai; sui; all incirca; più o meno
        rond; ongeveer; rondom; omkring; cirka; runt; około; okolo; w okolicach; около; примерно
        大约; 大概; 约; 差不多; 大約; 約; およそ; だいたい; 약""",
}
# Words after an amount -> operator. A single word ends the query or precedes a comma.
_AFTER = {
    "lt": "and below; and under; or cheaper; oder günstiger; oder billiger; ou moins cher",
    "lte": """
        or less; or under; or below; or lower; and less; max; maximum; at most; tops; maxi
        oder weniger; maximal; höchstens; ou moins; au plus; au maximum; maximum; o menos
        como máximo; máximo; como mucho; ou menos; no máximo; o meno; massimo; al massimo
        of minder; maximaal; of goedkoper; eller mindre; max; maks; lub mniej; или меньше
        budget; 内""",
    "gt": "",
    "gte": """
        or more; or above; or higher; and up; and above; and more; and over; upwards; minimum; min
        oder mehr; und mehr; aufwärts; ou plus; et plus; au minimum; o más; en adelante; mínimo
        y más; ou mais; o più; in su; of meer; en meer; eller mer; lub więcej; +""",
    "around": "or so; oder so; environ; más o menos; aproximadamente; circa; ongeveer; ish",
}
# Suffixes in Chinese, Japanese and Korean.
_SUFFIXES = {
    "lt": "未満; より安い; 미만; 未满; 未滿",
    "lte": "以下; 以内; 以內; 之内; 或以下; まで; 이하; 이내; 까지; 封顶",
    "gt": "より高い; 超; を超える",
    "gte": "以上; 起; 之上; から; 이상; 부터",
    "around": "左右; くらい; ぐらい; 前後; 程度; ほど; 정도",
}
# Words that make any number a price, before another of these words or the amount itself.
_PRICE = """
    price; prices; priced; priced at; price of; price range; cost; costs; costing; cost is
    that cost; that costs; which costs; which cost; a price of; with a price of
    preis; preislich; preis von; zum preis von; kostet; kosten; preisklasse; preisbereich
    preisspanne; preisspanne von; preisrahmen; preisrahmen von
    prix; au prix de; coûtant; qui coûte; qui coûtent; un prix de; à un prix de; prix de
    precio; precios; precio de; con precio; que cueste; que cuesten; que cuesta
    de precio; prezzo; che costa; che costano; a un prezzo; prijs; die kost; kosten; preço
    que custe; que custem
    pris; pris på; cena; w cenie; cenie; цена; ценой; стоимостью; цены; по цене
    价格; 价位; 价钱; 售价; 单价; 预算; 價格; 値段; 価格; 予算; 予算は; 가격; 예산"""
# Cues that speak of nothing but prices.
_CHEAPER = """
    cheaper than; cheaper then; billiger als; günstiger als; guenstiger als; nicht teurer als
    teurer als; moins cher que; moins chère que; moins chers que; moins chères que; plus cher que
    más barato que; más barata que; más baratos que; más baratas que; mais barato que
    più economico di; goedkoper dan; duurder dan; billigare än; billigere end; billigere enn
    tańsze niż; дешевле; дороже; не дороже; 便宜于; 预算; 預算; 予算; 予算は; 予算が; 예산
    max price; maximum price; max preis; maximalpreis; höchstpreis; prix maximum; min price
    minimum price; mindestpreis; no more expensive than; pas plus cher que"""
# Words that belong to a price phrase without making it one.
_LEADING = """
    for; at; in the; in the range of; in range; within; that is; that are; which are; with
    with a; is
    are; only; und; zum; für; fuer; pour; por; per; voor; för; за
    à; a; de; con; con un; avec un; mit; mit einem; in der; in einer; die; welche; que; che; im
    en; na; в
    bei; up to; bis
    在; 要; 是; 为"""
_BETWEEN = """
    between; betwen; beetween; zwischen; zw; entre; tra; fra; tussen; mellan; mellem; mellom; między
    pomiędzy; miedzy; между; 介于; 在"""
_FROM = "from; von; de; da; dai; van; od; från; fra; del; от; ab; 从; desde; vanaf; 自"
_TO = """
    -; ~; to; till; until; up to; bis; bis zu; à; jusqu à; a; hasta; ai; al; fino a; tot; t m; até
    til; do; 到; 至; から; から ~; 부터; 에서; до; and up to"""
_AND = "and; und; et; y; e; ed; en; och; og; i; a; и; 和; 与; &; 跟"

_BUT = (
    "but; and; aber; und; mais; et; pero; y; ma; e; maar; en; mas; men; och; og; ale; i; но; и; 但"
)
_SIZE = """
    size; sizes; größe; groesse; gr; nr; taille; pointure; talla; número; taglia; numero; maat
    tamanho; storlek; størrelse; rozmiar; размер; 尺码; 码; サイズ; 사이즈"""
_ARTICLES = "the; den; die; der; de; les; i; gli; le; los; las; os; as; het"
_NO_UNIT = """
    for; with; and; or; in; für; mit; und; oder; pour; avec; et; para; con; y; per; e; voor; met
    com; 的; の"""
_NEGATIONS = "not; non; nicht; no; pas; niet; não; inte; ikke; nie; не; 不"
_TAILS = """
    price range; range; price; kosten; kostet; prix; 的价格; 之间的; 之间; 之間; 间的; 间; で買える
    台の; 的; の; で; 의; 인; 짜리"""


def _phrases(listed: str) -> list[str]:
    """The phrases in plain letters, words and CJK letters separated by one space."""
    spaced = re.sub(f"([{CJK}])", r" \1 ", plain(listed.replace("\n", ";")))
    return [" ".join(phrase.split()) for phrase in spaced.split(";") if phrase.strip()]


def _operators(listed: dict[str, str]) -> dict[str, str]:
    return {phrase: operator for operator, text in listed.items() for phrase in _phrases(text)}


BEFORE = _operators(_BEFORE)
AFTER = _operators(_AFTER)
SUFFIXES = _operators(_SUFFIXES)
PRICE = frozenset(_phrases(_PRICE))
CHEAPER = frozenset(_phrases(_CHEAPER))
LEADING = frozenset(_phrases(_LEADING)) | PRICE
BETWEEN = frozenset(_phrases(_BETWEEN))
FROM = frozenset(_phrases(_FROM))
TO = frozenset(_phrases(_TO))
AND = frozenset(_phrases(_AND))
# Between the two bounds of a price.
BUT = frozenset(_phrases(_BUT)) | {"", ","}
# `size 38 up to 50 euros` is no range.
SIZE = frozenset(_phrases(_SIZE))
ARTICLES = frozenset(_phrases(_ARTICLES))
# After a bare number these begin another thought; any other word could be its unit.
NO_UNIT = frozenset(_phrases(_NO_UNIT))
# `not under 50 euros` means something else.
NEGATIONS = frozenset(_phrases(_NEGATIONS))
# End a price phrase.
TAILS = frozenset(_phrases(_TAILS))
# Names and other words that a cue ends: `Air Max 90`, `pull over`.
NAMES_WITH_CUES = {
    "max": frozenset(["air", "pro", "airpods", "mad"]),
    "over": frozenset(["pull", "roll", "sleep", "hang", "make", "turn", "fly", "cross"]),
}
