"""The system under the program on a bad day: interrupted calls, nothing left to have, frozen and
thawed."""

import os
import signal
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import command_text
from support import hosts, slack
from support.front_doors import URL
from support.listener import Serve, get
from support.wire import eventually, in_some_try

STARTED = "Lambda function my-fn@eu-west-1 has been started..."
PENDING = "Lambda function my-fn@eu-west-1 is still being started..."
NETWORK = "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,poll,ppoll,connect"


def injected(make, fault, endpoint=None, **env):
    """A runtime whose system calls fail as strace's `-e inject` says."""
    return make.runtime(
        endpoint=endpoint,
        wrapper=["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=" + fault],
        wait=False,
        **env,
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

    def five_are_started():
        """strace makes each call slow; a busy machine may need longer than Slack is told."""
        runtime = injected(make, fault, make.endpoint(tls=tls), GATEWAY_LOG_LEVEL="error")
        runtime.api.wait_for_next()
        for i in range(5):
            if runtime.text(slack.command(), final=False) != STARTED:
                return False
            assert len(runtime.endpoint.requests) == i + 1
        return True

    assert in_some_try(five_are_started, 8)


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
    runtime.api.wait_for_next()
    assert runtime.text(slack.command()) == STARTED
    runtime.settled()
    for i in range(3):
        runtime.endpoint.drop_kept()
        answer = runtime.text(slack.command())
        if answer != STARTED:
            break
    assert text in answer
    assert runtime.process.alive


@pytest.mark.parametrize("when", range(1, 9))
def test_no_memory_at_start(make, when):
    """Whichever request for memory fails: it ends with a code, not with a signal, or does without.
    """
    runtime = injected(make, f"mmap:error=ENOMEM:when={when}")
    assert eventually(lambda: not runtime.process.alive or runtime.api.nexts)
    if runtime.process.alive:
        assert runtime.text(slack.command()) == STARTED
    else:
        assert runtime.process.wait_exit() in (1, 2)


def test_in_the_least_memory_that_lambda_offers(make):
    runtime = make.runtime(
        endpoint=make.endpoint(tls=True), wrapper=["prlimit", f"--as={128 << 20}"]
    )
    big = URL.event(slack.command())
    big["stageVariables"] = {"pad": "x" * ((6 << 20) - 3000)}
    assert URL.read(runtime.send(big).reply)[0] == 200
    assert runtime.text(slack.command()) == STARTED


# ---- kernels and sandboxes that refuse -----------------------------------------------------------


def refusing(*faults):
    return [
        "strace", "-f", "-qq", "-o", "/dev/null",
        *(part for fault in faults for part in ("-e", f"inject={fault}")),
    ]


# What `serve` calls before it listens; without arch_prctl, which is libc's own start.
CALLS = (
    "bind clone close_range epoll_create1 epoll_ctl epoll_pwait eventfd2 fcntl fstat futex "
    "geteuid getrandom getsockname listen mmap "
    "mprotect open poll prctl prlimit64 readlink rt_sigaction rt_sigprocmask sched_getaffinity "
    "set_tid_address setpriority setsockopt "
    "signalfd4 socket"
).split()


def listening(process):
    return sum(line["message"] == "listening" for line in process.lines) == 2


@pytest.mark.parametrize("error", ["ENOSYS", "EPERM"])
@pytest.mark.parametrize("call", CALLS)
def test_calls_that_are_refused(make, call, error):
    """It does without, or says in one sentence at the start why it cannot; no signal ends it."""
    listener = Serve(make)(
        functions=True, metrics=True, wait=False, wrapper=refusing(f"{call}:error={error}")
    )
    process = listener.process
    nameless = call == "getsockname"  # it cannot tell its own address then
    assert eventually(
        lambda: not process.alive or listening(process) and (nameless or listener.listening())
    ), process.lines
    ends = call == "epoll_pwait" and error != "ENOSYS"  # else libc knows another call
    if process.alive and not ends:
        assert nameless or listener.ask(get()).status == 200
        return
    assert process.wait_exit() == 1
    told = [line for line in process.lines if line["level"] == "ERROR"]
    assert len(told) == 1 and "reason" in told[0] and not process.problems, process.lines


@pytest.mark.parametrize("error", ["ENOSYS", "EPERM"])
@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_without_getrandom(make, kind, error):
    wrapper = refusing(f"getrandom:error={error}")
    host = hosts.start(
        make, kind, make.endpoint(tls=True), wrapper=wrapper, AWS_CA_BUNDLE=make.pki.bundle()
    )
    assert host.text(slack.command()) == STARTED


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a /dev of its own")
def test_without_any_random_bytes(make):
    """Said at the start, not at the first request."""
    hidden = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev && exec "$@"', "sh"]
    wrapper = [*refusing("getrandom:error=EPERM"), *hidden]
    process = Serve(make)(wait=False, wrapper=wrapper).process
    assert process.wait_exit() == 1
    (told,) = process.problems
    process.problems.clear()
    assert (
        "no random bytes: the kernel refuses getrandom(2), and /dev/urandom cannot be read" in told
    )


@pytest.mark.parametrize(
    "limits",
    [[f"--as={1 << 30}"], [f"--data={64 << 20}"], [f"--as={1 << 30}", f"--data={64 << 20}"]],
    ids=["as", "data", "both"],
)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_in_little_address_space(make, pki, limits, tls):
    """As on a small board, or under a service manager's limits."""
    certificate = pki.leaf()
    (make.folder / "chain.pem").write_bytes(certificate.chain_pem())
    (make.folder / "key.pem").write_bytes(certificate.key_pem())
    shown = (
        ["--tls-cert", str(make.folder / "chain.pem"), "--tls-key", str(make.folder / "key.pem")]
        if tls
        else []
    )
    listener = Serve(make)(
        *shown, endpoint=make.endpoint(tls=True), wrapper=["prlimit", *limits],
        GATEWAY_CONNECTIONS="256",
    )
    if tls:
        context = ssl.create_default_context(cafile=pki.bundle())
        with (
            socket.create_connection(listener.address) as sock,
            context.wrap_socket(sock, server_hostname="localhost") as secure,
        ):
            secure.sendall(get())
            assert secure.recv(200).startswith(b"HTTP/1.1 200 OK")
        return
    with ThreadPoolExecutor(64) as pool:
        for text in pool.map(lambda i: listener.text(slack.command()), range(200)):
            assert text == STARTED


def freeze(process):
    os.kill(process.pid, signal.SIGSTOP)
    assert eventually(lambda: state(process) == "T")


def state(process):
    with open(f"/proc/{process.pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0]


@pytest.mark.parametrize("seconds", [0.2, 1.5])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("dropped", [False, True], ids=["kept", "dropped"])
def test_frozen_between_events(make, seconds, tls, dropped):
    """As Lambda does: the next event is there, and the connections may be gone, when the process
    runs again."""
    runtime = make.runtime(endpoint=make.endpoint(tls=tls))
    assert runtime.text(slack.command("/eu-west-1/first")) == STARTED.replace("my-fn", "first")
    runtime.settled()
    freeze(runtime.process)
    if dropped:
        runtime.endpoint.drop_kept()
    time.sleep(seconds)
    with runtime.process.final() as outcome:
        item = runtime.send(slack.command())
        assert eventually(lambda: item.delivered)
        os.kill(runtime.process.pid, signal.SIGCONT)
        assert outcome(command_text(URL.read(item.reply))) == STARTED
    assert runtime.endpoint.functions == ["first", "my-fn"]
    # On a busy machine the connection that is made in advance may be given up on the way.
    assert len([link for link in runtime.endpoint.links if link.requests]) == 1 + dropped


def test_frozen_in_the_middle_of_an_event(make):
    """The machine below may pause for a moment, too. No time that passed is taken for more than it
    was."""
    runtime = make.runtime(endpoint=make.endpoint())
    for _ in range(5):
        with runtime.process.final() as outcome:
            item = runtime.send(slack.command())
            os.kill(runtime.process.pid, signal.SIGSTOP)
            time.sleep(0.05)
            os.kill(runtime.process.pid, signal.SIGCONT)
            assert outcome(command_text(URL.read(item.reply))) == STARTED
    assert len(runtime.endpoint.requests) == 5


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_started_with_closed_descriptors(make, closed):
    """A connection must not end up where the log is written."""
    runtime = make.runtime(
        wrapper=["sh", "-c", f'exec "$@" {closed}', "sh"], GATEWAY_LOG_LEVEL="debug"
    )
    runtime.ask(slack.command(secret="wrong"))
    for _ in range(3):
        assert runtime.text(slack.command()) == STARTED


def test_log_that_nobody_reads(make):
    """A full pipe: lines may be lost or late, but with the pipe gone the process goes on."""
    runtime = make.runtime(
        wrapper=["sh", "-c", 'exec "$@" 2>/dev/full', "sh"], GATEWAY_LOG_LEVEL="debug"
    )
    three_are_started(runtime)


def test_log_whose_reader_has_gone(make):
    """Lines are lost, requests are not."""
    runtime = make.runtime(
        wrapper=["sh", "-c", '"$@" 2>&1 >/dev/null | :', "sh"], GATEWAY_LOG_LEVEL="debug"
    )
    three_are_started(runtime)


def three_are_started(runtime):
    """Where there is no log that says what became of one that took long."""
    for i in range(3):
        assert runtime.text(slack.command(), final=False) in (STARTED, PENDING)
        runtime.settled()
        assert len(runtime.endpoint.requests) == i + 1
