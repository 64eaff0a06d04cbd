"""What does not depend on the machine's mood: instructions, counted by valgrind, and system calls,
by strace."""

import re
from collections import Counter

EVENTS = 40       # instructions: the difference between twice as many and these
LAST = 10         # system calls: of this many events at the end

MAPPING = {"mmap", "munmap", "mremap", "brk", "mprotect", "madvise"}
CONNECTING = {"socket", "connect", "accept", "accept4", "bind"}
WRITING = {"write", "writev", "send", "sendto", "sendmsg", "sendmmsg", "pwrite64", "pwritev"}


def measure(stand, table):
    table.note(
        "Instructions: as valgrind counts them, on a processor without instructions for SHA-256."
    )
    table.start("start, effort")
    table.row(
        "instructions to GET /next",
        **{name: instructions(stand, 0, "alone", name) for name in ("empty", "minimal", "gateway")},
    )
    table.row(
        "instructions to the first answer, with an invoke",
        gateway=instructions(stand, 1, "invoke", "gateway", tls=True),
    )
    table.row(
        "system calls to GET /next",
        **{
            name: len(calls(stand, 0, "alone", name)[0]) for name in ("empty", "minimal", "gateway")
        },
    )

    table.start("warm event, effort")
    for kind, title, messages, contenders in (
        ("alone", "without an invoke", 2, ("minimal", "gateway")),
        ("invoke", "with an invoke", 3, ("gateway",)),
    ):
        table.row(
            f"instructions, {title}",
            **{name: instructions_of_event(stand, kind, name) for name in contenders},
        )
        made = {name: calls_of_event(stand, kind, name) for name in contenders}
        table.row(
            f"system calls, {title}", **{name: len(found) / LAST for name, found in made.items()}
        )
        judge(table, {name: tally(found) for name, found in made.items()}, messages)
        names = Counter(name for name, _ in made["gateway"])
        table.note(
            f"System calls of the gateway for a warm event {title}: "
            + ", ".join(f"{count / LAST:g} {name}" for name, count in names.most_common())
            + "."
        )


def judge(table, tallies, messages):
    gateway = tallies["gateway"]
    for title, key, want in (
        ("mmap, brk and the like", "mapping", 0), ("connections", "connecting", 0),
        (f"writes to a connection, for {messages} messages", "writing", messages),
    ):
        table.row(
            "  " + title, goal=f"= {want}", met=gateway[key] == want,
            **{name: found[key] for name, found in tallies.items()},
        )


def tally(found):
    """By an event, what matters in a list of (name, arguments)."""
    return {"mapping": sum(name in MAPPING for name, _ in found) / LAST,
            "connecting": sum(name in CONNECTING for name, _ in found) / LAST,
            "writing": sum(name in WRITING and not arguments.startswith(("1,", "2,")) for name,
                arguments in found) / LAST}


# ---- instructions --------------------------------------------------------------------------------

def instructions(stand, events, kind, name, **options):
    out = stand.folder / "callgrind"
    wrapper = ["/usr/bin/valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"]
    stand.peer(1, events, kind, stand.command(name, wrapper, **options))
    return int(re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.M)[1])


def instructions_of_event(stand, kind, name):
    few, many = (instructions(stand, count, kind, name, tls=True) for count in (EVENTS, 2 * EVENTS))
    return (many - few) / EVENTS


# ---- system calls --------------------------------------------------------------------------------

def calls(stand, events, kind, name):
    """The system calls (name, arguments), in a list for each request for an event: those up to it.
    If it never asks: all."""
    out = stand.folder / "strace"
    wrapper = ["/usr/bin/strace", "-f", "-qq", "-I", "1", "-s", "16", "-o", out]
    stand.peer(1, events, kind, stand.command(name, wrapper, tls=events > 0))
    lists, current = [], []
    for line in out.read_text().splitlines():
        found = re.match(r"\d+ +(\w+)\((.*)", line)
        if found:
            current.append(found.groups())
            if found[1] in WRITING and '"GET ' in found[2]:
                lists.append(current)
                current = []
    return lists or [current]


def calls_of_event(stand, kind, name):
    return sum(calls(stand, 2 * LAST, kind, name)[-LAST:], [])
