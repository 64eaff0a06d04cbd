"""GATEWAY_JOURNAL: what was acknowledged is settled or told, over kill -9; what is not known is not
started twice."""

import os
import select
import signal
import threading
import time

import pytest

from support import invoke_endpoint as peer
from support import signatures, slack
from support.hooks import OK as TAKEN
from support.hooks import Hooks
from support.hosts import SyncEndpoint
from support.invoke_endpoint import accepted, failed
from support.listener import command_text, get, serve, way_back, wire_form  # noqa: F401
from support.secret_stores import Parameters
from support.wire import eventually, response

MAYBE = "Lambda function my-fn@eu-west-1 may or may not have been started: "


@pytest.fixture
def journal(make):
    path = make.folder / "journal"
    path.mkdir(mode=0o700)
    return path


def files(journal, prefix="requests-"):
    return [path for path in journal.iterdir() if path.name.startswith(prefix)]


def start(serve, journal, endpoint, hooks=None, **env):  # noqa: F811
    return serve(endpoint=endpoint, hooks=hooks, GATEWAY_JOURNAL=str(journal), **env)


def kill(listener):
    process = listener.process
    os.kill(process.pid, signal.SIGKILL)
    process.expected_exit = process.process.wait()
    assert process.expected_exit == -signal.SIGKILL


def test_nothing_is_written_while_nothing_is_promised(make, serve, journal):  # noqa: F811
    listener = start(serve, journal, make.endpoint())
    for _ in range(5):
        assert "has been started" in listener.text(slack.command())
    assert not files(journal)
    assert listener.stop() == 0


def test_attempted_without_an_outcome_is_told_and_not_sent_again(
    make, serve, journal
):  # noqa: F811
    hooks = make.keep(Hooks())
    endpoint = make.endpoint(default=peer.hang)
    listener = start(serve, journal, endpoint, hooks, GATEWAY_TIMEOUT_MS="150")
    assert "is still being started" in listener.text(
        slack.command(fields={"response_url": way_back(hooks)})
    )
    (file,) = files(journal)
    size = file.stat().st_size
    kill(listener)
    calm = make.endpoint()
    again = start(serve, journal, calm, hooks)
    assert hooks.wait()[0]["text"].startswith(MAYBE)
    assert eventually(
        lambda: any(line["message"] == "left by an earlier process" for line in again.process.lines)
    )
    assert eventually(lambda: file.stat().st_size > size), "its end is on disk"
    assert not calm.requests and again.stop() == 0
    # Once.
    third = start(serve, journal, calm, hooks)
    time.sleep(0.3)
    assert len(hooks.requests) == 1 and third.stop() == 0


def test_never_attempted_is_started(make, serve, journal):  # noqa: F811
    """Announced, and waiting for the only worker when the process was killed."""
    hooks = make.keep(Hooks())
    endpoint = make.endpoint(default=peer.hang)
    listener = start(serve, journal, endpoint, hooks, GATEWAY_WORKERS="1", GATEWAY_TIMEOUT_MS="150")
    assert "still being started" in listener.text(
        slack.command("/eu-west-1/first", fields={"response_url": way_back(hooks, 1)})
    )
    assert "still being started" in listener.text(
        slack.command("/eu-west-1/second", fields={"response_url": way_back(hooks, 2)})
    )
    kill(listener)
    calm = make.endpoint()
    again = start(serve, journal, calm, hooks)
    assert eventually(
        lambda: [r.target for r in calm.requests] == ["/2015-03-31/functions/second/invocations"]
    )
    assert "first@eu-west-1 may or may not" in hooks.wait()[0]["text"]
    assert eventually(lambda: any(line["message"] == "started" for line in again.process.lines))
    assert again.stop() == 0


