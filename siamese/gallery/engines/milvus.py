"""Rows in Milvus, which others run: a server or cluster at an address, or Milvus Lite in a file, to try it out.

Each store has a collection of its own, and an entry that tells how far it has followed the store, so that whoever opens
it next goes on from there. Several processes may follow one store: rows are written by their number, and writing one
again changes nothing.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siamese.errors import GalleryError
from siamese.gallery.engines import NOTHING, Found
from siamese.gallery.engines.faiss_tools import exact
from siamese.gallery.store import Revision
from siamese.settings import IndexAccess

PREFIX, LITE = "milvus:", ".db"
MOST = 16_384  # rows that Milvus finds for a query, and queries that it takes at once
_COLLECTION, _REVISIONS = "semblance_", "semblance_revisions"
_ROW, _EMBEDDING = "row", "embedding"
_SENT = 4096  # rows written or read at once; Milvus takes messages up to 64 MB
_NAMED = 25_000  # rows named in one filter
_LISTED = 10_000  # wanted rows beyond which the nearest of all are looked through for them first
_WIDER = 32  # times k, rows that are looked through then
_LOGGED = 500  # rows at once that Milvus Lite is made to sort in, since it searches its log slowly
# Its client asks each ten seconds whether Milvus lives, for which Milvus Lite may hang up on it («too_many_pings»).
_NO_PINGS = {"grpc.keepalive_time_ms": 2**31 - 1}
_WORK_SECONDS = 300.0  # that Milvus may take to write, or to load a collection into its memory


@dataclass(frozen=True)
class Place:
    """Where the index of one store is: Milvus's address, the store's identity, and how Milvus lets itself be used."""

    address: str
    identity: str
    embedding_size: int
    access: IndexAccess

    @property
    def lite(self) -> bool:
        """Whether it is a file of Milvus Lite."""
        return self.address.endswith(LITE)


def address_of(engine: str) -> str:
    """The address in an engine's name, `milvus:ADDRESS`. Raises GalleryError where it is none."""
    address = engine.removeprefix(PREFIX)
    if not address.endswith(LITE) and not address.startswith(("http://", "https://")):
        raise GalleryError(
            f"«{address}» is no address of Milvus. Give http://HOST:PORT, https://HOST:PORT, or a file PATH{LITE}."
        )
    return address


