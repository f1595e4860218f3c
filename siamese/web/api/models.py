"""What the HTTP API is asked and what it answers: the bodies' fields, with the documentation that OpenAPI shows."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field, create_model

from siamese.web.api import examples
from siamese.web.api.bodies import Photo

MOST_NEIGHBOURS = 1000
MOST_TAGS = 100  # of one photo
LONGEST_NAME = 100  # of an emotion, in characters

APhoto = Annotated[Photo, Field(description="The photo's file: JPEG, PNG, WebP, BMP, GIF or TIFF.")]
FaceNumber = Annotated[int, Field(ge=0, description="Which face of the photo, from 0, the largest first.")]
Emotion = Annotated[str, Field(max_length=LONGEST_NAME)]  # pydantic looks into strings for what is no text only then
Tag = Annotated[str, Field(min_length=1, max_length=100)]
Whole = Annotated[bool, Field(description="Take the picture itself as the face where no face is found.")]


def _like(example: dict[str, Any], extra: Literal["ignore", "forbid"] = "ignore") -> ConfigDict:
    """A model's configuration, with an example of it for the API's description."""
    return ConfigDict(json_schema_extra={"examples": [example]}, extra=extra)


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Read(_Asked):
    """A photo whose faces are to be read."""

    model_config = _like(examples.READ, extra="forbid")

    photo: APhoto
    whole: Whole = False


class Compare(_Asked):
    """Two photos with the faces to be compared."""

    model_config = _like(examples.COMPARE, extra="forbid")

    first: APhoto
    second: APhoto
    first_face: FaceNumber = 0
    second_face: FaceNumber = 0
    whole: Whole = False


class Similar(_Asked):
    """A photo, and which examples of the gallery are sought."""

    model_config = _like(examples.SIMILAR, extra="forbid")

    photo: APhoto
    k: int = Field(12, ge=1, le=MOST_NEIGHBOURS, description="How many examples.")
    emotion: Emotion | None = Field(None, description="Only examples of this emotion.")
    face: FaceNumber = 0
    whole: Whole = False


class Teach(_Asked):
    """An expression to be known from now on."""

    model_config = _like(examples.TEACH, extra="forbid")

    name: str = Field(description="What the expression is called.", examples=["smirk"])
    photos: Annotated[list[Photo], FailFast()] = Field(
        min_length=1, description="Photos that show it; of each, the largest face counts."
    )
    anyway: bool = Field(False, description="Also where the photos disagree, or show what is known.")


def teach_within(photos: int, letters: int) -> type[Teach]:
    """`Teach`, of so many photos at most, and a name of so many characters."""
    name, given = Teach.model_fields["name"], Teach.model_fields["photos"]
    return create_model(
        "Teach",
        __base__=Teach,
        name=(Annotated[str, Field(max_length=letters)], name),
        photos=(Annotated[list[Photo], Field(max_length=photos)], given),
    )


class Add(_Asked):
    """A photo whose faces become examples of the gallery."""

    model_config = _like(examples.ADD, extra="forbid")

    photo: APhoto
    emotion: Emotion | None = Field(
        None, description="What its largest face shows; left out, the network reads all faces."
    )
    source: str = Field("a photo", max_length=200, description="A line on where it comes from.")
    tags: Annotated[list[Tag], FailFast()] = Field([], max_length=MOST_TAGS, description="Words to find it by.")
    whole: Whole = False


Box = Annotated[list[float], Field(min_length=4, max_length=4, description="Left, top, right, bottom, in pixels.")]


class Face(BaseModel):
    """A face and what it shows."""

    emotion: str = Field(examples=["happiness"])
    confidence: float = Field(description="The emotion's calibrated probability.", examples=[0.94])
    probabilities: dict[str, float] = Field(description="Calibrated; they sum to one.")
    similarities: dict[str, float] = Field(description="Cosine similarity to each expression's prototype.")
    box: Box
    landmarks: dict[str, list[float]] | None = Field(description="Five points (x, y), or null for a whole picture.")
    whole_picture: bool = Field(description="Whether the picture itself was taken as the face.")


class Faces(BaseModel):
    """The faces of a photo, the largest first."""

    model_config = _like(examples.FACES)

    faces: list[Face]


class Compared(BaseModel):
    """Whether two faces show the same expression."""

    model_config = _like(examples.COMPARED)

    similarity: float = Field(description="Cosine, −1 to 1.", examples=[0.81])
    probability: float = Field(description="That both show the same expression.", examples=[0.87])
    same_expression: bool = Field(description="The verdict at the threshold.")
    threshold: float = Field(description="The similarity from which two faces count as the same expression.")
    first: Face
    second: Face


class Neighbour(BaseModel):
    """An example of the gallery."""

    id: str
    emotion: str
    similarity: float = Field(description="Cosine, −1 to 1.")
    source: str
    labelled_by: str


class Neighbours(BaseModel):
    """The examples most similar to a face, best first."""

    model_config = _like(examples.NEIGHBOURS)

    neighbours: list[Neighbour]


class Lesson(BaseModel):
    """What a few faces say of an expression."""

    model_config = _like(examples.LESSON)

    name: str
    agreements: list[float] = Field(description="Of each face, the cosine similarity to the mean of the others.")
    nearest: str | None = Field(description="The expression that is most similar to it.")
    nearest_similarity: float | None
    doubts: list[str]


class Example(BaseModel):
    """An example of the gallery; its picture is at its id's /thumbnail."""

    id: str
    emotion: str
    source: str
    labelled_by: str
    notes: dict[str, float]
    tags: list[str]
    box: Box | None
    content: str = Field(description="The hash of its photo's file, or nothing.")


class Examples(BaseModel):
    """A page of the gallery."""

    model_config = _like(examples.EXAMPLES)

    gallery: str = Field(description="What it is called.")
    count: int = Field(description="How many examples are meant, on all pages.")
    page: int
    examples: list[Example]


class Added(BaseModel):
    """The examples that were new."""

    model_config = _like(examples.ADDED)

    examples: list[Example]


class EmbeddedFace(BaseModel):
    """A face as the network sees it."""

    box: Box
    embedding: list[float] = Field(description="Of unit length; an inner product of two is their cosine similarity.")


class EmbeddedFaces(BaseModel):
    """The faces of a photo, the largest first, and the network whose embeddings these are."""

    model_config = _like(examples.EMBEDDED_FACES)

    network: str = Field(description="Embeddings of different networks do not compare.", examples=["ecc67e45f0a5"])
    faces: list[EmbeddedFace]


class Status(BaseModel):
    """How the service is."""

    status: str = Field(examples=["ready"])


class Version(BaseModel):
    """What answers: the program, the network, and the expressions that it knows now."""

    semblance: str = Field(examples=["0.1.0"])
    network: str = Field(examples=["ecc67e45f0a5"])
    expressions: list[str]


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    model_config = _like(examples.PROBLEM)

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="A sentence that a person can act on, the same as on the page.")
    code: str = Field(description="Stays the same in later versions.", examples=["no-face"])
    lesson: dict[str, Any] | None = Field(None, description="The figures of a lesson that looks wrong.")
    request_id: str = Field(description="What the answer's X-Request-ID and the log call the request.")
