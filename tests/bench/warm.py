"""One event after the other over connections that are kept."""

from statistics import median, quantiles

ROUNDS = 3
EVENTS = 1000


def measure(stand, table):
    commands = {"minimal": stand.command("minimal"), "gateway": stand.command("gateway", tls=True)}
    table.start("warm event, microseconds")
    for kind, name in (("alone", "without an invoke"), ("invoke", "with an invoke")):
        few = stand.peer(ROUNDS, 1, kind, *commands.values())
        many = stand.peer(ROUNDS, EVENTS, kind, *commands.values())
        who = list(commands) if kind == "alone" else ["gateway"]
        few, many = dict(zip(commands, few)), dict(zip(commands, many))

        def each(value):
            return {name: value(name) for name in who}

        def growth(what):
            return each(
                lambda name: (median(many[name][what]) - median(few[name][what])) / (EVENTS - 1)
            )

        table.row(
            f"event to answer, {name}: median",
            **each(lambda name: median(many[name]["event"]) / 1000),
        )
        table.row(
            "  99 of 100", **each(lambda name: quantiles(many[name]["event"], n=100)[98] / 1000)
        )
        table.row("  processor time", **growth("cpu"))
        table.row("  page faults", "number", **growth("faults"))
