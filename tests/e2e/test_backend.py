"""The embedded backend: executables of a directory in the place of Lambda functions."""

import json
import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import pytest

from support import slack
from support.hooks import Hooks
from support.listener import (
    Serve, children_of, command_text, get, serve, serve_once, way_back, wire_form,
)  # noqa: F401
from support.machine import Held
from support.process import BINARY
from support.wire import PATIENCE, eventually, in_some_try, response

STARTED = "Lambda function {}@local has been started..."


class Backend:
    """A listener with functions and a place for their answers."""

    def __init__(self, serve, *args, script=(), **options):  # noqa: F811
        self.hooks = serve.make.keep(Hooks(script=script))
        self.listener = serve(*args, functions=True, hooks=self.hooks, **options)
        self.add, self.process = self.listener.functions.add, self.listener.process
        self.numbers = 0

    def request(self, name, **fields):
        self.numbers += 1
        fields.setdefault("response_url", way_back(self.hooks, self.numbers))
        return slack.command(f"/local/{name}", fields=fields)

    def run(self, name, script=None, timeout=PATIENCE, **fields):
        """Starts a function (made of `script`, if there is one) and returns what it posted."""
        if script is not None:
            self.add(name, script)
        request = self.request(name, **fields)
        number = self.numbers
        assert self.listener.text(request) == STARTED.format(name)
        return self.message(number, timeout)

    def message(self, number, timeout=PATIENCE):
        mine = f"/{number}/96rGlfmibIGlgcZRskXaIFfN"
        found = eventually(
            lambda: [r.json() for r in self.hooks.requests if r.target.endswith(mine)], timeout
        )
        assert (
            len(found) == 1
        ), f"{len(found)} messages for request {number}; log: {self.process.lines[-5:]}"
        return found[0]

    def wait_ended(self, name):
        """The log line about its end."""
        assert eventually(lambda: self.ended(name)), self.process.lines
        return self.ended(name)[-1]

    def ended(self, name):
        return [
            line
            for line in self.process.lines
            if line["message"] == "function ended" and line["function"] == name
        ]


@pytest.fixture
def backend(serve):  # noqa: F811
    return lambda *args, **options: Backend(serve, *args, **options)


@pytest.fixture(scope="module")
def shared(serve_once):  # noqa: F811
    return Backend(serve_once)


def failure(message, name, reason):
    """A message about a function that failed: for the user alone, and in nothing's place."""
    assert message == {
        "response_type": "ephemeral",
        "text": f"Lambda function {name}@local failed: {reason}",
        "replace_original": False,
    }, message
    return True


# ---- what a function gets ------------------------------------------------------------------------


def test_payload_on_standard_input(shared):
    shared.add("payload", "cat >payload.json; echo >>payload.json")
    request = shared.request("payload")
    assert shared.listener.text(request) == STARTED.format("payload")
    event = json.loads(shared.listener.functions.read("payload.json"))
    assert (
        event["version"] == "2.0"
        and event["rawPath"] == "/local/payload"
        and event["isBase64Encoded"] is True
    )
    assert event["headers"]["x-slack-signature"] == request.signature


def test_events_once(shared):
    """Slack delivers an event again: the function runs once, as it would in Lambda."""
    shared.add("events", "echo >>events.log")
    for _ in range(3):
        assert shared.listener.ask(slack.event("/local/events", event_id="Ev0LOCAL")).status == 200
    assert shared.listener.ask(slack.event("/local/events", event_id="Ev1LOCAL")).status == 200
    assert eventually(lambda: len(shared.ended("events")) == 2)
    assert shared.listener.functions.folder.joinpath("events.log").read_text().count("\n") == 2


def test_slack_payload(backend):
    b = backend("--payload=slack")
    b.add("payload", "cat >payload.json; echo >>payload.json")
    assert b.listener.text(b.request("payload")) == STARTED.format("payload")
    payload = json.loads(b.listener.functions.read("payload.json"))
    assert payload["type"] == "slash_command" and payload["text"] == slack.TEXT
    assert payload["gateway"]["region"] == "local" and payload["gateway"]["function"] == "payload"


