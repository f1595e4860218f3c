"""The faces of many photos → the few photos that best show how varied their expressions are, and a sheet of them.

The chosen photos are medoids: as little as possible is left between each face of the album and the face of a chosen
photo that is most like it (the p-median problem; built greedily, then improved by swaps as in PAM: Kaufman and
Rousseeuw 1990). Two things make them show variety, not what was photographed most. Faces count the less, the more of
the album is like them. And of near-identical photos, such as a burst, only the first may be chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from siamese.errors import AlbumError
from siamese.faces.align import CROP_SIZE
from siamese.gallery.closeness import SAME_PICTURE, patterns
from siamese.vocabulary import emotion_of

MOST_FACES = 6000  # each is compared with each: 2.4 GB and 10 s here
SAME_EXPRESSION = 0.9  # cosine; most frames of one CK+ sequence reach it, hardly any two expressions of one person do

_GAIN = 1e-9  # by which a swap must lower the cost, lest rounding swap for ever

_TILE, _CAPTION, _GAP = 200, 46, 16  # pixels
_PAPER, _INK, _QUIET = "#ffffff", "#1d2430", "#5d6675"

Matrix = NDArray[np.float64]
Rows = NDArray[np.int64]


class AlbumFace(Protocol):
    """A face that was read; `siamese.answers.Reading` is one."""

    @property
    def portrait(self) -> NDArray[np.uint8]:
        """The aligned face as people see it, square, grey or RGB."""
        ...

    @property
    def embedding(self) -> NDArray[np.float32]:
        """(embedding_size,), of unit length."""
        ...

    @property
    def emotion(self) -> str:
        """What it shows."""
        ...


@dataclass(frozen=True, eq=False)
class Highlight:
    """A chosen photo: its name, the face in it that most of the album is like, and how many photos it stands for.

    `face` counts the photo's faces from 0, in the order in which they came; the photo itself is one of `stands_for`.
    """

    photo: str
    face: int
    emotion: str
    stands_for: int
    portrait: NDArray[np.uint8]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the picture, ready for JSON."""
        return {"photo": self.photo, "face": self.face, "emotion": self.emotion, "stands_for": self.stands_for}


@dataclass(frozen=True, eq=False)
class Summary:
    """The chosen photos, how many photos they stand for, and why each of the others was left out, by name."""

    highlights: tuple[Highlight, ...]
    photos: int
    left_out: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the pictures, ready for JSON."""
        return {
            "photos": self.photos,
            "highlights": [highlight.to_dict() for highlight in self.highlights],
            "left_out": dict(self.left_out),
        }


def summarise(photos: Mapping[str, Sequence[AlbumFace]], count: int) -> list[Highlight]:
    """At most `count` photos that stand for all, those first that stand for most; of equals, the album's first.

    Fewer only where there are fewer different ones. Photos without a face are left out, and stand for nothing. Raises
    AlbumError when no photo has a face, there are more than MOST_FACES, or `count` is below 1.
    """
    if count < 1:
        raise AlbumError(f"A summary needs room for at least one photo, not {count}.")
    require_few(sum(map(len, photos.values())))
    names = [name for name, faces in photos.items() if faces]
    if not names:
        raise AlbumError("There is no face in these photos, and so nothing to summarise.")
    faces = [face for name in names for face in photos[name]]
    owners = np.repeat(np.arange(len(names)), [len(photos[name]) for name in names])
    similarities = _similarities(faces)
    candidates = different_photos((similarities >= SAME_EXPRESSION) & _same_picture(faces), owners)
    kept = np.isin(owners, candidates)
    distances = nearest_of_photo(1 - similarities, owners)
    weights = rarity(similarities[np.ix_(kept, kept)])
    places = medoids(distances[np.ix_(kept, candidates)], weights, min(count, len(candidates)))
    followed = _followed(distances, owners, candidates[places])
    highlights = []
    for photo in candidates[places]:
        name, followers = names[photo], followed == photo
        face = _foremost(similarities, owners, photo, followers)
        shown = photos[name][face]
        highlights.append(Highlight(name, face, shown.emotion, int(followers.sum()), shown.portrait))
    return sorted(highlights, key=lambda each: -each.stands_for)


def require_few(faces: int) -> None:
    """Raises AlbumError when there are more faces than can be compared."""
    if faces > MOST_FACES:
        raise AlbumError(f"An album may have {MOST_FACES:,} faces, and this one has more. Summarise it part by part.")


def different_photos(repeats: NDArray[np.bool_], owners: Rows) -> Rows:
    """The photos left when each is dropped all of whose faces repeat some of one photo kept before.

    `repeats` (n, n) says which faces repeat each other, and `owners` (n,) whose each is, by photos counted from 0.
    """
    starts = _starts(owners)
    repeated = np.logical_or.reduceat(repeats, starts, axis=1)  # each face, in each photo
    contained = np.logical_and.reduceat(repeated, starts, axis=0)
    kept: list[int] = []
    for photo, within in enumerate(contained):
        if not within[kept].any():
            kept.append(photo)
    return np.array(kept)


def nearest_of_photo(distances: Matrix, owners: Rows) -> Matrix:
    """From distances between faces (n, n), each face's distance (n, photos) from the nearest face of each photo."""
    return np.minimum.reduceat(distances, _starts(owners), axis=1)


