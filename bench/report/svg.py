# SPDX-License-Identifier: GPL-2.0-only
"""matplotlib's SVG, made fit to stand in a page: inline, of the page's font
and colours (which differ in light and dark), and the same every time.
"""
from __future__ import annotations

import io
import re

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Colours that matplotlib is told; the page's style sheet knows the real ones.
INK, MUTED, GRID, BAND = "#010101", "#020202", "#030303", "#040404"
PAPER = "#050505"
SERIES = [f"#0f00{i:02x}" for i in range(8)]
VERDICTS = {"faster": "#0e0001", "slower": "#0e0002",
            "equivalent": "#0e0003", "inconclusive": "#0e0004",
            "no verdict": "#0e0004", "exploratory": "#0e0004",
            "VIOLATED": "#0e0005"}
WAITS = {"lock": "#0d0000", "list": "#0d0001", "log": "#0d0002",
         "io": "#0d0003"}
VARIABLES = {
    INK: "--ink", MUTED: "--muted", GRID: "--grid", BAND: "--band",
    PAPER: "--paper",
    **{c: f"--s{i}" for i, c in enumerate(SERIES)},
    **{c: f"--wait-{name}" for name, c in WAITS.items()},
    **{c: f"--{name.replace(' ', '-').lower()}"
       for name, c in reversed(VERDICTS.items())},
}
POINTS_TO_PIXELS = 96 / 72
WIDTH = 9.2

matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "delwribench",
    "font.size": 9, "axes.titlesize": 9, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "axes.linewidth": 0.6,
    "text.color": INK, "axes.labelcolor": MUTED, "axes.edgecolor": GRID,
    "xtick.color": MUTED, "ytick.color": MUTED, "axes.labelsize": 8.5,
    "xtick.labelsize": 8, "ytick.labelsize": 8, "grid.color": GRID,
    "grid.linewidth": 0.6, "xtick.major.size": 0, "ytick.major.size": 0,
    "xtick.minor.size": 0, "ytick.minor.size": 0, "axes.facecolor": "none",
    "figure.facecolor": "none", "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False,
    "axes.spines.left": False, "legend.frameon": False,
    "legend.fontsize": 8.5,
})


def figure(height: float) -> Figure:
    """As wide as all of them; in inches of 72 points."""
    made = Figure(figsize=(WIDTH, height))
    FigureCanvasSVG(made)
    return made


def series_colour(index: int) -> str:
    return SERIES[index % len(SERIES)]


def plain(axes: Axes, axis: str = "x") -> None:
    axes.grid(True, axis=axis)


def render(made: Figure, name: str, title: str) -> str:
    """The <svg>, its ids beginning with `name`, for people who see none."""
    raw = io.StringIO()
    # What matplotlib adds of itself and the date is of no use here.
    made.savefig(raw, format="svg", metadata={"Date": None, "Creator": None})
    text = raw.getvalue()
    text = text[text.index("<svg"):].rstrip()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+xmlns(:\w+)?=\"[^\"]*\"", "", text)
    text = text.replace("xlink:href", "href")
    text = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(r"(font: [^;\"]*?\d+(?:\.\d+)?px)[^;\"]*",
                  r"\1 var(--sans)", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    return re.sub(r"<svg[^>]*>", lambda m: opening(m.group(), title), text,
                  count=1)


def opening(tag: str, title: str) -> str:
    box = re.search(r'viewBox="([^"]+)"', tag).group(1)
    width = float(box.split()[2]) * POINTS_TO_PIXELS
    return (f'<svg viewBox="{box}" role="img" aria-label="{escape(title)}" '
            f'style="width:100%;max-width:{width:.0f}px">')


def escape(text: str) -> str:
    return (text.replace("&", "&amp;").replace("<", "&lt;")
            .replace('"', "&quot;"))
