"""Classifying and routing a request costs less than checking its signature: instructions, counted
by valgrind."""

import json
import re

EVENTS = 10

REQUESTS = {
    "invoke": "slash command of 0.4 KB", "interaction": "interaction of 4 KB",
    "event": "event of 0.4 KB",
}
WORDS = ("report", "new_", "approve_all", "app_")
CONFIG = {
    "routes": [
        {key: f"{slash}{word}*", "invoke": "eu-west-1/my-fn"}
        for key, slash in (("command", "/"), ("callback_id", ""), ("action_id", ""), ("event", ""))
        for word in WORDS
    ]
}


def measure(stand, table):
    table.start("deciding about a request, effort")
    for kind, title in REQUESTS.items():
        signature, all_of_it = (
            instructions(stand, kind, function) for function in ("slack_verify", "decide")
        )
        rest = all_of_it - signature
        table.row(f"{title}: checking its signature", gateway=signature)
        table.row(
            "  classifying and routing it", goal="less", met=0 < rest < signature, gateway=rest
        )


def instructions(stand, kind, function):
    """In this function and what it calls, for one request. Needs the program with its symbols."""
    out = stand.folder / "callgrind"
    wrapper = [
        "/usr/bin/valgrind", "--quiet", "--tool=callgrind", f"--toggle-collect={function}",
        f"--callgrind-out-file={out}",
    ]
    *rest, program = stand.command("gateway", wrapper, tls=True)
    stand.peer(1, EVENTS, kind, ["GATEWAY_CONFIG=" + json.dumps(CONFIG), *rest, program + ".debug"])
    counted = int(re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.M)[1]) / EVENTS
    if counted == 0:
        stand.give_up(f"{function} was never entered: the compiler put it into another function")
    return counted
