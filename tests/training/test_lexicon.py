"""The lexicon: complete lines; membership by kind, then by title; sizes; frames."""

import random

import pytest

from training.lexicon import LANGUAGES, Lexicon, Measure, read_lexicon


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return read_lexicon()


def test_every_family_has_a_name_in_every_language(lexicon: Lexicon) -> None:
    assert len(lexicon.families) > 100
    for family in lexicon.families:
        assert tuple(family.names) == LANGUAGES
        assert all(name for names in family.names.values() for name in names)
        assert family.kinds or family.titles


def test_every_property_and_size_has_a_word_in_every_language(lexicon: Lexicon) -> None:
    measures = [one.words for one in lexicon.measures]
    for words in [one.words for one in lexicon.modifiers] + measures:
        assert tuple(words) == LANGUAGES
        assert all(words.values())
    assert all("{}" in form for words in measures for form in words.values())


def test_every_language_has_frames_that_hold_the_thing(lexicon: Lexicon) -> None:
    assert tuple(lexicon.frames) == LANGUAGES
    assert len({len(frames) for frames in lexicon.frames.values()}) == 1
    assert all(frame.count("{}") == 1 for frames in lexicon.frames.values() for frame in frames)


def test_brands_are_in_lower_case_as_those_of_the_products(lexicon: Lexicon) -> None:
    assert all(brand == brand.lower() for brand in lexicon.brands)
    assert all(all(names.values()) for names in lexicon.brands.values())


def test_a_size_is_the_same_number_in_every_language(lexicon: Lexicon) -> None:
    litres = Measure(1.7, 1.7, 0.1, lexicon.measures[0].words)

    assert litres.drawn(random.Random(0)).words == {
        "en": "1.7 L",
        "zh": "1.7升",
        "ja": "1.7リットル",
        "de": "1,7 l",
        "fr": "1,7 l",
        "es": "1,7 l",
    }


def test_sizes_have_the_steps_of_the_unit() -> None:
    kilograms = Measure(1, 2, 0.5, {"en": "{} kg"})

    drawn = {kilograms.drawn(random.Random(seed)).words["en"] for seed in range(20)}

    assert drawn == {"1 kg", "1.5 kg", "2 kg"}


def test_the_title_decides_only_if_the_kind_is_unknown(lexicon: Lexicon) -> None:
    hdmi = next(family for family in lexicon.families if "hdmi cable" in family.kinds)

    assert hdmi.holds("hdmi cable", "acme 2 m")
    assert hdmi.holds("cable", "acme hdmi cable 2 m")
    assert not hdmi.holds("cable", "acme usb cable 2 m")
    assert not hdmi.holds("cable tie", "tie for an hdmi cable")
