"""A credential_process: how it is run, what it may print, and what is told when it fails."""

import json
import stat
import subprocess
import sys
import time

import pytest

from support import hosts, slack
from support.cloud import NOT, STARTED
from support.machine import Held
from support.process import BINARY
from support.wire import eventually

# What it was given goes to a file, what it prints comes from one.
SCRIPT = f"""#!{sys.executable}
import json, os, sys, time
folder = os.path.dirname(os.path.abspath(__file__))
files = sorted(os.listdir("/proc/self/fd"))[:-1]
with open(os.path.join(folder, "runs"), "a") as f:
    print(json.dumps({{"arguments": sys.argv[1:], "stdin": sys.stdin.read(), "cwd": os.getcwd(),
        "group": os.getpgrp() == os.getpid(),
                      "variables": dict(os.environ), "files": files}}), file=f)
exec(open(os.path.join(folder, "more")).read())
sys.stdout.write(open(os.path.join(folder, "answer")).read())
"""


class Helper:
    def __init__(self, cloud, arguments="", name="get keys", profile="default"):
        self.cloud, self.folder = cloud, cloud.folder
        self.path = self.folder / name
        self.path.write_text(SCRIPT)
        self.path.chmod(0o755)
        self.does("")
        self.hands_out()
        section = profile if profile == "default" else f"profile {profile}"
        cloud.aws_file("config", f"[{section}]\ncredential_process = '{self.path}' {arguments}\n")

    def does(self, code):
        (self.folder / "more").write_text(code)

    def prints(self, text):
        (self.folder / "answer.new").write_text(text)
        (self.folder / "answer.new").rename(self.folder / "answer")  # it may be running

    def hands_out(self, life=3600, **more):
        keys = self.cloud.ring.issue("PROCESS", life)
        self.prints(json.dumps({"Version": 1, **keys_of(keys), **more}))
        return keys

    @property
    def runs(self):
        path = self.folder / "runs"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def keys_of(keys):
    found = {"AccessKeyId": keys.access_key_id, "SecretAccessKey": keys.secret}
    if keys.token:
        found["SessionToken"] = keys.token
    if keys.expires is not None:
        found["Expiration"] = keys.expiration
    return found


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_run(cloud, kind):
    """Without a shell, with nothing on its input and with the variables of this process, less those
    that are its own: functions of the embedded backend could read them there."""
    helper = Helper(cloud, """--profile "a b" $HOME '*' c\\ d "e\\"f" ''""")
    host = cloud.start(kind, MY_OWN="x y")
    for _ in range(3):
        cloud.started_by(host, "PROCESS")
    (run,) = helper.runs
    assert run["arguments"] == ["--profile", "a b", "$HOME", "*", "c d", 'e"f', ""]
    assert run["stdin"] == "" and run["group"] and run["files"] == ["0", "1", "2"]
    assert run["variables"]["MY_OWN"] == "x y" and run["variables"]["HOME"] == str(cloud.home)
    assert not [name for name in run["variables"] if name.startswith(("SLACK_", "GATEWAY_"))]
    assert not host.process.logged("ERROR")


def test_found_along_the_path(cloud):
    helper = Helper(cloud, name="get-keys")
    (cloud.folder / "first").mkdir()
    (cloud.folder / "first" / "get-keys").write_text("not executable")
    cloud.aws_file("config", "[default]\ncredential_process = get-keys --now\n")
    cloud.started_by(
        cloud.start(PATH=f"/nowhere:{cloud.folder}/first:{cloud.folder}:/usr/bin:/bin"), "PROCESS"
    )
    assert helper.runs[0]["arguments"] == ["--now"]


def test_goes_on_in_further_lines(cloud):
    helper = Helper(cloud, "--one\r\n    --two 'and a half'\r\n\t--three")
    cloud.started_by(cloud.start(), "PROCESS")
    assert helper.runs[0]["arguments"] == ["--one", "--two", "and a half", "--three"]


def test_of_another_profile(cloud):
    Helper(cloud, profile="work")
    cloud.started_by(cloud.start(AWS_PROFILE="work"), "PROCESS")


def test_lasting_keys(cloud):
    helper = Helper(cloud)
    keys = cloud.ring.lasting("PROCESS")
    helper.prints(json.dumps({"Version": 1, **keys_of(keys)}))
    cloud.started_by(cloud.start(), "PROCESS")


