"""The audit fails for a weakness, and for nothing else."""

from tests.audit import told


def test_a_weakness_is_named_and_has_to_be_mended():
    sentence, fine = told(
        [
            {"name": "good", "version": "1.0", "vulns": []},
            {"name": "bad", "version": "2.0", "vulns": [{"id": "CVE-2026-1"}]},
        ]
    )
    assert not fine and sentence == "2 packages audited, 0 not; 1 known weaknesses.\nbad 2.0: CVE-2026-1"


def test_packages_that_nobody_knows_are_counted_with_the_reason():
    sentence, fine = told([{"name": "own", "skip_reason": "not found on PyPI"}])
    assert fine and sentence == "0 packages audited, 1 not (the first: not found on PyPI); 0 known weaknesses."
