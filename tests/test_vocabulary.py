"""The vocabulary is the only list of emotions; every spelling leads to exactly one of them."""

import re

from siamese.vocabulary import EMOTIONS, VOCABULARY, emotion_of, index_of


def test_the_order_is_that_of_ferplus_vote_columns() -> None:
    assert EMOTIONS == ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")


def test_every_spelling_leads_back_to_its_emotion() -> None:
    for index, emotion in enumerate(VOCABULARY):
        for spelling in (emotion.name, emotion.name.upper(), f" {emotion.name} ", *emotion.aliases):
            assert index_of(spelling) == index


def test_no_spelling_names_two_emotions() -> None:
    spellings = [spelling for emotion in VOCABULARY for spelling in (emotion.name, *emotion.aliases)]
    assert len(spellings) == len(set(spellings))


def test_looks_are_told_apart() -> None:
    assert len({emotion.colour for emotion in VOCABULARY}) == len(VOCABULARY)
    assert len({emotion.symbol for emotion in VOCABULARY}) == len(VOCABULARY)
    assert all(re.fullmatch("#[0-9a-f]{6}", emotion.colour) for emotion in VOCABULARY)


def test_an_unknown_name_stands_for_itself() -> None:
    assert index_of("smirk") is None
    assert emotion_of("smirk").name == "smirk"
    assert emotion_of("happy") is VOCABULARY[1]
