"""The gallery's benchmarks end to end, small: a writer that is killed, and engines beside a peer."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import gallery, kill
from siamese.gallery.gallery import Gallery
from tests.gallery.made_up import unit_rows


def test_a_killed_writer_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    kill.main(["--kills", "2", "--json"])
    evidence = json.loads(capsys.readouterr().out)
    assert (evidence["kills"], evidence["unharmed"], evidence["lost"]) == (2, 2, 0)
    assert evidence["acknowledged"] >= 16


def test_a_loss_would_be_seen(tmp_path: Path) -> None:
    made = Gallery.create(tmp_path, "Killed", "a network", 32)
    for number in range(3):
        made.add(*kill.batch(number))
    kept = kill.check(tmp_path, 3, kill.Evidence())  # «1-0» should have been removed
    assert (kept.removed, kept.unharmed) == (1, 0) and kept.back_again >= 1
    made.remove(["1-0"])
    assert kill.check(tmp_path, 3, kill.Evidence()).unharmed == 1
    made.remove(["1-4"])
    items, rows = kill.batch(2)
    made.store.replace_embeddings(np.array([made.store.row(items[0].id)]), rows[1:2], "a network")
    evidence = kill.check(tmp_path, 3, kill.Evidence())
    assert (evidence.lost, evidence.altered, evidence.unharmed) == (1, 1, 0)
    assert evidence.not_found_by_the_index >= 1
    made.close()


@pytest.mark.stress  # half a minute; all tests together must end within twenty
def test_engines_are_compared_with_exact_search_and_a_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "_SECONDS", 0.05)
    real, queries = unit_rows(600, size=32), unit_rows(70, seed=1, size=32)
    measured = gallery.compare(real, queries, [1000], ["hnsw", gallery.PEER])
    assert [each.engine for each in measured] == ["flat", "hnsw", gallery.PEER]
    assert [each.chosen for each in measured] == [True, False, False]
    flat, hnsw, peer = measured
    assert flat.recall_at_10 == 1 and peer.recall_at_10 > 0.999 and hnsw.recall_at_10 > 0.9
    page = gallery.page(measured, "ferplus", real, len(queries), "")
    (row,) = (line for line in page.splitlines() if line.startswith("| 1,000 | **flat** | "))
    assert row.count("(1.0 ×)") == 2  # one by one and by many, both beside itself


def test_copies_are_as_near_to_their_originals_as_the_page_says() -> None:
    real = unit_rows(500, size=128)
    made = gallery.gallery_of(real, 1200)
    np.testing.assert_allclose(made[:500], real, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    likeness = np.einsum("nd,nd->n", made[500:1000], real)
    assert likeness.mean() == pytest.approx((1 + gallery._NOISE**2) ** -0.5, abs=0.01)
