"""`python -m siamese gallery …`: build galleries, add to them, look into them, hand them on, make them anew."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Task as RichTask
from rich.text import Text

from siamese.cli_parts import (
    AsJson,
    Cache,
    IndexName,
    Reference,
    Split,
    load_service,
    new_table,
    plain,
    print_json,
    shown,
)
from siamese.datasets.catalogue import DATASETS
from siamese.errors import GalleryError, command
from siamese.gallery.adding import add_photos
from siamese.gallery.archives import unpacked
from siamese.gallery.build import printable
from siamese.gallery.engines.choice import AUTOMATIC
from siamese.gallery.gallery import STORE_FILE, Gallery
from siamese.gallery.items import Wanted
from siamese.gallery.looking import Look, Lookers, Task, in_processes
from siamese.settings import Settings
from siamese.vocabulary import EMOTIONS

if TYPE_CHECKING:
    from siamese.datasets.folder import PhotoFolder
    from siamese.datasets.samples import Samples
    from siamese.network.runtime import Embedder

gallery_app = typer.Typer(help="Build galleries of examples, and look after them.", no_args_is_help=True)

_MOST_PROCESSES = 4
_PHOTOS_PER_PROCESS = 100  # below, a process takes longer to start than it saves
_REFUSED_SHOWN = 20
_MOST = 1_000_000_000  # pages, and examples on one: their product is a number that SQLite can count to
_OTHERS_SHOWN = 2

GalleryPlace = Annotated[Path, typer.Argument(help="The gallery's folder.")]
Folder = Annotated[Path | None, typer.Option(help="Folder of photos; sub-folders' names are labels.")]
Archive = Annotated[Path | None, typer.Option(help="Such a folder as a .zip or .tar file.")]
FromDataset = Annotated[str | None, typer.Option(help=f"Data set: {', '.join(DATASETS)}.")]
Root = Annotated[Path | None, typer.Option(help="The data set's folder.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A word to find what is added by; may be repeated.")]
Processes = Annotated[int, typer.Option(min=0, help="Processes that look at photos; 0 goes by cores and photos.")]
OnRay = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Look at photos on a Ray cluster: `local` for one that is started here, host:port for one that this "
        "machine is part of, ray://host:port for any. Its machines need no files: photos, Semblance and the reference "
        "set are sent to them. They need Python and the packages of requirements.txt and requirements-ray.txt.",
    ),
]
OfEmotion = Annotated[str | None, typer.Option(help="Only examples of this emotion.")]
OfSource = Annotated[str | None, typer.Option(help="Only examples from this source.")]
OfTag = Annotated[str | None, typer.Option("--tag", help="Only examples with this tag.")]


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: RichTask) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


@dataclass(frozen=True)
class Looking:
    """What makes a `Look` in each process, by the reference set in a folder; on one thread where there are several."""

    reference: Path | None
    alone: bool

    def __call__(self) -> Look:
        """Load the service. Raises ReferenceSetError when that cannot be done."""
        import torch

        from siamese.gallery.build import Embedded, embedded, entries_of_photo
        from siamese.service import ExpressionService

        if not self.alone:
            torch.set_num_threads(1)
        threads = {} if self.alone else {"threads": 1}
        settings = Settings(gallery=None, index=AUTOMATIC, **threads)
        service = ExpressionService.load(self.reference, settings=settings)

        def look(task: Task) -> Embedded:
            entries = entries_of_photo(task.source, task.emotion, service.faces(task.path), task.content, task.tags)
            return embedded(entries, service.embedder, service.emotions)

        return look


@gallery_app.command()
def build(
    out: Annotated[Path, typer.Option(help="Folder to write the gallery to.")],
    folder: Folder = None,
    archive: Archive = None,
    dataset: FromDataset = None,
    root: Root = None,
    split: Split = "train",
    title: Annotated[str | None, typer.Option(help="What the gallery is called.")] = None,
    tag: Tags = None,
    processes: Processes = 0,
    ray: OnRay = None,
    reference: Reference = None,
    cache: Cache = Path("cache"),
) -> None:
    """Build a gallery from photos or a data set. Cut short, the same command goes on with it."""
    source = _source(folder, archive, dataset, root, ray)
    embedder = _embedder(reference)
    with (
        _lookers(processes, ray, reference, folder) as lookers,
        _ready(folder, archive, dataset, root, split, tag, lookers, reference, cache) as add_to,
    ):
        gallery = _begun(out, title or source, embedder)
        add_to(gallery)
    if not len(gallery):
        raise GalleryError(f"There is no face to build a gallery from; {command('gallery', 'info', out)} says why.")
    _draw_map(gallery)
    _finish(gallery, out)


@gallery_app.command()
def add(
    gallery: GalleryPlace,
    folder: Folder = None,
    archive: Archive = None,
    dataset: FromDataset = None,
    root: Root = None,
    split: Split = "train",
    tag: Tags = None,
    processes: Processes = 0,
    ray: OnRay = None,
    reference: Reference = None,
    cache: Cache = Path("cache"),
    index: IndexName = None,
) -> None:
    """Add photos or a data set to a gallery; what is in it already is passed over."""
    _source(folder, archive, dataset, root, ray)
    opened = _opened(gallery, reference, writable=True, index=index)
    with (
        _lookers(processes, ray, reference, folder) as lookers,
        _ready(folder, archive, dataset, root, split, tag, lookers, reference, cache) as add_to,
    ):
        add_to(opened)
    _finish(opened, gallery)


@gallery_app.command()
def remove(
    gallery: GalleryPlace,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of examples, as `gallery list` shows them.")] = None,
    emotion: OfEmotion = None,
    source: OfSource = None,
    tag: OfTag = None,
    reference: Reference = None,
    index: IndexName = None,
) -> None:
    """Remove examples, by their ids or all of an emotion, a source or a tag."""
    if bool(ids) != Wanted(emotion, source, tag).everything:
        raise GalleryError("Say what to remove: either ids, or one or more of --emotion, --source and --tag.")
    opened = _opened(gallery, reference, writable=True, index=index)
    if ids and (unknown := [each for each in ids if each not in opened]):
        raise GalleryError(f"The gallery «{opened.title}» has no example «{unknown[0]}». Nothing was removed.")
    wanted = _wanted(opened, emotion, source, tag)
    chosen = list(dict.fromkeys(ids or ())) or [
        item.id for item in opened.store.items(opened.store.rows(wanted)).values()
    ]
    print(f"{gallery}: {opened.remove(chosen):,} removed, {len(opened):,} left")
    opened.close()


@gallery_app.command("list")
def list_items(
    gallery: GalleryPlace,
    emotion: OfEmotion = None,
    source: OfSource = None,
    tag: OfTag = None,
    page: Annotated[int, typer.Option(min=1, max=_MOST, help="Which page.")] = 1,
    size: Annotated[int, typer.Option(min=1, max=_MOST, help="Examples on a page.")] = 50,
    as_json: AsJson = False,
    reference: Reference = None,
) -> None:
    """List a page of examples."""
    opened = _opened(gallery, reference)
    wanted = _wanted(opened, emotion, source, tag)
    items, count = opened.page(page, size, wanted), opened.store.count(wanted)
    if as_json:
        described = [each.to_dict() for each in items]
        print_json({"gallery": opened.title, "examples": count, "page": page, "items": described})
        return
    title = f"«{opened.title}», {count:,} examples, page {page}"
    table = new_table(title, "example", "emotion", "labelled by", "source", "tags")
    for item in items:
        rest = map(plain, (item.labelled_by, item.source, ", ".join(item.tags)))
        table.add_row(plain(item.id), shown(item.emotion), *rest)
    Console().print(table)


@gallery_app.command()
def check(
    gallery: GalleryPlace,
    count: Annotated[int, typer.Option(min=1, help="How many doubted labels.")] = 20,
    emotion: OfEmotion = None,
    as_json: AsJson = False,
    reference: Reference = None,
) -> None:
    """Rank the labels that people gave and that the examples around them doubt, the most doubtful first."""
    from siamese.gallery.checking import check_labels, doubted_as

    opened = _opened(gallery, reference)
    with Console(stderr=True).status("Checking labels"):
        found = check_labels(opened)
    doubted = list(found.doubted) if emotion is None else doubted_as(opened, found.doubted, emotion)
    if as_json:
        told = {"gallery": opened.title, "checked": found.checked, "not_checked": found.not_checked}
        print_json({**told, "doubted": len(doubted), "labels": [each.to_dict() for each in doubted[:count]]})
        return
    table = new_table(
        f"«{opened.title}», the most doubtful labels", "example", "label", "suggested", "doubt", "source", "unlike"
    )
    table.columns[0].no_wrap = table.columns[-1].no_wrap = True  # ids are of use as a whole only
    table.columns[4].overflow = "fold"
    for each in doubted[:count]:
        labels = map(shown, (each.label, each.suggested))
        others = "\n".join(map(plain, each.disagreeing[:_OTHERS_SHOWN]))
        table.add_row(plain(each.id), *labels, f"{each.score:.2f}", plain(each.source), others)
    if doubted:
        Console().print(table)
    print(found.summary if emotion is None else f"{found.summary} Labelled {opened.label(emotion)}: {len(doubted):,}.")


@gallery_app.command()
def relabel(
    gallery: GalleryPlace,
    emotion: Annotated[str, typer.Argument(help="The label they shall have; their own, to confirm that.")],
    ids: Annotated[list[str], typer.Argument(help="Ids of examples, as `gallery check` shows them.")],
    reference: Reference = None,
) -> None:
    """Label examples by hand; `gallery check` doubts them no more."""
    from siamese.gallery.corrections import relabel_all

    opened = _opened(gallery, reference, writable=True)
    chosen = list(dict.fromkeys(ids))
    label = relabel_all(opened, chosen, emotion)
    print(f"{gallery}: {len(chosen):,} labelled {label} by hand")
    opened.close()


@gallery_app.command()
def info(gallery: GalleryPlace, as_json: AsJson = False, reference: Reference = None, index: IndexName = None) -> None:
    """Tell what a gallery holds, which network made it, and which photos it could not take."""
    opened = _opened(gallery, reference, index=index)
    told = _told(opened)
    if as_json:
        print_json(told)
        return
    print(f"«{opened.title}», {len(opened):,} examples by the network {opened.fingerprint}")
    print(_index(opened))
    for column in ("emotion", "labelled_by", "tag"):
        if counts := told["counts"][column]:
            table = new_table("", column.replace("_", " "), "examples")
            for name, count in counts.items():
                table.add_row(shown(name) if column == "emotion" else plain(name), f"{count:,}")
            Console().print(table)
    _print_refused(told["refused"])


@gallery_app.command()
def rebuild(gallery: GalleryPlace, reference: Reference = None, index: IndexName = None) -> None:
    """Read every example again with the network in use, where another made it, and make the index anew."""
    from siamese.gallery.renewal import renew

    embedder = _embedder(reference)
    with _progress("Reading faces") as (progress, task):
        renewed = renew(gallery, embedder, lambda done, total: progress.update(task, completed=done, total=total))
    opened = _opened(gallery, reference, writable=True, index=index)
    opened.rebuild_index()
    if renewed:
        _draw_map(opened)
    print(f"{gallery}: {renewed:,} of {len(opened):,} examples read anew; {_index(opened)}")
    opened.close()


@gallery_app.command("map")
def map_gallery(
    gallery: GalleryPlace,
    seal: Annotated[bool, typer.Option("--seal", help="Leave everything in the one file, as it is shipped.")] = False,
    reference: Reference = None,
) -> None:
    """Draw the gallery's map anew, as the page's tab Map shows it: by t-SNE, minutes for 20,000 examples."""
    opened = _opened(gallery, reference, writable=True)
    print(f"{gallery}: {_draw_map(opened):,} of {len(opened):,} examples on the map")
    opened.seal() if seal else opened.close()


@gallery_app.command("export")
def export_gallery(
    gallery: GalleryPlace,
    out: Annotated[Path, typer.Argument(help="A .zip file to write.")],
    reference: Reference = None,
) -> None:
    """Write a gallery as one file: items as JSON, embeddings as npy, pictures as WebP and PNG."""
    from siamese.gallery.exchange import write_archive

    count = write_archive(_opened(gallery, reference), out)
    print(f"{out}: {count:,} examples")


@gallery_app.command("import")
def import_gallery(
    archive: Annotated[Path, typer.Argument(help="A .zip file that `gallery export` wrote.")],
    out: Annotated[Path, typer.Argument(help="Folder of a gallery to add to, or to make.")],
    reference: Reference = None,
) -> None:
    """Take in what `gallery export` wrote."""
    from siamese.gallery.exchange import read_archive

    gallery, added = read_archive(archive, out, _embedder(reference).fingerprint)
    if gallery.store.kept_places() is None:
        _draw_map(gallery)
    print(f"{out}: {added:,} new examples, {len(gallery):,} in all")
    gallery.close()


def _source(folder: Path | None, archive: Path | None, dataset: str | None, root: Path | None, ray: str | None) -> str:
    """What a gallery of this is called."""
    given = [each for each in (folder, archive, dataset) if each is not None]
    if len(given) != 1 or (dataset is None) != (root is None):
        raise GalleryError("Give either --folder with photos, or --archive, or --dataset together with --root.")
    if dataset is not None and ray is not None:
        raise GalleryError("A data set is read here; --ray is for photos, with --folder or --archive.")
    return printable(folder.resolve().name if folder else archive.stem if archive else str(dataset))


def _wanted(gallery: Gallery, emotion: str | None, source: str | None, tag: str | None) -> Wanted:
    """What of the gallery is meant. Raises GalleryError where neither an emotion nor an example is called so."""
    named = None if emotion is None else gallery.sought_label(emotion)
    return Wanted(named, *(each if each is None else printable(each) for each in (source, tag)))


def _begun(out: Path, title: str, embedder: "Embedder") -> Gallery:
    """A new gallery, or the one that is there already, to go on with."""
    if not os.access(out / STORE_FILE, os.F_OK):  # Path.is_file raises where one may not look
        return Gallery.create(out, title, embedder.fingerprint, embedder.embedding_size)
    gallery = Gallery.open(out, embedder.fingerprint, writable=True)
    print(f"{out}: going on with «{gallery.title}», which has {len(gallery):,} examples already", file=sys.stderr)
    return gallery


@contextmanager
def _ready(
    folder: Path | None,
    archive: Path | None,
    dataset: str | None,
    root: Path | None,
    split: str,
    tags: list[str] | None,
    lookers: Lookers,
    reference: Path | None,
    cache: Path,
) -> Iterator[Callable[[Gallery], None]]:
    """What adds all that to a gallery; a folder or file that is not there is refused before one is begun."""
    from siamese.datasets.catalogue import load_dataset
    from siamese.datasets.folder import scan

    if dataset is not None:
        samples = load_dataset(dataset, str(root), split).labelled()
        yield lambda gallery: _add_dataset(gallery, samples, reference, cache)
        return
    with unpacked(archive) if archive else nullcontext(folder) as photos:
        found = scan(str(photos))
        yield lambda gallery: _add_folder(gallery, found, tags, lookers)


def _add_dataset(gallery: Gallery, samples: "Samples", reference: Path | None, cache: Path) -> None:
    from siamese.evaluation.reference import entries_of
    from siamese.gallery.build import add_entries

    with _progress("Reading faces", len(samples)) as (progress, task):
        entries = entries_of(samples, cache)
        add_entries(gallery, entries, _embedder(reference), progress=lambda done: progress.update(task, completed=done))


def _add_folder(gallery: Gallery, found: "PhotoFolder", tags: list[str] | None, lookers: Lookers) -> None:
    _warn_of_new_labels({label for _, label in found.photos if label} - {*EMOTIONS, *gallery.emotions})
    with _progress("Looking at photos", len(found.photos)) as (progress, task):
        done = add_photos(
            gallery,
            found.photos,
            lookers,
            tuple(tags or ()),
            lambda each: progress.update(task, completed=each.done),
            found.root,
        )
    _print_refused({**{str(path): why for path, why in found.skipped.items()}, **done.refused})
    print(f"{done.added:,} new faces of {done.total:,} photos; {done.known:,} photos were known", file=sys.stderr)


def _warn_of_new_labels(labels: set[str]) -> None:
    """A folder may be named after a day or a place, which nobody wants for an expression."""
    if labels:
        named = ", ".join(f"«{label}»" for label in sorted(labels))
        print(
            f"These folders become labels, though no expression is called so: {named}. Of each photo in them the "
            "largest face is taken. Photos that lie in no sub-folder are read, every face of them.",
            file=sys.stderr,
        )


def _lookers(
    processes: int, ray: str | None, reference: Path | None, folder: Path | None
) -> AbstractContextManager[Lookers]:
    """What looks at photos: this process, several beside it, or a cluster."""
    if ray is None:
        processes = processes or min(_MOST_PROCESSES, os.cpu_count() or 1, _worth_starting(folder))
        return in_processes(Looking(reference, alone=processes == 1), processes)
    from siamese.gallery.ray_cluster import REFERENCE, on_ray

    return on_ray(ray, Looking(REFERENCE, alone=False), processes, reference or Settings().reference)


def _worth_starting(folder: Path | None) -> int:
    """How many processes a folder's files are worth; of an archive that is not known yet."""
    if folder is None:
        return _MOST_PROCESSES
    files = islice(folder.rglob("*"), _MOST_PROCESSES * _PHOTOS_PER_PROCESS)
    return 1 + sum(1 for _ in files) // _PHOTOS_PER_PROCESS


