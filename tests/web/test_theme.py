"""The theme's colours: links can be read on what they lie on, light and dark."""

import pytest

from siamese.web.theme import SemblanceTheme


@pytest.mark.parametrize("shade", ["", "_visited", "_hover", "_active"])
def test_links_contrast_with_blocks_and_with_rows_of_lists(shade: str) -> None:
    for scheme in ("", "_dark"):
        link = _luminance(f"link_text_color{shade}{scheme}")
        for ground in ("block_background_fill", "table_odd_background_fill"):
            dark, light = sorted((link, _luminance(ground + scheme)))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (scheme, ground)  # WCAG 2, AA


def _luminance(name: str) -> float:
    """A colour of the theme, by its name, as relative luminance."""
    theme = SemblanceTheme()
    colour = getattr(theme, name)
    while colour.startswith("*"):
        colour = getattr(theme, colour[1:])
    if colour == "white":
        return 1
    shares = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