class MilvusIndex:
    """The search is by the index that Milvus chooses (AUTOINDEX), not always exact; in Milvus Lite it is exact.

    It finds up to 16,384 rows for each of up to 16,384 queries. A filter of many rows is first tried on the nearest
    rows of all, and is sent only where these hold too few of them, 25,000 rows at a time. Each such part is a search
    of its own: no filter is too large, but one that is large and far from the query takes time in proportion. Milvus
    Lite serves one process at a time, and goes through all rows at each search: it is for trying out.
    """

    def __init__(self, place: Place, anew: bool = False) -> None:
        """Open what Milvus has of the store; with `anew`, or where it has nothing, make it empty.

        Raises GalleryError where pymilvus is not installed, or nothing answers at the address.
        """
        self._errors = _errors()
        self._place, self._name = place, _COLLECTION + place.identity
        with self._asking():
            self._client = _client(place)
            _make_revisions(self._client)
            there = self._client.has_collection(self._name, timeout=place.access.seconds)
            if anew or not there:
                self._forget()
                _make(self._client, self._name, place)
            self._client.load_collection(self._name, timeout=_WORK_SECONDS)

    def __len__(self) -> int:
        with self._asking():
            (counted,) = self._query(self._name, "", ["count(*)"])
        return int(counted["count(*)"])

    @property
    def worn(self) -> bool:
        """Never: Milvus cleans up after itself."""
        return False

    @property
    def seen(self) -> Revision:
        """How far any process has brought it after the store."""
        with self._asking():
            found = self._query(_REVISIONS, self._this_store, [_ROW, "removals"])
        return Revision(found[0][_ROW], found[0]["removals"]) if found else Revision()

    @seen.setter
    def seen(self, revision: Revision) -> None:
        entry = {"store": self._place.identity, "removals": revision.removals, _ROW: revision.row}
        with self._asking():
            self._client.upsert(_REVISIONS, [{**entry, _EMBEDDING: [0.0, 0.0]}], timeout=_WORK_SECONDS)

    def add(self, rows: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
        """Take in rows (n,) with their unit embeddings (n, embedding_size); those that are there are replaced."""
        embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
        with self._asking():
            for part in _parts(len(rows), _SENT):
                pairs = zip(rows[part].tolist(), embeddings[part], strict=True)
                entries = [{_ROW: row, _EMBEDDING: embedding} for row, embedding in pairs]
                self._client.upsert(self._name, entries, timeout=_WORK_SECONDS)
            if self._place.lite and len(rows) > _LOGGED:
                self._client.flush(self._name, timeout=_WORK_SECONDS)

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Forget rows."""
        with self._asking():
            for part in _parts(len(rows), _SENT):
                self._client.delete(self._name, ids=rows[part].tolist(), timeout=_WORK_SECONDS)

    def search(self, queries: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None) -> Found:
        """Similarities (q, k) and rows (q, k), as `Index.search` has them. Raises GalleryError where k is over MOST."""
        if k > MOST:
            raise GalleryError(f"Milvus finds at most {MOST:,} examples at once, not {k:,}.")
        if among is None:
            return self._nearest(queries, k)
        if len(among) > _LISTED:
            answer = self._picked(queries, k, among)
            if not _lacking(answer, k, among):
                return answer
        found = [self._nearest(queries, k, among[part]) for part in _parts(len(among), _NAMED)]
        answer = _best(found, k) if found else _nothing(len(queries), k)
        return self._compared(queries, k, among) if _lacking(answer, k, among) else answer

    def save(self, path: Path) -> None:
        """Nothing: Milvus keeps what it was given."""

    def _nearest(self, queries: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None) -> Found:
        """One search by Milvus."""
        similarities, rows = _nothing(len(queries), k)
        with self._asking():
            answers = self._client.search(
                self._name,
                data=list(np.ascontiguousarray(queries, dtype=np.float32)),
                limit=k,
                output_fields=[_ROW],
                timeout=self._place.access.seconds,
                **({} if among is None else self._only(among)),
            )
        for number, hits in enumerate(answers):
            similarities[number, : len(hits)] = [hit["distance"] for hit in hits]
            rows[number, : len(hits)] = [hit[_ROW] for hit in hits]
        return similarities, rows

    def _only(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        """The filter that lets these rows through; a server is spared reading them as text."""
        if self._place.lite:
            return {"filter": f"{_ROW} in {rows.tolist()}"}
        return {"filter": f"{_ROW} in {{rows}}", "filter_params": {"rows": rows.tolist()}}

    def _picked(self, queries: NDArray[np.float32], k: int, among: NDArray[np.int64]) -> Found:
        """The wanted rows that are among the nearest of all."""
        similarities, rows = self._nearest(queries, min(MOST, _WIDER * k))
        wanted = np.isin(rows, among)
        return _best([(np.where(wanted, similarities, np.float32(-1)), np.where(wanted, rows, NOTHING))], k)

    def _compared(self, queries: NDArray[np.float32], k: int, rows: NDArray[np.int64]) -> Found:
        """The nearest of these rows by comparing with all of them, here: a graph may miss some that lie far away."""
        there: list[dict[str, Any]] = []
        with self._asking():
            for part in _parts(len(rows), _SENT):
                there += self._query(self._name, f"{_ROW} in {rows[part].tolist()}", [_ROW, _EMBEDDING])
        if not there:
            return _nothing(len(queries), k)
        embeddings = np.array([each[_EMBEDDING] for each in there], dtype=np.float32)
        return exact(queries, k, np.array([each[_ROW] for each in there], dtype=np.int64), embeddings)

    @property
    def _this_store(self) -> str:
        return f'store == "{self._place.identity}"'

    def _query(self, collection: str, condition: str, fields: list[str]) -> list[dict[str, Any]]:
        seconds = self._place.access.seconds
        return list(self._client.query(collection, filter=condition, output_fields=fields, timeout=seconds))

    def _forget(self) -> None:
        """Drop what there is of this store; first the note on how far it has come, should this be cut short."""
        self._client.delete(_REVISIONS, filter=self._this_store, timeout=_WORK_SECONDS)
        self._client.drop_collection(self._name, timeout=_WORK_SECONDS)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Tell what goes wrong between here and Milvus in one sentence."""
        try:
            yield
        except self._errors as error:
            place = self._place
            advice = (
                "Is another process using it? Milvus Lite serves one at a time."
                if place.lite
                else "Is Milvus running there, and SEMBLANCE_INDEX_TOKEN right?"
            )
            raise GalleryError(
                f"Milvus at {place.address} did not answer as it should within {place.access.seconds:g} seconds "
                f"(SEMBLANCE_INDEX_SECONDS): {_cause(error)}. {advice}"
            ) from error


def _errors() -> tuple[type[Exception], ...]:
    """What pymilvus raises. Raises GalleryError where it is not installed."""
    try:
        import grpc
        import pymilvus
    except ImportError as error:
        raise GalleryError(
            "An index in Milvus needs a package that is not installed: `pip install -r requirements-milvus.txt`."
        ) from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it would tell all errors, which are told here
    logging.getLogger("milvus_lite").setLevel(logging.CRITICAL)
    return (pymilvus.MilvusException, grpc.RpcError)


def _cause(error: Exception) -> str:
    """What pymilvus or gRPC says of an error, in its one sentence."""
    details = getattr(error, "details", None)
    return str(details() if callable(details) else getattr(error, "message", error)).strip().rstrip(".")


def _client(place: Place) -> Any:
    from pymilvus import MilvusClient

    options = {"grpc_options": _NO_PINGS} if place.lite else {}
    return MilvusClient(place.address, token=place.access.token, timeout=place.access.seconds, **options)


def _make(client: Any, name: str, place: Place) -> None:
    """An empty collection for rows with their embeddings, in which what was written is found at once."""
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False)
    schema.add_field(_ROW, DataType.INT64, is_primary=True)
    _create(client, name, schema, place.embedding_size, "FLAT" if place.lite else "AUTOINDEX")