def _print_refused(refused: dict[str, str]) -> None:
    for name, why in list(refused.items())[:_REFUSED_SHOWN]:
        print(f"Left out {name}: {why}", file=sys.stderr)
    if len(refused) > _REFUSED_SHOWN:
        print(f"… and {len(refused) - _REFUSED_SHOWN:,} more; `gallery info --json` has all.", file=sys.stderr)


def _draw_map(gallery: Gallery) -> int:
    """Draw and keep the gallery's map; how many examples are on it."""
    from siamese.gallery.maps import draw_map

    with _progress("Drawing the map") as (progress, task):
        drawn = draw_map(gallery, Settings().map_points)
        progress.update(task, completed=len(drawn.rows), total=len(drawn.rows))
    return len(drawn.rows)


def _finish(gallery: Gallery, out: Path) -> None:
    gallery.keep_index()
    print(f"{out}: «{gallery.title}», {len(gallery):,} examples; {_index(gallery)}")
    gallery.close()


def _index(gallery: Gallery) -> str:
    return f"index {gallery.choice.engine}: {gallery.choice.why}"


def _told(gallery: Gallery) -> dict[str, Any]:
    return {
        "title": gallery.title,
        "network": gallery.fingerprint,
        "examples": len(gallery),
        "index": asdict(gallery.choice),
        "counts": {column: gallery.store.counts(column) for column in ("emotion", "labelled_by", "tag")},
        "refused": gallery.store.refused(),
    }


def _embedder(reference: Path | None) -> "Embedder":
    return load_service(reference, index=AUTOMATIC).embedder  # whatever index the gallery that is meant has


def _opened(gallery: Path, reference: Path | None, writable: bool = False, index: str | None = None) -> Gallery:
    settings = Settings.given(index=index)
    fingerprint = _embedder(reference).fingerprint
    return Gallery.open(gallery, fingerprint, writable, settings.index, settings.index_megabytes, settings.index_access)


@contextmanager
def _progress(what: str, total: int | None = None) -> Iterator[tuple[Progress, Any]]:
    """A bar with how many are done, how many a second, and the time left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield progress, progress.add_task(what, total=total)