def test_run_again_when_the_keys_end(cloud):
    helper = Helper(cloud)
    first = helper.hands_out(life=3)
    host = cloud.start("lambda")
    cloud.started_by(host, "PROCESS")
    second = helper.hands_out()
    assert eventually(lambda: first.expired, pause=0.1)
    cloud.started_by(host, "PROCESS")
    assert f"Credential={second.access_key_id}" in cloud.endpoint.requests[-1].header(
        "authorization"
    )


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize(
    "code, told",
    [
        ("sys.exit(3)", "ended with exit code 3"),
        ("sys.exit('please log in first')", "ended with exit code 1: please log in first"),
        (
            "print('Traceback', 'x' * 5000, 'the last line', '', sep='\\n', file=sys.stderr); "
            "sys.exit(1)",
            "exit code 1: the last line",
        ),
        ("os.kill(0, 9)", "killed by signal 9"),
        ("print('x' * 70000)", "printed too much"),
        ("open(os.path.join(folder, 'answer'), 'w').close()", '"Version": 1'),
    ],
    ids=["code", "line", "lines", "signal", "much", "nothing"],
)
def test_failures_are_told(cloud, kind, code, told):
    """The last line of standard error, nothing of standard output; and the next request tries
    again."""
    helper = Helper(cloud)
    helper.does(code)
    host = cloud.start(kind)
    text = host.text(slack.command())
    assert (
        text.startswith(NOT) and "profile default: credential_process" in text and told in text
    ), text
    helper.does("")
    helper.hands_out()
    assert eventually(lambda: host.text(slack.command()) == STARTED, pause=0.2)


