"""Time for one image: medians after warming up, and multiplications counted as a formula says."""

import numpy as np
import pytest
import torch
from torch import nn

from siamese.evaluation import timing
from siamese.evaluation.timing import measure_time, median_milliseconds, multiply_adds, torch_threads
from siamese.network.runtime import Embedder
from siamese.service import ExpressionService
from siamese.settings import Settings
from tests.tiny import TinyNetwork, draw_face


def test_multiplications_are_those_of_the_formula():
    """Convolutions: outputs × channels in each group × kernel; linear layers: inputs × outputs."""
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, stride=2, groups=8), nn.Flatten(), nn.Linear(8 * 5 * 5, 7)
    )
    expected = (12 * 12 * 8 * 1 * 9) + (5 * 5 * 8 * 1 * 9) + 8 * 5 * 5 * 7
    assert multiply_adds(network, size=12) == expected


def test_the_median_leaves_out_calls_that_warm_up(monkeypatch):
    """By a clock on which five first calls take nine seconds each, and the next 1, 2 and 30."""
    spent = [9, 9, 9, 9, 9, 1, 2, 30]
    ends = np.cumsum(spent)
    clock = iter(np.stack([ends - spent, ends], axis=1).ravel())
    monkeypatch.setattr(timing, "perf_counter", lambda: next(clock))
    calls = []
    assert median_milliseconds(lambda: calls.append(1), repeats=3) == 2000
    assert len(calls) == 8


def test_threads_are_as_many_as_asked_for_and_then_as_before():
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_threads_are_given_back_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), torch_threads(before + 1):
        _ = 1 / 0
    assert torch.get_num_threads() == before


def test_the_whole_path_takes_longer_than_the_network_alone(reference):
    service = ExpressionService.load(reference, settings=Settings(threads=1))
    embedder = Embedder(reference / "network.onnx", threads=1)
    network = TinyNetwork()
    photo = draw_face(1, size=96)
    found = measure_time(embedder.embed, lambda each: service.recognise(each, whole=True), photo, network, 1, repeats=3)
    assert (found.threads, found.repeats) == (1, 3)
    assert 0 < found.network_ms < found.whole_ms
    assert found.multiply_adds == multiply_adds(network) > 0
    assert np.isfinite(list(found.to_dict().values())).all()
