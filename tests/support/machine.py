"""What a busy machine adds to the times that a test measures."""

import os
from pathlib import Path


class Held:
    """How long, since it was made, the machine kept the test and these processes waiting for a
    processor: `seconds`, the sum over their threads. A budget of time has that much more."""

    def __init__(self, *pids):
        self.pids = [os.getpid(), *pids]
        self.began, self.stolen = self.waits(), stolen()

    def waits(self):
        """By thread, in nanoseconds: the second number of schedstat."""
        found = {}
        for pid in self.pids:
            for task in Path(f"/proc/{pid}/task").glob("*"):
                try:
                    found[task.name] = int((task / "schedstat").read_text().split()[1])
                except OSError:
                    pass  # it has ended
        return found

    def excuses(self, text):
        """Whether a command was answered late because of that."""
        return "is still being started" in text and self.seconds > 1

    @property
    def seconds(self):
        waited = sum(ns - self.began.get(task, 0) for task, ns in self.waits().items())
        return waited / 1e9 + stolen() - self.stolen


def stolen():
    """Seconds that the machine itself was kept waiting, where it is a virtual one."""
    with open("/proc/stat") as stat:
        return int(stat.readline().split()[8]) / os.sysconf("SC_CLK_TCK")
