"""The table that comes out: a line for each thing measured, a column for each contender, goals marked."""

import json

COLUMNS = ("empty", "minimal", "gateway")


class Table:
    def __init__(self):
        self.rows = []
        self.notes = []

    def row(self, name, unit="", goal=None, met=None, **values):
        """`goal` in words and whether it was `met`, if there is one. A contender that has no value is left out.
        A name that starts with blanks goes with the one above that does not."""
        assert set(values) <= set(COLUMNS) and (goal is None) == (met is None)
        if not name.startswith(" "):
            self.above = name
        full = name if name == self.above else f"{self.above}: {name.strip()}"
        row = {"section": self.section, "name": full, "label": name, "unit": unit, "values": values}
        if goal:
            row.update(goal=goal, met=bool(met))
        self.rows.append(row)

    def start(self, section):
        self.section = section

    def note(self, text):
        self.notes.append(text)

    @property
    def missed(self):
        return [row for row in self.rows if row.get("met") is False]

    # ---- on paper ----------------------------------------------------------------------------------------------------

    def text(self):
        head = ["", *COLUMNS, "/ empty", "/ minimal", ""]
        lines = [head]
        for section in dict.fromkeys(row["section"] for row in self.rows):
            lines.append([section])
            lines += [cells(row) for row in self.rows if row["section"] == section]
        widths = [max(len(line[i]) for line in lines if len(line) > 1) for i in range(len(head))]
        widths[0] = max(widths[0], 44)
        return "\n".join(layout(line, widths) for line in lines) + "".join(f"\n\n{note}" for note in self.notes)

    def write(self, path, **about):
        path.write_text(json.dumps({**about, "rows": self.rows, "notes": self.notes}, indent=1) + "\n")


def cells(row):
    values = row["values"]
    unit = f", {row['unit']}" if row["unit"] else ""
    line = ["  " + row["label"] + unit] + [number(values.get(column)) for column in COLUMNS]
    line += [ratio(values.get("gateway"), values.get(other)) for other in ("empty", "minimal")]
    verdict = {None: "", True: "ok", False: "MISSED"}[row.get("met")]
    return line + [f"{row['goal']}: {verdict}" if verdict else ""]


def number(value):
    if value is None:
        return "-"
    value = round(value, 1) + 0
    return f"{value:,.1f}" if value < 100 and value != int(value) else f"{value:,.0f}"


def ratio(value, base):
    return f"{value / base:,.2f}" if value is not None and base and round(base, 1) else ""


def layout(line, widths):
    if len(line) == 1:
        return "\n" + line[0]
    first, *middle, last = line
    middle = [cell.rjust(width) for cell, width in zip(middle, widths[1:])]
    return "  ".join([first.ljust(widths[0]), *middle, last]).rstrip()