def _make_revisions(client: Any) -> None:
    """The collection that tells of each store how far it was followed, where there is none yet."""
    from pymilvus import DataType

    if client.has_collection(_REVISIONS, timeout=_WORK_SECONDS):
        client.load_collection(_REVISIONS, timeout=_WORK_SECONDS)
        return
    schema = client.create_schema(auto_id=False)
    schema.add_field("store", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field(_ROW, DataType.INT64)
    schema.add_field("removals", DataType.INT64)
    _create(client, _REVISIONS, schema, 2, "FLAT")  # no collection goes without a vector


def _create(client: Any, name: str, schema: Any, size: int, index: str) -> None:
    from pymilvus import DataType

    schema.add_field(_EMBEDDING, DataType.FLOAT_VECTOR, dim=size)
    indexes = client.prepare_index_params()
    indexes.add_index(_EMBEDDING, index_type=index, metric_type="IP")
    client.create_collection(
        name, schema=schema, index_params=indexes, consistency_level="Strong", timeout=_WORK_SECONDS
    )


def _parts(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))


def _nothing(queries: int, k: int) -> Found:
    return np.full((queries, k), -1, np.float32), np.full((queries, k), NOTHING, np.int64)


def _lacking(answer: Found, k: int, among: NDArray[np.int64]) -> bool:
    """Whether there may be more of the wanted rows than were found."""
    return bool((answer[1][:, : min(k, len(among))] == NOTHING).any())


def _best(found: list[Found], k: int) -> Found:
    """The k best of several answers to the same queries."""
    similarities, rows = (np.concatenate(each, axis=1) for each in zip(*found, strict=True))
    order = np.argsort(np.where(rows == NOTHING, np.inf, -similarities), axis=1, kind="stable")[:, :k]
    return np.take_along_axis(similarities, order, axis=1), np.take_along_axis(rows, order, axis=1)