def test_never_attempted_sync_shows_its_result(make, serve, journal):  # noqa: F811
    hooks = make.keep(Hooks())
    route = '{"routes":[{"path":"/x","invoke":"eu-west-1/my-fn","mode":"sync"}]}'
    given = {"GATEWAY_WORKERS": "1", "GATEWAY_TIMEOUT_MS": "150", "GATEWAY_CONFIG": route}
    listener = start(serve, journal, make.keep(SyncEndpoint(default=peer.hang)), hooks, **given)
    for number in range(2):
        assert "still being started" in listener.text(
            slack.command("/x", fields={"response_url": way_back(hooks, number)})
        )
    kill(listener)
    calm = make.keep(
        SyncEndpoint(default=lambda visit: visit.wire.send(response(200, b'{"text":"it"}')))
    )
    again = start(serve, journal, calm, hooks, **given)
    first, second = sorted(message["text"] for message in hooks.wait(2))
    assert first.startswith(MAYBE) and second == "it"
    assert len(calm.requests) == 1 and again.stop() == 0


def test_announced_is_on_disk_first(make, serve, journal):  # noqa: F811
    hooks = make.keep(Hooks())
    endpoint = make.endpoint(default=peer.hang)
    listener = start(serve, journal, endpoint, hooks, GATEWAY_ACK="first")
    assert "is being started" in listener.text(
        slack.command(fields={"response_url": way_back(hooks)})
    )
    endpoint.wait_for_requests(1)
    kill(listener)
    start(serve, journal, make.endpoint(), hooks)
    assert hooks.wait()[0]["text"].startswith(MAYBE)


def test_settled_files_go(make, serve, journal):  # noqa: F811
    hooks = make.keep(Hooks())
    listener = start(
        serve, journal,
        make.endpoint(default=peer.after(0.3, failed(404, "ResourceNotFoundException", "no"))),
        hooks, GATEWAY_TIMEOUT_MS="150",
    )
    listener.text(slack.command(fields={"response_url": way_back(hooks)}))
    assert "could not be started" in hooks.wait()[0]["text"]
    assert listener.stop() == 0
    again = start(serve, journal, make.endpoint(), hooks)
    assert not files(journal), "settled files are removed at the start"
    assert again.stop() == 0 and len(hooks.requests) == 1


def test_events_are_remembered(make, serve, journal):  # noqa: F811
    endpoint = make.endpoint()
    listener = start(serve, journal, endpoint)
    assert listener.ask(slack.event(event_id="Ev1")).status == 200
    kill(listener)
    again = start(serve, journal, endpoint)
    assert again.ask(slack.event(event_id="Ev1")).status == 200
    assert len(endpoint.requests) == 1
    assert again.ask(slack.event(event_id="Ev2")).status == 200
    assert len(endpoint.requests) == 2


def test_event_without_an_outcome_is_started_again_and_said(make, serve, journal):  # noqa: F811
    endpoint = make.endpoint(default=peer.hang)
    listener = start(serve, journal, endpoint, GATEWAY_TIMEOUT_MS="150")
    assert listener.ask(slack.event(event_id="Ev1")).status == 503
    kill(listener)
    calm = make.endpoint()
    again = start(serve, journal, calm)
    assert again.ask(slack.event(event_id="Ev1")).status == 200 and len(calm.requests) == 1
    assert any("may start it a second time" in line["message"] for line in again.process.lines)


def test_allow_is_asked_again(make, serve, journal):  # noqa: F811
    hooks = make.keep(Hooks())
    listener = start(
        serve, journal, make.endpoint(default=peer.hang), hooks, GATEWAY_WORKERS="1",
        GATEWAY_TIMEOUT_MS="150",
    )
    listener.text(slack.command("/eu-west-1/first", fields={"response_url": way_back(hooks, 1)}))
    listener.text(slack.command("/eu-west-1/second", fields={"response_url": way_back(hooks, 2)}))
    kill(listener)
    calm = make.endpoint()
    start(serve, journal, calm, hooks, GATEWAY_ALLOW="eu-west-1/first")
    texts = sorted(message["text"] for message in hooks.wait(2))
    assert "second@eu-west-1 could not be started: GATEWAY_ALLOW" in texts[1] and not calm.requests


def test_another_secret_starts_nothing(make, serve, journal):  # noqa: F811
    hooks = make.keep(Hooks())
    listener = start(
        serve, journal, make.endpoint(default=peer.hang), hooks, GATEWAY_TIMEOUT_MS="150"
    )
    listener.text(slack.command(fields={"response_url": way_back(hooks)}))
    kill(listener)
    again = start(serve, journal, make.endpoint(), hooks, SLACK_SIGNING_SECRET=slack.OTHER_SECRET)
    assert any("cannot be read" in line["message"] for line in again.process.lines)
    time.sleep(0.3)
    assert not hooks.requests and again.stop() == 0


