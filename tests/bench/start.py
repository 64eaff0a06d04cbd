"""From exec to the first request for an event, and to the first answer."""

from statistics import median

ROUNDS = 1000
TLS_ROUNDS = 150


def us(values):
    return median(values) / 1000


def first_event(result):
    return us([first - to_next for to_next, first in zip(result["next"], result["first"])])


def measure(stand, table):
    table.start("start, microseconds")
    empty, minimal, gateway = stand.peer(
        ROUNDS, 0, "alone", *(stand.command(name) for name in ("empty", "minimal", "gateway"))
    )
    floor = us(empty["exit"])
    to_next = us(gateway["next"])
    table.row(
        "exec to GET /next (empty: to its end)", goal="<= 1.5 x empty", met=to_next <= 1.5 * floor,
        empty=floor, minimal=us(minimal["next"]), gateway=to_next,
    )
    table.row(
        "processor time of that", empty=median(empty["cpu"]), minimal=median(minimal["cpu"]),
        gateway=median(gateway["cpu"]),
    )

    first_minimal, alone = stand.peer(
        ROUNDS, 1, "alone", stand.command("minimal"), stand.command("gateway")
    )
    table.row(
        "exec to the first answer, without an invoke", minimal=us(first_minimal["first"]),
        gateway=us(alone["first"]),
    )

    cold, warm = stand.peer(
        TLS_ROUNDS, 1, "invoke", stand.command("gateway", tls=True),
        stand.command("gateway", warm_up=True),
    )
    table.row("exec to GET /next, with a TLS connection made ahead", gateway=us(warm["next"]))
    table.row("exec to the first answer, with an invoke", gateway=us(cold["first"]))
    table.row("first event to its answer, with an invoke", gateway=first_event(cold))
    table.row("  the same, with a TLS connection made ahead", gateway=first_event(warm))

    table.start("start, effort")
    table.row(
        "page faults to GET /next", empty=median(empty["faults"]),
        minimal=median(minimal["faults"]), gateway=median(gateway["faults"]),
    )
