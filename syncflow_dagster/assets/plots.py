"""Plots of a run's metadata: SVG inside Markdown, so that Dagster's UI shows them as they are."""

import base64
import io
from collections.abc import Mapping, Sequence

import dagster as dg

_COLOURS = {
    "inserted": "#2e7d32",
    "updated": "#1565c0",
    "deleted": "#c62828",
    "done": "#2e7d32",
    "found": "#558b2f",
    "retry": "#ef6c00",
    "unknown": "#6a1b9a",
    "rejected": "#c62828",
    "waiting": "#f9a825",
}
_OTHER = "#78909c"


def bars(counts: Mapping[str, float], title: str) -> dg.MarkdownMetadataValue:
    """Return a horizontal bar for each count, in their order.

    Args:
        counts: Non-negative numbers by name.
        title: What is counted; also the picture's text for screen readers.
    """
    labels = [f"{count:,.6g}" for count in counts.values()]
    return _drawn(counts, labels, title)


def shares(parts: Mapping[str, tuple[float, float]], title: str) -> dg.MarkdownMetadataValue:
    """Return a horizontal bar for each share of a whole, in their order.

    Args:
        parts: Part and whole, which is more than zero, by name.
        title: What is compared; also the picture's text for screen readers.
    """
    counts = {name: part / whole for name, (part, whole) in parts.items()}
    labels = [f"{part:,.6g} of {whole:,.6g}" for part, whole in parts.values()]
    return _drawn(counts, labels, title, longest=1.0)


def _drawn(
    counts: Mapping[str, float], labels: Sequence[str], title: str, longest: float | None = None
) -> dg.MarkdownMetadataValue:
    # Heavy, and needed only where a picture is drawn: a run process pays for every import.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names = list(counts)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "syncflow", "font.size": 10}):
        figure = Figure(figsize=(6, 0.6 + 0.36 * max(1, len(names))), layout="constrained")
        axes = figure.add_subplot()
        drawn = axes.barh(
            names,
            [counts[name] for name in names],
            color=[_COLOURS.get(name.lower(), _OTHER) for name in names],
        )
        axes.bar_label(drawn, labels=labels, padding=3)
        axes.invert_yaxis()
        axes.margins(x=0.15)
        if longest is not None:
            axes.set_xlim(0, 1.25 * max([longest, *counts.values()]))
        axes.set_title(title, loc="left", fontsize=10)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        axes.xaxis.set_visible(False)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    encoded = base64.b64encode(file.getvalue()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{encoded})")