@pytest.mark.parametrize(
    "answer",
    [
        {"Version": 2}, {"Version": None}, {"Version": "1"}, {"AccessKeyId": ""},
        {"SecretAccessKey": None}, {"SessionToken": "a b"},
        {"Expiration": "tomorrow"},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_answers_that_cannot_be_used(cloud, answer):
    helper = Helper(cloud)
    helper.hands_out(**answer)
    text = cloud.start().text(slack.command())
    assert text.startswith(NOT) and "credential_process" in text
    assert not cloud.endpoint.requests


@pytest.mark.parametrize(
    "command, told",
    [
        ("", "there are no AWS credentials"),
        ("'", "an unclosed quote"),
        ("get 'keys", "an unclosed quote"),
        ("/nonexistent/get-keys", "/nonexistent/get-keys: it could not be started: No such file"),
        ("get-keys-from-nowhere --x",
            "get-keys-from-nowhere: it could not be started: No such file"),
        ("/etc/passwd", "/etc/passwd: it could not be started: Permission denied"),
    ],
)
def test_commands_that_cannot_be_run(cloud, command, told):
    cloud.aws_file("config", f"[default]\ncredential_process = {command}\n")
    assert told in cloud.complaint()


def test_one_that_is_slow(cloud):
    """Slack has its answer in time, and the helper, which ignores SIGTERM, does not stay behind
    with its child."""
    helper = Helper(cloud)
    helper.does(
        "import signal, subprocess; signal.signal(signal.SIGTERM, signal.SIG_IGN); child = "
        "subprocess.Popen(['sleep', '60']);"
        "open(os.path.join(folder, 'pids'), 'w').write(f'{os.getpid()} {child.pid} end'); "
        "time.sleep(60)"
    )
    host = cloud.start("lambda")
    began, held = time.monotonic(), Held(host.process.pid)
    host.text(slack.command(), final=False)
    assert time.monotonic() - began < 3 + held.seconds
    file = cloud.folder / "pids"
    assert eventually(lambda: file.exists() and file.read_text().endswith(" end"))
    pids = file.read_text().split()[:2]
    assert eventually(lambda: not any(is_running(pid) for pid in pids), pause=0.2)


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_its_time_is_its_own(cloud, kind):
    """Whatever time the one has who needs the keys first: in Lambda 300 ms before the first event.
    It is run once."""
    helper = Helper(cloud)
    helper.does("time.sleep(3)")
    host = cloud.start(kind)
    text = host.text(slack.command(), final=False)
    assert text == "Lambda function my-fn@eu-west-1 is still being started..."
    assert eventually(lambda: cloud.endpoint.requests)
    assert len(helper.runs) == 1 and cloud.signers() == ["PROCESS"]


def test_its_time_in_check(cloud):
    """As much as in the program itself."""
    helper = Helper(cloud)
    helper.does("time.sleep(5.5)")
    env = cloud.environment(
        SLACK_SIGNING_SECRET=slack.SECRET, AWS_ENDPOINT_URL_LAMBDA="http://127.0.0.1:1"
    )
    env = {name: value for name, value in env.items() if value is not None}
    done = subprocess.run(
        [BINARY, "check", "--json"], env=env, capture_output=True, timeout=180, check=False
    )
    (step,) = [step for step in json.loads(done.stdout)["steps"] if step["name"] == "credentials"]
    assert step["result"] == "ok" and len(helper.runs) == 1, step


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")")[1].split()[0] != "Z"
    except OSError:
        return False


def test_beside_functions(cloud):
    """Both have children, and each hears of its own."""
    helper = Helper(cloud)
    directory = cloud.folder / "functions"
    directory.mkdir()
    function = directory / "hello"
    function.write_text("#!/bin/sh\nsleep 0.05\n")
    function.chmod(function.stat().st_mode | stat.S_IXUSR)
    helper.hands_out(life=1)
    host = cloud.start("serve", GATEWAY_FUNCTIONS=str(directory))
    for _ in range(5):
        helper.hands_out(life=1)
        assert (
            host.text(slack.command("/local/hello"))
            == "Lambda function hello@local has been started..."
        )
        assert eventually(lambda: host.text(slack.command()) == STARTED, pause=0.1)
        time.sleep(0.6)
    assert len(helper.runs) > 1
    ends = lambda: [  # noqa: E731
        line for line in host.process.lines if line["message"] == "function ended"
    ]
    assert eventually(lambda: len(ends()) == 5), ends()
    assert not [line for line in ends() if "reason" in line]


@pytest.mark.parametrize("command", ["~/bin/get", "$HOME/bin/get", "${HOME}/get --x"])
def test_what_a_shell_would_expand(cloud, command):
    cloud.aws_file("config", f"[default]\ncredential_process = {command}\n")
    text = cloud.complaint()
    assert "no shell expands ~ or $HOME: write the whole path" in text, text


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00",
                                  "%Y-%m-%dT%H:%M:%S+0000", "%Y-%m-%dT%H:%M:%SUTC",
                                  "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%dT%H:%M:%S",
                                  "%Y-%m-%dT%H:%M:%S.123456Z", "%Y-%m-%dt%H:%M:%S.1z",
                                  "%Y-%m-%d %H:%M:%S.123456+00:00"])  # fmt: skip
def test_forms_of_the_expiration(cloud, form):
    """All of these mean the same moment."""
    keys = cloud.ring.issue("PROC", 3600)
    ends = time.strftime(form, time.gmtime(time.time() + 3600))
    text = json.dumps(
        {
            "Version": 1, "AccessKeyId": keys.access_key_id, "SecretAccessKey": keys.secret,
            "SessionToken": keys.token, "Expiration": ends,
        }
    )
    cloud.file("printed", text)
    cloud.aws_file("config", f"[default]\ncredential_process = cat {cloud.folder}/printed\n")
    host = cloud.start()
    cloud.started_by(host, "PROC")
    (line,) = [line for line in host.process.lines if line["message"] == "credentials"]
    assert 3500 < line["valid_s"] <= 3600


@pytest.mark.parametrize(
    "ends",
    [
        1893456000, 1893456000.5, True, "1893456000", "tomorrow", "2030-01-01",
        "2030-01-01T00:00:00+1",
    ],
)
def test_expiration_that_is_no_time(cloud, ends):
    cloud.file(
        "printed",
        json.dumps(
            {"Version": 1, "AccessKeyId": "AKIDX", "SecretAccessKey": "x", "Expiration": ends}
        ),
    )
    cloud.aws_file("config", f"[default]\ncredential_process = cat {cloud.folder}/printed\n")
    text = cloud.start().text(slack.command())
    assert text.startswith(NOT) and "credential_process gave an expiration that is" in text, text
