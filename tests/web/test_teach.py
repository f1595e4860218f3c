"""The tab Teach without a browser: what becomes of the list of taught expressions when the tab is opened again."""

from pathlib import Path

import gradio as gr

from siamese.service import ExpressionService
from siamese.web.teach import _Teach
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
