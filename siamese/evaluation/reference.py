"""A training run and its data set → a reference set: network, prototypes, calibration, gallery and examples.

Of FER+ it is the one that ships, which shows no single person and has a model card; of other data, its owner's own.
"""

import io
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from siamese.datasets import crops, ferplus
from siamese.datasets.catalogue import load_dataset
from siamese.datasets.samples import Samples
from siamese.errors import ReferenceSetError
from siamese.evaluation.datasets import evaluate_dataset
from siamese.evaluation.embeddings import embeddings
from siamese.evaluation.fitting import fit_reference, fit_run
from siamese.evaluation.illustrations import draw_figures
from siamese.evaluation.recipe import RECIPE, require_recipe, write_recipe
from siamese.evaluation.report import NetworkFacts, model_card
from siamese.faces.align import INPUT_SIZE, alignment, face_crop
from siamese.faces.decode import decode
from siamese.faces.detect import FaceDetector
from siamese.gallery import thumbnails
from siamese.gallery.build import Entry, build_gallery, entries_from_composites, entries_from_crops
from siamese.gallery.composites import Composite, make_composites
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Wanted
from siamese.gallery.maps import draw_map
from siamese.manifest import write_manifest
from siamese.metric.calibration import Calibration
from siamese.metric.prototypes import Prototypes
from siamese.metric.verification import Verification
from siamese.network.averaging import averaged
from siamese.network.joining import joined
from siamese.network.runtime import Embedder
from siamese.network.twin import TwinNetwork, load_network
from siamese.settings import Settings
from siamese.training.run_folder import network_in
from siamese.vocabulary import EMOTIONS

GALLERY_TITLE = "Composite portraits from FER+"

_EXAMPLES_TRIED, _EXAMPLE_QUALITY = 40, 90
_JOINING_CROPS = 512  # on which it is measured what two networks have in common


def build_reference(
    networks: Sequence[Sequence[Path]], root: Path, out: Path, figures: Path, cache: Path = Path("cache")
) -> None:
    """Write the reference set of a run's network, or of several in one, to `out`, and figures to their folder.

    `networks` are files in the folders of their runs, averaged and joined as `network_of` does it. Prototypes are the
    weighted class means on FER+'s training part; calibration and threshold are fitted on validation; the test part is
    only measured. Raises ReferenceSetError where a file lies in no run's folder, and what the loaders of the networks
    and of FER+ raise.
    """
    for path in chain.from_iterable(networks):
        require_recipe(path)
    train, validation = (ferplus.load(root, part).labelled() for part in ("train", "validation"))
    network = network_of(networks, train, cache)
    prototypes = fit_reference(network, train, validation, out, cache)
    write_recipe(networks, out)
    embedder = Embedder(out / "network.onnx")
    train_embeddings = embeddings(train, embedder, cache)
    gallery = build_composites(train, train_embeddings, embedder, prototypes, out / "gallery", cache)
    write_examples(gallery, out / "examples", reader(embedder, prototypes))
    draw_map(gallery, Settings().map_points)
    gallery.seal()
    write_manifest(out)
    write_evidence(out, root, figures, network, embedder, cache)


def network_of(networks: Sequence[Sequence[Path]], train: Samples, cache: Path) -> TwinNetwork:
    """The average of the networks in these files; of two such averages, both joined in one.

    Raises TrainingError where networks cannot be averaged or joined.
    """
    members = [averaged([load_network(path) for path in paths]) for paths in networks]
    if len(members) == 1:
        return members[0]
    first, second = members
    rows = np.random.default_rng(0).permutation(len(train))[:_JOINING_CROPS]
    pixels = torch.from_numpy(crops.crops(train, cache=cache)[np.sort(rows)])[:, None] / 255
    return joined(first, second, pixels)


def build_own_reference(run: Path, dataset: str, root: Path, out: Path, cache: Path = Path("cache")) -> None:
    """Write the reference set of a run's best network, or of the network in a file of a run's folder, for a data set
    with a training and a validation part.

    Its gallery and its examples are the training pictures themselves: they show single people. Raises DatasetError
    where there are no such parts, ReferenceSetError where the network lies in no run's folder or there is something in
    `out`, and what the loader of the network raises.
    """
    if out.exists():
        raise ReferenceSetError(f"There is something in {out} already. Choose another --out.")
    require_recipe(network_in(run))
    fitted = fit_run(run, dataset, root, "majority", cache)
    shutil.copytree(fitted, out)
    write_recipe([[network_in(run)]], out)
    embedder = Embedder(out / "network.onnx")
    train = load_dataset(dataset, root, "train").labelled()
    title = f"{root.resolve().name}, {len(train):,} pictures"
    gallery = build_gallery(entries_of(train, cache), embedder, title, out / "gallery")
    draw_map(gallery, Settings().map_points)
    write_examples(gallery, out / "examples", reader(embedder, Prototypes.load(out / "prototypes.npz")))
    write_manifest(out, without="gallery")  # its owner may add to it


