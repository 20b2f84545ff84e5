"""Words that exclude, and words that end what is excluded, in plain letters."""

from __future__ import annotations

from es_hybrid.understanding.plain import plain


def _words(listed: str) -> frozenset[str]:
    return frozenset(plain(listed).split())


def _phrases(listed: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in plain(listed).split(";"))


# Words before an unwanted thing -> language.
WITHOUT = {
    plain(phrase): language
    for language, listed in {
        "en": "without; w/o; withou; witout; wihtout; free of; free from; excluding; except; "
        "but no; and no; with no; but not; has no; not containing; minus the",
        "de": "ohne; ausser; außer; aber kein; aber keine; aber keinen; aber nicht; frei von",
        "fr": "sans; sauf; mais pas de; mais pas d; ne contenant pas de",
        "es": "sin; excepto; que no tenga; que no lleve; que no contenga; pero no",
        "it": "senza; tranne; eccetto; ma non",
        "nl": "zonder; behalve; maar geen; maar niet",
        "pt": "sem; exceto; mas nao",
        "sv": "utan; förutom; men inte",
        "da": "uden; undtagen",
        "no": "uten; unntatt",
        "pl": "bez; oprócz",
        "ru": "без; кроме",
    }.items()
    for phrase in listed.split("; ")
}
# Exclude after a comma: `wooden, no plastic`. Elsewhere they belong to names: `no name`, `No 5`.
AFTER_COMMA = {
    plain(phrase): language
    for language, listed in {
        "en": "no; not; never",
        "de": "kein; keine; keinen; keinerlei; nicht",
        "fr": "pas de; pas d; pas; aucun; aucune",
        "es": "no; nada de; ningún; ninguna",
        "it": "niente; nessun; nessuna",
        "nl": "geen; niet",
        "pt": "não; nada de; nenhum",
        "sv": "inga; ingen; inget; inte",
    }.items()
    for phrase in listed.split("; ")
} | {"no": "en"}
FIRST_WORDS = frozenset(phrase.split()[0] for phrase in [*WITHOUT, *AFTER_COMMA])
# `Hemd keine Streifen`: these exclude without a comma as well.
MID_SENTENCE = _words("kein keine keinen keinerlei geen")
BEFORE_WITHOUT = _words(
    "but and or aber und oder mais et pero y o ma e maar en mas men och ale i но и bitte please"
)

# What says the thing is absent rather than unwanted: a search for it finds products named so.
PRODUCT_WORDS = _phrases(
    """sans fil; sans fils; sans contact; sans couture; sans coutures; sans soudure; sans frontières
    ; sans serif; sin cable; sin cables; sin hilos; sin contacto; sin costura; sin costuras; sin fin
    ; sin city; senza fili; senza filo; senza contatto; senza cuciture; sem fio; sem fios
    ; sem costura; sem contato; without borders; without you; ohne dich; ohne worte; bez granic
    ; utan gränser; zonder naad; senza parole; sans pareil; sans souci; sans gene; sans marque
    ; sin marca; ohne marke; without words; sans charbon; sans charbons; sans balais
    ; sin escobillas; sin fugas; senza spazzole"""
)
DETERMINERS = _words(
    """a an any the all added visible extra additional own ein eine einen einem einer der die das
    den jegliche
    jeglichen zugesetzten zugesetzter zugesetztes sichtbare zusatzliche de des du d le la les l un
    une aucun aucune ajout ajouts los las el una ningun ninguna il lo gli uno
    alcun alcuna aggiunta het o os as um uma nenhum qualquer"""
)
PRONOUNS = _words(
    """you me us him her it them i we he she dich mich uns dir mir euch sie ihn ihm toi moi nous lui
    eux elle vous ti mi nosotros te noi voi jou mij ons que qu ce cela dat dass zu being having
    doubt fail limits ende zweifel doute duda dubbio end rest pause"""
)
# They begin another thought.
BOUNDARIES = _words(
    """for with without in on at to from by of under over below above between up less more than as
    that which who i my is are has made size about around max maximum min but not no near
    fur fuer mit ohne im am an auf aus bei bis von vom zum zur unter uber ueber zwischen ab
    weniger mehr als der
    die das dem den fuers furs wie ist sind grosse groesse aber nicht maximal gegen nach vor hinter
    pour avec sans en dans sur sous par a au aux moins plus jusqu qui que est taille mais chez
    para con sin por sobre hasta desde entre menos mas talla pero del al
    per senza su fino da tra fra sotto meno piu taglia ma nel nella di
    voor met zonder op van tot onder tussen minder meer dan maat maar niet bij
    com sem ate abaixo tamanho no na
    med utan till av upp storlek men uden uten
    dla z ze bez na od do w rozmiar ale для с без на от до в но size"""
)
LISTING = _words("or nor and und oder noch et ou ni y o e ed en of och eller og i lub ani и или u")
# Adjectives that precede what they describe.
MODIFIERS = _words(
    """artificial long short big small large side front back high palm animal refined white cup
    kunstliche kunstlichen kunstlicher lange langen kurze grosse grossen tierische tierischen
    weissen"""
)
# After the unwanted thing, a colour, a size or a person describes the product again.
NEW_THOUGHT = _words(
    """black white blue red green grey gray brown pink yellow beige navy purple orange
    schwarz weiss weiß blau rot grun grau braun rosa gelb lila schwarze schwarzer schwarzes weisse
    rote rotes roter blaue blaues blauer
    noir noire blanc blanche bleu bleue rouge vert verte gris grise marron rose jaune
    negro negra blanco blanca azul rojo roja verde gris marron rosa amarillo
    nero nera bianco bianca blu rosso rossa grigio grigia zwart wit blauw rood groen grijs bruin
    preto preta branco branca vermelho svart vit blå röd czarny biały niebieski czarna biała
    men mens women womens kids boys girls baby man woman unisex
    herren damen kinder jungen madchen manner frauen homme femme enfant fille garcon bebe hommes
    femmes
    hombre mujer hombres mujeres nino nina ninos ninas uomo donna bambino bambina heren dames
    kinderen homem mulher crianca
    xs s m l xl xxl"""
)
# Verbs in -ing and German nouns made of verbs: `towel rail without drilling` names how it is
# mounted, and products say so in these words.
VERBS = _words(
    """drilling ironing cooking sewing gluing glueing screwing bleeding smoking stirring soaking
    bohren bugeln kochen kleben schrauben nahen boren strijken worries"""
)
VERB_ENDINGS = {
    "fr": ("er", "ir"), "es": ("ar", "er", "ir"), "it": ("are", "ere", "ire"),
    "pt": ("ar", "er", "ir"),
}  # fmt: skip
NO_VERBS = _words("azucar acucar papier collier tablier collar cuir alquiler cuiller saphir fer")
# Not wishes: `side panels not included`.
STATES = _words("included categorized required needed assembled recommended supported")
# Before a minus, these are halves of a word: `anti -slip`, `Hosen und -jacken`.
NO_MINUS_AFTER = LISTING | _words("anti non multi mini semi ultra super pre self all de re co")
