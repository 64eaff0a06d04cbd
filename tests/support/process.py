"""The program under test as a process: clean environment, every line of its log looked at, no death
by signal."""

import contextlib
import fcntl
import html
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

from support import slack
from support.machine import Held
from support.wire import PATIENCE, eventually

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("GATEWAY_BINARY", ROOT / "build" / "slack-lambda-gateway"))
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
LOG_ROOM = 1 << 20
STILL = re.compile(r"Lambda function (\S+)@(\S+) is still being started\.\.\.")
ENDINGS = {
    "started": " has been started...",
    "not started": " could not be started: ",
    "unknown": " may or may not have been started: ",
}
LEVELS = {"DEBUG", "INFO", "WARN", "ERROR"}

# Never in a log, whatever happens. Tests add what they make up.
FORBIDDEN = [
    slack.SECRET,
    slack.OTHER_SECRET,
    slack.TOKEN,
    slack.TRIGGER,
    slack.RESPONSE_PATH,
    slack.TEXT,
    slack.TEXT.replace(" ", "+"),
    slack.TEXT.replace(" ", "%20"),
]


class Process:
    """A started program. `lines` are its log as objects; `close` ends it the way Lambda does, with
    SIGKILL."""

    def __init__(
        self, folder, env, args=(), name="slack-lambda-gateway", wrapper=(), forbidden=(), cwd=None,
        **options,
    ):
        program = Path(folder) / name
        if not program.exists():
            program.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(BINARY, program)
            except OSError:
                shutil.copy2(BINARY, program)
        self.env = dict(env)
        # What is shorter than six bytes stands in any text by chance.
        self.forbidden = FORBIDDEN + [text for text in forbidden if text and len(text.strip()) >= 6]
        self.read_lines = []
        self.partial = b""
        self.reading = threading.Lock()
        self.problems = []
        self.expected_exit = None
        self.held = Held()
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*wrapper, str(program), *args],
            env=self.env,
            cwd=cwd or folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **options,
        )
        self.held.pids.append(self.pid)
        # The program drops what finds no room. A reader that has to wait for its turn is not to be
        # the reason.
        with contextlib.suppress(OSError):
            fcntl.fcntl(self.process.stderr, fcntl.F_SETPIPE_SZ, LOG_ROOM)
        self.stdout = b""
        self.readers = [
            threading.Thread(target=self.read_stderr, daemon=True),
            threading.Thread(target=self.read_stdout, daemon=True),
        ]
        for reader in self.readers:
            reader.start()

    @property
    def pid(self):
        return self.process.pid

    def read_stdout(self):
        self.stdout = self.process.stdout.read()

    def read_stderr(self):
        poller = select.poll()
        poller.register(self.process.stderr, select.POLLIN)
        while True:
            poller.poll()
            with self.reading:
                # Who looked at `lines` meanwhile may have taken what was there.
                if poller.poll(0) and not self.read_some():
                    return

    def read_some(self):
        data = os.read(self.process.stderr.fileno(), 65536)
        lines = (self.partial + data).split(b"\n")
        self.partial = lines.pop()
        for line in lines:
            self.take(line + b"\n")
        if not data and self.partial:
            self.take(self.partial)
        return bool(data)

    @property
    def lines(self):
        """The log so far, up to what the program has written by now."""
        with self.reading:
            while not self.process.stderr.closed and self.unread():
                self.read_some()
        return self.read_lines

    def unread(self):
        return struct.unpack("i", fcntl.ioctl(self.process.stderr, termios.FIONREAD, b"\0" * 4))[0]

    def take(self, raw):
        text = raw.decode("utf-8", "replace")
        for secret in self.forbidden:
            if secret in text:
                self.problems.append(f"the log tells {secret[:6]}...: {text[:200]}")
        try:
            line = json.loads(text)
            assert isinstance(line, dict) and text.endswith("\n"), "not an object a line"
            assert TIMESTAMP.match(line["timestamp"]), "timestamp"
            assert line["level"] in LEVELS, "level"
            assert isinstance(line["message"], str) and line["message"], "message"
        except (ValueError, KeyError, AssertionError) as fault:
            self.problems.append(f"log line ({fault!r}): {text[:300]}")
        else:
            self.read_lines.append(line)

    # ---- the log ---------------------------------------------------------------------------------

    def logged(self, *levels, since=0):
        return [line for line in self.lines[since:] if not levels or line["level"] in levels]

    def wait_for_log(self, text, timeout=PATIENCE):
        """The first line in which `text` stands anywhere."""
        found = eventually(
            lambda: [line for line in self.lines if text in json.dumps(line)], timeout
        )
        assert found, f"no log line with {text!r}; there are {self.lines}"
        return found[0]

    @contextlib.contextmanager
    def final(self):
        """Inside, `outcome(text)` is what a slash command came to. A machine that is busy with much
        else may take more than the 2.5 s after which Slack is told that it is still being started;
        the log says then what became of it, in the same words."""
        began, since = time.monotonic(), len(self.lines)

        def outcome(text):
            still = STILL.fullmatch(text)
            if not still or "GATEWAY_TIMEOUT_MS" in self.env or time.monotonic() < began + 2:
                return text
            ends = eventually(lambda: self.ended(still.groups(), since))
            if not ends:
                return text
            name = text.removesuffix(" is still being started...")
            reason = html.escape(ends[0].get("reason", ""), quote=False)
            return name + ENDINGS[ends[0]["message"]] + reason

        yield outcome

    def ended(self, target, since):
        """The lines that say what became of what was started there: (function, region)."""
        return [
            line
            for line in self.lines[since:]
            if line["message"] in ENDINGS and (line.get("function"), line.get("region")) == target
        ]

    # ---- the end ---------------------------------------------------------------------------------

    def wait_exit(self, timeout=PATIENCE):
        """The exit code of a program that ends by itself."""
        code = self.process.wait(timeout)
        self.expected_exit = code
        for reader in self.readers:
            reader.join(PATIENCE)
        assert code >= 0, f"ended by {signal.Signals(-code).name}"
        return code

    @property
    def alive(self):
        return self.process.poll() is None

    def close(self):
        """Ends it and returns everything that was wrong with it."""
        code = self.process.poll()
        if code is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
        elif self.expected_exit is None:
            how = signal.Signals(-code).name if code < 0 else f"code {code}"
            self.problems.append(f"ended by itself: {how}; last lines {self.lines[-3:]}")
        for reader in self.readers:
            reader.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        if self.stdout:
            self.problems.append(f"standard output: {self.stdout[:200]!r}")
        return self.problems