def test_a_rotation_loses_nothing(make, serve, journal):  # noqa: F811
    """Of two promises, one was written before the secret was replaced, and one after. The old
    secret is gone when it is read."""
    hooks = make.keep(Hooks())
    secret = make.folder / "secret"
    secret.write_text(slack.SECRET)
    listener = start(
        serve, journal, make.endpoint(default=peer.hang), hooks, GATEWAY_TIMEOUT_MS="150",
        SLACK_SIGNING_SECRET=f"file:{secret}",
    )
    listener.text(slack.command("/eu-west-1/first", fields={"response_url": way_back(hooks, 1)}))
    secret.write_text(slack.OTHER_SECRET)
    listener.process.terminate(signal.SIGHUP)
    listener.process.wait_for_log("signing secrets read")
    listener.text(
        slack.command(
            "/eu-west-1/second", fields={"response_url": way_back(hooks, 2)},
            secret=slack.OTHER_SECRET,
        )
    )
    assert eventually(lambda: len(files(journal)) == 1)
    kill(listener)
    again = start(serve, journal, make.endpoint(), hooks, SLACK_SIGNING_SECRET=f"file:{secret}")
    texts = sorted(message["text"] for message in hooks.wait(2))
    assert "first@" in texts[0] and "second@" in texts[1]
    assert not any("cannot be read" in line["message"] for line in again.process.lines)


def test_events_outlive_the_first_secret(make, serve, journal):  # noqa: F811
    """It was another app's, and was withdrawn."""
    endpoint = make.endpoint()
    other = slack.OTHER_SECRET
    listener = start(serve, journal, endpoint, SLACK_SIGNING_SECRET=f"{slack.SECRET},{other}")
    assert listener.ask(slack.event(event_id="Ev1", secret=other)).status == 200
    kill(listener)
    again = start(serve, journal, endpoint, SLACK_SIGNING_SECRET=other)
    assert again.ask(slack.event(event_id="Ev1", secret=other)).status == 200
    assert len(endpoint.requests) == 1
    assert not any("cannot be read" in line["message"] for line in again.process.lines)


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_torn_end(make, serve, journal, cut):  # noqa: F811
    hooks = make.keep(Hooks())
    listener = start(
        serve, journal, make.endpoint(default=peer.hang), hooks, GATEWAY_TIMEOUT_MS="150"
    )
    listener.text(slack.command(fields={"response_url": way_back(hooks)}))
    kill(listener)
    (path,) = files(journal)
    path.write_bytes(path.read_bytes()[:-cut])
    again = start(serve, journal, make.endpoint(), hooks)
    (line,) = [line for line in again.process.lines if "cannot be read" in line["message"]]
    assert line["torn_bytes"] > 0 and again.stop() == 0


@pytest.mark.parametrize("functions", [True, False])
def test_functions_that_a_crash_interrupts(make, serve, journal, functions):  # noqa: F811
    """One was running, and is not run again; one had not had its turn, and has it, if functions
    still run here."""
    hooks = make.keep(Hooks())
    listener = start(serve, journal, None, hooks, functions=True, GATEWAY_FUNCTION_LIMIT="1")
    listener.functions.add("long", "touch running; exec sleep 60")
    assert "has been started" in listener.text(
        slack.command("/local/long", fields={"response_url": way_back(hooks, 1)})
    )
    assert eventually(lambda: (listener.functions.folder / "running").exists())
    assert "has been started" in listener.text(
        slack.command("/local/long", fields={"response_url": way_back(hooks, 2)})
    )
    kill(listener)
    listener.functions.add("long", "echo it has run")
    again = start(
        serve, journal, None, hooks,
        **({"GATEWAY_FUNCTIONS": str(listener.functions.folder)} if functions else {}),
    )
    texts = sorted(message["text"] for message in hooks.wait(2))
    assert any("interrupted" in text for text in texts), texts
    assert (
        "it has run"
        if functions
        else "Lambda function long@local could not be started: there are no functions here any more"
    ) in texts
    assert again.stop() == 0
    third = start(serve, journal, None, hooks)
    assert not files(journal) and len(hooks.requests) == 2 and third.stop() == 0


