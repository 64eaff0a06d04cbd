"""The journal: what it leaves of the signed commands that a listener answers a second, at 64
connections.

Two listeners, with and without it, take turns; the disk is that of the directory for temporary
files."""

from statistics import median

from listener import CONNECTIONS, Gateway, load, script

from support import slack

ROUNDS = 5
GOAL = 0.5


def rate(gateway):
    run = load(gateway, "/eu-west-1/my-fn", script(gateway.stand, slack.command()), CONNECTIONS)
    return run["rate"] * (run["count"] - run["bad"]) / run["count"]


def measure_mode(stand, table, ack):
    folder = stand.folder / f"journal-{ack}"
    folder.mkdir(mode=0o700)
    gateways = [
        Gateway(stand, GATEWAY_ACK=ack),
        Gateway(stand, GATEWAY_ACK=ack, GATEWAY_JOURNAL=str(folder)),
    ]
    try:
        rounds = [[rate(gateway) for gateway in gateways] for _ in range(ROUNDS)]
        if not gateways[1].started():
            stand.give_up("the listener with a journal did not start the function")
    finally:
        for gateway in gateways:
            gateway.close()
    ratios = [on / off for off, on in rounds]
    without, beside = (median(rates) for rates in zip(*rounds))
    table.row(f"GATEWAY_ACK={ack}: without, a second", gateway=without)
    table.row("  with", gateway=beside)
    table.row(
        "  with / without, in rounds",
        gateway=median(ratios),
        goal=f">= {GOAL}",
        met=median(ratios) >= GOAL,
    )
    table.note(
        f"GATEWAY_ACK={ack}, with a journal / without, round by round: "
        + ", ".join(f"{ratio:.2f}" for ratio in ratios)
    )


def measure(stand, table):
    table.start(f"journal, {CONNECTIONS} connections")
    for ack in ("confirmed", "first"):
        measure_mode(stand, table, ack)