def test_environment_is_what_is_listed(backend):
    given = {
        "HOME": "/home/somebody", "TMPDIR": "/var/tmp", "LANG": "C.UTF-8", "SECRET_OF_MINE": "x",
        "WANTED": "a b=c", "EMPTY": "",
    }
    b = backend(GATEWAY_FUNCTION_ENV="WANTED, EMPTY,NOT_SET", **given)
    message = b.run("env", "env -0 | sort -z | tr '\\0' '\\n'")
    lines = message["text"].split("\n")
    number = [line for line in lines if line.startswith("GATEWAY_REQUEST_ID=")][0]
    # A shell adds PWD, and some SHLVL, _ and OLDPWD.
    lines = [line for line in lines if line.split("=")[0] not in ("PWD", "SHLVL", "_", "OLDPWD")]
    assert lines == sorted([
        number, "GATEWAY_FUNCTION=env", "PATH=/usr/bin:/bin", "HOME=/home/somebody",
        "TMPDIR=/var/tmp", "LANG=C.UTF-8", "WANTED=a b=c", "EMPTY=",
    ])  # fmt: skip
    assert number.partition("=")[2] == b.wait_ended("env")["request_id"]


def test_environment_without_anything(backend):
    b = backend(PATH=None)
    names = b.run("exact", "tr '\\0' '\\n' </proc/$$/environ | cut -d= -f1 | sort")["text"].split(
        "\n"
    )
    assert names == ["GATEWAY_FUNCTION", "GATEWAY_REQUEST_ID"]


def test_surroundings(shared):
    text = shared.run("where", 'echo "$(pwd) $# $0 $$ $(ps -o pgid= -p $$) $(ps -o sid= -p $$)"')[
        "text"
    ]
    cwd, count, name, pid, group, _ = text.split()
    assert (
        cwd == str(shared.listener.functions.folder)
        and count == "0"
        and name == f"{cwd}/where"
        and pid == group
    )


def test_signals_are_as_they_should_be(shared):
    text = shared.run("signals", "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status")["text"]
    masks = dict(line.split(":\t") for line in text.split("\n"))
    # From 32 on they belong to the C library, which does not let a program touch them.
    assert int(masks["SigBlk"], 16) == int(masks["SigIgn"], 16) & 0x7FFFFFFF == 0


# ---- with somebody waiting -----------------------------------------------------------------------

SYNC = {
    "routes": [
        {"command": "/*", "invoke": "local/waited", "mode": "sync"},
        {"kind": "*", "invoke": "local/waited", "mode": "sync"},
    ]
}


def sync(backend, script, **env):
    b = backend(GATEWAY_CONFIG=json.dumps(SYNC), **env)
    b.add("waited", script)
    return b


WAITED = {
    "text": ("echo hello", b'{"text":"hello"}'),
    "object": ("echo '{\"blocks\":[]}'", b'{"blocks":[]}'),
    "response": ("echo '{\"statusCode\":200,\"body\":{\"text\":\"a\"}}'", b'{"text":"a"}'),
    "nothing": ("exit 0", b""),
    "failure": (
        "exit 3",
        b'{"response_type":"ephemeral","text":"Lambda function waited@local failed: it ended with '
        b'exit code 3"}',
    ),
}


@pytest.mark.parametrize("case", WAITED)
def test_sync(backend, case):
    script, body = WAITED[case]

    def attempt():
        b = sync(backend, script)
        answer = b.listener.ask(b.request("any"))
        return (answer.status, answer.body) == (200, body) and not b.hooks.requests

    assert in_some_try(attempt, 5)


def test_sync_kinds(backend):
    b = sync(backend, "echo '{\"options\":[]}'")
    ask = lambda kind: b.listener.ask(slack.interaction(kind, "/")).body  # noqa: E731
    assert in_some_try(lambda: ask("block_suggestion") == b'{"options":[]}', 5)
    b.add("waited", "echo '{\"response_action\":\"clear\"}'")
    assert in_some_try(lambda: ask("view_submission") == b'{"response_action":"clear"}', 5)
    b.add("waited", "echo pressed")
    button = slack.interaction("block_actions", "/", {"response_url": b.hooks.url()})
    answer = b.listener.ask(button)
    assert (answer.status, answer.body) == (200, b"")
    assert b.hooks.wait() == [{"text": "pressed", "replace_original": False}]