def test_events_of_functions_are_remembered(make, serve, journal):  # noqa: F811
    listener = start(serve, journal, None, functions=True)
    listener.functions.add("count", "echo once >>runs")
    runs = listener.functions.folder / "runs"
    assert listener.ask(slack.event("/local/count", event_id="Ev1")).status == 200
    assert eventually(lambda: runs.exists() and runs.read_text() == "once\n")
    kill(listener)
    again = start(serve, journal, None, GATEWAY_FUNCTIONS=str(listener.functions.folder))
    assert again.ask(slack.event("/local/count", event_id="Ev1")).status == 200
    assert again.stop() == 0 and runs.read_text() == "once\n"


def test_functions_that_end(make, serve, journal):  # noqa: F811
    hooks = make.keep(Hooks())
    listener = start(serve, journal, None, hooks, functions=True)
    listener.functions.add("hello", "echo hello")
    listener.text(slack.command("/local/hello", fields={"response_url": way_back(hooks)}))
    assert hooks.wait()[0]["text"] == "hello"
    assert listener.stop() == 0
    again = start(serve, journal, None, hooks)
    assert not files(journal) and len(hooks.requests) == 1 and again.stop() == 0


def link(path, owner):
    path.rename(f"{path}-real")
    path.symlink_to(f"{path.name}-real")
    os.lchown(path, owner, -1)


