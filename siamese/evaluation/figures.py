"""Evidence → figures, each one PNG."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from siamese.evaluation.protocols import Evidence
from siamese.metric.calibration import Reliability
from siamese.metric.verification import Pairs, Verification, error_rates, roc

_DPI = 160
_INK, _PALE, _ACCENT, _SECOND = "#1f2430", "#b8bdc9", "#3b5bdb", "#d5483a"


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
