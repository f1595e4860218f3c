"""Items with their embeddings ⇄ one SQLite file, which keeps what was acknowledged whatever becomes of the process.

Readers work while a writer adds (write-ahead log). An item's row number is never given to another item, so that an
index made from the file can follow what came and what went.
"""

import json
import os
import sqlite3
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from siamese.errors import FullDiskError, GalleryError
from siamese.gallery.items import EVERYTHING, Item, Wanted

FORMAT = "2"
IN_MEMORY = ":memory:"
_BATCH = 8192
_BUSY_SECONDS = 60.0  # how long one writer waits for another
_MAP = "map"  # what `about` calls the note on the places that were kept
_RENEWING = "renewing"  # … the network by which embeddings are being replaced
_LEFT_OPEN = (
    "What was written last lies beside it, in the file that ends in -wal. Open it once where it may be written."
)
_UNIT = 1e-3  # how far an embedding's length may be from one
_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE items (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    content TEXT NOT NULL,
    emotion TEXT NOT NULL,
    labelled_by TEXT NOT NULL,
    source TEXT NOT NULL,
    box TEXT NOT NULL,
    notes TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    embedding BLOB NOT NULL
);
CREATE INDEX items_by_emotion ON items (emotion);
CREATE INDEX items_by_source ON items (source);
CREATE TABLE pictures (row INTEGER PRIMARY KEY REFERENCES items ON DELETE CASCADE, thumbnail BLOB NOT NULL, crop BLOB);
CREATE TABLE tags (
    tag TEXT NOT NULL, row INTEGER NOT NULL REFERENCES items ON DELETE CASCADE, PRIMARY KEY (tag, row)
) WITHOUT ROWID;
CREATE INDEX tags_by_row ON tags (row);
CREATE TABLE removals (number INTEGER PRIMARY KEY AUTOINCREMENT, row INTEGER NOT NULL);
CREATE TABLE photos (content TEXT PRIMARY KEY, source TEXT NOT NULL, refused TEXT) WITHOUT ROWID;
"""
_COLUMNS = "items.row, id, content, emotion, labelled_by, source, box, notes, thumbnail"
_ADD_ITEM = """
INSERT INTO items (id, content, emotion, labelled_by, source, box, notes, fingerprint, embedding)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING row
"""
# Derived from the embeddings, and made when a map is first kept: files without one are as good.
_PLACES = """
CREATE TABLE IF NOT EXISTS places (
    row INTEGER PRIMARY KEY REFERENCES items ON DELETE CASCADE, x REAL NOT NULL, y REAL NOT NULL
)
"""


@dataclass(frozen=True)
class Photo:
    """A file that was looked at: its content's hash, its name, and why nothing of it was taken, or None."""

    content: str
    source: str
    refused: str | None = None


@dataclass(frozen=True)
class Revision:
    """How far the file's history has come: the last row given to an item, and how many removals there were."""

    row: int = 0
    removals: int = 0


class Claim(NamedTuple):
    """What an item is said to show, and by whom: its row and id, and three of an item's fields."""

    row: int
    id: str
    emotion: str
    labelled_by: str
    source: str


