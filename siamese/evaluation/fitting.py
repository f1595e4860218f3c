"""A trained network and the parts of a data set → what judges its embeddings: prototypes, shades, calibration.

Prototypes and shades are of the training part, and the shades' kind is chosen on validation, where calibration and
threshold are fitted; nothing sees the test part.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.datasets.catalogue import load_dataset, parts_of
from siamese.datasets.samples import Samples
from siamese.errors import DatasetError
from siamese.evaluation.datasets import known, labels_among
from siamese.evaluation.embeddings import ALIGNED, embeddings, write_kind
from siamese.metric.calibration import fit_calibration
from siamese.metric.mixtures import fit_shades
from siamese.metric.prototypes import Prototypes, fit_prototypes
from siamese.metric.verification import fit_verification
from siamese.network.export import export_onnx
from siamese.network.runtime import NETWORK_FILES, Embedder
from siamese.network.twin import TwinNetwork, load_network, rounded, save_network
from siamese.training.config import TrainingConfig, left_out
from siamese.training.data import split
from siamese.training.run_folder import network_in
from siamese.vocabulary import EMOTIONS

FITTED_PARTS = ("train", "validation")
_AGREEMENT_POWERS = range(9)


def fit_reference(
    network: TwinNetwork,
    train: Samples,
    validation: Samples,
    out: Path,
    cache: str | Path = "cache",
    kind: str = ALIGNED,
) -> Prototypes:
    """Write the network, prototypes, shades, calibration and verification to `out`, for what `train` shows.

    The network's weights are rounded to half precision before anything is measured with it. Both parts are labelled.
    The service aligns faces: crops of another `kind` are for measuring alone. Returns the prototypes. Raises
    MeasurementError where a part has too few of an expression.
    """
    out.mkdir(parents=True, exist_ok=True)
    network = rounded(network)
    save_network(network, out / "network.safetensors", half=True)
    export_onnx(network, out / "network.onnx", half=True)
    (out / NETWORK_FILES["int8"]).unlink(missing_ok=True)  # it was of the network before
    embedder = Embedder(out / "network.onnx")
    names = tuple(EMOTIONS[label] for label in np.unique(train.labels))
    validation = known(validation, names)
    answers = embeddings(validation, embedder, cache, kind)
    labels = labels_among(validation, names)
    learned = embeddings(train, embedder, cache, kind)
    prototypes = typical_prototypes(train, learned, validation, answers, names)
    if kind != ALIGNED:
        write_kind(kind, out)
    prototypes.save(out / "prototypes.npz")
    fit_shades(learned, labels_among(train, names), names, answers, labels).save(out / "shades.npz")
    fit_calibration(prototypes.similarities(answers), labels, exponent=None).save(out / "calibration.json")
    fit_verification(answers, labels).save(out / "verification.json")
    return prototypes


def fit_run(
    run: Path, dataset: str, root: Path, protocol: str, cache: str | Path = "cache", kind: str = ALIGNED
) -> Path:
    """Fit what judges the best network of a run, or the network in a file, on crops of a data set's own parts.

    Returns the folder of it, in the run's or, for a file, in the cache: one for each network, data, protocol and kind
    of crops, so that several can be fitted at once. Raises DatasetError where the data set has no training and
    validation part, and ReferenceSetError where the run has no network.
    """
    if not set(FITTED_PARTS) <= set(parts_of(dataset, root)):
        raise DatasetError(
            f"{root} has no train and validation part to fit prototypes and calibration of {run} on. Put its folders "
            "into train/ and validation/, and train on these."
        )
    network = load_network(network_in(run))
    train, validation = (load_dataset(dataset, root, part, protocol).labelled() for part in FITTED_PARTS)
    out = _place(run, f"{dataset}-{protocol}", root, kind, cache)
    fit_reference(network, train, validation, out, cache, kind)
    return out


def fit_learned(run: Path, config: TrainingConfig, cache: str | Path = "cache") -> Path:
    """The same on the images that the run of this configuration learned from and was validated on, cut as there.

    Raises DatasetError where these are not where they were.
    """
    network = load_network(network_in(run))
    without = left_out(config)
    try:
        train, validation = (part.without(without).labelled() for part in split(config))
    except DatasetError as error:
        raise DatasetError(
            f"{run} is to be judged by the data that it learned from, in {config.data}. {error}"
        ) from error
    out = _place(run, f"{config.dataset}-learned", Path(config.data), config.crops, cache)
    fit_reference(network, train, validation, out, cache, config.crops)
    return out


def _place(run: Path, name: str, root: Path, kind: str, cache: str | Path) -> Path:
    content = hashlib.sha256(network_in(run).read_bytes() + f"{Path(root).resolve()} {kind}".encode())
    folder = Path(cache) if run.is_file() else run
    return folder / f"reference-{name}-{content.hexdigest()[:12]}"


def typical_prototypes(
    train: Samples,
    train_embeddings: NDArray[np.float32],
    validation: Samples,
    validation_embeddings: NDArray[np.float32],
    names: Sequence[str] = EMOTIONS,
) -> Prototypes:
    """Class means, of the expressions `names`, in which an image counts by the share of votes that agree with its
    label, to a power.

    The power, of those tried the one with the highest accuracy on validation, keeps ambiguous faces from drawing
    neighbouring classes together; how balanced recall is was settled by the training's prior before.
    """
    agreement = train.targets[np.arange(len(train)), train.labels]
    labels, expected = labels_among(train, names), labels_among(validation, names)
    tried = [fit_prototypes(train_embeddings, labels, names, agreement**power) for power in _AGREEMENT_POWERS]
    return max(tried, key=lambda each: float((each.nearest(validation_embeddings) == expected).mean()))
