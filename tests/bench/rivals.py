"""Beside programs that do the same work in other languages (tests/bench/rivals): each reads /next,
checks Slack's signature, starts the function over one kept TLS connection with a signed request,
and posts the answer.

All of them run in the same rounds, in an order that changes. Ratios are medians over the rounds of
ours to theirs; where the machine is shared they say more than the times, and the processor time
says more than the wall clock."""

import contextlib
import os
from collections import defaultdict
from statistics import median

from share import Share
from stand import CLOSES_AFTER_MS, RIVAL_COMMANDS, Stand, built_rivals

BATCHES = 4
FAST, SLOW = 30, 4          # rounds in a batch of those that start in milliseconds, and of all
WARM_ROUNDS, WARM_EVENTS = 4, 300
SHARED_ROUNDS = 5
THAW_ROUNDS, THAW_EVENTS = 2, 6
SLOW_ONES = ("node", "python")
GOAL = 0.8

COLUMNS = ("gateway", "rust", "go", "node", "python")


class Contest:
    """Values of every contender, in the order of the rounds."""

    def __init__(self, stand: Stand, **options):
        self.stand = stand
        self.commands = {
            name: stand.command(name, warm_up=True, **options)
            for name in ("gateway", *built_rivals())
        }
        self.values = defaultdict(lambda: defaultdict(list))

    def fast(self):
        return [name for name in self.commands if name not in SLOW_ONES]

    def run(self, names, rounds, events, options=()):
        return dict(
            zip(
                names,
                self.stand.peer(
                    rounds, events, "invoke", *(self.commands[name] for name in names),
                    options=options,
                ),
            )
        )

    def add(self, results, *kinds):
        for name, result in results.items():
            for kind in kinds:
                self.values[kind][name] += result[kind]

    def add_growth(self, few, many, events):
        """Processor time of an event, from runs with one event and with `events`."""
        for name in many:
            spent = median(many[name]["cpu"]) - median(few[name]["cpu"])
            self.values["growth"][name].append(spent / (events - 1))

    def starts(self, slow, fast, options=()):
        self.add(self.run(list(self.commands), slow, 1, options), "first", "cpu")
        self.add(self.run(self.fast(), fast, 1, options), "first", "cpu")

    def row(self, table, label, kind, scale, unit, goal=False):
        values = self.values[kind]
        ratios = {
            name: median(ours / theirs for ours, theirs in zip(values["gateway"], values[name]))
            for name in values
            if name != "gateway" and min(values[name]) > 0
        }
        wanted = {}
        if goal and "rust" in ratios:
            wanted = {"goal": f"<= {GOAL} x rust", "met": ratios["rust"] <= GOAL}
        table.row(
            label, unit, ratios=ratios, **wanted,
            **{name: median(found) / scale for name, found in values.items()},
        )


def measure(stand, table):
    table.start("beside rivals", columns=COLUMNS)
    for name in RIVAL_COMMANDS:
        if name not in built_rivals():
            table.note(f"The rival in {name} was left out: it could not be built here.")
    hasten(stand, -20)
    try:
        measure_all(stand, table)
    finally:
        hasten(stand, 0)


def hasten(stand, priority):
    """AWS in the priority that the peer gives itself, where that is allowed: its answers wait for
    no other program."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, stand.endpoint.process.pid, priority)


def measure_all(stand, table):
    measure_start(stand, table, "rsa", "RSA-2048 chain, X25519", True)
    measure_start(stand, table, "p256", "P-256 chain, P-256", False)
    measure_warm(stand, table)
    measure_share(stand, table)
    measure_thaw(stand, table, "closes, resumable", "with resumption")
    measure_thaw(stand, table, "closes", "without resumption")


def measure_start(stand, table, form, title, goal):
    contest = Contest(stand, form=form)
    for _ in range(BATCHES):
        contest.starts(SLOW, FAST)
    contest.row(table, f"exec to the first answer, {title}", "first", 1e6, "ms", goal)
    contest.row(table, "  processor time", "cpu", 1e3, "ms")


def measure_warm(stand, table):
    contest = Contest(stand)
    for _ in range(BATCHES):
        few = contest.run(list(contest.commands), 1, 1)
        many = contest.run(list(contest.commands), 1, WARM_EVENTS)
        contest.add(many, "event")
        contest.add_growth(few, many, WARM_EVENTS)
    contest.row(table, "warm event, to its answer", "event", 1e3, "us", True)
    contest.row(table, "  processor time", "growth", 1, "us", True)


def measure_share(stand, table):
    share = Share()
    if not share.procs:
        table.note(f"A 128 MB function's share of a processor was left out: {share.why}")
        return
    contest = Contest(stand)
    try:
        for _ in range(BATCHES):
            contest.starts(1, SHARED_ROUNDS, ["-g", share.procs])
    finally:
        share.close()
    contest.row(table, "exec to the first answer, 7.2% of a processor", "first", 1e6, "ms")


def measure_thaw(stand, table, form, title):
    contest = Contest(stand, form=form)
    options = ["-f", str(CLOSES_AFTER_MS * 3 // 2)]
    for _ in range(BATCHES):
        few = contest.run(list(contest.commands), THAW_ROUNDS, 1)
        many = contest.run(list(contest.commands), THAW_ROUNDS, THAW_EVENTS, options)
        contest.add(many, "event")
        contest.add_growth(few, many, THAW_EVENTS)
    contest.row(table, f"event after a thaw, connection closed, {title}", "event", 1e6, "ms")
    contest.row(table, "  processor time", "growth", 1e3, "ms")