def test_sync_too_late(backend):
    """Slack is answered meanwhile, and the same run goes on."""
    b = sync(
        backend, "echo >>runs; while [ ! -e go ]; do sleep 0.05; done; echo later",
        GATEWAY_TIMEOUT_MS="150",
    )
    assert (
        b.listener.text(b.request("any"))
        == "Lambda function waited@local is still being started..."
    )
    b.listener.functions.folder.joinpath("go").touch()
    assert b.message(b.numbers) == {"text": "later", "replace_original": False}
    assert b.listener.functions.folder.joinpath("runs").read_text() == "\n"


def test_sync_without_such_a_function(backend):
    b = backend(GATEWAY_CONFIG=json.dumps(SYNC))
    assert "waited@local could not be started: " in b.listener.text(b.request("any"))


# ---- what comes of it ----------------------------------------------------------------------------

PRINTED = {
    "text": ("echo hello", {"text": "hello"}),
    "two lines": ("printf 'a\\nb\\n'", {"text": "a\nb"}),
    "markup": ("echo 'see <https://example.test|this> & that'",
        {"text": "see <https://example.test|this> & that"}),
    "object": ('echo \'{"text":"hi","response_type":"in_channel","blocks":[]}\'',
        {"text": "hi", "response_type": "in_channel", "blocks": []}),
    "string": ("printf '%s' '\"a \\u00fc b\"'", {"text": "a ü b"}),
    "response": ('echo \'{"statusCode":200,"body":"inside"}\'', {"text": "inside"}),
    "number": ("echo 42", {"text": "42"}),
    "list": ("echo '[1, 2]'", {"text": "```[1, 2]```", "replace_original": False}),
    "nearly JSON": ("echo '{\"a\":'", {"text": '{"a":'}),
    "outside ASCII": ("echo 'grüße ✓'", {"text": "grüße ✓"}),
    "no text": ("printf '\\377\\376x'", {"text": "\ufffd\ufffdx"}),
}


@pytest.mark.parametrize("name", PRINTED)
def test_what_it_prints_is_posted(shared, name):
    text, wanted = PRINTED[name]
    message = shared.run("printed-" + name.replace(" ", "-"), text)
    assert {key: message[key] for key in wanted} == wanted, message


SILENT = ["", "echo", "echo {}", "echo null", "printf ' \\n\\n'", "exit 0", "echo oops >&2"]


@pytest.mark.parametrize("number", range(len(SILENT)))
def test_nothing_is_posted_for_nothing(shared, number):
    name = f"silent{number}"
    shared.add(name, SILENT[number])
    request = shared.request(name)
    assert shared.listener.text(request) == STARTED.format(name)
    shared.wait_ended(name)
    time.sleep(0.05)
    assert not [
        r
        for r in shared.hooks.requests
        if r.target.endswith(f"/{shared.numbers}/96rGlfmibIGlgcZRskXaIFfN")
    ]


FAILED = [
    ("exit 1", "it ended with exit code 1"),
    ("exit 255", "it ended with exit code 255"),
    ("echo done; exit 3", "it ended with exit code 3"),
    ("kill -9 $$", "it was killed by signal 9"),
    ("kill -SEGV $$", "it was killed by signal 11"),
    ("nosuchcommand", "it ended with exit code 127"),
]


@pytest.mark.parametrize("number", range(len(FAILED)))
def test_failures(shared, number):
    name, (text, reason) = f"failed{number}", FAILED[number]
    assert failure(shared.run(name, text), name, reason)
    line = shared.wait_ended(name)
    assert line["level"] == "ERROR" and line["reason"] == reason and line["ms"] >= 0


def test_a_long_text_is_cut(shared):
    message = shared.run("long", "head -c 100000 /dev/zero | tr '\\0' a")
    assert 30000 < len(message["text"]) <= 40000 and message["text"].startswith("aaaa")


def test_output_is_bounded(shared):
    """More than there is room for: the rest is read and forgotten, so that the function does not
    wait for ever."""
    message = shared.run("endless", "head -c 30000000 /dev/zero | tr '\\0' b; echo end >&2")
    assert message["text"].startswith("bbbb")
    assert shared.wait_ended("endless")["printed"] == 256 * 1024


def test_output_without_end_does_not_outlast_the_limit(backend):
    b = backend(GATEWAY_FUNCTION_TIMEOUT="1")
    began, held = time.monotonic(), Held(b.process.pid)
    assert failure(b.run("yes", "exec yes"), "yes", "it exceeded its time limit and was ended")
    assert time.monotonic() - began < 5 + held.seconds


