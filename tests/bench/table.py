"""The table that comes out: a line for each thing measured, a column for each contender, goals
marked.

A section may have contenders of its own, the first of them ours: behind theirs it shows the ratios
of ours to each."""

import json

COLUMNS = ("empty", "minimal", "gateway")


class Table:
    def __init__(self):
        self.rows = []
        self.notes = []
        self.sections = {}

    def row(self, name, unit="", goal=None, met=None, ratios=None, **values):
        """`goal` in words and whether it was `met`, if there is one. A contender that has no value
        is left out. `ratios` of ours to another's, by his name, where they are not those of the
        values. A name that starts with blanks goes with the one above that does not."""
        assert set(values) <= set(self.columns) and (goal is None) == (met is None)
        if not name.startswith(" "):
            self.above = name
        full = name if name == self.above else f"{self.above}: {name.strip()}"
        row = {"section": self.section, "name": full, "label": name, "unit": unit, "values": values,
               "ratios": ratios or ratios_of(values)}
        if goal:
            row.update(goal=goal, met=bool(met))
        self.rows.append(row)

    def start(self, section, columns=COLUMNS):
        self.section, self.columns = section, columns
        self.sections[section] = columns

    def note(self, text):
        self.notes.append(text)

    @property
    def missed(self):
        return [row for row in self.rows if row.get("met") is False]

    # ---- on paper --------------------------------------------------------------------------------

    def text(self):
        parts = []
        for columns in dict.fromkeys(self.sections.values()):
            others = [name for name in columns if name != "gateway"]
            lines = [["", *columns, *(f"/ {name}" for name in others), ""]]
            for section in (name for name, own in self.sections.items() if own == columns):
                lines.append([section])
                lines += [
                    cells(row, columns, others) for row in self.rows if row["section"] == section
                ]
            widths = [
                max(len(line[i]) for line in lines if len(line) > 1) for i in range(len(lines[0]))
            ]
            widths[0] = max(widths[0], 44)
            parts.append("\n".join(layout(line, widths) for line in lines))
        return "\n\n".join(parts) + "".join(f"\n\n{note}" for note in self.notes)

    def write(self, path, **about):
        path.write_text(
            json.dumps({**about, "rows": self.rows, "notes": self.notes}, indent=1) + "\n"
        )


def ratios_of(values):
    ours = values.get("gateway")
    return {
        name: ours / value
        for name, value in values.items()
        if name != "gateway" and ours is not None and round(value, 1)
    }


def cells(row, columns, others):
    unit = f", {row['unit']}" if row["unit"] else ""
    line = ["  " + row["label"] + unit] + [number(row["values"].get(column)) for column in columns]
    line += [f"{row['ratios'][name]:,.2f}" if name in row["ratios"] else "" for name in others]
    verdict = {None: "", True: "ok", False: "MISSED"}[row.get("met")]
    return line + [f"{row['goal']}: {verdict}" if verdict else ""]


def number(value):
    if value is None:
        return "-"
    value = round(value, 1) + 0
    return f"{value:,.1f}" if value < 100 and value != int(value) else f"{value:,.0f}"


def layout(line, widths):
    if len(line) == 1:
        return "\n" + line[0]
    first, *middle, last = line
    middle = [cell.rjust(width) for cell, width in zip(middle, widths[1:])]
    return "  ".join([first.ljust(widths[0]), *middle, last]).rstrip()
