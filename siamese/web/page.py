"""A service → the page: Recognise, Compare, Browse and so on in one Gradio app that asks nothing of other machines."""

from pathlib import Path
from typing import Any

import gradio as gr

from siamese.service import ExpressionService
from siamese.settings import Settings
from siamese.vocabulary import EMOTIONS, emotion_of
from siamese.web import album, browse, check, compare, endpoints, live, map, parts, recognise, teach, video
from siamese.web.sentences import duration
from siamese.web.theme import STYLE_SHEET, SemblanceTheme

TITLE = "Semblance"

_IMPRINT = (
    "Photos are read on this machine and removed {} after they were last used. An expression is what a face shows, not "
    "what a person feels; do not judge people by it. Emotion inference at work and in education is forbidden in the "
    "European Union."
)


def build_page(service: ExpressionService, examples: Path | None = None) -> gr.Blocks:
    """The page's blocks; `examples` is a folder of WebP photos to click on."""
    photos = parts.example_photos(examples)
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.HTML(_masthead())
        with gr.Tabs():
            with gr.Tab("Recognise", id="recognise"):
                recognise.build(service, parts.first_of_each(photos))
            with gr.Tab("Compare", id="compare"):
                compare.build(service, photos)
            if service.settings.live:
                with gr.Tab("Live", id="live"):
                    live.build()
            with gr.Tab("Video", id="video"):
                video.build(service, page)
            with gr.Tab("Browse", id="browse") as browsing:
                browse.build(service, parts.first_of_each(photos), browsing)
            with gr.Tab("Map", id="map") as mapping:
                map.build(service, parts.first_of_each(photos), mapping)
            if service.settings.teaching:
                with gr.Tab("Teach", id="teach") as teaching:
                    teach.build(service, teaching)
            with gr.Tab("Album", id="album"):
                album.build(service)
            if check.has_something_to_check(service):
                with gr.Tab("Check", id="check") as checking:
                    check.build(service, checking)
        kept = duration(service.settings.upload_seconds)
        gr.HTML(f'<p class="imprint"><span>{_IMPRINT.format(kept)}</span></p>')
        endpoints.build(service)
    return page


def page_options(settings: Settings, examples: Path | None = None) -> dict[str, Any]:
    """What `gr.mount_gradio_app` needs: the look, and no telemetry or history of any kind."""
    return {
        "theme": SemblanceTheme(),
        "css_paths": [STYLE_SHEET],
        "footer_links": ["api", "settings"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "pwa": False,
        "show_error": True,
        "max_file_size": max(settings.max_file_bytes, settings.max_video_bytes),
        "allowed_paths": [str(examples)] if examples else [],
    }


def _masthead() -> str:
    """The title beside a mark: a disc with one segment per emotion."""
    share = 1 / len(EMOTIONS)
    segments = "".join(
        f'<circle r="15.9155" cx="20" cy="20" fill="none" stroke="{emotion_of(name).colour}" stroke-width="6" '
        f'pathLength="1" stroke-dasharray="{share - 0.025:.4f} {1 - share + 0.025:.4f}" '
        f'stroke-dashoffset="{-index * share:.4f}"/>'
        for index, name in enumerate(EMOTIONS)
    )
    return (
        f'<header class="masthead"><svg viewBox="0 0 40 40" aria-hidden="true">{segments}</svg>'
        f"<div><h1>{TITLE}</h1><p>Reads a face's expression by its likeness to others.</p></div></header>"
    )