def test_standard_error_goes_to_the_log(shared):
    text = (
        "echo one >&2; printf 'two\\nthree' >&2; printf '\\n\\n\\033[31mred\\001\\n' >&2; head -c"
        " 5000 /dev/zero | tr '\\0' x >&2"
    )
    shared.add("stderr", text)
    assert shared.listener.text(shared.request("stderr")) == STARTED.format("stderr")
    number = shared.wait_ended("stderr")["request_id"]
    lines = [
        line
        for line in shared.process.lines
        if line["message"] == "stderr" and line["function"] == "stderr"
    ]
    assert all(line["request_id"] == number and line["level"] == "INFO" for line in lines)
    said = [line["line"] for line in lines]
    assert said[:4] == ["one", "two", "three", "\x1b[31mred\x01"]
    assert "".join(said[4:]) == "x" * 5000 and all(len(line) <= 1024 for line in said)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("how", ["not at all", "late", "in part", "closes", "closes and goes on"])
def test_payload_that_is_not_read(shared, how, large):
    """A million bytes do not fit a pipe: the function is neither held nor ended by what it leaves.
    """
    text = {
        "not at all": "echo ok",
        "late": "sleep 0.3; wc -c",
        "in part": "head -c 10 >/dev/null; echo ok",
        "closes": "exec 0<&-; sleep 0.1; echo ok",
        "closes and goes on": "exec 0<&-; sleep 0.4; echo ok",
    }[how]
    name = f"reads-{how.replace(' ', '-')}-{large}"
    message = shared.run(name, text, text="t" * (900_000 if large else 10))
    if how == "late":
        assert int(message["text"]) > (1_200_000 if large else 1000)
    else:
        assert message["text"] == "ok"


# ---- time and processes --------------------------------------------------------------------------


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_time_limit_ends_the_whole_group(backend):
    b = backend(GATEWAY_FUNCTION_TIMEOUT="3")
    began, held = time.monotonic(), Held(b.process.pid)
    listed = "(echo $$; pgrep -g $$) >{0}.new; mv {0}.new {0}".format
    b.add("slow", f"sleep 60 & (sleep 60; :) & {listed('pids')}; sleep 60")
    b.add(
        "stubborn",
        f"trap '' TERM; sleep 60 & {listed('stubborn.pids')}; while :; do sleep 1; done",
    )
    b.add("polite", "trap 'echo sorry; exit 0' TERM; sleep 60 & wait")
    for name in ("slow", "stubborn", "polite"):
        assert b.listener.text(b.request(name)) == STARTED.format(name)
    pids = [
        int(pid)
        for name in ("pids", "stubborn.pids")
        for pid in b.listener.functions.read(name).split()
    ]
    assert len(pids) >= 5 and alive(pids[0])
    for number, name in enumerate(("slow", "stubborn", "polite"), 1):
        assert failure(b.message(number), name, "it exceeded its time limit and was ended")
    # TERM after three seconds, KILL two seconds later.
    assert 4.8 < time.monotonic() - began < 7 + held.seconds
    assert b.wait_ended("stubborn")["ms"] > 4900
    assert b.wait_ended("slow")["ms"] < 3900 + held.seconds * 1000
    assert eventually(lambda: not any(alive(pid) for pid in pids))


def test_background_children_end_with_it(shared):
    """And do not hold back its answer, although they hold its output open."""
    message = shared.run("background", "sleep 600 & echo $! >background.pid; echo started")
    assert message["text"] == "started"
    pid = int(shared.listener.functions.read("background.pid"))
    assert eventually(lambda: not alive(pid))


def test_children_that_left_the_group_live_on(shared):
    """As a daemon does; what they write to the function's output reaches nobody."""
    daemon = "setsid sh -c 'echo $$ >daemon.pid; while :; do echo x; sleep 0.01; done' &"
    message = shared.run(
        "daemon", f"{daemon} until test -s daemon.pid; do sleep 0.01; done; echo off"
    )
    pid = int(shared.listener.functions.read("daemon.pid"))
    assert message["text"].split("\n")[-1] in ("off", "x")
    eventually(lambda: not alive(pid), 2)
    if alive(pid):
        os.kill(pid, signal.SIGKILL)


def test_nobody_lies_around(shared):
    for _ in range(20):
        shared.run("brief", "echo ok")
    assert eventually(lambda: not children_of(shared.process.pid))


