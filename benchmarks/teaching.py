"""An expression that a network has never seen, taught by a few examples: how well it and the others are read then.

For each expression a twin network and one trained with cross-entropy alone learn from data that lack it. Both are then
taught it as a person would: the mean of some random training examples is its prototype, beside those of the other
expressions. The network of cross-entropy also answers by its own classifier, which knows the expression only after it
is trained again with it. Runs are those of `train_siamese.py` and go on where they were cut short; test is only
measured.

    python -m benchmarks.teaching --dataset ferplus --root data/ferplus --weights mobilenet_vggface2.npz [--json]
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from benchmarks.ablations import config_of, options_of, parser_of, run_of
from siamese.datasets.catalogue import load_dataset
from siamese.datasets.crops import crops
from siamese.datasets.samples import Samples
from siamese.errors import MeasurementError
from siamese.evaluation.tables import table
from siamese.metric.prototypes import Prototypes, fit_prototypes
from siamese.network.twin import TwinNetwork, load_network
from siamese.training.config import TrainingConfig
from siamese.training.data import LabelledCrops
from siamese.training.loop import train
from siamese.training.run_folder import BEST, CONFIG
from siamese.training.validation import embed
from siamese.vocabulary import EMOTIONS

TAUGHT = ("contempt", "disgust", "surprise")
EXAMPLES = (1, 3, 5, 10)
DRAWS = 200
_POOL = 200  # training images of each expression, at most, from which prototypes are made and examples drawn
_TWIN, _CLASSIFIER = "both, mixed (the recipe)", "cross-entropy, as data come"
_PAGE = """\
## An expression taught to a network that never saw it, on {dataset}, test

```sh
python -m benchmarks.teaching --dataset {dataset} --root data/{dataset}{options} > docs/results/teaching-{dataset}.md
```

«Twin» is a network trained by the recipe, «cross-entropy» one of the same backbone trained with cross-entropy alone,
both on data without the expression. They are taught it by the mean of random training examples as its prototype: the
mean and the standard deviation of {draws} draws are shown. «Its classifier» is what the second network answers by
itself, which takes training again to know the expression. Accuracy is among all expressions, the taught one included.

{table}"""


@dataclass(frozen=True)
class Outcome:
    """Of one way to read: the share of right answers on the expression and on the `rest`, over draws where it has any.

    `examples` is how many faces taught it: 0 where none did.
    """

    emotion: str
    images: int
    network: str
    way: str
    examples: int
    accuracy: float
    deviation: float | None
    rest: float
    rest_deviation: float | None


@dataclass(frozen=True, eq=False)
class Seen:
    """What one network makes of the pool and of test: unit embeddings (n, embedding_size), and their labels (n,)."""

    pool: NDArray[np.float32]
    pool_labels: NDArray[np.int64]
    test: NDArray[np.float32]
    test_labels: NDArray[np.int64]

    def prototypes(self, without: int) -> Prototypes:
        """Those of every expression of the pool but one."""
        known = [label for label in np.unique(self.pool_labels) if label != without]
        rows = np.flatnonzero(np.isin(self.pool_labels, known))
        index = np.searchsorted(known, self.pool_labels[rows])
        return fit_prototypes(self.pool[rows], index, [EMOTIONS[label] for label in known])

    def shares(self, answers: NDArray[np.int64], emotion: int) -> tuple[float, float]:
        """The share of right answers (n,) to the test images of an expression, and to the others."""
        right, own = answers == self.test_labels, self.test_labels == emotion
        return float(right[own].mean()), float(right[~own].mean())


def pool_of(samples: Samples) -> Samples:
    """The first labelled images of each expression, at most 200."""
    labels = samples.labels
    rows = [np.flatnonzero(labels == label)[:_POOL] for label in range(len(EMOTIONS))]
    return samples.take(np.concatenate(rows))


def trained(config: TrainingConfig, weights: str, name: str, without: str = "") -> TwinNetwork:
    """The best network of the ablation's run, trained or gone on with where it is not there yet."""
    run = dataclasses.replace(run_of(config, name, weights), leave_out=without)
    if without:
        run = dataclasses.replace(run, out=f"{run.out}-without-{without}")
    out = train(run, resume=(Path(run.out) / CONFIG).is_file())
    return load_network(out / BEST)


def nearest(prototypes: Prototypes, embeddings: NDArray[np.float32]) -> NDArray[np.int64]:
    """The vocabulary's index of the nearest prototype, (n,)."""
    return np.array([EMOTIONS.index(name) for name in prototypes.names])[prototypes.nearest(embeddings)]


def classified(network: TwinNetwork, embeddings: NDArray[np.float32]) -> NDArray[np.int64]:
    """What the network's own classifier answers, (n,)."""
    proxies = F.normalize(network.proxies.detach(), dim=1).numpy()
    return (embeddings @ proxies.T).argmax(axis=1)


