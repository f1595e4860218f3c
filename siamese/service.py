"""Photos → readings, comparisons and nearest examples: the one place that knows every room."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from siamese.answers import Comparison, FaceFound, Neighbour, Reading
from siamese.errors import (
    AlbumError,
    DoubtError,
    GalleryError,
    ImageError,
    NoFaceError,
    ReferenceSetError,
    TeachingError,
)
from siamese.faces.align import alignment, cutting, face_crop, whole_picture
from siamese.faces.cascade import check_networks
from siamese.faces.decode import Photo, decode
from siamese.faces.detect import Face, FaceDetector
from siamese.gallery import corrections, teaching
from siamese.gallery.album import Summary, require_few, summarise
from siamese.gallery.build import Embedded, Entry, corners, embedded, identity, printable
from siamese.gallery.checking import LabelCheck, check_labels
from siamese.gallery.corrections import Correction
from siamese.gallery.gallery import STORE_FILE, Gallery
from siamese.gallery.items import Item, Match, Wanted
from siamese.gallery.maps import GalleryMap, map_of
from siamese.gallery.shading import Shade, shades_in
from siamese.gallery.store import IN_MEMORY, Revision
from siamese.manifest import check_manifest
from siamese.metric.calibration import Calibration
from siamese.metric.lessons import Lesson, make_lesson
from siamese.metric.prototypes import Prototypes
from siamese.metric.shades import Shades
from siamese.metric.verification import Verification
from siamese.network.runtime import NETWORK_FILES, Embedder
from siamese.settings import SHIPPED, Settings
from siamese.video.annotating import annotate
from siamese.video.following import FaceStream
from siamese.video.keyframes import KeyFrame
from siamese.video.watching import Progress, VideoReport, pictures, watch
from siamese.vocabulary import emotion_of

PORTRAIT_SIZE = 160  # pixels; the aligned face as people see it

_NO_FACE = "No face was found in this photo. Try one in which the face is larger, well lit and turned to the camera."
_AS_IT_IS = (
    "A picture that is nothing but a face can be read as it is: by a tick on the page, with --whole on the command "
    "line, or with «whole» in a request."
)


class ExpressionService:
    """Answers for photos, from a network and its reference set; safe to share between threads."""

    def __init__(
        self,
        embedder: Embedder,
        prototypes: Prototypes,
        calibration: Calibration,
        verification: Verification,
        gallery: Gallery | None = None,
        settings: Settings | None = None,
        shades: Shades | None = None,
    ) -> None:
        self.embedder = embedder
        self._built_in = prototypes
        self._known: tuple[object, Prototypes] = (None, prototypes)  # of which version of the gallery
        self.calibration = calibration
        self.verification = verification
        self.settings = settings or Settings()
        self.detector = FaceDetector(self.settings.detector, self.settings.threads)
        self._gallery = gallery
        self._shades = shades
        self._shades_seen: dict[str, tuple[object, list[Shade]]] = {}  # of each emotion: what of, and they
        self._teaching, self._checking, self._mapping = Lock(), Lock(), Lock()
        self._checked: tuple[object, LabelCheck] | None = None  # what it was made of, and the last check
        self._map: tuple[tuple[str, Revision, str], GalleryMap] | None = None  # and of which gallery, as it was when

    @classmethod
    def load(
        cls,
        reference: str | Path | None = None,
        gallery: str | Path | None = None,
        settings: Settings | None = None,
    ) -> "ExpressionService":
        """Read a reference set (by default the one that ships) and a gallery (by default the set's own).

        Raises ReferenceSetError or GalleryError when one is missing, damaged, altered or made by another network.
        """
        settings = settings or Settings()
        reference = Path(reference or settings.reference)
        if not reference.is_dir():
            raise ReferenceSetError(
                f"There is no reference set at {reference}. Name the folder that holds network.onnx."
            )
        check_manifest(reference, required=reference.resolve() == SHIPPED)
        check_networks()  # which are the same whatever the set, and are loaded when they are first needed
        network = _network_file(reference, settings.precision)
        embedder = Embedder(network, settings.threads, stretch=settings.stretch)
        own_gallery, shades = reference / "gallery", reference / "shades.npz"
        chosen = gallery or settings.gallery or (own_gallery if own_gallery.is_dir() else None)
        return cls(
            embedder,
            Prototypes.load(reference / "prototypes.npz"),
            Calibration.load(reference / "calibration.json"),
            Verification.load(reference / "verification.json"),
            _opened(chosen, embedder.fingerprint, settings, own_gallery) if chosen else None,
            settings,
            Shades.load(shades) if shades.is_file() else None,
        )

    def warm_up(self) -> None:
        """Answer once for an empty picture, so that no person waits for what is prepared at its first use."""
        (reading,) = self.recognise(np.zeros((64, 64, 3), dtype=np.uint8), whole=True)
        if self._gallery is not None and len(self._gallery):
            self.similar_to_reading(reading, k=1)

    @property
    def prototypes(self) -> Prototypes:
        """The built-in prototypes, and those of the expressions that were taught, by whatever process."""
        if self._gallery is None:
            return self._built_in
        version, known = self.gallery_version, self._known
        if known[0] != version:
            self._known = known = version, teaching.with_taught(self._gallery, self._built_in)
        return known[1]

    @property
    def gallery_version(self) -> object:
        """Differs from what it was whenever the gallery's examples or labels have changed, by whatever process.

        Raises GalleryError where there is no gallery.
        """
        store = self.gallery.store
        return store.identity, store.revision(), store.relabellings()

    @property
    def gallery(self) -> Gallery:
        """The gallery in use. Raises GalleryError when there is none."""
        if self._gallery is None:
            raise GalleryError("No gallery is loaded. Build one with `python -m siamese gallery build`.")
        return self._gallery

    def faces(self, photo: Photo, whole: bool = False) -> list[FaceFound]:
        """Every face of a photo, largest first.

        Where none is found, a small square picture that is not blank, or any picture with `whole`, is taken as the face
        itself. Raises ImageError when the photo cannot be read and NoFaceError when it shows no face.
        """
        picture = self.decode(photo)
        found = self._detect(picture, whole)
        if found:
            return _cut_all(picture, found)
        if not (whole or self._may_be_a_face(picture)):
            raise NoFaceError(_NO_FACE)
        height, width = picture.shape[:2]
        box = np.array([0, 0, width, height], dtype=np.float32)
        return [_cut(picture, whole_picture(height, width), box, None)]

    def recognise(self, photo: Photo, whole: bool = False) -> list[Reading]:
        """Every face of a photo with its expression, largest first. Raises what `faces` raises."""
        try:
            found = self.faces(photo, whole)
        except NoFaceError as error:
            raise NoFaceError(f"{error} {_AS_IT_IS}") from error
        return self._read(found)

    def follow(self) -> FaceStream:
        """What reads the frames of one camera or one video, one after another."""
        return FaceStream(
            self.detector,
            lambda frame, found: self._read(_cut_all(frame, found)),
            self.settings.following,
            self.settings.max_faces,
        )

    def watch(
        self,
        video: str | os.PathLike[str],
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        until: float | None = None,
        published: bool = False,
    ) -> VideoReport:
        """What each face in a video file shows over time, and its most telling moments.

        `progress` is told after each frame how far it is. Once `cancelled` answers yes, or at the second `until`, what
        was read by then is the answer. With `published`, moments are chosen by the published method, which looks at
        brightness alone. Raises VideoError when the file cannot be read.
        """
        return watch(video, self.follow(), self.settings.video, progress, cancelled, until, published)

    def pictures(
        self, report: VideoReport, key_frames: Iterable[KeyFrame], cancelled: Callable[[], bool] | None = None
    ) -> Iterator[tuple[KeyFrame, NDArray[np.uint8]]]:
        """Each of a video's key frames, in the order of time, and its frame, (height, width, 3) RGB uint8.

        They are fetched from the file again, one at a time, until `cancelled` answers yes. Raises VideoError when the
        file is gone.
        """
        return pictures(report, key_frames, self.settings.video, cancelled)

    def annotate(
        self,
        report: VideoReport,
        out: str | os.PathLike[str],
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> tuple[str, ...]:
        """Write a copy of the video, as far as it was read, with its faces marked: an .mp4, .mov or .mkv file.

        Returns sentences about what is missing in it. Raises VideoError when the video is gone, or the copy cannot be
        written, of which nothing is left then.
        """
        return annotate(report, Path(out), self.settings.video, progress, cancelled)

    def emotions(self, embeddings: NDArray[np.float32]) -> list[str]:
        """The emotion that each of the embeddings (n, embedding_size) shows."""
        prototypes = self.prototypes
        probabilities = self.calibration.probabilities(prototypes.similarities(embeddings))
        return [prototypes.names[row] for row in probabilities.argmax(axis=1)]

    def compare(self, a: Photo, b: Photo, face_a: int = 0, face_b: int = 0, whole: bool = False) -> Comparison:
        """Whether two faces show the same expression; `face_a` and `face_b` count from 0, largest first.

        Raises what `faces` raises, and NoFaceError when a photo has fewer faces than that.
        """
        return self.compare_readings(
            _chosen(self.recognise(a, whole), face_a), _chosen(self.recognise(b, whole), face_b)
        )

    def compare_readings(self, first: Reading, second: Reading) -> Comparison:
        """Whether two faces that were read before show the same expression."""
        similarity = float(np.clip(first.embedding @ second.embedding, -1, 1))
        return Comparison(
            similarity,
            float(self.verification.probability(similarity)),
            bool(self.verification.same(similarity)),
            self.verification.threshold,
            first,
            second,
        )

    def similar(
        self, photo: Photo, k: int = 12, emotion: str | None = None, face: int = 0, whole: bool = False
    ) -> list[Neighbour]:
        """The k examples of the gallery most similar to a face, best first; of `emotion` alone where it is given.

        Raises what `recognise` raises, and GalleryError where there is no gallery, or no example of that emotion.
        """
        return self.similar_to_reading(_chosen(self.recognise(photo, whole), face), k, emotion)

    def similar_to_reading(self, reading: Reading, k: int = 12, emotion: str | None = None) -> list[Neighbour]:
        """The k examples most similar to a face that was read before, best first."""
        return _neighbours(self.gallery.search(reading.embedding, k, Wanted(self._label(emotion))))

    def similar_to_item(self, item_id: str, k: int = 12, emotion: str | None = None) -> list[Neighbour]:
        """The k examples most similar to an example of the gallery, itself left out, best first."""
        return _neighbours(self.gallery.near(item_id, k, Wanted(self._label(emotion))))

    def shades(self, emotion: str) -> list[Shade]:
        """The shades of an emotion, as examples of the gallery show them; none of one that was taught.

        Raises GalleryError where there is no gallery, or no example of that emotion.
        """
        label = self._label(emotion)
        if self._shades is None or label not in self._shades.names:
            return []
        version = self.gallery_version
        if label not in self._shades_seen or self._shades_seen[label][0] != version:
            vectors = self._shades.vectors[self._shades.names.index(label)]
            self._shades_seen[label] = version, shades_in(self.gallery, label, vectors)
        return self._shades_seen[label][1]

    def map(self) -> GalleryMap:
        """The gallery in the plane, with what was added to it until now.

        Raises GalleryError where there is no gallery, or one too large to draw its map now.
        """
        gallery = self.gallery
        with self._mapping:
            now = gallery.store.identity, gallery.store.revision(), gallery.store.places_note()
            if self._map is None or self._map[0] != now:
                self._map = now, map_of(gallery, self.settings.map_points)
            return self._map[1]

    def place(self, reading: Reading) -> tuple[float, float]:
        """Where a face that was read before belongs on the map: x and y in 0…1. Raises what `map` raises."""
        x, y = self.map().place(reading.embedding[None])[0].tolist()
        return x, y

    @property
    def taught(self) -> tuple[str, ...]:
        """The expressions that were taught, by name."""
        return teaching.taught(self._gallery) if self._gallery else ()

    @property
    def keeps_changes(self) -> bool:
        """Whether what is taught or corrected is written to the gallery, and known when the service is loaded again."""
        return self._gallery is not None and self._gallery.store.writable and not self._gallery.store.in_memory

    def teach(self, name: str, photos: Sequence[Photo], anyway: bool = False) -> Lesson:
        """Know a new expression from the largest face of each photo, without retraining.

        It is recognised, compared and browsed from now on, and kept where the gallery can be written to. Raises
        TeachingError when the name is empty, too long or known already, there is no photo, one is given twice, or there
        are too many; DoubtError, with the figures, when the faces disagree or lie on top of a known expression, unless
        it shall be learned `anyway`; and what `recognise` raises, with the photo's number. Then nothing is learned.
        """
        return self.learn(self.examples_of(name, photos), anyway)

    def examples_of(self, name: str, photos: Sequence[Photo]) -> Embedded:
        """The largest face of each photo as an example of a new expression, for `learn`; all that takes long.

        Raises TeachingError when the name is empty, too long or known already, there is no photo, or there are too
        many; and what `recognise` raises, with the photo's number.
        """
        return self._examples_of(self._new_name(name), photos)

    def learn(self, faces: Embedded, anyway: bool = False) -> Lesson:
        """Know a new expression from what `examples_of` answered. Raises TeachingError and DoubtError as `teach`."""
        with self._teaching:
            name = self._new_name(faces.items[0].emotion)
            return self._learn(name, faces, anyway, self.prototypes, before=None)

    def extend(self, name: str, photos: Sequence[Photo], anyway: bool = False) -> Lesson:
        """Learn more of a taught expression from further photos. Raises what `teach` raises."""
        faces = self._examples_of(self._taught_name(name), photos)
        with self._teaching:
            name = self._taught_name(name)
            others = self.prototypes.without_class(name)
            return self._learn(name, faces, anyway, others, teaching.faces_of(self.gallery, name))

    def rename(self, name: str, new: str) -> None:
        """Call a taught expression by another name. Raises TeachingError when it was not taught or the new is known."""
        with self._teaching:
            before = self._taught_name(name)
            teaching.rename(self.gallery, before, self._new_name(new, besides=before))

    def forget(self, name: str) -> None:
        """Remove a taught expression, with the faces it was taught from. Raises TeachingError when there is none."""
        with self._teaching:
            teaching.forget(self.gallery, self._taught_name(name))

    def check_labels(self) -> LabelCheck:
        """Which labels that people gave to the gallery's examples are doubtful; made anew only when it has changed.

        Raises GalleryError where there is no gallery, or too few of its labels were given by people.
        """
        with self._checking:
            version = self.gallery_version
            if self._checked is None or self._checked[0] != version:
                self._checked = (version, check_labels(self.gallery))
            return self._checked[1]

    def add(
        self,
        photo: Photo,
        emotion: str | None = None,
        source: str = "a photo",
        tags: Sequence[str] = (),
        whole: bool = False,
    ) -> list[Item]:
        """Keep the faces of a photo as examples of the gallery; those that were new.

        With `emotion`, the largest face, labelled by hand; without, all of them, as the network reads them. Raises what
        `faces` raises, and GalleryError when there is no such label, or nothing can be written to the gallery.
        """
        return self.keep(self.entries_of(photo, emotion, source, tags, whole))

    def entries_of(
        self,
        photo: Photo,
        emotion: str | None = None,
        source: str = "a photo",
        tags: Sequence[str] = (),
        whole: bool = False,
    ) -> Embedded | None:
        """The faces of a photo that are no examples yet, for `keep`; all that takes long. Raises what `add` raises."""
        gallery = self._own_gallery()
        label = None if emotion is None else corrections.label_of(gallery, emotion)
        faces = self.faces(photo, whole)
        entries = [
            Entry(face.crop, face.portrait, label, source, corrections.HAND, tags=tuple(tags), box=corners(face))
            for face in (faces if label is None else faces[:1])
        ]
        new = {identity(entry.crop): entry for entry in entries if identity(entry.crop) not in gallery}
        return embedded(list(new.values()), self.embedder, self.emotions) if new else None

    def keep(self, faces: Embedded | None) -> list[Item]:
        """Add what `entries_of` answered; those that are new still. Raises GalleryError as `add` does."""
        if faces is None:
            return []
        with self._teaching:
            gallery = self._own_gallery()
            new = [row for row, item in enumerate(faces.items) if item.id not in gallery]
            if new:
                items, crops = [faces.items[row] for row in new], [faces.crops[row] for row in new]
                gallery.add(items, faces.embeddings[new], crops)
        return [faces.items[row] for row in new]

    def relabel(self, item_id: str, emotion: str) -> Correction:
        """Label an example of the gallery by hand; its own label confirms that, and it is not doubted again.

        Returns how it was, for `undo`. Raises GalleryError when there is no such example or label, or nothing can be
        written to the gallery.
        """
        with self._teaching:
            return corrections.relabel(self._own_gallery(), item_id, emotion)

    def remove(self, item_id: str) -> Correction:
        """Take an example out of the gallery. Returns how it was, for `undo`; raises GalleryError as `relabel` does."""
        with self._teaching:
            return corrections.remove(self._own_gallery(), item_id)

    def undo(self, correction: Correction) -> None:
        """Bring an example back as it was before `relabel` or `remove`."""
        with self._teaching:
            corrections.undo(self._own_gallery(), correction)

    def summarise(self, photos: Iterable[Photo], count: int = 9) -> Summary:
        """At most `count` photos that best show how varied the expressions in all of them are.

        They are named by their paths, or by their numbers from 1. Those that cannot be read or show no face are left
        out, with the reason. Raises AlbumError when no photo is left, there are too many faces, or `count` is below 1.
        """
        if count < 1:
            raise AlbumError(f"A summary needs room for at least one photo, not {count}.")
        faces: dict[str, list[Reading]] = {}
        left_out: dict[str, str] = {}
        for number, photo in enumerate(photos, start=1):
            name = str(photo) if isinstance(photo, str | os.PathLike) else f"photo {number}"
            try:
                faces[name] = self._read(self.faces(photo))
                require_few(sum(map(len, faces.values())))  # before hours go by
            except (ImageError, NoFaceError) as error:
                left_out[name] = str(error)
        if left_out and not faces:
            name, why = next(iter(left_out.items()))
            raise AlbumError(f"None of the {len(left_out):,} photos can be used; the first, {Path(name).name}: {why}")
        return Summary(tuple(summarise(faces, count)), len(faces), left_out)

    def decode(self, photo: Photo) -> NDArray[np.uint8]:
        """The photo as an RGB array (height, width, 3) uint8, upright, within the limits of the settings."""
        return decode(photo, self.settings.decode_limits)

    def _read(self, found: Sequence[FaceFound]) -> list[Reading]:
        embeddings = self.embedder.embed(np.stack([face.crop for face in found]))
        prototypes = self.prototypes  # one snapshot, should a lesson end in between
        similarities = prototypes.similarities(embeddings)
        probabilities = self.calibration.probabilities(similarities)
        return [
            _reading(face, prototypes.names, *rows)
            for face, *rows in zip(found, embeddings, similarities, probabilities, strict=True)
        ]

    def _learn(
        self,
        name: str,
        faces: Embedded,
        anyway: bool,
        others: Prototypes,
        before: NDArray[np.float32] | None,
    ) -> Lesson:
        teaching.require_new(faces.embeddings, before, name)
        lesson = make_lesson(name, faces.embeddings, others, self.verification, before)
        if lesson.doubts and not anyway:
            raise DoubtError(f"«{name}» was not learned. {' '.join(lesson.doubts)}", lesson)
        teaching.keep(self._changeable_gallery(), name, faces)
        return lesson

    def _examples_of(self, name: str, photos: Sequence[Photo]) -> Embedded:
        most = self.settings.teach_photos
        if not photos:
            raise TeachingError("To teach an expression, give it a name and at least one photo that shows it.")
        if len(photos) > most:
            raise TeachingError(f"These are {len(photos):,} photos, and {most:,} are taken at once. Leave some out.")
        faces = [self._lesson_face(photo, number) for number, photo in enumerate(photos, start=1)]
        entries = [
            Entry(face.crop, face.portrait, name, source, teaching.TEACHING)
            for face, source in zip(faces, map(_named, photos), strict=True)
        ]
        return embedded(entries, self.embedder, None)

    def _lesson_face(self, photo: Photo, number: int) -> FaceFound:
        """The largest face in one of the photos to be taught."""
        try:
            return self.faces(photo)[0]
        except (ImageError, NoFaceError) as error:
            raise type(error)(f"Photo {number}{_called(photo)}: {error}") from error

    def _changeable_gallery(self) -> Gallery:
        """The gallery, or a copy in memory of one that must stay as it is."""
        if self._gallery is None:
            size = self.embedder.embedding_size
            self._gallery = Gallery.create(IN_MEMORY, "Taught", self.embedder.fingerprint, size)
        elif not self._gallery.store.writable:
            self._gallery = self._gallery.copied_to_memory()
        return self._gallery

    def _own_gallery(self) -> Gallery:
        """The gallery, if a person may correct it. Raises GalleryError for one that must stay as it is."""
        if not self.keeps_changes:
            raise GalleryError(f"Nothing can be written to the gallery «{self.gallery.title}»: it stays as it is.")
        return self.gallery

    def _new_name(self, name: str, besides: str = "") -> str:
        """A name that nothing known has, but for the one that it takes the place of."""
        name = name.strip()
        if not name:
            raise TeachingError("To teach an expression, give it a name and at least one photo that shows it.")
        if name != printable(name):
            raise TeachingError("This name holds characters that cannot be shown. Give it in letters.")
        if len(name) > self.settings.teach_letters:
            raise TeachingError(f"This name is longer than {self.settings.teach_letters:,} characters. Shorten it.")
        others = [each.casefold() for each in self.prototypes.names if each != besides]
        if emotion_of(name).name.casefold() in others:
            taught = name.casefold() in map(str.casefold, self.taught)
            more = " It was taught: teach it more photos, or remove it first." if taught else ""
            raise TeachingError(f"The expression «{name}» is known already. Choose another name.{more}")
        return name

    def _taught_name(self, name: str) -> str:
        if name.strip() not in self.taught:
            known = ", ".join(self.taught) or "none yet"
            raise TeachingError(f"No expression «{name.strip()}» was taught. Taught were: {known}.")
        return name.strip()

    def _label(self, emotion: str | None) -> str | None:
        """The gallery's own label for an emotion, however it is spelled."""
        return None if emotion is None else self.gallery.label(emotion)

    def _detect(self, picture: NDArray[np.uint8], whole: bool) -> list[Face]:
        """In a picture that may be a tight crop the face is sought as in training, with a border around it."""
        if self._small_and_square(picture) and (tight := self.detector.detect_tight(picture)):
            return tight
        found = self.detector.detect(picture)[: self.settings.max_faces]
        return self.detector.detect_tight(picture) if whole and not found else found

    def _may_be_a_face(self, picture: NDArray[np.uint8]) -> bool:
        """Of a small square picture in which none is found: a pixel that counts visits, or a blank, is surely none."""
        if not self._small_and_square(picture) or min(picture.shape[:2]) < self.settings.whole_picture_from:
            return False
        return float(picture.mean(axis=2).std()) >= self.settings.blank_below

    def _small_and_square(self, picture: NDArray[np.uint8]) -> bool:
        height, width = picture.shape[:2]
        return max(height, width) < self.settings.whole_picture_below and abs(height - width) <= min(height, width) / 4


def _network_file(reference: Path, precision: str) -> Path:
    path = reference / NETWORK_FILES[precision]
    if precision != "fp32" and not path.is_file():
        raise ReferenceSetError(
            f"There is no network in {precision} at {path}. Make it with `python -m siamese reference quantise`, or "
            "set SEMBLANCE_PRECISION=fp32."
        )
    return path


def _opened(folder: str | Path, fingerprint: str, settings: Settings, own: Path) -> Gallery:
    """The gallery in a folder; what is taught is written to it, but for the reference set's own."""
    writable = Path(folder).resolve() != own.resolve() and os.access(Path(folder) / STORE_FILE, os.W_OK)
    megabytes, access = settings.index_megabytes, settings.index_access
    return Gallery.open(folder, fingerprint, writable, settings.index, megabytes, access)


def _named(photo: Photo) -> str:
    """What a photo is called, where it has a name."""
    return Path(photo).name if isinstance(photo, str | Path) else "a photo"


def _called(photo: Photo) -> str:
    """Its name in brackets, where it has one."""
    return f" ({Path(photo).name})" if isinstance(photo, str | Path) else ""


def _cut_all(picture: NDArray[np.uint8], found: Sequence[Face]) -> list[FaceFound]:
    transforms = alignment(np.stack([face.landmarks for face in found]))
    return [
        _cut(picture, transform, face.box, face.landmarks) for face, transform in zip(found, transforms, strict=True)
    ]


def _cut(
    picture: NDArray[np.uint8],
    transform: NDArray[np.float32],
    box: NDArray[np.float32],
    landmarks: NDArray[np.float32] | None,
) -> FaceFound:
    return FaceFound(box, landmarks, face_crop(picture, transform), cutting(picture, transform, PORTRAIT_SIZE))


def _reading(
    face: FaceFound,
    names: Sequence[str],
    embedding: NDArray[np.float32],
    similarities: NDArray[np.float32],
    probabilities: NDArray[np.float32],
) -> Reading:
    best = int(probabilities.argmax())
    return Reading(
        box=face.box,
        landmarks=face.landmarks,
        crop=face.crop,
        cut=face.cut,
        emotion=names[best],
        confidence=float(probabilities[best]),
        probabilities=dict(zip(names, probabilities.tolist(), strict=True)),
        similarities=dict(zip(names, similarities.tolist(), strict=True)),
        embedding=embedding,
    )


def _chosen(readings: list[Reading], face: int) -> Reading:
    if not 0 <= face < len(readings):
        raise NoFaceError(f"There is no face number {face + 1}: the photo has {len(readings)}.")
    return readings[face]


def _neighbours(matches: Sequence[Match]) -> list[Neighbour]:
    return [Neighbour(match.item, match.similarity) for match in matches]