def test_descriptors_do_not_leak(shared):
    shared.run("leak", "echo ok")
    before = shared.listener.descriptors()
    for _ in range(20):
        shared.run("leak")
    assert eventually(lambda: shared.listener.descriptors() <= before + 1)


# ---- names and files -----------------------------------------------------------------------------


def refusal(text, name):
    start = f"Lambda function {name}@local could not be started: "
    assert text.startswith(start), text
    return text[len(start) :]


@pytest.mark.parametrize("name", ["none", "UPPER", "a" * 64, "-", "_"])
def test_function_that_is_not_there(shared, name):
    assert (
        refusal(shared.listener.text(shared.request(name)), name)
        == f"there is no function {name} here"
    )


BAD_NAMES = [
    "..", ".", "a.b", "a%2Fb", "%2e%2e", "a%20b", "a" * 65, "a%00b", "a;b", "a:prod",
    "%2Fetc%2Fpasswd", "a$b",
    "arn:aws:lambda:local:123456789012:function:x",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_are_refused(shared, name):
    """Whether as no name of a function at all or as none that may be here; nothing outside is ever
    looked for."""
    text = shared.listener.text(shared.request(name))
    assert text.startswith("Invalid resource [") or text.endswith(
        " could not be started: a function's name has letters, digits, - and _ only"
    ), text


def test_links(shared):
    folder = shared.listener.functions.folder
    shared.add("real", "echo real")
    (folder / "link").symlink_to("real")
    (folder / "inner").mkdir()
    inner = folder / "inner" / "deep"
    inner.write_text("#!/bin/sh\necho deep; pwd\n")
    inner.chmod(0o755)
    (folder / "deeper").symlink_to("inner/deep")
    (folder / "again").symlink_to(folder / "link")
    (folder / "outside").symlink_to("/bin/true")
    (folder / "beside").symlink_to(str(folder) + "-beside")
    beside = folder.parent / (folder.name + "-beside")
    beside.write_text("#!/bin/sh\necho beside\n")
    beside.chmod(0o755)
    (folder / "dangling").symlink_to("nowhere")
    (folder / "round").symlink_to("round")
    (folder / "up").symlink_to("..")
    assert shared.run("link")["text"] == "real" == shared.run("again")["text"]
    assert shared.run("deeper")["text"] == f"deep\n{folder}"
    for name in ("outside", "beside", "up"):
        reason = refusal(shared.listener.text(shared.request(name)), name)
        assert reason == f"the function {name} is a link that leaves the directory of the functions"
    for name in ("dangling", "round"):
        assert (
            refusal(shared.listener.text(shared.request(name)), name)
            == f"there is no function {name} here"
        )


def test_directory_that_is_a_link(make, serve):  # noqa: F811
    real = make.folder / "real"
    real.mkdir()
    (make.folder / "functions").symlink_to(real)
    b = Backend(serve)
    assert b.run("here", "pwd -P")["text"] == str(real)


def test_files_that_cannot_run(shared):
    folder = shared.listener.functions.folder
    shared.add("plain", "echo no", mode=0o644)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "fifo")
    (folder / "fifo").chmod(0o755)
    for name in ("plain", "folder", "fifo"):
        reason = refusal(shared.listener.text(shared.request(name)), name)
        assert reason == f"the function {name} is not an executable file (chmod +x)"


def test_files_that_fail_to_run(shared):
    """What only shows when it is started is told like any failure."""
    shared.add("bare", "echo no", shebang="")
    shared.add("lost", "echo no", shebang="#!/nonexistent/interpreter\n")
    assert failure(shared.run("bare"), "bare", "it could not be started: Exec format error")
    assert failure(shared.run("lost"), "lost", "it could not be started: No such file or directory")


def test_binary(shared):
    """A function need not be a script: here it is the gateway itself, without its settings."""
    path = shared.listener.functions.folder / "binary"
    path.write_bytes(BINARY.read_bytes())
    path.chmod(0o755)
    assert failure(shared.run("binary"), "binary", "it ended with exit code 2")


def test_function_deleted_while_it_waits(backend):
    b = backend(GATEWAY_FUNCTION_LIMIT="1")
    b.add("first", "until test -e go; do sleep 0.01; done; echo done")
    path = b.add("second", "echo no")
    for name in ("first", "second"):
        assert b.listener.text(b.request(name)) == STARTED.format(name)
    path.unlink()
    (b.listener.functions.folder / "go").touch()
    assert b.message(1)["text"] == "done"
    assert failure(b.message(2), "second", "it could not be started: No such file or directory")