REFUSED = {
    "missing": (lambda path: path.rmdir(), "must name a directory that exists"),
    "open to others": (lambda path: path.chmod(0o755), "have mode 0700"),
    "a link that is not root's": (lambda path: link(path, 65534), "only root's are followed"),
    "a file": (lambda path: (path.rmdir(), path.write_text("")), "must name a directory"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_directories_that_are_refused(make, serve, journal, case):  # noqa: F811
    spoil, says = REFUSED[case]
    spoil(journal)
    listener = serve(wait=False, GATEWAY_JOURNAL=str(journal))
    assert listener.process.wait_exit() == 1
    assert says in listener.process.lines[-1]["reason"]


def test_state_directory_of_a_dynamic_user(make, serve):  # noqa: F811
    """As systemd lays it out: the directory below private, where only root may look, and beside
    that root's link to it."""
    state, private = make.folder / "lib", make.folder / "lib" / "private"
    (private / "gateway").mkdir(parents=True, mode=0o700)
    (state / "gateway").symlink_to("private/gateway")
    hooks = make.keep(Hooks())
    listener = start(
        serve, state / "gateway", make.endpoint(default=peer.hang), hooks, GATEWAY_TIMEOUT_MS="150"
    )
    listener.text(slack.command(fields={"response_url": way_back(hooks)}))
    kill(listener)
    assert len(files(private / "gateway")) == 1
    start(serve, state / "gateway", make.endpoint(), hooks)
    assert hooks.wait()[0]["text"].startswith(MAYBE)


# ---- a slow disk, and a full one -----------------------------------------------------------------


def slow_disk(folder, ms=1500):
    """Every fdatasync(2) takes that long."""
    return [
        "strace", "-DDD", "-f", "-qq", "-o", str(folder / "strace"), "-e", "trace=fdatasync", "-e",
        f"inject=fdatasync:delay_enter={ms * 1000}",
    ]


def served_meanwhile(listener, client):
    """How many health checks are answered before `client` hears something."""
    count = 0
    while not select.select([client.sock], [], [], 0)[0]:
        assert listener.ask(get()).status == 200
        count += 1
    return count


def test_the_loop_waits_for_no_disk(make, serve, journal):  # noqa: F811
    """A function of the embedded backend is on disk before it is acknowledged; everybody else is
    served meanwhile."""
    hooks = make.keep(Hooks())
    listener = start(
        serve, journal, None, hooks, functions=True, wrapper=slow_disk(make.folder), metrics=True
    )
    listener.functions.add("hello", "echo hello")
    with listener.connect() as client:
        client.send(
            wire_form(slack.command("/local/hello", fields={"response_url": way_back(hooks)}))
        )
        assert served_meanwhile(listener, client) > 2
        assert "has been started" in command_text(client.answer())
    assert hooks.wait()[0]["text"] == "hello"
    assert eventually(lambda: "gateway_journal_unsettled 0" in listener.metrics().body.decode())


def test_the_loop_waits_for_no_disk_when_workers_are_late(make, serve, journal):  # noqa: F811
    """What has not had its turn in time is promised, on disk first: "still being started"."""
    hooks = make.keep(Hooks())
    gate = threading.Event()
    endpoint = make.endpoint(default=peer.later(gate, accepted()))
    listener = start(
        serve, journal, endpoint, hooks, GATEWAY_WORKERS="1", GATEWAY_TIMEOUT_MS="150",
        wrapper=slow_disk(make.folder),
    )
    first, second = listener.connect(), listener.connect()
    first.send(
        wire_form(slack.command("/eu-west-1/first", fields={"response_url": way_back(hooks, 1)}))
    )
    endpoint.wait_for_requests(1)
    second.send(
        wire_form(slack.command("/eu-west-1/second", fields={"response_url": way_back(hooks, 2)}))
    )
    assert served_meanwhile(listener, second) > 2
    assert "second@eu-west-1 is still being started" in command_text(second.answer())
    gate.set()
    endpoint.wait_for_requests(2)
    assert listener.stop() == 0
    for client in (first, second):
        client.sock.close()


STALL = [
    "strace", "-DDD", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
    "inject=fdatasync:delay_enter=6000000:when=1",
]


def answers(listener, requests, patience=5.0):
    """Of requests that are sent at once, each on a connection of its own; none waits for the disk,
    which takes six seconds."""
    clients = [listener.connect() for _ in requests]
    began = time.monotonic()
    for client, request in zip(clients, requests):
        client.send(wire_form(request))
    heard = []
    for client in clients:
        heard.append(client.answer())
        assert time.monotonic() - began < patience
        client.sock.close()
    return heard


def test_a_disk_that_stalls_makes_no_answer_late(make, serve, journal):  # noqa: F811
    """What cannot be on disk in time is answered by its outcome, or without the journal's cover,
    and that is said; when the disk has caught up, all is as before."""
    hooks = make.keep(Hooks())
    gate = threading.Event()
    endpoint = make.endpoint(script=[accepted()], default=peer.later(gate, accepted()))
    listener = start(
        serve, journal, endpoint, hooks, functions=True, wrapper=STALL, metrics=True,
        GATEWAY_ACK="first", GATEWAY_TIMEOUT_MS="1500",
    )
    listener.functions.add("hello", "echo hello")

    def commands(count, path="/eu-west-1/my-fn"):
        return [
            slack.command(path, fields={"response_url": way_back(hooks, number)})
            for number in range(count)
        ]

    # The first waits for the disk until its patience is at an end, and is then carried out.
    assert "has been started" in command_text(answers(listener, commands(1))[0])
    assert listener.ask(get()).body.startswith(b"ok\nthe journal cannot be written: ")
    assert "gateway_journal_failing 1" in listener.metrics().body.decode()
    # More than there are workers for, at a target that does not answer: in time, all the same.
    texts = [command_text(answer) for answer in answers(listener, commands(40))]
    assert all("is still being started" in text for text in texts), texts
    assert "has been started" in command_text(answers(listener, commands(1, "/local/hello"))[0])
    assert hooks.wait()[0]["text"] == "hello"
    gate.set()
    assert any(
        line["message"] == "the journal does not cover this function"
        for line in listener.process.lines
    )
    assert (
        sum("would be lost in a crash" in line["message"] for line in listener.process.lines) == 1
    ), "once a minute"
    assert eventually(lambda: "gateway_journal_failing 0" in listener.metrics().body.decode())
    assert listener.ask(get()).body == b"ok\n"
    assert "is being started" in listener.text(commands(1)[0])
    assert eventually(lambda: len(endpoint.requests) == 42)
    assert listener.stop() == 0


def test_events_wait_for_no_disk(make, serve, journal):  # noqa: F811
    listener = start(serve, journal, make.endpoint(), wrapper=STALL, metrics=True)
    heard = answers(listener, [slack.event(event_id=f"Ev{number}") for number in range(24)])
    assert [answer.status for answer in heard] == [200] * 24
    assert eventually(lambda: "gateway_journal_failing 0" in listener.metrics().body.decode())
    assert listener.stop() == 0


def test_clients_that_leave_while_it_is_written(make, serve, journal):  # noqa: F811
    """They had their request read, so it is carried out; and what it printed is posted without
    their answer."""
    hooks = make.keep(Hooks())
    listener = start(
        serve, journal, None, hooks, functions=True, wrapper=slow_disk(make.folder, 300)
    )
    listener.functions.add("hello", "echo hello")
    for number in range(12):
        with listener.connect() as client:
            client.send(
                wire_form(
                    slack.command("/local/hello", fields={"response_url": way_back(hooks, number)})
                )
            )
            time.sleep(0.03 * (number % 4))
    assert [message["text"] for message in hooks.wait(12)] == ["hello"] * 12
    assert listener.stop() == 0


def test_a_failing_disk_is_said(make, serve, journal):  # noqa: F811
    """In the log, on /healthz, in the metrics; commands are answered when they are settled,
    functions run uncovered."""
    hooks = make.keep(Hooks())
    failing = [
        "strace", "-DDD", "-f", "-qq", "-o", str(make.folder / "strace"), "-e", "trace=fdatasync",
        "-e", "inject=fdatasync:error=EIO",
    ]
    listener = start(
        serve, journal, make.endpoint(), hooks, functions=True, wrapper=failing, metrics=True,
        GATEWAY_ACK="first",
    )
    assert listener.ask(get()).body == b"ok\n"
    assert "has been started" in listener.text(
        slack.command(fields={"response_url": way_back(hooks)})
    )
    assert listener.ask(get()).body.startswith(b"ok\nthe journal cannot be written: ")
    assert "gateway_journal_failing 1" in listener.metrics().body.decode()
    listener.functions.add("hello", "echo hello")
    listener.text(slack.command("/local/hello", fields={"response_url": way_back(hooks)}))
    assert hooks.wait()[0]["text"] == "hello"
    assert any(
        line["message"] == "the journal does not cover this function"
        for line in listener.process.lines
    )
    assert listener.stop() == 0


def fill(journal):
    """Puts so much behind what is there that all together leave no room for a request: records of 8
    MiB that do not verify, in files that are as good as empty on the disk."""
    for number, size in enumerate([8 << 20] * 7 + [15 << 19]):
        path = journal / f"requests-{number + 100:016x}"
        path.write_bytes((size - 48).to_bytes(4, "little") + b"\1")
        os.truncate(path, size)
        path.chmod(0o600)


def test_a_full_journal(make, serve, journal):  # noqa: F811
    """64 MiB, held by one request whose user does not take his message. That is said, commands are
    answered when they are settled, functions run uncovered; and when he has it all is well."""
    gate = threading.Event()
    hooks = make.keep(Hooks(script=[lambda wire: gate.wait(60) and wire.send(TAKEN)]))
    listener = start(
        serve, journal, make.endpoint(default=peer.hang), hooks, GATEWAY_TIMEOUT_MS="150"
    )
    listener.text(slack.command(fields={"response_url": way_back(hooks)}))
    kill(listener)
    fill(journal)
    listener = start(
        serve, journal, make.endpoint(), hooks, functions=True, metrics=True, GATEWAY_ACK="first"
    )
    listener.functions.add("hello", "echo hello")
    hooks.wait(1)
    for number in range(3):
        command = slack.command(fields={"response_url": way_back(hooks, number)})
        assert "has been started" in listener.text(command)
    assert "No space left on device" in listener.ask(get()).body.decode()
    assert "gateway_journal_failing 1" in listener.metrics().body.decode()
    assert "has been started" in listener.text(
        slack.command("/local/hello", fields={"response_url": way_back(hooks, 4)})
    )
    assert hooks.wait(2)[1]["text"] == "hello"
    messages = [line["message"] for line in listener.process.lines]
    assert "the journal does not cover this function" in messages
    assert sum("would be lost in a crash" in message for message in messages) == 1
    gate.set()
    assert eventually(lambda: "gateway_journal_unsettled 0" in listener.metrics().body.decode())
    assert listener.stop() == 0
    assert sum(path.stat().st_size for path in files(journal)) < 64 << 20
    again = start(serve, journal, make.endpoint(), hooks, GATEWAY_ACK="first")
    assert "is being started" in again.text(
        slack.command(fields={"response_url": way_back(hooks)})
    )
    assert again.stop() == 0
    assert sum(path.stat().st_size for path in files(journal)) < 1 << 20


def test_one_process_at_a_time(make, serve, journal):  # noqa: F811
    start(serve, journal, make.endpoint())
    second = serve(wait=False, GATEWAY_JOURNAL=str(journal))
    assert (
        second.process.wait_exit() == 1
        and "in use by another process" in second.process.lines[-1]["reason"]
    )


def test_not_in_lambda(make, journal):
    runtime = make.runtime(wait=False, GATEWAY_JOURNAL=str(journal))
    assert (
        runtime.process.wait_exit() == 2
        and "GATEWAY_JOURNAL" in runtime.api.init_errors[0].json()["errorMessage"]
    )


def test_a_secret_that_cannot_be_fetched_at_first(make, serve, journal):  # noqa: F811
    """What it signed is waited for, not given up."""
    hooks = make.keep(Hooks())
    keys = signatures.Keys()
    store = make.keep(Parameters({"/slack": slack.SECRET}, keys=keys, tls=make.pki.server()))
    where = {
        "SLACK_SIGNING_SECRET": "ssm:/slack",
        "AWS_ENDPOINT_URL_SSM": store.url,
        "AWS_CA_BUNDLE": make.pki.bundle(),
        "AWS_REGION": "eu-west-1",
        "GATEWAY_TIMEOUT_MS": "400",
    }
    listener = start(serve, journal, make.endpoint(default=peer.hang), hooks, **where)
    assert "is still being started" in listener.text(
        slack.command(fields={"response_url": way_back(hooks)})
    )
    kill(listener)
    store.values.clear()
    asked = len(store.requests)

    def mend():
        assert eventually(lambda: len(store.requests) > asked)
        store.values["/slack"] = slack.SECRET

    mender = threading.Thread(target=mend)
    mender.start()
    start(serve, journal, make.endpoint(), hooks, **where)
    mender.join()
    assert hooks.wait()[0]["text"].startswith(MAYBE)


def test_nothing_secret_in_it(make, serve, journal):  # noqa: F811
    hooks = make.keep(Hooks())
    listener = start(
        serve, journal, make.endpoint(default=peer.hang), hooks, GATEWAY_TIMEOUT_MS="150"
    )
    listener.text(slack.command(fields={"response_url": way_back(hooks)}))
    kill(listener)
    for path in journal.iterdir():
        assert (
            path.stat().st_mode & 0o777 == 0o600 and slack.SECRET.encode() not in path.read_bytes()
        )


@pytest.mark.parametrize("moment", range(30))
def test_killed_at_any_moment(make, serve, journal, moment):  # noqa: F811
    """Every command that was acknowledged is started, or its user is told, and none is started
    twice without a word."""
    hooks = make.keep(Hooks())
    slow = make.endpoint(default=peer.after(0.05, accepted()))
    listener = start(serve, journal, slow, hooks, GATEWAY_WORKERS="2", GATEWAY_ACK="first")
    promised = []
    for number in range(8):
        try:
            listener.text(
                slack.command(
                    f"/eu-west-1/fn-{number}", fields={"response_url": way_back(hooks, number)}
                )
            )
            promised.append(number)
        except (AssertionError, OSError):
            break
        if number == moment % 8:
            time.sleep(moment * 0.004)
            break
    kill(listener)
    calm = make.endpoint()
    again = start(serve, journal, calm, hooks)
    started = lambda number: f"/2015-03-31/functions/fn-{number}/invocations"  # noqa: E731

    def counts(number):
        return [r.target for r in slow.requests + calm.requests].count(started(number))

    def told(number):
        return any(f"fn-{number}@" in (r.json() or {}).get("text", "") for r in hooks.requests)

    assert eventually(lambda: all(counts(number) or told(number) for number in promised))
    assert again.stop() == 0
    for number in promised:
        assert counts(number) <= 1 or told(number)
