"""What a person types, and what the program says to it: help, versions, misspelt words, exit codes,
the log's form."""

import concurrent.futures
import json
import os
import pty
import re
import subprocess

import pytest

from support import slack
from support.process import BINARY, ROOT
from support.wire import PATIENCE, eventually

COMMANDS = ["serve", "send", "check", "health"]
NAMES = re.search(
    r"config_names =\s*STR\((.*?)\);", (ROOT / "src/gateway/config.c").read_text(), re.S
)[1]
SETTINGS = re.findall(r"[A-Z_]+", NAMES)


def run(*arguments, env=None):
    return subprocess.run(
        [BINARY, *arguments], env=env or {}, capture_output=True, text=True, timeout=PATIENCE
    )


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help_of_the_program(arguments):
    done = run(*arguments)
    assert done.returncode == 0 and not done.stderr
    assert all(re.search(rf"^  {command} ", done.stdout, re.M) for command in COMMANDS)
    assert "Exit codes: 0 " in done.stdout and "SLACK_SIGNING_SECRET" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command):
    texts = {
        run(*words).stdout for words in ([command, "--help"], [command, "-h"], ["help", command])
    }
    (text,) = texts
    assert (
        text.startswith(f"Usage: slack-lambda-gateway {command} ")
        and "Exit codes: 0 " in text
        and "Example" in text
    )
    assert max(map(len, text.splitlines())) <= 100 and "\t" not in text


def test_help_behind_other_options():
    assert run("serve", "--listen", ":0", "--help").stdout == run("serve", "--help").stdout
    assert run("send", "http://127.0.0.1:1/", "--help").stdout == run("send", "--help").stdout
    # Where a value is expected it is one.
    assert run("serve", "--ack-text", "--help", env={"GATEWAY_ALLOW": "x"}).returncode == 2


def test_serve_help_lists_every_setting():
    text = run("serve", "--help").stdout
    options = set(re.findall(r"^  --([a-z-]+)", text, re.M))
    assert options == {name.lower().replace("_", "-") for name in SETTINGS}


@pytest.mark.parametrize("argument", ["--version", "-V", "version"])
def test_version(argument):
    done = run(argument)
    assert done.returncode == 0 and not done.stderr
    assert re.fullmatch(
        r"slack-lambda-gateway \d+\.\d+\.\d+ \([0-9a-f]{12}, [a-z0-9_]+-linux\)\n", done.stdout
    )


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["chek"], "unknown command chek; did you mean check?"),
        (["Serve"], "unknown command Serve; did you mean serve?"),
        (["help", "snd"], "unknown command snd; did you mean send?"),
        (["frobnicate"], "unknown command frobnicate; the commands are serve, "),
        (["--lisen"], "unknown command --lisen"),
        ([""], "unknown command ;"),
        ([], "did you mean serve?"),
        (["serve", "--lisen", "x"],
            "unknown option --lisen; did you mean --listen? (serve --help lists all)"),
        (["serve", "--ack_txt=x"], "unknown option --ack_txt; did you mean --ack-text?"),
        (["serve", "--frobnicate", "x"], "unknown option --frobnicate (serve --help lists all)"),
        (["serve", "now"], "unexpected argument now"),
        (["serve", "--listen"], "--listen needs a value"),
        (["send", "http://x/", "--txt", "x"], "unknown option --txt; did you mean --text?"),
        (["send", "http://x/", "http://y/"], "unexpected argument http://y/; send takes one URL"),
        (["check", "--jsn"], "unknown option --jsn; check takes --json"),
    ],
)
def test_wrong_command_line(arguments, says):
    done = run(*arguments, env={"SLACK_SIGNING_SECRET": slack.SECRET})
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith("slack-lambda-gateway: ") and done.stderr.count("\n") == 1
    assert says in done.stderr and len(done.stderr) < 200