def rarity(similarities: Matrix) -> NDArray[np.float64]:
    """How much each face counts (n,): one, shared among all the faces that are like it, by cosines (n, n)."""
    return 1 / np.maximum(similarities, 0).sum(axis=1)


def medoids(distances: Matrix, weights: NDArray[np.float64], count: int) -> Rows:
    """The `count` columns that leave the least weighted distance from each row to its nearest of them; ascending.

    `distances` (n, m), `weights` (n,). Columns are added one by one, then each is exchanged for a better one until no
    exchange lowers the cost. The same input gives the same answer; of equally good columns the first is taken.
    """
    chosen: list[int] = []
    for _ in range(count):
        chosen.append(_best_addition(distances, weights, chosen))
    improved = True
    while improved:
        improved = False
        for place in range(count):
            others = chosen[:place] + chosen[place + 1 :]
            better = _best_addition(distances, weights, others)
            if cost(distances, weights, [*others, better]) < cost(distances, weights, chosen) - _GAIN:
                chosen[place] = better
                improved = True
    return np.sort(np.array(chosen))


def cost(distances: Matrix, weights: NDArray[np.float64], chosen: Sequence[int]) -> float:
    """What is left between the rows and the nearest of the chosen columns, weighted."""
    return float(weights @ distances[:, list(chosen)].min(axis=1))


def draw_sheet(highlights: Sequence[Highlight], columns: int | None = None) -> Image.Image:
    """The highlights' faces in rows, each with its expression and how many photos it stands for, RGB.

    Without `columns`, the sheet is about as wide as high. Raises AlbumError when there is none.
    """
    if not highlights:
        raise AlbumError("There is no photo to draw on the sheet.")
    columns = min(columns or ceil(sqrt(len(highlights))), len(highlights))
    rows = ceil(len(highlights) / columns)
    width, height = _TILE + _GAP, _TILE + _CAPTION + _GAP
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), _PAPER)
    for place, highlight in enumerate(highlights):
        row, column = divmod(place, columns)
        _draw_tile(sheet, highlight, _GAP + column * width, _GAP + row * height)
    return sheet


def _similarities(faces: Sequence[AlbumFace]) -> Matrix:
    embeddings = np.stack([face.embedding for face in faces]).astype(np.float64)
    return np.clip(embeddings @ embeddings.T, -1, 1)


def _same_picture(faces: Sequence[AlbumFace]) -> NDArray[np.bool_]:
    """Which faces (n, n) are one picture, each also of itself, even where it is of one shade."""
    seen = patterns(np.stack([_crop(face.portrait) for face in faces]))
    return (seen @ seen.T >= SAME_PICTURE) | np.eye(len(faces), dtype=bool)


def _crop(portrait: NDArray[np.uint8]) -> NDArray[np.uint8]:
    picture = Image.fromarray(portrait).convert("L")
    return np.asarray(picture.resize((CROP_SIZE, CROP_SIZE), Image.Resampling.BOX))


def _best_addition(distances: Matrix, weights: NDArray[np.float64], chosen: Sequence[int]) -> int:
    """The column, none of the chosen ones, that lowers the cost most."""
    left = distances[:, list(chosen)].min(axis=1, initial=np.inf)
    costs = weights @ np.minimum(distances, left[:, None])
    costs[list(chosen)] = np.inf
    return int(costs.argmin())


def _starts(owners: Rows) -> Rows:
    """The first face of each photo."""
    return np.unique(owners, return_index=True)[1]


def _followed(distances: Matrix, owners: Rows, chosen: Rows) -> Rows:
    """The chosen photo that stands for each (photos,): the one to which its faces are nearest on average, or itself."""
    mean = np.add.reduceat(distances[:, chosen], _starts(owners), axis=0) / np.bincount(owners)[:, None]
    followed = chosen[mean.argmin(axis=1)]
    followed[chosen] = chosen
    return followed


def _foremost(similarities: Matrix, owners: Rows, photo: int, followers: NDArray[np.bool_]) -> int:
    """The face of a photo, counted from 0, to which most faces of the other photos it stands for are nearest."""
    others = followers[owners] & (owners != photo)
    nearest = similarities[np.ix_(others, owners == photo)].argmax(axis=1)
    return int(np.bincount(nearest, minlength=1).argmax())


def _draw_tile(sheet: Image.Image, highlight: Highlight, left: int, top: int) -> None:
    portrait = Image.fromarray(highlight.portrait).convert("RGB")
    sheet.paste(portrait.resize((_TILE, _TILE), Image.Resampling.LANCZOS), (left, top))
    emotion, font = emotion_of(highlight.emotion), ImageFont.load_default(18)
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((left, top + _TILE, left + _TILE - 1, top + _TILE + 4), fill=emotion.colour)
    photos = "1 photo" if highlight.stands_for == 1 else f"{highlight.stands_for:,} photos"
    pen.text((left, top + _TILE + 10), _fitting(emotion.name, font), fill=_INK, font=font)
    pen.text((left, top + _TILE + 31), photos, fill=_QUIET, font=ImageFont.load_default(14))


def _fitting(name: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The name, cut where it is longer than a tile."""
    if font.getlength(name) <= _TILE:
        return name
    while font.getlength(name + "…") > _TILE:
        name = name[:-1]
    return name + "…"
