"""The tab Teach without a browser: what becomes of the list of taught expressions when the tab is opened again."""

from pathlib import Path

import gradio as gr
import numpy as np

from siamese.metric.lessons import Lesson
from siamese.service import ExpressionService
from siamese.web.teach import _shown, _Teach
from tests.tiny import draw_face


def test_opening_it_again_touches_nothing_unless_what_is_taught_has_changed(reference: Path) -> None:
    service = ExpressionService.load(reference)
    with gr.Blocks():
        tab = _Teach(service)
    assert tab._refresh((), None) == {tab.listed: ()}
    for name in ("smirk", "wink"):
        service.teach(name, [draw_face(7, size=96)], anyway=True)
    listed = tab._refresh((), None)[tab.listed]
    assert listed == ("smirk", "wink")
    assert tab._refresh(listed, "wink") == {tab.listed: listed}
    service.forget("smirk")
    assert tab._refresh(listed, "wink")[tab.taught]["value"] == "wink"


def test_a_lesson_of_one_photo_with_nothing_to_be_near_to_has_no_heading_without_figures() -> None:
    lone = Lesson("smirk", np.ones(1, np.float32), (), None, None, ())
    assert "Cosine similarity" not in _shown(lone, "«smirk» is known now", "Browse knows it.")
    near = Lesson("smirk", np.ones(1, np.float32), (), "anger", 0.5, ())
    assert "Cosine similarity" in _shown(near, "«smirk» is known now", "Browse knows it.")
