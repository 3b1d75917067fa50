# Private to awsome.training: its API may change without notice.
"""Small charts as inline SVG. Colours come from the page's style sheet, so that they follow light, dark and print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LOW_HEIGHT = 720, 260, 170
LEFT, RIGHT, TOP, BOTTOM = 58, 124, 14, 34
MAX_POINTS = 400

Points = Sequence["tuple[float, float]"]


@dataclass(frozen=True)
class Series:
    """One line of a chart; `style` is its class in the style sheet."""

    name: str
    style: str
    points: Points
    dots: bool = False


def line_chart(title: str, series: Sequence[Series], *, digits: int = 2, low: bool = False) -> str:
    """Lines over steps. Each line ends in its name and last value, so that no legend has to be matched by colour.

    A low chart starts at zero: it is for a quantity, not for a curve.
    """
    height = LOW_HEIGHT if low else HEIGHT
    drawn = [Series(one.name, one.style, thinned(one.points), one.dots) for one in series if one.points]
    if not drawn:
        return ""
    xs = [x for one in drawn for x, _ in one.points]
    ys = [y for one in drawn for _, y in one.points]
    x_ticks = ticks(min(xs), max(xs), 6, whole=True)
    y_ticks = ticks(0.0 if low else min(ys), max(ys), 3 if low else 5)
    x_low, x_high = min(xs), max(max(xs), min(xs) + 1)
    y_low, y_high = min(y_ticks[0], min(ys)), max(y_ticks[-1], max(ys))

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT),
            height - BOTTOM - (y - y_low) / (y_high - y_low) * (height - TOP - BOTTOM),
        )

    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">']
    for y in y_ticks:
        _, level = at(x_low, y)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{level:.1f}" y2="{level:.1f}"/>')
        parts.append(f'<text class="end" x="{LEFT - 8}" y="{level + 4:.1f}">{short(y)}</text>')
    for x in (tick for tick in x_ticks if x_low <= tick <= x_high):
        parts.append(f'<text class="middle" x="{at(x, y_low)[0]:.1f}" y="{height - BOTTOM + 18}">{short(x)}</text>')
    parts.append(f'<text class="middle" x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{height - 2}">step</text>')
    labels = _spread([at(*one.points[-1])[1] for one in drawn])
    for one, label in zip(drawn, labels):
        places = [at(x, y) for x, y in one.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline class="line {one.style}" points="{path}"/>')
        if one.dots or len(places) == 1:
            parts += [f'<circle class="dot {one.style}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places[-60:]]
        text = f"{one.name} {one.points[-1][1]:,.{digits}f}"
        parts.append(
            f'<text class="label {one.style}" x="{WIDTH - RIGHT + 8}" y="{label + 4:.1f}">{escape(text)}</text>'
        )
    return "".join([*parts, "</svg>"])


def share_bar(parts: Sequence[tuple[str, float]]) -> str:
    """One bar of named shares of a whole, and the names beneath it."""
    whole = sum(value for _, value in parts)
    if whole <= 0:
        return ""
    bar, names = [], []
    for index, (name, value) in enumerate(parts):
        share = 100 * value / whole
        bar.append(f'<span class="share share{index}" style="width:{share:.2f}%"></span>')
        names.append(f'<li><i class="share{index}"></i>{escape(name)} <b>{share:.0f} %</b> {milliseconds(value)}</li>')
    return f'<div class="bar">{"".join(bar)}</div><ul class="legend">{"".join(names)}</ul>'


def thinned(points: Points) -> list[tuple[float, float]]:
    """At most MAX_POINTS points, each the mean of its neighbours; the last one is kept as it is."""
    if len(points) <= MAX_POINTS:
        return list(points)
    size = math.ceil(len(points) / MAX_POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    means = [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]
    return [*means[:-1], points[-1]]


def ticks(low: float, high: float, count: int, whole: bool = False) -> list[float]:
    """Round numbers that enclose low and high."""
    if high <= low:
        high = low + (abs(low) * 0.1 or 1.0)
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= raw)
    step = max(1.0, math.ceil(step)) if whole else step
    first = math.floor(low / step)
    return [index * step for index in range(first, math.ceil(high / step) + 1)]


def short(value: float) -> str:
    """12,000 as 12k, and no digits that say nothing."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.6g}{unit}"
    return f"{value:.4g}"


def milliseconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 10 else f"{1000 * seconds:,.3g} ms" if seconds < 1 else f"{seconds:.2f} s"


def _spread(heights: Sequence[float], gap: float = 16.0) -> list[float]:
    """Move labels apart that would lie over each other."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    placed = list(heights)
    for before, after in zip(order, order[1:]):
        placed[after] = max(placed[after], placed[before] + gap)
    return placed
