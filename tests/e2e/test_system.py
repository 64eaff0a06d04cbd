"""The system under the program on a bad day: interrupted calls, nothing left to have, frozen and thawed."""

import os
import signal
import time

import pytest

from support import slack
from support.front_doors import URL
from support.wire import eventually

STARTED = "Lambda function my-fn@eu-west-1 has been started..."
NETWORK = "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,poll,ppoll,connect"


def injected(make, fault, endpoint=None, **env):
    """A runtime whose system calls fail as strace's `-e inject` says."""
    return make.runtime(
        endpoint=endpoint, wrapper=["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=" + fault], wait=False, **env
    )


@pytest.mark.parametrize(
    "fault",
    [
        "poll,ppoll:error=EINTR:when=1+2",
        "read,readv,recvfrom,recvmsg:error=EINTR:when=2+3",
        "write,writev,sendto,sendmsg:error=EINTR:when=2+3",
        "read,readv,recvfrom,recvmsg:error=EAGAIN:when=2+3",
        "write,writev,sendto,sendmsg:error=EAGAIN:when=2+4",
        "poll,ppoll:retval=0:when=3+4",
    ],
    ids=[
        "poll-interrupted",
        "read-interrupted",
        "write-interrupted",
        "read-would-block",
        "write-would-block",
        "poll-for-nothing",
    ],
)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_calls_that_must_be_made_again(make, fault, tls):
    runtime = injected(make, fault, make.endpoint(tls=tls), GATEWAY_LOG_LEVEL="error")
    runtime.api.wait_for_next(timeout=10)
    for i in range(5):
        assert runtime.text(slack.command()) == STARTED
        assert len(runtime.endpoint.requests) == i + 1


@pytest.mark.parametrize(
    "fault, text",
    [
        ("socket:error=EMFILE:when=4+", "could not be started"),
        ("connect:error=ENETUNREACH:when=4+", "could not be started"),
        ("connect:error=EADDRNOTAVAIL:when=4+", "could not be started"),
        ("connect:error=EPERM:when=4+", "could not be started"),
    ],
    ids=["no-descriptors", "no-route", "no-ports", "forbidden"],
)
def test_connections_that_cannot_be_made(make, fault, text):
    """Told, and no reason to end."""
    runtime = injected(make, fault)
    runtime.api.wait_for_next(timeout=10)
    assert runtime.text(slack.command()) == STARTED
    runtime.settled()
    for i in range(3):
        runtime.endpoint.drop_kept()
        time.sleep(0.03)
        answer = runtime.text(slack.command())
        if answer != STARTED:
            break
    assert text in answer
    assert runtime.process.alive


@pytest.mark.parametrize("when", range(1, 9))
def test_no_memory_at_start(make, when):
    """Whichever request for memory fails: it ends with a code, not with a signal, or does without."""
    runtime = injected(make, f"mmap:error=ENOMEM:when={when}")
    eventually(lambda: not runtime.process.alive or runtime.api.nexts, 10)
    if runtime.process.alive:
        assert runtime.text(slack.command()) == STARTED
    else:
        assert runtime.process.wait_exit() in (1, 2)


def test_in_the_least_memory_that_lambda_offers(make):
    runtime = make.runtime(endpoint=make.endpoint(tls=True), wrapper=["prlimit", f"--as={128 << 20}"])
    big = URL.event(slack.command())
    big["stageVariables"] = {"pad": "x" * ((6 << 20) - 3000)}
    assert URL.read(runtime.send(big).wait(10).reply)[0] == 200
    assert runtime.text(slack.command()) == STARTED


def freeze(process):
    os.kill(process.pid, signal.SIGSTOP)
    assert eventually(lambda: state(process) == "T", 2)


def state(process):
    with open(f"/proc/{process.pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0]


@pytest.mark.parametrize("seconds", [0.2, 1.5])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("dropped", [False, True], ids=["kept", "dropped"])
def test_frozen_between_events(make, seconds, tls, dropped):
    """As Lambda does: the next event is there, and the connections may be gone, when the process runs again."""
    runtime = make.runtime(endpoint=make.endpoint(tls=tls))
    assert runtime.text(slack.command("/eu-west-1/first")) == STARTED.replace("my-fn", "first")
    runtime.settled()
    freeze(runtime.process)
    if dropped:
        runtime.endpoint.drop_kept()
    time.sleep(seconds)
    item = runtime.send(slack.command())
    assert eventually(lambda: item.delivered, 1)
    os.kill(runtime.process.pid, signal.SIGCONT)
    assert STARTED in item.reply["body"]
    assert runtime.endpoint.functions == ["first", "my-fn"]
    assert len(runtime.endpoint.links) == 1 + dropped


def test_frozen_in_the_middle_of_an_event(make):
    """The machine below may pause for a moment, too. No time that passed is taken for more than it was."""
    runtime = make.runtime(endpoint=make.endpoint())
    for _ in range(5):
        item = runtime.send(slack.command())
        os.kill(runtime.process.pid, signal.SIGSTOP)
        time.sleep(0.05)
        os.kill(runtime.process.pid, signal.SIGCONT)
        assert STARTED in item.reply["body"]
    assert len(runtime.endpoint.requests) == 5


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_started_with_closed_descriptors(make, closed):
    """A connection must not end up where the log is written."""
    runtime = make.runtime(wrapper=["sh", "-c", f'exec "$@" {closed}', "sh"], GATEWAY_LOG_LEVEL="debug")
    runtime.ask(slack.command(secret="wrong"))
    for _ in range(3):
        assert runtime.text(slack.command()) == STARTED


def test_log_that_nobody_reads(make):
    """A full pipe: lines may be lost or late, but with the pipe gone the process goes on."""
    runtime = make.runtime(wrapper=["sh", "-c", 'exec "$@" 2>/dev/full', "sh"], GATEWAY_LOG_LEVEL="debug")
    for _ in range(3):
        assert runtime.text(slack.command()) == STARTED


def test_log_whose_reader_has_gone(make):
    """Lines are lost, requests are not."""
    runtime = make.runtime(wrapper=["sh", "-c", '"$@" 2>&1 >/dev/null | :', "sh"], GATEWAY_LOG_LEVEL="debug")
    for _ in range(3):
        assert runtime.text(slack.command()) == STARTED
