"""Evidence, embeddings or images → figures, each one PNG."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.manifold import TSNE

from siamese.evaluation.labelled import Labelled
from siamese.evaluation.protocols import Evidence
from siamese.evaluation.retrieval import Neighbours
from siamese.metric.calibration import Reliability
from siamese.metric.verification import Pairs, Verification, error_rates, roc
from siamese.vocabulary import emotion_of

_DPI = 160
_INK, _PALE, _ACCENT, _SECOND = "#1f2430", "#b8bdc9", "#3b5bdb", "#d5483a"
_RIGHT, _WRONG = "#2f7d32", _SECOND
_MARKERS = "os^vDPX*"  # beside colours, for print in grey
_PERPLEXITY = 30


def confusion_figure(evidence: Evidence, path: str | Path) -> None:
    """Draw the confusion of the nearest prototype: share of each label's images, with counts, to a PNG."""
    counts = np.array(evidence.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _canvas(7.2, 6.4)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.55 else _INK if share > 0 else _PALE
        text = f"{share:.0%}\n{counts[row, column]:,}" if share > 0 else "0"
        axes.text(column, row, text, ha="center", va="center", fontsize=8.5, color=colour)
    ticks = range(len(evidence.classes))
    axes.set_xticks(ticks, evidence.classes, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(ticks, [f"{name} ({total:,})" for name, total in zip(evidence.classes, counts.sum(1), strict=True)])
    axes.set_xlabel("recognised as")
    axes.set_ylabel("label (images)")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title(
        f"Nearest prototype, {evidence.protocol} protocol\n"
        f"accuracy {evidence.accuracy:.1%}, balanced {evidence.balanced_accuracy:.1%}"
    )
    _save(figure, path)


def reliability_figure(before: Reliability, after: Reliability, path: str | Path) -> None:
    """Draw accuracy against confidence, before and after calibration, with the share of predictions below, to a PNG."""
    figure = Figure(figsize=(6.0, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    upper.plot([0, 1], [0, 1], color=_PALE, linewidth=1.5, zorder=0, label="perfect")
    bins = len(after.share)
    edges = np.linspace(0, 1, bins + 1)
    for curve, name, colour, marker in ((before, "before", _SECOND, "s"), (after, "after", _ACCENT, "o")):
        filled = curve.share > 0
        label = f"{name} calibration: ECE {curve.error:.3f}"
        upper.plot(
            curve.confidence[filled], curve.accuracy[filled], color=colour, marker=marker, label=label, clip_on=False
        )
        lower.stairs(curve.share, edges, color=colour, fill=True, alpha=0.35)
    for axes in (upper, lower):
        _plain(axes)
    upper.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="accuracy")
    upper.legend(frameon=False, loc="lower right")
    upper.set_title("Confidence against accuracy")
    lower.set(xlabel="confidence", ylabel="share of images")
    _save(figure, path)


def roc_figure(pairs: Pairs, verification: Verification, path: str | Path) -> None:
    """Draw the ROC over all pairs with the point of equal error and the shipped threshold's, to a PNG."""
    curve = roc(pairs)
    rate, _ = curve.equal_error
    false_accepts, false_rejects = error_rates(pairs, verification.threshold)
    figure, axes = _canvas(6.0, 6.0)
    axes.plot([0, 1], [0, 1], color=_PALE, linewidth=1.5, label="chance")
    axes.plot([0, 0.5], [1, 0.5], color=_PALE, linewidth=1, linestyle=":", label="equal error")
    grid = np.linspace(0, 1, 2001)  # of a curve with a hundred thousand points, what can be seen
    accepts = np.interp(grid, curve.false_accept_rate, curve.true_accept_rate)
    axes.plot(grid, accepts, color=_ACCENT, linewidth=2, label=f"{pairs.count:,} pairs: area {curve.area:.3f}")
    axes.plot(rate, 1 - rate, "o", color=_ACCENT, markersize=8, label=f"equal error rate {rate:.3f}")
    shipped = f"shipped threshold: FAR {false_accepts:.3f}, FRR {false_rejects:.3f}"
    axes.plot(false_accepts, 1 - false_rejects, "D", color=_SECOND, markersize=6, label=shipped)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_xlabel("false accept rate: different, called the same")
    axes.set_ylabel("true accept rate: same, called the same")
    axes.legend(frameon=False, loc="lower right")
    axes.set_title("Same expression or not")
    _save(figure, path)


def tsne_figure(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    names: Sequence[str],
    path: str | Path,
    limit: int = 3000,
    seed: int = 0,
) -> None:
    """Draw embeddings (n, embedding_size) in the plane, near to each other what is near (t-SNE), to a PNG.

    At most `limit` are shown, drawn at random (van der Maaten and Hinton 2008).
    """
    shown = Labelled(embeddings, labels).drawn(limit, seed)
    perplexity = min(_PERPLEXITY, (len(shown) - 1) / 3)
    points = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(shown.rows)
    figure, axes = _canvas(7.2, 6.4)
    counts = np.bincount(shown.labels)
    for label in np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]:  # rare ones last, on top
        x, y = points[shown.labels == label].T
        colour, marker = emotion_of(names[label]).colour, _MARKERS[label % len(_MARKERS)]
        name = f"{names[label]} ({counts[label]:,})"
        axes.scatter(x, y, s=18, color=colour, marker=marker, linewidths=0, alpha=0.8, label=name)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), markerscale=1.8)
    axes.set_title(f"{len(shown):,} embeddings in the plane (t-SNE)")
    _save(figure, path)


def nearest_examples_figure(
    queries: Labelled,
    rows: NDArray[np.int64],
    neighbours: Neighbours,
    gallery: Labelled,
    names: Sequence[str],
    path: str | Path,
) -> None:
    """Draw some `rows` of the queries' images (n, height, width), each followed by its neighbours, to a PNG.

    It shows single faces: keep it in a run's own folder. Neighbours of the query's label are framed in green, others,
    dashed, in red.
    """
    columns = 1 + neighbours.rows.shape[1]
    figure = Figure(figsize=(1.35 * columns, 1.65 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for line, row, found, similarities in zip(grid, rows, neighbours.rows, neighbours.similarities, strict=True):
        label = queries.labels[row]
        _face(line[0], queries.rows[row], f"query:\n{names[label]}", _INK, "-")
        for axes, other, similarity in zip(line[1:], found, similarities, strict=True):
            same = gallery.labels[other] == label
            title = f"{names[gallery.labels[other]]}\n{similarity:.2f}"
            _face(axes, gallery.rows[other], title, _RIGHT if same else _WRONG, "-" if same else "--")
    _save(figure, path)


def _face(axes: Axes, image: NDArray[np.uint8], title: str, colour: str, line: str) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=255)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color=colour, linewidth=2.5, linestyle=line)
    axes.set_title(title, fontsize=9, color=colour)


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    _plain(axes)
    return figure, axes


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK)


def _save(figure: Figure, path: str | Path) -> None:
    figure.savefig(path, dpi=_DPI, facecolor="white", metadata={"Software": None})
