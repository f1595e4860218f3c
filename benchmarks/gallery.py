"""How fast and how rightly each engine finds neighbours in galleries of growing size, beside scikit-learn's search.

The gallery's embeddings are a data set's training images, and then copies of them with noise, up to the size asked for;
queries are its test images. Each engine is measured in a process of its own, and what that grew by is told. Recall is
the share of the exact ten nearest that are among the ten found.

    python -m benchmarks.gallery --dataset ferplus --root data/ferplus [--sizes 10000 100000 1000000] [--json]
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from sklearn.neighbors import NearestNeighbors

from siamese.datasets.catalogue import load_dataset
from siamese.evaluation.embeddings import embeddings
from siamese.evaluation.tables import table
from siamese.gallery.engines import Index
from siamese.gallery.engines.choice import ENGINES, SAMPLE, choose
from siamese.network.runtime import Embedder
from siamese.settings import Settings

PEER, EXACT = "scikit-learn", "flat"
SIZES = (10_000, 100_000, 1_000_000)
_K, _BATCH, _QUERIES = 10, 64, 1024
_SECONDS = 3.0  # at least, that each rate is measured for
_NOISE = 0.35  # length of what is added to a copy of length one
_BLOCK = 50_000  # embeddings added at once
_PAGE = """\
## Engines of the gallery, on {dataset}

```sh
python -m benchmarks.gallery --dataset {dataset} --root data/{dataset}{options} > docs/results/gallery-{dataset}.md
```

{real:,} real embeddings of {numbers} numbers, and copies of them with noise of length {noise:g} ({cosine:.2f} is their
mean similarity to their originals); {queries:,} real queries. «×» is how many times faster than exact search.

