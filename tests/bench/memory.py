"""The most memory that was resident at once."""

EVENTS = 1000
READY_KIB = 512


def measure(stand, table):
    table.start("memory at the most, KiB (VmHWM)")
    minimal, gateway, ahead = stand.peer(
        1, EVENTS, "invoke", stand.command("minimal"), stand.command("gateway", tls=True),
        stand.command("gateway", warm_up=True), options=["-m"],
    )
    goal = f"<= {READY_KIB:,}"
    for name, values in (
        (
            "before the first event",
            {"minimal": minimal["ready"][0], "gateway": gateway["ready"][0]},
        ),
        ("  the same, with a TLS connection made ahead", {"gateway": ahead["ready"][0]}),
    ):
        table.row(name, goal=goal, met=values["gateway"] <= READY_KIB, **values)
    table.row(
        f"after {EVENTS:,} events, each with an invoke", minimal=minimal["peak"][0],
        gateway=ahead["peak"][0],
    )