def entries_of(samples: Samples, cache: Path) -> Iterator[Entry]:
    """A data set's pictures are faces already: each is aligned where the detector sees it, else taken whole."""
    emotions = [EMOTIONS[label] for label in samples.labels]
    portraits = crops.portraits(samples, cache=cache)
    return entries_from_crops(crops.crops(samples, cache=cache), emotions, samples.sources, portraits)


def build_composites(
    train: Samples,
    train_embeddings: NDArray[np.float32],
    embedder: Embedder,
    prototypes: Prototypes,
    out: Path,
    cache: Path,
) -> Gallery:
    """The gallery that may be published, in place of any in `out`.

    It holds averages of many training faces, each read by the network as what it is.
    """

    def read(inputs: NDArray[np.uint8]) -> list[str]:
        return [EMOTIONS[row] for row in prototypes.nearest(embedder.embed(inputs))]

    detected = crops.detections(train, cache).found
    sources = np.where(detected, train.labels, -1)  # a face that was not found is not aligned, and would only blur
    transforms = crops.transforms(train, "aligned", cache)
    composites = make_composites(train.images, transforms, train_embeddings, sources, read=read)
    shutil.rmtree(out, ignore_errors=True)
    entries = entries_from_composites(in_turn(composites), "FER+ training images")
    return build_gallery(entries, embedder, GALLERY_TITLE, out)


def in_turn(composites: Sequence[Composite]) -> list[Composite]:
    """One of each emotion, then the next of each, so that the gallery's first page shows them all."""
    seen: Counter[str] = Counter()

    def turn(composite: Composite) -> int:
        seen[composite.emotion] += 1
        return seen[composite.emotion]

    return sorted(composites, key=turn)


def write_examples(gallery: Gallery, folder: Path, read: Callable[[Image.Image], Sequence[str]]) -> None:
    """Two pictures per emotion to click on: its most typical one, and as «… 2» one that is less so.

    They have room around the face for the detector. Those that `read`, from photo to the emotions of its faces, takes
    for something else are passed over, where there are others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for emotion in gallery.emotions:
        rows = gallery.store.rows(Wanted(emotion))
        of_emotion = gallery.store.embeddings(rows)
        by_typicality = rows[np.argsort(of_emotion @ of_emotion.sum(axis=0))[::-1]][:_EXAMPLES_TRIED]
        items = gallery.store.items(by_typicality).values()
        pictures = [_framed(thumbnails.decode(item.thumbnail)) for item in items]
        right = [picture for picture in pictures if list(read(picture)) == [emotion]] or pictures
        for name, picture in ((emotion, right[0]), (f"{emotion} 2", right[len(right) // 2])):
            picture.save(folder / f"{name}.webp", quality=_EXAMPLE_QUALITY)


def reader(embedder: Embedder, prototypes: Prototypes) -> Callable[[Image.Image], list[str]]:
    """What reads the emotions of a photo's faces as the service does, by the nearest prototype, once it is stored."""
    detector = FaceDetector()

    def read(picture: Image.Image) -> list[str]:
        stored = io.BytesIO()
        picture.save(stored, "WEBP", quality=_EXAMPLE_QUALITY)
        photo = decode(stored.getvalue())
        found = detector.detect(photo)
        if not found:
            return []
        transforms = alignment(np.stack([face.landmarks for face in found]))
        inputs = np.stack([face_crop(photo, transform) for transform in transforms])
        return [prototypes.names[row] for row in prototypes.nearest(embedder.embed(inputs))]

    return read


def write_evidence(out: Path, root: Path, figures: Path, network: TwinNetwork, embedder: Embedder, cache: Path) -> None:
    """The model card beside the reference set, and its figures."""
    validation = evaluate_dataset("ferplus", root, "validation", "majority", out, cache)
    majority = evaluate_dataset("ferplus", root, "test", "majority", out, cache)
    plurality = evaluate_dataset("ferplus", root, "test", "plurality", out, cache)
    calibration, verification = Calibration.load(out / "calibration.json"), Verification.load(out / "verification.json")
    recipes = json.loads((out / RECIPE).read_text())
    facts = NetworkFacts(
        backbone=network.config.backbone,
        parameters=sum(weights.numel() for weights in network.parameters()),
        embedding_size=network.config.embedding_size,
        crop_size=INPUT_SIZE,
        onnx_bytes=(out / "network.onnx").stat().st_size,
        fingerprint=embedder.fingerprint,
        teachers=len({teacher for runs in recipes for each in runs for teacher in each["teachers"]}),
        members=len(recipes),
        runs=sum(map(len, recipes)),
    )
    command = "python -m siamese reference build"
    card = model_card(validation, majority, plurality, calibration, verification, facts, command)
    (out / "MODEL_CARD.md").write_text(card)
    draw_figures(ferplus.load(root, "test").labelled(), out, figures, cache)


def _framed(portrait: NDArray[np.uint8]) -> Image.Image:
    """A portrait in the middle of a picture twice its size, on the grey into which it fades."""
    size = portrait.shape[0]
    frame = Image.new("RGB", (2 * size, 2 * size), tuple(int(level) for level in portrait[0, 0]))
    frame.paste(Image.fromarray(portrait), (size // 2, size // 2))
    return frame
