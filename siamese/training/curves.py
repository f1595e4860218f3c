"""The rows of a run's epochs → its curves, one PNG."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from siamese.training.checkpoint import Row

_PANELS = {
    "losses on training batches": ("auxiliary_loss", "metric_loss"),
    "validation: recognition and verification": ("accuracy", "balanced_accuracy", "roc_auc"),
    "validation: mean similarity": ("intra_similarity", "inter_similarity", "margin"),
    "validation: effective rank": ("effective_rank",),
}
_COLOURS = ("#3b5bdb", "#d5483a", "#1c9a9a")


def draw_curves(rows: Sequence[Row], path: Path) -> None:
    """Draw four panels over the epochs: losses, validation figures, similarities, and the embeddings' rank."""
    figure = Figure(figsize=(10.0, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, names) in zip(figure.subplots(2, 2, sharex=True).flat, _PANELS.items(), strict=True):
        _panel(axes, title, names, rows)
    figure.savefig(path, dpi=120, facecolor="white")


def _panel(axes: Axes, title: str, names: Sequence[str], rows: Sequence[Row]) -> None:
    epochs = [row["epoch"] for row in rows]
    for name, colour in zip(names, _COLOURS, strict=False):
        axes.plot(epochs, [row[name] for row in rows], "o-", color=colour, markersize=3, label=name.replace("_", " "))
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
