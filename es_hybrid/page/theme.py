"""Appearance of the page: one accent colour, system fonts, light and dark."""

from __future__ import annotations

from importlib.resources import files

from gradio.themes import Base, colors, sizes

__all__ = ["head", "style", "theme"]

_FONT = (
    "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "PingFang SC",
    "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif",
)  # fmt: skip
# Inline, as browsers would fetch /favicon.ico, which `serve` passes through to Elasticsearch.
_ICON = (
    "<link rel='icon' href=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' "
    "viewBox='0 0 16 16'><circle cx='6' cy='8' r='5' fill='%230f766e'/>"
    "<circle cx='13' cy='8' r='3' fill='%2399c5c1'/></svg>\">"
)
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> Base:
    """Gradio's plainest theme, simplified. Uses no fonts that would have to be fetched."""
    return Base(
        primary_hue=colors.teal,
        neutral_hue=colors.slate,
        radius_size=sizes.radius_md,
        text_size=sizes.text_md,
        font=_FONT,
        font_mono=_MONO,
    ).set(
        color_accent="*primary_700",
        body_background_fill="*neutral_50",
        body_background_fill_dark="#0d1117",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#151b23",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="#0d1117",
        border_color_primary="*neutral_200",
        border_color_primary_dark="#2a323d",
        block_border_width="0px",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_shadow="none",
        block_padding="0px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_text_color="*neutral_500",
        block_title_text_weight="500",
        block_title_text_size="*text_sm",
        block_title_text_color="*neutral_600",
        block_title_text_color_dark="*neutral_400",
        input_background_fill="#ffffff",
        input_background_fill_dark="#151b23",
        input_border_width="1px",
        input_border_color="*neutral_300",
        input_border_color_dark="#2a323d",
        input_border_color_focus="*primary_500",
        input_shadow="none",
        input_shadow_focus="0 0 0 3px color-mix(in srgb, *primary_500 22%, transparent)",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="#ffffff",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="#1c232d",
        button_secondary_background_fill_hover_dark="#252d39",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="#2a323d",
        button_border_width="1px",
        button_primary_border_color="transparent",
        button_large_text_weight="500",
        button_small_text_weight="500",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_dark="transparent",
        checkbox_label_background_fill_hover="transparent",
        checkbox_label_background_fill_selected="transparent",
        checkbox_label_background_fill_selected_dark="transparent",
        checkbox_label_border_width="0px",
        checkbox_label_border_width_dark="0px",
        checkbox_label_padding="2px 0",
        checkbox_label_shadow="none",
        layout_gap="20px",
    )


def style() -> str:
    """The page's own style sheet."""
    return _read("style.css")


def head() -> str:
    """Additions to the HTML head: the icon and the keyboard shortcuts of review and judging."""
    return f"{_ICON}<script>{_read('keys.js')}</script>"


def _read(name: str) -> str:
    return files("es_hybrid.page").joinpath(name).read_text("utf-8")
