"""The emotions Semblance knows: their order, names, colours, symbols, and every data set's spelling of them.

This is the only list of emotions. An emotion's index is its position in `EMOTIONS`, which follows FER+'s vote columns.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Emotion:
    """One class of facial expression, as shown to people."""

    name: str
    colour: str  # sRGB hex; chosen to stay apart for the common colour-vision deficiencies and on light or dark pages
    symbol: str
    aliases: tuple[str, ...] = ()


VOCABULARY: tuple[Emotion, ...] = (
    Emotion("neutral", "#8a8f98", "😐", ("ne", "neu", "neutrality", "normal")),
    Emotion("happiness", "#e69f00", "😊", ("ha", "hap", "happy", "joy", "smile")),
    Emotion("surprise", "#8e6bd6", "😮", ("su", "sur", "surprised")),
    Emotion("sadness", "#3b82c4", "😢", ("sa", "sad")),
    Emotion("anger", "#d5483a", "😠", ("an", "ang", "angry")),
    Emotion("disgust", "#4f9d45", "🤢", ("di", "dis", "disgusted")),
    Emotion("fear", "#1c9a9a", "😨", ("fe", "fea", "afraid", "fearful", "scared")),
    Emotion("contempt", "#c2589b", "😒", ("co", "con", "contemptuous")),
)

EMOTIONS: tuple[str, ...] = tuple(emotion.name for emotion in VOCABULARY)

_TAUGHT = Emotion("", "#5b6ee1", "✨")
_BY_SPELLING = {
    spelling: index for index, emotion in enumerate(VOCABULARY) for spelling in (emotion.name, *emotion.aliases)
}


def index_of(spelling: str) -> int | None:
    """The index of the emotion that a data set or a person spells this way, or None for an unknown spelling."""
    return _BY_SPELLING.get(spelling.strip().lower())


def emotion_of(name: str) -> Emotion:
    """How to show the emotion of this name; a name outside the vocabulary (a taught one) gets a look of its own."""
    index = index_of(name)
    if index is not None:
        return VOCABULARY[index]
    return Emotion(name, _TAUGHT.colour, _TAUGHT.symbol)