@pytest.mark.parametrize(
    "arguments, env, says",
    [
        (["--timeout-ms", "99"], {}, "--timeout-ms=99 cannot be used"),
        ([], {"GATEWAY_TIMEOUT_MS": "99"}, "GATEWAY_TIMEOUT_MS=99 cannot be used"),
        (["--timeout-ms", "2500"], {"GATEWAY_WORKERS": "0"}, "GATEWAY_WORKERS=0 cannot be used"),
        (["--ack-text", "{x}"], {}, "--ack-text names {x}"),
        (["--ack", "x"], {}, "--ack=x cannot be used"),
        (["--ack", "first", "--ack-type", "x"], {}, "--ack-type=x cannot be used"),
        (["--ack", "first"], {"GATEWAY_ACK_TYPE": "x"}, "GATEWAY_ACK_TYPE=x cannot be used"),
        (["--log-format", "xml"], {},
            "--log-format=xml cannot be used: it must be one of auto, json, text"),
    ],
)
def test_settings_are_named_as_they_were_given(arguments, env, says):
    done = run("serve", *arguments, env={"SLACK_SIGNING_SECRET": slack.SECRET, **env})
    assert done.returncode == 2 and says in done.stderr, done.stderr


# ---- the log -------------------------------------------------------------------------------------


class Serving:
    """A listener whose standard error is the file descriptor `theirs`."""

    def __init__(self, theirs, **env):
        env = {
            "SLACK_SIGNING_SECRET": slack.SECRET, "AWS_EC2_METADATA_DISABLED": "true",
            "GATEWAY_LISTEN": "127.0.0.1:0", **env,
        }
        self.process = subprocess.Popen(
            [BINARY, "serve"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=theirs,
        )

    def stop(self):
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0


def log_of(**env):
    ours, theirs = os.pipe()
    serving = Serving(theirs, **env)
    os.close(theirs)
    text = b""
    while b"listening" not in text:
        data = os.read(ours, 65536)
        assert data, text
        text += data
    serving.stop()
    with os.fdopen(ours, "rb") as rest:
        return (text + rest.read()).decode().splitlines()


TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO |WARN |ERROR) \S.*")


def test_json_unless_it_is_a_terminal():
    for env in ({}, {"GATEWAY_LOG_FORMAT": "auto"}):
        lines = log_of(**env)
        assert all(line.startswith('{"timestamp":') for line in lines), lines


def test_nothing_else_is_said_at_a_sudden_end():
    """Its threads may begin after it was told to end, and what they read must still be there:
    AddressSanitizer says so."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for lines in pool.map(lambda _: log_of(), range(16)):
            told = [json.loads(line)["message"] for line in lines if "INFO" in line]
            assert told[-1] == "stopped"
            assert all(line.startswith('{"timestamp":') for line in lines), lines


def test_text_when_asked_for():
    lines = log_of(GATEWAY_LOG_FORMAT="text")
    assert all(TEXT_LINE.fullmatch(line) for line in lines), lines
    assert any(
        re.search(r" INFO  listening address=127\.0\.0\.1:\d+ for=requests$", line)
        for line in lines
    )


@pytest.mark.parametrize("form", [None, "json"])
def test_text_on_a_terminal(form):
    ours, theirs = pty.openpty()
    serving = Serving(theirs, **({"GATEWAY_LOG_FORMAT": form} if form else {}))
    os.close(theirs)
    text = b""
    while b"listening" not in text:
        text += os.read(ours, 65536)
    serving.stop()
    os.close(ours)
    line = text.decode().splitlines()[0]
    assert TEXT_LINE.fullmatch(line) if form is None else line.startswith("{")


def test_priorities_for_the_journal(make):
    path = make.folder / "log"
    with open(path, "wb") as file:
        st = os.fstat(file.fileno())
        serving = Serving(file.fileno(), JOURNAL_STREAM=f"{st.st_dev}:{st.st_ino}")
        assert eventually(
            lambda: {"listening", "<4>"} <= set(re.findall("listening|<4>", path.read_text()))
        )
        serving.stop()
    lines = path.read_text().splitlines()
    assert all(re.match(r'<[3467]>\{"timestamp":', line) for line in lines), lines
    assert any(line.startswith("<6>") for line in lines) and any(
        line.startswith("<4>") for line in lines
    )
    # A variable that an outer service left names another stream.
    lines = log_of(JOURNAL_STREAM=f"{st.st_dev}:{st.st_ino + 1}")
    assert all(line.startswith("{") for line in lines), lines