def test_function_replaced_between_runs(shared):
    assert shared.run("changing", "echo one")["text"] == "one"
    assert shared.run("changing", "echo two")["text"] == "two"


# ---- how many ------------------------------------------------------------------------------------


def test_limit_and_queue(backend):
    """As many at once as there may be, 64 more wait in order, then the user hears about it at once.
    """
    b = backend(GATEWAY_FUNCTION_LIMIT="3")
    b.add("job", "echo x >>begun; until test -e go; do sleep 0.02; done; echo ok")
    for _ in range(3 + 64):
        assert b.listener.text(b.request("job")) == STARTED.format("job")
    assert eventually(lambda: b.listener.functions.read("begun").count("x") == 3)
    reason = refusal(b.listener.text(b.request("job")), "job")
    assert reason == "3 functions are running and 64 are waiting; try again later"
    time.sleep(0.1)
    assert b.listener.functions.read("begun").count("x") == 3
    # Events are for Slack to send again.
    assert b.listener.ask(slack.event("/local/job")).status == 503
    (b.listener.functions.folder / "go").touch()
    for number in range(1, 68):
        assert b.message(number)["text"] == "ok"
    assert b.run("job")["text"] == "ok"


def test_functions_run_beside_each_other(backend):
    b = backend()
    b.add(
        "pair",
        "touch pair.$$; until test $(ls pair.* | wc -l) -ge 10; do sleep 0.02; done; echo ok",
    )
    for _ in range(10):
        assert b.listener.text(b.request("pair")) == STARTED.format("pair")
    for number in range(1, 11):
        assert b.message(number)["text"] == "ok"


# ---- the way back --------------------------------------------------------------------------------


def test_answer_after_the_acknowledgement(make, backend):
    """Even if the client takes its time to read that: it is large here, so that it does not fit a
    unix socket."""
    b = backend("--ack-text", "x" * 3000 + "{text}", listen=f"unix:{make.folder}/gateway.sock")
    b.add("quick", "echo quick; date +%s.%N >quick.done")
    request = b.request("quick", text="y" * 900_000)
    with b.listener.connect() as client:
        client.send(wire_form(request, close=True))
        b.listener.functions.read("quick.done")
        time.sleep(0.5)
        early = len(b.hooks.requests)
        assert len(command_text(client.answer())) > 900_000
    assert b.message(1)["text"] == "quick"
    assert early == 0


def test_answer_although_the_client_has_left(backend):
    b = backend()
    b.add("quick", "sleep 0.1; echo quick")
    with b.listener.connect() as client:
        client.send(wire_form(b.request("quick")))
    assert b.message(1)["text"] == "quick"


def test_without_response_url(shared):
    shared.add("mute", "echo nobody")
    assert shared.listener.text(shared.request("mute", response_url=None)) == STARTED.format("mute")
    assert shared.wait_ended("mute")["printed"] == 7


def test_response_url_that_is_not_allowed(shared):
    shared.add("astray", "echo nobody")
    before = len(shared.hooks.requests)
    request = shared.request(
        "astray", response_url="https://hooks.example.test/commands/" + slack.RESPONSE_PATH
    )
    assert shared.listener.text(request) == STARTED.format("astray")
    shared.wait_ended("astray")
    line = shared.process.wait_for_log("could not be posted")
    assert (
        line["level"] == "ERROR"
        and "GATEWAY_RESPONSE_HOSTS" in line["reason"]
        and len(shared.hooks.requests) == before
    )


def test_hook_that_says_no(backend):
    b = backend(script=[response(404, b"expired_url")])
    assert b.run("refused", "echo x")["text"] == "x"
    assert "404" in b.process.wait_for_log("could not be posted")["reason"]
    assert b.run("accepted", "echo y")["text"] == "y"


def test_over_tls(make, serve):  # noqa: F811
    hooks = make.keep(Hooks(tls=make.pki.server()))
    listener = serve(
        functions=True, hooks=hooks, GATEWAY_RESPONSE_HOSTS=f"127.0.0.1:{hooks.port}",
        SSL_CERT_FILE=make.pki.bundle(),
    )
    listener.functions.add("safe", "echo safe")
    assert listener.text(
        slack.command("/local/safe", fields={"response_url": way_back(hooks)})
    ) == STARTED.format("safe")
    assert hooks.wait()[0]["text"] == "safe"