{table}"""

Search = Callable[[NDArray[np.float32]], NDArray[np.int64]]


@dataclass(frozen=True)
class Measurement:
    """One engine on one size: seconds to build, megabytes that it takes, queries a second one by one and by 64."""

    engine: str
    embeddings: int
    build_seconds: float
    megabytes: float
    queries_per_second: float
    queries_per_second_by_64: float
    recall_at_10: float | None = None
    chosen: bool = False


def gallery_of(real: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """The real embeddings (n, d) and as many noisy copies as make `size`, (size, d), all of unit length."""
    random = np.random.default_rng(0)
    answer = np.empty((size, real.shape[1]), np.float32)
    for start in range(0, size, len(real)):
        part = real[: size - start]
        noise = random.normal(size=part.shape) * (_NOISE / np.sqrt(real.shape[1]) if start else 0)
        noisy = part + noise.astype(np.float32)
        answer[start : start + len(part)] = noisy / np.linalg.norm(noisy, axis=1, keepdims=True)
    return answer


def measure(engine: str, gallery: Path, queries: NDArray[np.float32]) -> tuple[Measurement, NDArray[np.int64]]:
    """Build an engine on the embeddings in a file, and search; also what it found, (q, 10). Run in its own process."""
    stored = np.load(gallery, mmap_mode="r")
    before = _memory()
    started = time.perf_counter()
    search = _scikit_learn(stored) if engine == PEER else _engine(engine, stored)
    built = time.perf_counter() - started
    found = np.concatenate([search(queries[start : start + _BATCH]) for start in range(0, len(queries), _BATCH)])
    answer = Measurement(
        engine=engine,
        embeddings=len(stored),
        build_seconds=built,
        megabytes=_memory() - before,
        queries_per_second=_rate(search, queries, 1),
        queries_per_second_by_64=_rate(search, queries, _BATCH),
    )
    return answer, found


def compare(
    real: NDArray[np.float32], queries: NDArray[np.float32], sizes: Sequence[int], engines: Sequence[str]
) -> list[Measurement]:
    """Every engine on every size, exact search first."""
    answers = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.npy"
            np.save(path, gallery_of(real, size), allow_pickle=False)
            chosen = choose(size, real.shape[1], Settings().index_megabytes).engine
            exact = None
            for engine in (EXACT, *(each for each in engines if each != EXACT)):
                Console(stderr=True).print(f"{engine}, {size:,}")
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
                    measured, found = alone.submit(measure, engine, path, queries).result()
                exact = found if exact is None else exact
                answers.append(replace(measured, recall_at_10=_recall(found, exact), chosen=engine == chosen))
            path.unlink()
    return answers


def page(measured: Sequence[Measurement], dataset: str, real: NDArray[np.float32], queries: int, options: str) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    exact = {each.embeddings: each for each in measured if each.engine == EXACT}
    rows = (
        (
            f"{each.embeddings:,}",
            f"**{each.engine}**" if each.chosen else each.engine,
            f"{each.build_seconds:.1f}",
            f"{each.megabytes:,.0f}",
            *(
                f"{getattr(each, rate):,.0f} ({getattr(each, rate) / getattr(exact[each.embeddings], rate):.1f} ×)"
                for rate in ("queries_per_second", "queries_per_second_by_64")
            ),
            f"{each.recall_at_10:.3f}",
        )
        for each in measured
    )
    head = (
        "embeddings",
        "engine (bold: chosen)",
        "build, s",
        "MB more than before",
        "queries/s",
        "queries/s by 64",
        "recall@10",
    )
    return _PAGE.format(
        dataset=dataset,
        options=options,
        real=len(real),
        numbers=real.shape[1],
        noise=_NOISE,
        cosine=(1 + _NOISE**2) ** -0.5,
        queries=queries,
        table=table(head, rows),
    )


def _engine(name: str, stored: NDArray[np.float32]) -> Search:
    some = np.sort(np.random.default_rng(0).permutation(len(stored))[:SAMPLE]) if name.startswith("ivf") else [0]
    index: Index = ENGINES[name].make(np.asarray(stored[some]), len(stored))
    for start in range(0, len(stored), _BLOCK):
        part = np.asarray(stored[start : start + _BLOCK])
        index.add(np.arange(start, start + len(part), dtype=np.int64), part)
    return lambda queries: index.search(queries, _K)[1]


def _scikit_learn(stored: NDArray[np.float32]) -> Search:
    fitted = NearestNeighbors(n_neighbors=_K, metric="euclidean", algorithm="brute").fit(np.asarray(stored))
    return lambda queries: fitted.kneighbors(queries, return_distance=False)


def _memory() -> float:
    """Megabytes that this process holds, but for files that it has mapped, such as the embeddings (Linux)."""
    status = Path("/proc/self/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon"))) / 1e3


def _rate(search: Search, queries: NDArray[np.float32], batch: int) -> float:
    """Queries a second, in batches of that size."""
    done, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < _SECONDS:
        start = done % (len(queries) - batch + 1)
        search(queries[start : start + batch])
        done += batch
    return done / passed


def _recall(found: NDArray[np.int64], exact: NDArray[np.int64]) -> float:
    return float(np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, exact, strict=True)]))


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True, help="a data set with train and test")
    parser.add_argument("--root", required=True, help="its folder")
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="embeddings in the gallery")
    parser.add_argument("--engines", nargs="+", default=[PEER, *ENGINES], choices=[PEER, *ENGINES])
    parser.add_argument("--reference", type=Path, default=Settings().reference, help="the reference set's folder")
    parser.add_argument("--cache", default="cache", help="folder that keeps embeddings between runs")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    embedder = Embedder(words.reference / "network.onnx")
    parts = (load_dataset(words.dataset, words.root, part).labelled() for part in ("train", "test"))
    real, queries = (embeddings(part, embedder, words.cache) for part in parts)
    queries = queries[:_QUERIES]
    measured = compare(real, queries, words.sizes, words.engines)
    if words.json:
        print(json.dumps({"dataset": words.dataset, "measured": [asdict(each) for each in measured]}))
        return
    options = f" --sizes {' '.join(map(str, words.sizes))}" if tuple(words.sizes) != SIZES else ""
    print(page(measured, words.dataset, real, len(queries), options))


if __name__ == "__main__":
    main()
