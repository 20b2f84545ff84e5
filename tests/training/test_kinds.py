"""The kind of a product, found in its title."""

from es_hybrid.records import Product
from training.kinds import Kinds


def product(title: str, category: str = "") -> Product:
    return Product(id="1", title=title, category=(category,) if category else ())


CATALOGUE = [
    *(product(f"Targus TB{n} notebook case 39.6 cm Black") for n in range(4)),
    *(product(f"Kensington Classic {n} Desk Lock") for n in range(9)),
    *(product(f"Acme {n} cable lock 2 m") for n in range(3)),
    *(product(f"HP {n} toner cartridge Original Black 1 pc(s)") for n in range(3)),
]


def test_lower_case_words_name_the_kind() -> None:
    kinds = Kinds(CATALOGUE)

    assert kinds.of(product("Belkin F8 notebook case 25 cm Red")) == "notebook case"
    assert kinds.of(product("HP 80 toner cartridge Original Cyan 1 pc(s)")) == "toner cartridge"


def test_the_last_words_name_a_known_kind() -> None:
    assert Kinds(CATALOGUE).of(product("Kensington Slim Desk Lock - Black")) == "desk lock"


def test_words_before_a_kind_are_not_the_kind() -> None:
    assert Kinds(CATALOGUE).of(product("Targus notebook case with strap")) == "notebook case"


def test_a_specific_category_takes_precedence() -> None:
    kinds = Kinds(CATALOGUE)

    assert kinds.of(product("Belkin F8 notebook case", "Sleeve")) == "sleeve"
    assert kinds.of(product("Belkin F8 notebook case", "System")) == "notebook case"


def test_an_unclear_title_has_no_kind() -> None:
    assert Kinds(CATALOGUE).of(product("Kyocera MK-671")) == ""