def test_interactions_and_events(shared):
    shared.add("any", "cat >>any.json; echo >>any.json; echo done")
    payload = {"response_url": way_back(shared.hooks, "any")}
    assert (
        shared.listener.ask(slack.interaction("block_actions", "/local/any", payload)).body == b""
    )
    assert shared.message("any")["text"] == "done"
    answer = shared.listener.ask(slack.event("/local/any"))
    assert (answer.status, answer.body) == (200, b"")
    assert eventually(lambda: len(shared.ended("any")) == 2)
    answer = shared.listener.ask(slack.event("/local/gone", event_id="Ev9"))
    assert (answer.status, answer.headers["x-slack-no-retry"]) == (403, "1")


def test_routes_and_permission(backend):
    config = {"routes": [{"command": "/deploy", "invoke": "local/deploy", "ack": "on its way"}]}
    b = backend("--allow", "local/deploy", GATEWAY_CONFIG=json.dumps(config))
    b.add("deploy", "echo deployed")
    b.add("other", "echo no")
    request = slack.command(
        "/anything", fields={"command": "/deploy", "response_url": way_back(b.hooks)}
    )
    assert command_text(b.listener.ask(request)) == "on its way"
    assert b.hooks.wait()[0]["text"] == "deployed"
    assert "GATEWAY_ALLOW" in b.listener.text(b.request("other"))


def test_no_backend_without_a_directory(serve):  # noqa: F811
    assert "--functions" in serve().text(slack.command("/local/x"))


def test_nothing_unsigned_runs(shared):
    shared.add("locked", "touch ran")
    for request in (
        slack.command("/local/locked", signature=""),
        slack.command("/local/locked", secret=slack.OTHER_SECRET),
        slack.command("/local/locked", age=400),
    ):
        assert shared.listener.ask(request).status == 401
    assert shared.listener.ask(get("/local/locked")).status == 405
    time.sleep(0.1)
    assert not (shared.listener.functions.folder / "ran").exists()


# ---- the end -------------------------------------------------------------------------------------


def test_draining_waits_for_functions(backend):
    b = backend(GATEWAY_FUNCTION_LIMIT="1")
    b.add("busy", "until test -e go; do sleep 0.02; done; echo finished")
    assert b.listener.text(b.request("busy")) == STARTED.format("busy")
    assert b.listener.text(b.request("busy")) == STARTED.format("busy")
    time.sleep(0.1)
    b.process.terminate()
    b.process.wait_for_log("draining")
    time.sleep(0.2)
    assert b.process.alive
    (b.listener.functions.folder / "go").touch()
    assert b.process.wait_exit() == 0
    assert b.message(1)["text"] == "finished"
    assert failure(b.message(2), "busy", "the gateway stopped before its turn came")