class Store:
    """The items of one gallery. Safe to share between threads; several processes may have the same file open."""

    def __init__(self, path: str | Path, writable: bool = True) -> None:
        """Open a file that `create` made; use that, or `siamese.gallery.gallery.Gallery`.

        Raises GalleryError where there is none, or it is damaged or of another version of Semblance.
        """
        self.path, self.writable = Path(path), writable
        self.in_memory = path == IN_MEMORY
        self._lock = RLock()
        try:
            if not self.in_memory and not self.path.is_file():
                raise GalleryError(
                    f"There is no gallery in {self.path.parent}. Build one with `python -m siamese gallery build`."
                )
            self._connection = _connect(path, writable)
            about = dict(self._connection.execute("SELECT name, value FROM about")) if not self.in_memory else {}
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error, "written" if writable else "read") from error
        self._about = about

    @classmethod
    def create(cls, path: str | Path, title: str, fingerprint: str, embedding_size: int) -> "Store":
        """A new store, for embeddings of this size by the network `fingerprint`; IN_MEMORY for one without a file.

        The file appears in one step, of one process alone where several make it. Raises GalleryError where there is
        one already, or it cannot be written.
        """
        about = {
            "format": FORMAT,
            "store": uuid.uuid4().hex,
            "title": title,
            "fingerprint": fingerprint,
            "embedding_size": str(embedding_size),
        }
        if path == IN_MEMORY:
            store = cls(path)
            _lay_out(store._connection, about)
            store._about = about
            return store
        path = Path(path)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.unlink(missing_ok=True)
            connection = sqlite3.connect(unfinished, isolation_level=None)
            _lay_out(connection, about)
            connection.close()
            _publish(unfinished, path)
        except (OSError, sqlite3.Error) as error:
            raise GalleryError(f"The gallery cannot be written to {path}: {error}") from error
        finally:
            with suppress(OSError):  # what is wrong with the place is told already
                unfinished.unlink()
        return cls(path)

    @property
    def title(self) -> str:
        """What the gallery is called."""
        return self._about["title"]

    @property
    def fingerprint(self) -> str:
        """The network whose embeddings it holds."""
        return self._about["fingerprint"]

    @property
    def identity(self) -> str:
        """A name that no other store has, wherever the file is moved to."""
        return self._about["store"]

    @property
    def embedding_size(self) -> int:
        """Numbers in an embedding."""
        return int(self._about["embedding_size"])

    def copied_to_memory(self) -> "Store":
        """The same items in memory, where they can be changed without this file's knowledge."""
        copy = Store(IN_MEMORY)
        with self._lock:
            self._connection.backup(copy._connection)
        copy._about = {**self._about, "store": uuid.uuid4().hex}  # no index of this one is the copy's
        return copy

    def close(self) -> None:
        """Let go of the file; nothing is lost without it."""
        self._connection.close()

    # what changes it

    def add(
        self,
        items: Sequence[Item],
        embeddings: NDArray[np.float32],
        crops: Sequence[bytes | None] | None = None,
        photos: Iterable[Photo] = (),
    ) -> NDArray[np.int64]:
        """Add items with their embeddings (n, embedding_size), all or none; the rows of those that were new.

        `crops` are the network's inputs, so that another network can read them; `photos` are noted as looked at. When
        this returns, they are on the disk. Raises GalleryError when an embedding is of another size or not of length
        one, the file cannot be written, or another process reads, or has read, the gallery again by another network.
        """
        embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
        self._require_fitting(len(items), embeddings)
        crops = crops or [None] * len(items)
        with self._writing() as connection:
            self._require_same_network(connection)
            rows = [
                row
                for item, embedding, crop in zip(items, embeddings, crops, strict=True)
                if (row := _insert(connection, item, embedding, crop, self.fingerprint)) is not None
            ]
            connection.executemany(
                "INSERT OR REPLACE INTO photos VALUES (?, ?, ?)",
                [(each.content, each.source, each.refused) for each in photos],
            )
        return np.array(rows, dtype=np.int64)

    def remove(self, ids: Collection[str]) -> int:
        """Remove the items of these ids, all or none; how many there were. Their photos may be added again."""
        with self._writing() as connection:
            found = [
                each
                for item_id in ids
                for each in connection.execute("SELECT row, content FROM items WHERE id = ?", (item_id,))
            ]
            connection.executemany("DELETE FROM items WHERE row = ?", [(row,) for row, _ in found])
            connection.executemany("INSERT INTO removals (row) VALUES (?)", [(row,) for row, _ in found])
            connection.executemany("DELETE FROM photos WHERE content = ?", [(content,) for _, content in found])
        return len(found)

    def relabel(self, ids: Collection[str], emotion: str, labelled_by: str) -> None:
        """Give items another label, all or none. Raises GalleryError when there is no item of one of these ids."""
        with self._writing() as connection:
            for item_id in ids:
                values = (emotion, labelled_by, item_id)
                changed = connection.execute("UPDATE items SET emotion = ?, labelled_by = ? WHERE id = ?", values)
                if not changed.rowcount:
                    raise self._unknown(item_id)
            ((times,),) = connection.execute("PRAGMA user_version")
            connection.execute(f"PRAGMA user_version = {times + 1}")

    def forget_refusals(self, sources: Collection[str]) -> None:
        """Drop the notes that photos of these names were refused."""
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM photos WHERE refused IS NOT NULL AND source IN (SELECT value FROM json_each(?))",
                (json.dumps(list(sources)),),
            )

    def begin_renewal(self, fingerprint: str) -> None:
        """Note that embeddings are about to be replaced by those of a network: until `adopt`, they are of two."""
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (_RENEWING, fingerprint))

    @property
    def renewing(self) -> str | None:
        """The network by which embeddings are being replaced, by whatever process; None while they are of one."""
        found = self._all("SELECT value FROM about WHERE name = ?", _RENEWING)
        return str(found[0][0]) if found else None

    def replace_embeddings(self, rows: NDArray[np.int64], embeddings: NDArray[np.float32], fingerprint: str) -> None:
        """Give rows the embeddings of another network; once all have them, `adopt` it."""
        self._require_fitting(len(rows), embeddings)
        blobs = (row.tobytes() for row in np.ascontiguousarray(embeddings, dtype=np.float32))
        with self._writing() as connection:
            connection.executemany(
                "UPDATE items SET embedding = ?, fingerprint = ? WHERE row = ?",
                [(blob, fingerprint, int(row)) for blob, row in zip(blobs, rows, strict=True)],
            )

    def adopt(self, fingerprint: str) -> None:
        """Say that all embeddings are of this network; indexes of the ones before do not fit any more."""
        changed = {"fingerprint": fingerprint, "store": uuid.uuid4().hex}
        with self._writing() as connection:
            connection.executemany("UPDATE about SET value = ? WHERE name = ?", [(v, k) for k, v in changed.items()])
            connection.execute("DELETE FROM about WHERE name = ?", (_RENEWING,))
        self._about |= changed

    def keep_places(self, rows: NDArray[np.int64], places: NDArray[np.float32], until: int) -> None:
        """Keep the places (n, 2) of these rows in the plane, in place of any; `until` was the last row at the time.

        Rows that were removed meanwhile are left out.
        """
        with self._writing() as connection:
            connection.execute(_PLACES)
            connection.execute("DELETE FROM places")
            connection.executemany(
                "INSERT INTO places SELECT row, ?, ? FROM items WHERE row = ?",
                [(x, y, row) for row, (x, y) in zip(rows.tolist(), places.tolist(), strict=True)],
            )
            note = json.dumps({"fingerprint": self.fingerprint, "until": until, "name": uuid.uuid4().hex})
            connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (_MAP, note))

    # what it holds

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Within, everything is read as it is now, whatever other processes add and remove; nothing can be written.

        Other threads wait until it ends.
        """
        with self._lock:
            self._all("BEGIN")
            try:
                yield
            finally:
                self._all("ROLLBACK")

    def __len__(self) -> int:
        return self.count()

    def __contains__(self, item_id: str) -> bool:
        return bool(self._all("SELECT 1 FROM items WHERE id = ?", item_id))

    def count(self, wanted: Wanted = EVERYTHING) -> int:
        """How many items are wanted."""
        where, values = _where(wanted)
        return int(self._all(f"SELECT count(*) FROM items{where}", *values)[0][0])

    def counts(self, column: str, wanted: Wanted = EVERYTHING) -> dict[str, int]:
        """How many of the wanted items there are of each emotion, labelled_by, source or tag, by name."""
        if column not in ("emotion", "labelled_by", "source", "tag"):
            raise ValueError(f"Items are not counted by {column}.")
        table = "items JOIN tags USING (row)" if column == "tag" else "items"
        where, values = _where(wanted)
        command = f"SELECT {column}, count(*) FROM {table}{where} GROUP BY {column} ORDER BY {column}"
        return dict(self._all(command, *values))

    def rows(self, wanted: Wanted = EVERYTHING) -> NDArray[np.int64]:
        """The rows of the wanted items, in the order in which they were added."""
        where, values = _where(wanted)
        return np.array(self._all(f"SELECT row FROM items{where} ORDER BY row", *values), dtype=np.int64).reshape(-1)

    def claims(self) -> list[Claim]:
        """What every item is said to show, in the order in which they were added."""
        command = "SELECT row, id, emotion, labelled_by, source FROM items ORDER BY row"
        return list(map(Claim._make, self._all(command)))

    def rows_after(self, row: int) -> NDArray[np.int64]:
        """The rows that were given to items after this one, ascending."""
        return np.array(self._all("SELECT row FROM items WHERE row > ? ORDER BY row", row), dtype=np.int64).reshape(-1)

    def row(self, item_id: str) -> int:
        """The row of an item. Raises GalleryError when there is none of this id."""
        found = self._all("SELECT row FROM items WHERE id = ?", item_id)
        if not found:
            raise self._unknown(item_id)
        return int(found[0][0])

    def page(self, number: int, size: int, wanted: Wanted = EVERYTHING) -> list[Item]:
        """The wanted items of one page, counted from 1, in the order in which they were added; empty past the last."""
        where, values = _where(wanted)
        start = (max(1, number) - 1) * size
        chosen = self._all(f"SELECT row FROM items{where} ORDER BY row LIMIT ? OFFSET ?", *values, size, start)
        return list(self.items(np.array(chosen, dtype=np.int64).reshape(-1)).values())

    def items(self, rows: NDArray[np.int64]) -> dict[int, Item]:
        """The items of these rows, in this order, by row; rows that were removed meanwhile are left out."""
        found: dict[int, Item] = {}
        for start in range(0, len(rows), _BATCH):
            part = json.dumps(rows[start : start + _BATCH].tolist())
            chosen = "row IN (SELECT value FROM json_each(?))"
            tags: dict[int, list[str]] = {}
            for row, tag in self._all(f"SELECT row, tag FROM tags WHERE {chosen} ORDER BY tag", part):
                tags.setdefault(row, []).append(tag)
            table = "items JOIN pictures ON pictures.row = items.row"
            for values in self._all(f"SELECT {_COLUMNS} FROM {table} WHERE items.{chosen}", part):
                found[values[0]] = _item(values, tuple(tags.get(values[0], ())))
        return {row: found[row] for row in rows.tolist() if row in found}

    def embeddings(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The embeddings (n, embedding_size) of these rows, in this order. Raises GalleryError when one is gone."""
        found: dict[int, bytes] = {}
        for start in range(0, len(rows), _BATCH):
            part = json.dumps(rows[start : start + _BATCH].tolist())
            found |= self._all("SELECT row, embedding FROM items WHERE row IN (SELECT value FROM json_each(?))", part)
        if missing := [row for row in rows.tolist() if row not in found]:
            raise GalleryError(f"Example number {missing[0]} was removed from the gallery «{self.title}».")
        return self._matrix([found[row] for row in rows.tolist()])

    def batches(self, since: Revision, until: Revision) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """The rows that came after one revision and up to another, in batches, with their embeddings (n, size)."""
        command = "SELECT row, embedding FROM items WHERE row > ? AND row <= ? ORDER BY row LIMIT ?"
        after = since.row
        while found := self._all(command, after, until.row, _BATCH):
            after = found[-1][0]
            yield np.array([row for row, _ in found], dtype=np.int64), self._matrix([blob for _, blob in found])

    def places_note(self) -> str:
        """What is noted of the places that are kept, as JSON; another text once others are kept."""
        found = self._all("SELECT value FROM about WHERE name = ?", _MAP)
        return str(found[0][0]) if found else "{}"

    def kept_places(self) -> tuple[NDArray[np.int64], NDArray[np.float32], int] | None:
        """The rows, places (n, 2) and last row that were kept, or None where there are none of this network."""
        note = json.loads(self.places_note())
        if note.get("fingerprint") != self.fingerprint:
            return None
        kept = np.array(self._all("SELECT row, x, y FROM places ORDER BY row"), dtype=np.float64).reshape(-1, 3)
        return kept[:, 0].astype(np.int64), kept[:, 1:].astype(np.float32), note["until"]

    def emotions_of(self, rows: NDArray[np.int64]) -> list[str]:
        """The labels of these rows, in this order; of one that was removed meanwhile, an empty one."""
        chosen = "SELECT row, emotion FROM items WHERE row IN (SELECT value FROM json_each(?))"
        found = dict(self._all(chosen, json.dumps(rows.tolist())))
        return [found.get(row, "") for row in rows.tolist()]

    def crops(self, fingerprint_other_than: str, size: int) -> list[tuple[int, bytes | None]]:
        """Up to `size` rows whose embedding is not of this network, with the inputs that were kept."""
        return self._all(
            "SELECT items.row, crop FROM items JOIN pictures ON pictures.row = items.row WHERE fingerprint != ? "
            "ORDER BY items.row LIMIT ?",
            fingerprint_other_than,
            size,
        )

    def crops_of(self, rows: NDArray[np.int64]) -> dict[int, bytes | None]:
        """The inputs that were kept of these rows."""
        chosen = "SELECT row, crop FROM pictures WHERE row IN (SELECT value FROM json_each(?))"
        return dict(self._all(chosen, json.dumps(rows.tolist())))

    def of_other_networks(self, fingerprint: str) -> int:
        """How many items have an embedding of another network than this one."""
        return int(self._all("SELECT count(*) FROM items WHERE fingerprint != ?", fingerprint)[0][0])

    def looked_at(self, contents: Collection[str]) -> set[str]:
        """Which of these files' hashes are of photos that were looked at and not refused."""
        part = json.dumps(list(contents))
        return {
            each
            for (each,) in self._all(
                "SELECT content FROM photos WHERE content IN (SELECT value FROM json_each(?)) AND refused IS NULL", part
            )
        }

    def refused(self) -> dict[str, str]:
        """The photos of which nothing was taken, with the reason."""
        return dict(self._all("SELECT source, refused FROM photos WHERE refused IS NOT NULL ORDER BY source"))

    # what an index follows

    def revision(self) -> Revision:
        """How far the history has come."""
        last = dict(self._all("SELECT name, seq FROM sqlite_sequence"))
        return Revision(last.get("items", 0), last.get("removals", 0))

    def relabellings(self) -> int:
        """How often labels were changed, by whatever process; no index cares, and so a revision does not tell."""
        return int(self._all("PRAGMA user_version")[0][0])

    def removed(self, since: Revision) -> NDArray[np.int64]:
        """The rows that were removed after that revision."""
        return np.array(self._all("SELECT row FROM removals WHERE number > ?", since.removals), dtype=np.int64).reshape(
            -1
        )

    def seal(self) -> None:
        """Bring everything into the one file, so that it can be read where nothing may be written.

        Raises GalleryError where another process has it open.
        """
        with self._lock:
            try:
                self._connection.execute("PRAGMA journal_mode = DELETE")
            except sqlite3.OperationalError as error:
                raise GalleryError(
                    f"The gallery in {self.path.parent} cannot be sealed: {error}. Close what else has it open, such "
                    "as the page, and try again."
                ) from error

    def _all(self, command: str, *values: object) -> list[Any]:
        with self._lock:
            try:
                return self._connection.execute(command, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise self._unusable(error, "read") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: on the disk as a whole when it ends, or as if it had never begun."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                except BaseException:
                    if self._connection.in_transaction:  # some failures end it themselves
                        self._connection.execute("ROLLBACK")
                    raise
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                sentence = f"The gallery cannot be written to {self.path}: {error}"
                if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                    advice = "Free some space and do it again; what was there before is kept."
                    raise FullDiskError(f"{sentence}. {advice}") from error
                raise GalleryError(sentence) from error

    def _require_same_network(self, connection: sqlite3.Connection) -> None:
        """Embeddings are to be of the network that this store was opened for, whatever became of it since."""
        of_now = dict(
            connection.execute("SELECT name, value FROM about WHERE name IN ('fingerprint', ?)", (_RENEWING,))
        )
        if other := {*of_now.values()} - {self.fingerprint}:
            raise GalleryError(
                f"The gallery «{self.title}» is read again by another network, {other.pop()}, since it was opened "
                "here. Nothing was added: start again once that is done, with the network that it is of then."
            )

    def _require_fitting(self, count: int, embeddings: NDArray[np.float32]) -> None:
        expected = (count, self.embedding_size)
        if embeddings.shape != expected:
            raise GalleryError(f"The items need embeddings of shape {expected}, not {embeddings.shape}.")
        if not of_unit_length(embeddings):
            raise GalleryError("Every embedding of a gallery must have length one.")

    def _matrix(self, blobs: Sequence[bytes]) -> NDArray[np.float32]:
        return np.frombuffer(b"".join(blobs), dtype=np.float32).reshape(len(blobs), self.embedding_size)

    def _unknown(self, item_id: str) -> GalleryError:
        return GalleryError(f"The gallery «{self.title}» has no example «{item_id}».")

    def _unusable(self, error: Exception, use: str) -> GalleryError:
        """What to say of a file that cannot be `use`d: «read» or «written»."""
        if isinstance(error, OSError | sqlite3.OperationalError) and not _lacks_tables(error):
            advice = f". {_LEFT_OPEN}" if not self.in_memory and not self.writable and _log_of(self.path) else ""
            return GalleryError(f"The gallery in {self.path.parent} cannot be {use}: {error}{advice}")
        return GalleryError(f"The gallery in {self.path.parent} is damaged ({error}). Build it again.")


def of_unit_length(embeddings: NDArray[np.float32]) -> bool:
    """Whether all embeddings (n, size) are of length one; one that is not a number is not."""
    return bool((np.abs(np.linalg.norm(embeddings, axis=1) - 1) < _UNIT).all())


def _connect(path: str | Path, writable: bool) -> sqlite3.Connection:
    if path == IN_MEMORY:
        connection = sqlite3.connect(IN_MEMORY, isolation_level=None, check_same_thread=False)
    else:
        path = Path(path)
        # Where nothing may be written, only a file that nobody writes can be read without a log beside it.
        mode = "rw" if writable else "ro" if os.access(path.parent, os.W_OK) or _log_of(path) else "ro&immutable=1"
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=_BUSY_SECONDS,
        )
    if writable:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit waits for the disk
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _log_of(path: Path) -> bool:
    """Whether what was written last lies in a log beside the file."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except OSError:
        return False


def _publish(unfinished: Path, path: Path) -> None:
    """Give a new gallery's file its name in one step. Raises GalleryError where there is one of that name."""
    try:
        os.link(unfinished, path)
    except OSError as error:
        if path.exists():
            raise GalleryError(f"There is a gallery at {path} already. Add to it, or choose another place.") from error
        unfinished.replace(path)  # on a file system without hard links


