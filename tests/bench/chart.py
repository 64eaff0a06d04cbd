"""docs/bench.svg, from the figures of a run: a dot for each program on logarithmic axes, side by
side."""

import math
from html import escape

TITLES = {
    "exec to the first answer, RSA-2048 chain, X25519": "first answer after exec, TLS included",
    "exec to the first answer, 7.2% of a processor": "the same with 7.2% of a processor",
    "warm event, to its answer: processor time": "processor time of a warm event",
}
PROGRAMS = {
    "gateway": "this gateway", "rust": "Rust, rustls with ring", "go": "Go, AWS SDK",
    "node": "Node.js, AWS SDK",
    "python": "Python, botocore",
}
LABELS, PANEL, GAP, ROW, TOP = 158, 236, 14, 24, 56
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.small { font-size: 11px; fill: #57606a }
.ours { font-weight: 600 }
line { stroke: #d0d7de }
circle { fill: #6e7781 }
circle.ours { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .small { fill: #9198a1 }
  line { stroke: #3d444d }
  circle { fill: #9198a1 }
  circle.ours { fill: #4493f8 }
}
"""


def draw(path, rows, about):
    """Writes the chart to `path`; False when the run did not measure what it shows."""
    found = {row["name"]: row for row in rows}
    panels = [(title, found[name]) for name, title in TITLES.items() if name in found]
    if not panels:
        return False
    programs = [name for name in PROGRAMS if any(name in row["values"] for _, row in panels)]
    width = LABELS + len(panels) * (PANEL + GAP)
    height = TOP + ROW * len(programs) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img">',
        f"<title>{escape(sentence(panels))}</title><style>{STYLE}</style>",
    ]
    for i, name in enumerate(programs):
        parts.append(
            text(
                LABELS - 14, row_y(i) + 4, PROGRAMS[name], anchor="end",
                kind="ours" * (name == "gateway"),
            )
        )
    for i, (title, row) in enumerate(panels):
        parts += panel(LABELS + i * (PANEL + GAP), title, row, programs)
    machine = (
        "{cpu}, {processors} processors shared with other work, {day}; medians, logarithmic axes;"
        " further left is better"
    )
    parts.append(text(0, height - 8, machine.format(day=about["at"][:10], **about), kind="small"))
    path.write_text("\n".join(parts) + "\n</svg>\n")
    return True


def sentence(panels):
    return "; ".join(
        f"{title}: "
        + ", ".join(
            f"{PROGRAMS[name]} {amount(value, row['unit'])}"
            for name, value in row["values"].items()
        )
        for title, row in panels
    )


def panel(left, title, row, programs):
    values = row["values"]
    low, high = math.floor(math.log10(min(values.values()))), math.ceil(
        math.log10(max(values.values()))
    )
    space = PANEL - 64  # behind the last dot stands its figure

    def x(value):
        return left + 14 + space * (math.log10(value) - low) / max(high - low, 1)

    bottom = row_y(len(programs) - 1) + ROW / 2
    parts = [text(left, 16, title)]
    for power in range(low, high + 1):
        parts.append(
            f'<line x1="{x(10**power):.1f}" x2="{x(10**power):.1f}" y1="{TOP - 12}" '
            f'y2="{bottom:.1f}"/>'
        )
        parts.append(
            text(
                x(10**power), TOP - 18, amount(10**power, row["unit"]), anchor="middle",
                kind="small",
            )
        )
    for i, name in enumerate(programs):
        if name in values:
            kind = "ours" * (name == "gateway")
            parts.append(
                f'<circle class="{kind}" cx="{x(values[name]):.1f}" cy="{row_y(i)}" r="5"/>'
            )
            parts.append(
                text(
                    x(values[name]) + 10, row_y(i) + 4, amount(values[name], row["unit"]), kind=kind
                )
            )
    return parts


def row_y(i):
    return TOP + ROW * i


def text(x, y, words, anchor="start", kind=""):
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def amount(value, unit):
    """Two or three digits, in the unit that fits."""
    units = ["us", "ms", "s"]
    i = units.index(unit)
    while value >= 1000 and i < 2:
        value, i = value / 1000, i + 1
    return (
        f"{value:.3g} {units[i]}".replace("us", "µs")
        if value < 10
        else f"{value:.0f} {units[i]}".replace("us", "µs")
    )