def test_draining_ends_functions_and_tells(make):
    """Several listeners at once, because each takes its ten seconds."""

    def one(name, text, check):
        b = Backend(Serve(Apart(make, name)), GATEWAY_FUNCTION_LIMIT="2")
        b.add(name, text)
        assert b.listener.text(b.request(name)) == STARTED.format(name)
        b.listener.functions.read("pid")
        began, held = time.monotonic(), Held(b.process.pid)
        b.process.terminate()
        assert b.process.wait_exit() == 0
        took = time.monotonic() - began
        pid = int(b.listener.functions.read("pid"))
        assert eventually(lambda: not alive(pid))
        check(b.message(1), took, held.seconds)

    def ended(name, least, most):
        def check(message, took, held):
            assert failure(message, name, "it was ended because the gateway stops")
            assert least < took < most + held, took

        return check

    faults = []

    def guarded(*work):
        try:
            one(*work)
        except BaseException as fault:
            faults.append(fault)

    works = [
        ("endless", "echo $$ >pid; exec sleep 60", ended("endless", 5.5, 8)),
        ("deaf", "trap '' TERM; echo $$ >pid; while :; do sleep 0.2; done",
            ended("deaf", 7.5, 10.5)),
        ("parting", "trap 'echo bye; exit 0' TERM; echo $$ >pid; sleep 60 & wait",
            ended("parting", 5.5, 8)),
    ]
    threads = [threading.Thread(target=guarded, args=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


class Apart:
    """A Maker with a folder of its own."""

    def __init__(self, make, name):
        self.folder = make.folder / name
        self.folder.mkdir()
        self.pki, self.keep = make.pki, make.keep


# ---- as somebody else ----------------------------------------------------------------------------


@pytest.fixture
def open_folder(make):
    """Every user may enter what a test makes: pytest closes its own folder to others whenever it is
    started once more on the same machine."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        make.folder = Path(folder)
        make.folder.chmod(0o755)
        yield


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_as_an_ordinary_user(open_folder, serve):  # noqa: F811
    wrapper = [
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
        "--inh-caps=-all",
    ]
    b = Backend(serve, wrapper=wrapper, GATEWAY_FUNCTION_TIMEOUT="3")
    assert b.run("who", "id -u; id -G")["text"] == "65534\n65534"
    assert failure(
        b.run("late", "sleep 60 & sleep 60"), "late",
        "it exceeded its time limit and was ended",
    )
    b.add("private", "echo no", mode=0o700)
    assert "not an executable file" in b.listener.text(b.request("private"))
    b.add("unreadable", "echo no", mode=0o711)
    assert "failed: " in b.run("unreadable")["text"]
    assert b.listener.stop() == 0


# ---- functions and the gateway are not one -------------------------------------------------------

PRY = """
read_it() { cat "$1" >/dev/null 2>&1 && echo "$1"; }
read_it /proc/$PPID/environ
read_it /proc/$PPID/mem
read_it /proc/$PPID/maps
ls -l /proc/$PPID/fd 2>/dev/null | grep -- '->'
python3 - $PPID <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(16, int(sys.argv[1]), 0, 0) == 0:  # PTRACE_ATTACH
    print("ptrace")
for fd in os.listdir("/proc/self/fd"):
    link = f"/proc/self/fd/{fd}"
    if int(fd) > 2 and os.path.exists(link) and not os.readlink(link).startswith("/proc/"):
        print("inherited", fd, os.readlink(f"/proc/self/fd/{fd}"))
END
echo done
"""


def test_functions_cannot_look_into_the_gateway(backend):
    """As a user without privileges, which root without any capability is."""
    wrapper = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []
    b = backend(wrapper=wrapper)
    assert b.run("pry", PRY)["text"] == "done"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can choose whom functions run as")
def test_functions_run_as_another_user(open_folder, backend):
    b = backend(GATEWAY_FUNCTION_USER="nobody")
    said = b.run(
        "whoami", 'echo "$(id -u) $(id -g) $(id -G) $(grep -c . /proc/$PPID/environ 2>/dev/null)"\n'
    )
    uid, gid, groups, *read = said["text"].split()
    assert int(uid) == 65534 and gid == groups != "0" and not read


def test_function_users_that_cannot_be(make, serve):  # noqa: F811
    listener = serve(functions=True, wait=False, GATEWAY_FUNCTION_USER="no-such-user")
    assert listener.process.wait_exit() == 1
    assert listener.process.wait_for_log("cannot start")["reason"].startswith(
        "GATEWAY_FUNCTION_USER"
    )


def test_functions_end_with_the_gateway(backend):
    b = backend()
    b.add("long", 'echo $$ >"$0.pid.tmp"; mv "$0.pid.tmp" "$0.pid"; exec sleep 60\n')
    assert b.listener.text(b.request("long")) == STARTED.format("long")
    pid = int(b.listener.functions.read("long.pid"))
    os.kill(b.process.pid, signal.SIGKILL)
    b.process.expected_exit = b.process.process.wait(PATIENCE)
    assert eventually(lambda: not alive(pid))


def test_slow_hooks_take_no_place_of_calls_to_aws(make, serve):  # noqa: F811
    """As many functions as may run wait for hooks that do not answer, and a worker still gets to
    AWS."""
    gate = threading.Event()

    def wait(wire):
        gate.wait(PATIENCE)
        wire.send(response(200, b"ok"))

    b = Backend(serve, script=[wait] * 16, endpoint=make.endpoint(), GATEWAY_WORKERS="1")
    b.add("tell", "echo hello\n")
    for _ in range(16):
        assert b.listener.text(b.request("tell")) == STARTED.format("tell")
    b.hooks.wait(16)
    assert b.listener.text(slack.command()) == "Lambda function my-fn@eu-west-1 has been started..."
    gate.set()
