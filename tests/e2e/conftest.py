"""Fixtures: a gateway as Lambda's custom runtime between a fake Runtime API and a fake Invoke
endpoint."""

import json
import os
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import front_doors, signatures, slack  # noqa: E402
from support.certificates import Pki  # noqa: E402
from support.cloud import Cloud  # noqa: E402
from support.invoke_endpoint import InvokeEndpoint  # noqa: E402
from support.machine import Held  # noqa: E402
from support.process import BINARY, Process  # noqa: E402
from support.runtime_api import RuntimeApi  # noqa: E402


def pytest_configure(config):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: run make first", 2)


def pytest_collection_modifyitems(config, items):
    """Leaves out what the program cannot do under the sanitizer that it was built with:
    tests/sanitizers/left_out."""
    sanitizer = os.environ.get("SANITIZER")
    if not sanitizer:
        return
    lines = (
        (Path(__file__).resolve().parents[1] / "sanitizers" / "left_out").read_text().splitlines()
    )
    patterns = [
        line.split()[1].replace("[", "[[]")
        for line in lines
        if line.split()[:1] in (["both"], [sanitizer])
    ]
    left_out = [
        item
        for item in items
        if any(fnmatchcase(name, p) for p in patterns for name in names_of(item))
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def names_of(item):
    return {f"{item.path.name}::{name}" for name in (item.name, item.originalname)}


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


class Runtime:
    """The runtime in its surroundings. `ask(request)` is one event, in and out."""

    def __init__(self, api, endpoint, process):
        self.api, self.endpoint, self.process = api, endpoint, process

    def send(
        self, request, door=front_doors.URL, framing="auto", deadline_ms=30000, trace_id="",
        statuses=(202,), slow=0.0, **options,
    ):
        """Hands an event over without waiting for the answer: a SlackRequest, or an event as an
        object or as bytes. What comes back knows when that began, before its front door stamped
        it, and what the machine has kept it waiting since."""
        began, held = time.monotonic(), Held(self.process.pid)
        if isinstance(request, slack.SlackRequest):
            self.process.forbidden.append(request.signature or "\0")
            request = front_doors.encode(door.event(request, **options))
        item = self.api.send(
            request, framing=framing, deadline_ms=deadline_ms, trace_id=trace_id, statuses=statuses,
            slow=slow,
        )
        item.began, item.held = began, held
        return item

    def ask(self, request, door=front_doors.URL, **options):
        """(status, headers, body) of the answer, as the front door reads it."""
        return door.read(self.send(request, door, **options).reply)

    def text(self, request, door=front_doors.URL, final=True, **options):
        """The text that a slash command's user sees; with `final=False` the one that is the answer,
        however busy this machine is."""
        return self.carried_out(request, door, final, **options)[1]

    def carried_out(self, request, door=front_doors.URL, final=True, **options):
        """The invocation, and that text."""
        with self.process.final() as outcome:
            item = self.send(request, door, **options)
            text = command_text(door.read(item.reply))
            return item, outcome(text) if final else text

    def settled(self):
        """Waits until everything that was sent has been dealt with and the next `/next` waits."""
        self.api.wait_for_next(self.answered() + 1)

    def answered(self):
        return sum(1 for item in self.api.invocations.values() if item.done.is_set())


def command_text(answer, kind="ephemeral"):
    """The text of an answer to a slash command, whose form must be right."""
    status, headers, body = answer
    assert status == 200 and headers == {"content-type": "application/json"}, answer
    message = json.loads(body)
    assert list(message) == ["response_type", "text"] and message["response_type"] == kind, message
    return message["text"]


@pytest.fixture
def make(request, tmp_path, pki):
    """Makes servers and processes that are stopped, and whose complaints fail the test, at its end.
    """
    return Maker(request, tmp_path, pki)


@pytest.fixture
def cloud(make, tmp_path):
    """AWS around a gateway that has no keys of its own."""
    return Cloud(make, tmp_path)


class Maker:
    def __init__(self, request, folder, pki):
        self.folder, self.pki = folder, pki
        self.made = []
        request.addfinalizer(self.finish)

    def keep(self, thing):
        self.made.append(thing)
        return thing

    def finish(self):
        problems = []
        for thing in reversed(self.made):
            if isinstance(thing, Process):
                problems += thing.close()
        for thing in self.made:
            if not isinstance(thing, Process):
                thing.stop()
                problems += thing.problems
        assert not problems, "\n".join(dict.fromkeys(problems))

    def api(self, **options):
        return self.keep(RuntimeApi(**options))

    def endpoint(self, tls=False, **options):
        """`tls`: False, True for a good certificate, or an SSLContext."""
        if tls is True:
            tls = self.pki.server()
        return self.keep(InvokeEndpoint(tls=tls or None, **options))

    def environment(self, api, endpoint=None, **changes):
        """What Lambda gives a custom runtime, and the least that a user must add. None takes a
        variable away."""
        env = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "_HANDLER": "bootstrap",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_LAMBDA_FUNCTION_NAME": "gateway",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/gateway",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0123456789abcdef",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
            "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/task",
            "AWS_EC2_METADATA_DISABLED": "true",  # those of the machine that the tests run on
            "SLACK_SIGNING_SECRET": slack.SECRET,
            **signatures.Keys().environment(),
        }
        if endpoint:
            env["AWS_ENDPOINT_URL_LAMBDA"] = endpoint.url
            if endpoint.tls:
                env["AWS_CA_BUNDLE"] = self.pki.bundle()
        env.update(changes)
        return {name: value for name, value in env.items() if value is not None}

    def process(self, env, **options):
        hidden = [env.get("AWS_SECRET_ACCESS_KEY"), env.get("AWS_SESSION_TOKEN")]
        hidden += slack.literals(env.get("SLACK_SIGNING_SECRET", ""))
        return self.keep(Process(self.folder / "task", env, forbidden=hidden, **options))

    def runtime(self, endpoint=None, api=None, wait=True, wrapper=(), options=None, **env):
        """A started runtime. Keywords are environment variables."""
        api = api or self.api()
        if endpoint is None:
            endpoint = self.endpoint()
        process = self.process(
            self.environment(api, endpoint, **env), name="bootstrap", wrapper=wrapper,
            **(options or {}),
        )
        if wait:
            api.wait_for_next()
        return Runtime(api, endpoint, process)
