"""The lexicon: complete lines; membership by kind, then by title."""

from training.lexicon import LANGUAGES, read_families, read_modifiers


def test_every_family_has_a_name_in_every_language() -> None:
    families = read_families()

    assert len(families) > 100
    for family in families:
        assert tuple(family.names) == LANGUAGES
        assert all(name for names in family.names.values() for name in names)
        assert family.kinds or family.titles


def test_every_modifier_has_a_word_in_every_language() -> None:
    assert all(
        tuple(one.words) == LANGUAGES and all(one.words.values()) for one in read_modifiers()
    )


def test_the_title_decides_only_if_the_kind_is_unknown() -> None:
    hdmi = next(family for family in read_families() if "hdmi cable" in family.kinds)

    assert hdmi.holds("hdmi cable", "acme 2 m")
    assert hdmi.holds("cable", "acme hdmi cable 2 m")
    assert not hdmi.holds("cable", "acme usb cable 2 m")
    assert not hdmi.holds("cable tie", "tie for an hdmi cable")
