"""How the page looks: a Gradio theme of quiet greys with one accent, on the machine's own fonts."""

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, sizes

STYLE_SHEET = Path(__file__).with_name("style.css")

_SANS = (
    "Colour symbols",
    "ui-sans-serif",
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Noto Sans",
    "sans-serif",
)
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


class SemblanceTheme(gr.themes.Base):
    """Flat surfaces on a tinted ground, thin lines, and indigo for what can be pressed; light and dark."""

    def __init__(self) -> None:
        super().__init__(
            primary_hue=colors.indigo,
            secondary_hue=colors.indigo,
            neutral_hue=colors.slate,
            radius_size=sizes.radius_lg,
            text_size=sizes.text_md,
            font=_SANS,
            font_mono=_MONO,
        )
        self.name = "semblance"
        self.set(
            body_background_fill="*neutral_50",
            body_background_fill_dark="#0f141d",
            body_text_color="*neutral_800",
            body_text_color_subdued="*neutral_600",
            body_text_color_subdued_dark="*neutral_400",
            background_fill_primary_dark="#0f141d",
            background_fill_secondary_dark="#171e2a",
            block_background_fill="white",
            block_background_fill_dark="#171e2a",
            block_border_color="*neutral_200",
            block_border_color_dark="#2a3444",
            border_color_primary_dark="#2a3444",
            block_shadow="none",
            block_label_background_fill="white",
            block_label_background_fill_dark="#171e2a",
            block_label_text_color="*neutral_600",
            block_label_text_color_dark="*neutral_300",
            block_title_text_weight="600",
            link_text_color_visited="*secondary_600",
            link_text_color_dark="*secondary_400",
            link_text_color_hover_dark="*secondary_300",
            link_text_color_visited_dark="*secondary_400",
            link_text_color_active_dark="*secondary_300",
            input_background_fill="white",
            input_background_fill_dark="#171e2a",
            button_primary_background_fill="*primary_600",
            button_primary_background_fill_hover="*primary_700",
            button_primary_text_color="white",
            button_secondary_background_fill="white",
            button_secondary_background_fill_dark="#202938",
            button_secondary_border_color="*neutral_300",
            button_secondary_border_color_dark="#3a465a",
            button_border_width="1px",
            button_transition="background-color 120ms ease",
            checkbox_border_color_dark="*neutral_500",
            checkbox_label_background_fill="white",
            checkbox_label_background_fill_dark="#202938",
            checkbox_label_background_fill_selected="*primary_50",
            checkbox_label_background_fill_selected_dark="#2b3560",
            checkbox_label_border_width="1px",
            checkbox_label_border_color="*neutral_200",
            checkbox_label_border_color_dark="#3a465a",
            layout_gap="20px",
        )
