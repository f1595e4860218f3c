"""Frozen embeddings with labels → how well classifiers other than the nearest prototype read them.

Each is fitted on train; its setting, of those in its grid, is the most accurate on validation; test is only measured.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ParameterGrid
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC

from siamese.errors import MeasurementError
from siamese.evaluation import metrics
from siamese.evaluation.bootstrap import Interval, table_interval
from siamese.evaluation.labelled import Labelled
from siamese.metric.checks import require_rows

_NEIGHBOURS = (1, 3, 5, 7, 9, 11, 15, 21, 31)
_PENALTIES = (0.01, 0.1, 1.0, 10.0)


@dataclass(frozen=True)
class Classifier:
    """A scikit-learn classifier, the settings that validation chooses among, and the most rows it is fitted on."""

    estimator: Any
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    limit: int | None = None


CLASSIFIERS: dict[str, Classifier] = {
    "K nearest neighbours": Classifier(KNeighborsClassifier(algorithm="brute"), {"n_neighbors": _NEIGHBOURS}),
    "11 nearest neighbours": Classifier(KNeighborsClassifier(11, algorithm="brute")),
    "linear SVM": Classifier(LinearSVC(dual=False), {"C": _PENALTIES}),
    # Of what a kernel costs, which grows with the square of the rows, this much takes seconds.
    "RBF SVM": Classifier(SVC(cache_size=500), {"C": (1.0, 10.0), "gamma": (0.5, 2.0)}, limit=10_000),
    "linear discriminant analysis": Classifier(LinearDiscriminantAnalysis()),
    "softmax regression": Classifier(LogisticRegression(max_iter=2000), {"C": (*_PENALTIES, 100.0)}),
}


@dataclass(frozen=True)
class ClassifierEvidence:
    """How well one classifier reads the test part. Shares are 0…1; the interval is a 95 % bootstrap percentile's.

    `setting` was chosen on validation, where it reached `validation_accuracy`; `examples` is how many it was fitted on,
    `seconds` how long all took: fitting every setting, choosing and answering.
    """

    name: str
    setting: dict[str, Any]
    examples: int
    validation_accuracy: float
    accuracy: float
    accuracy_interval: Interval
    balanced_accuracy: float
    macro_f1: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, ready for JSON."""
        return asdict(self)


def measure_classifiers(
    train: Labelled, validation: Labelled, test: Labelled, names: Iterable[str] = tuple(CLASSIFIERS)
) -> tuple[ClassifierEvidence, ...]:
    """Measure the classifiers of these names on unit embeddings, (n, embedding_size) each.

    With 25,000 rows to fit on, all take a minute or two on two cores; the SVM with a kernel is fitted on 10,000 of
    them, drawn at random. Raises MeasurementError when there is no such classifier, embeddings do not fit each other,
    or there are fewer to fit on than neighbours to ask.
    """
    require_rows("train embeddings", train.rows)
    require_rows("validation embeddings", validation.rows, train.rows.shape[1])
    require_rows("test embeddings", test.rows, train.rows.shape[1])
    if len(train) < max(_NEIGHBOURS):
        raise MeasurementError(f"{len(train)} examples are too few to fit classifiers on. Give {max(_NEIGHBOURS)}.")
    chosen = {name: named("classifier", CLASSIFIERS, name) for name in names}
    return tuple(measure_classifier(name, each, train, validation, test) for name, each in chosen.items())


def measure_classifier(
    name: str, classifier: Classifier, train: Labelled, validation: Labelled, test: Labelled
) -> ClassifierEvidence:
    """Fit one classifier on `train`, choose its setting on `validation`, and measure it on `test`.

    Of settings that are equally accurate, the first is taken. Raises MeasurementError when there is only one label to
    fit on.
    """
    started = perf_counter()
    examples = train.drawn(classifier.limit)
    if len(np.unique(examples.labels)) < 2:
        raise MeasurementError(
            "All training examples share one label, so there is nothing to learn. Add another class."
        )
    settings = list(ParameterGrid(dict(classifier.grid)))
    fitted = [
        clone(classifier.estimator).set_params(**setting).fit(examples.rows, examples.labels) for setting in settings
    ]
    reached = [float((each.predict(validation.rows) == validation.labels).mean()) for each in fitted]
    best = reached.index(max(reached))
    classes = 1 + max(int(part.labels.max()) for part in (train, test))
    confusion = metrics.confusion(test.labels, fitted[best].predict(test.rows), classes)
    return ClassifierEvidence(
        name=name,
        setting=settings[best],
        examples=len(examples),
        validation_accuracy=reached[best],
        accuracy=float(metrics.accuracy(confusion)),
        accuracy_interval=table_interval(confusion, metrics.accuracy),
        balanced_accuracy=float(metrics.balanced_accuracy(confusion)),
        macro_f1=float(metrics.macro_f1(confusion)),
        seconds=perf_counter() - started,
    )


def named(kind: str, among: Mapping[str, Any], name: str) -> Any:
    """The entry of this name. Raises MeasurementError, naming those there are, when there is none."""
    if name not in among:
        raise MeasurementError(f"There is no {kind} «{name}». Choose: {', '.join(among)}.")
    return among[name]
