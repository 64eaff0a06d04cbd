"""scripts/demo as a person starts it: what it shows, that it ends, that it colours terminals alone.
"""

import os
import pty
import re
import signal
import subprocess
import urllib.request

from support.process import ROOT
from support.wire import PATIENCE, eventually

DEMO = ROOT / "scripts" / "demo"


def environment(tmp_path):
    """Without any setting of this machine; its files go where they can be looked at."""
    return {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "LANG": "C.UTF-8"}


def children(pid):
    return subprocess.run(
        ["ps", "-o", "pid=", "-g", str(pid)], capture_output=True, text=True
    ).stdout.split()


def test_demo(tmp_path):
    run = subprocess.run(
        [DEMO], env=environment(tmp_path), capture_output=True, text=True, timeout=300,
        start_new_session=True,
    )
    assert run.returncode == 0 and run.stderr == "", run
    parts = dict(re.findall(r"^(\S[^\n]*)\n((?:(?:    .*)?\n)*)", run.stdout[1:] + "\n", re.M))

    def find(beginning):
        return next(text for title, text in parts.items() if title.startswith(beginning))

    assert '"text":"Lambda function hello@local has been started..."' in find(
        "A signed slash command"
    )
    assert '{"text":"Hello from Linux' in find("What the function printed")
    assert '"text":"Deployed. :rocket:"' in find("Its answer, four seconds later")
    assert "    200\n" in find("A button") and '{"text":"Hello from Linux' in find("A button")
    event = find("An event, and the same one again")
    assert event.count("    200\n") == 2 and re.findall(r"started so far: (\d)", event) == [
        "3",
        "4",
    ]
    assert "401" in find("A forged request") and "there is no function nothing here" in find(
        "A function that is not there"
    )
    check = find("Whether everything is as it must be")
    assert "everything works" in check and "✗" not in check and "!" not in check
    assert 'gateway_requests_total{kind="event_callback",status="200"} 2' in find("Metrics")
    assert "unfinished=0 untold=0" in find("Stopping")
    assert "\x1b" not in run.stdout and not list(tmp_path.iterdir())


def test_run_stays(tmp_path):
    """On a terminal, in colour, until Ctrl-C; what comes later is on the screen, the status page
    too."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [DEMO, "--stay"], env=environment(tmp_path), stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    screen = b""

    def shows(pattern):
        nonlocal screen
        try:
            screen += os.read(ours, 1 << 16)
        except (BlockingIOError, OSError):
            pass
        return re.search(pattern, screen)

    try:
        assert eventually(lambda: shows(rb"What it logs from here on"), 300), screen
        assert b"\x1b[1m" in screen
        url = shows(rb"Its status page: (http://127\.0\.0\.1:\d+/)")[1].decode()
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            assert b"local/hello" in answer.read()
        gateway = shows(rb"Running at (http://127\.0\.0\.1:\d+) until")[1].decode()
        command = shows(
            rb"    (SLACK_SIGNING_SECRET=[0-9a-f]{32} build/slack-lambda-gateway send http\S+)"
        )[1].decode()
        assert gateway in command
        subprocess.run(
            ["sh", "-c", command + " --text later"], cwd=ROOT, env=environment(tmp_path),
            check=True, capture_output=True,
        )
        assert eventually(
            lambda: shows(rb"What it logs from here on(?s:.*)path=/local/hello")
        ), screen
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE) in (0, 130) and not children(process.pid)
    finally:
        for pid in [process.pid, *map(int, children(process.pid))]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()
        os.close(ours)