def _lacks_tables(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR  # not locked, not read-only, not the disk


def _lay_out(connection: sqlite3.Connection, about: dict[str, str]) -> None:
    connection.executescript(_SCHEMA)
    connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())


def _insert(
    connection: sqlite3.Connection, item: Item, embedding: NDArray[np.float32], crop: bytes | None, fingerprint: str
) -> int | None:
    """Add one item; its row, or None where there is one of its id."""
    box, notes = json.dumps(item.box), json.dumps(dict(item.notes))
    values = (item.id, item.content, item.emotion, item.labelled_by, item.source, box, notes, fingerprint)
    added = connection.execute(_ADD_ITEM, (*values, embedding.tobytes())).fetchone()
    if added is None:
        return None
    (row,) = added
    connection.execute("INSERT INTO pictures VALUES (?, ?, ?)", (row, item.thumbnail, crop))
    connection.executemany("INSERT INTO tags VALUES (?, ?)", [(tag, row) for tag in dict.fromkeys(item.tags)])
    return int(row)


def _item(values: Sequence[Any], tags: tuple[str, ...]) -> Item:
    _, item_id, content, emotion, labelled_by, source, box, notes, thumbnail = values
    corners = json.loads(box)
    return Item(
        id=item_id,
        emotion=emotion,
        source=source,
        labelled_by=labelled_by,
        thumbnail=thumbnail,
        notes=json.loads(notes),
        tags=tags,
        box=tuple(corners) if corners else None,
        content=content,
    )


def _where(wanted: Wanted) -> tuple[str, list[str]]:
    """The condition that chooses the wanted items, and its values."""
    conditions = {
        "emotion = ?": wanted.emotion,
        "source = ?": wanted.source,
        "row IN (SELECT row FROM tags WHERE tag = ?)": wanted.tag,
        "labelled_by = ?": wanted.labelled_by,
    }
    given = {condition: value for condition, value in conditions.items() if value is not None}
    return (f" WHERE {' AND '.join(given)}" if given else ""), list(given.values())
