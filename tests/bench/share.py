"""A control group with a small part of a processor, as Lambda gives it to a function with little
memory."""

import os
from pathlib import Path

# Lambda: a whole processor at 1,769 MB, handed out in periods of 20 ms.
PERIOD_US = 20000
SHARE = 128 / 1769


class Share:
    """`procs` is the file that a process writes itself into; None where `why` says what is in the
    way."""

    def __init__(self):
        self.procs, self.why, self.folder = None, "", None
        quota = round(PERIOD_US * SHARE)
        for root, files in (
            (Path("/sys/fs/cgroup/cpu"),
                {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": quota}),
            (Path("/sys/fs/cgroup"), {"cpu.max": f"{quota} {PERIOD_US}"}),
        ):
            folder = root / f"gateway-bench-{os.getpid()}"
            try:
                folder.mkdir()
                self.folder = folder
                for name, value in files.items():
                    (folder / name).write_text(str(value))
                self.procs = folder / "cgroup.procs"
                return
            except OSError as error:
                self.why = f"{error.filename}: {error.strerror}"
                self.close()

    def close(self):
        if self.folder:
            self.folder.rmdir()
            self.folder = None