def taught(seen: Seen, emotion: str, network: str, draws: int) -> Iterator[Outcome]:
    """What becomes of a network that is taught by 0, 1, 3, 5, 10 and all examples of the pool."""
    label = EMOTIONS.index(emotion)
    own = np.flatnonzero(seen.pool_labels == label)
    images = int((seen.test_labels == label).sum())
    if len(own) < max(EXAMPLES) or not images:
        raise MeasurementError(
            f"To teach «{emotion}» by {max(EXAMPLES)} examples and test it takes as many training images and one of "
            f"test, not {len(own)} and {images}."
        )
    known, random = seen.prototypes(without=label), np.random.default_rng(label)
    yield Outcome(emotion, images, network, "prototypes", 0, *_single(seen.shares(nearest(known, seen.test), label)))
    for count in (*EXAMPLES, len(own)):
        measured = []
        for _ in range(draws if count < len(own) else 1):
            rows = random.choice(own, count, replace=False)
            prototypes = known.with_class(emotion, seen.pool[rows].mean(axis=0))
            measured.append(seen.shares(nearest(prototypes, seen.test), label))
        figures = _single(measured[0]) if count == len(own) else _several(measured)
        yield Outcome(emotion, images, network, "prototypes", count, *figures)


def measure(config: TrainingConfig, weights: str, emotions: Sequence[str], draws: int) -> list[Outcome]:
    """Train what is not trained yet, and read test in every way."""
    pool = _crops(pool_of(load_dataset(config.dataset, config.data, "train").labelled()), config)
    test = _crops(load_dataset(config.dataset, config.data, "test").labelled(), config)

    def seen_by(network: TwinNetwork) -> Seen:
        return Seen(embed(network, pool.crops), pool.labels, embed(network, test.crops), test.labels)

    def by_classifier(network: TwinNetwork, name: str) -> Outcome:
        seen, label = seen_by(network), EMOTIONS.index(emotion)
        images = int((test.labels == label).sum())
        shares = seen.shares(classified(network, seen.test), label)
        return Outcome(emotion, images, name, "its classifier", 0, *_single(shares))

    retrained = trained(config, weights, _CLASSIFIER)
    outcomes: list[Outcome] = []
    for emotion in emotions:
        twin, classifier = (trained(config, weights, name, emotion) for name in (_TWIN, _CLASSIFIER))
        outcomes += taught(seen_by(twin), emotion, "twin", draws)
        outcomes += taught(seen_by(classifier), emotion, "cross-entropy", draws)
        outcomes += [by_classifier(classifier, "cross-entropy"), by_classifier(retrained, "cross-entropy, retrained")]
    return outcomes


def page(outcomes: Sequence[Outcome], dataset: str, draws: int, options: str) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    rows = (
        (
            f"{each.emotion} ({each.images})",
            each.network,
            each.way,
            f"{each.examples or '–'}",
            _figure(each.accuracy, each.deviation),
            _figure(each.rest, each.rest_deviation),
        )
        for each in outcomes
    )
    head = ("expression (test images)", "network", "answers by", "taught from", "accuracy on it", "on the rest")
    return _PAGE.format(dataset=dataset, draws=draws, options=options, table=table(head, rows))


def _crops(samples: Samples, config: TrainingConfig) -> LabelledCrops:
    pixels = torch.from_numpy(crops(samples, config.crops, config.cache))[:, None] / 255
    return LabelledCrops(pixels, samples.labels)


def _single(shares: tuple[float, float]) -> tuple[float, None, float, None]:
    return shares[0], None, shares[1], None


def _several(shares: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    (mean, rest), (deviation, rest_deviation) = np.mean(shares, axis=0), np.std(shares, axis=0)
    return float(mean), float(deviation), float(rest), float(rest_deviation)


def _figure(mean: float, deviation: float | None) -> str:
    return f"{mean:.3f}" if deviation is None else f"{mean:.3f} ± {deviation:.3f}"


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = parser_of(__doc__)
    parser.add_argument("--emotions", nargs="+", default=list(TAUGHT), choices=EMOTIONS, help="what is taught")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of examples")
    words = parser.parse_args(arguments)
    outcomes = measure(config_of(words), words.weights, words.emotions, words.draws)
    if words.json:
        print(json.dumps({"outcomes": [asdict(each) for each in outcomes]}))
        return
    options = options_of(words)
    options += f" --emotions {' '.join(words.emotions)}" if tuple(words.emotions) != TAUGHT else ""
    options += f" --draws {words.draws}" if words.draws != DRAWS else ""
    print(page(outcomes, words.dataset, words.draws, options))


if __name__ == "__main__":
    main()
