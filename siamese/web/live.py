"""The tab Live: a camera's picture with a box and a steady reading for each face, and its last minute as a chart.

The script `live.js` shows the camera and asks `siamese.web.streaming`, past Gradio's queue, where frames would wait.
"""

from pathlib import Path

import gradio as gr

SCRIPT = Path(__file__).with_name("live.js")

_START = (
    "Start the camera, and each face in its picture is read as it changes. Frames are read on this machine and kept "
    "nowhere."
)
_NO_FACE = "No face is seen. Come closer to the camera, with light from the front."
_FRAME = f"""
<div class="live">
  <div class="live-side">
    <div class="live-frame">
      <video playsinline muted aria-label="The camera's picture"></video>
      <canvas class="live-marks" aria-hidden="true"></canvas>
      <p class="live-notice">{_START}</p>
    </div>
    <div class="live-tools">
      <button type="button" class="live-start">Start the camera</button>
      <select class="live-camera" aria-label="Camera" hidden></select>
      <span class="live-pace detail"></span>
    </div>
    <details class="live-steadiness">
      <summary>Steadiness</summary>
      <label>Frames averaged <span></span><input type="range" name="window" min="1" max="30" step="1"></label>
      <label>Weight of each frame against the one after it <span></span>
        <input type="range" name="strength" min="0.05" max="1" step="0.05"></label>
      <label>Lead that another expression needs <span></span>
        <input type="range" name="lead" min="0" max="0.5" step="0.05"></label>
    </details>
  </div>
  <div class="live-faces"><div class="hint" hidden><p>{_NO_FACE}</p></div></div>
  <p class="live-spoken" aria-live="polite"></p>
  <template>
    <section class="card reading live-face">
      <div class="headline"><span class="symbol" aria-hidden="true"></span>
        <div><p class="eyebrow"></p><p class="emotion"></p>
        <p class="confidence"><b></b> <span>confidence</span></p></div></div>
      <figure><canvas role="img"></canvas>
        <figcaption class="detail"><span>a minute ago</span><span>now</span></figcaption></figure>
      <ul class="bars" aria-label="Probability of each emotion"></ul>
    </section>
  </template>
</div>
"""


def build() -> None:
    """Lay out the tab inside the current Gradio context."""
    gr.HTML(None, html_template=_FRAME, js_on_load=SCRIPT.read_text(), apply_default_css=False, elem_id="live")
