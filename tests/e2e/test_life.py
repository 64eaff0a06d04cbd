"""The listener as a process: signals, draining, PID 1, service managers."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.hooks import Hooks
from support.listener import (  # noqa: F401
    Client, children_of, command_text, environment, free_port, get, serve,
    status_of, way_back, wire_form,
)  # fmt: skip
from support.process import BINARY
from support.wire import PATIENCE, Gone, eventually, response

STARTED = "Lambda function my-fn@eu-west-1 has been started..."
PENDING = "Lambda function my-fn@eu-west-1 is still being started..."
def signed():
    return wire_form(slack.command())


# ---- draining ------------------------------------------------------------------------------------


def refused(address):
    try:
        Client(address).sock.close()
        return False
    except ConnectionRefusedError:
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_flight_is_finished(make, serve, number):  # noqa: F811
    gate = threading.Event()
    endpoint = make.endpoint(default=peer.later(gate, peer.accepted()))
    listener = serve(endpoint=endpoint)
    working, idle, used, half, checking = [listener.connect() for _ in range(5)]
    assert used.ask(get()).status == 200
    half.send(signed()[:-20])
    checking.send(get()[:-2])
    working.send(signed())
    endpoint.wait_for_requests(1)
    assert listener.ask(get()).status == 200
    listener.process.terminate(number)
    # Idle connections end at once, new ones are refused, and one that was open hears that it
    # drains.
    assert idle.end() == used.end() == "closed"
    assert eventually(lambda: refused(listener.address))
    checking.send(b"\r\n")
    answer = checking.answer()
    assert (answer.status, answer.headers["connection"], answer.body) == (
        503, "close", b"draining\n",
    )
    half.send(signed()[-20:])
    endpoint.wait_for_requests(2)
    listener.process.terminate(number)  # once is enough, twice no harm
    assert listener.process.alive
    gate.set()
    for client in (working, half):
        answer = client.answer()
        assert command_text(answer) == STARTED and answer.headers["connection"] == "close"
        assert client.end() == "closed"
        client.sock.close()
    assert listener.process.wait_exit() == 0
    assert (
        len(listener.requests(kind="slash_command", status=200)) == 2
        and len(listener.requests()) == 3
    )
    messages = [line["message"] for line in listener.process.lines]
    assert messages.count("draining: no new connections, what is in flight is finished") == 1
    assert (
        listener.process.lines[-1]["message"] == "stopped"
        and listener.process.lines[-1]["unfinished"] == 0
    )


def test_nothing_in_flight_ends_at_once(serve):  # noqa: F811
    listener = serve()
    clients = [listener.connect() for _ in range(20)]
    assert clients[0].ask(get()).status == 200
    began = time.monotonic()
    assert listener.stop() == 0
    assert time.monotonic() - began < 8, "ten seconds are for what is in flight"


def test_signal_right_after_the_start(serve):  # noqa: F811
    listener = serve()
    assert listener.stop() == 0


def test_pipelined_requests_behind_one_in_flight_are_not_begun(make, serve):  # noqa: F811
    gate = threading.Event()
    endpoint = make.endpoint(default=peer.later(gate, peer.accepted()))
    listener = serve(endpoint=endpoint)
    client = listener.connect()
    client.send(signed() * 3)
    endpoint.wait_for_requests(1)
    listener.process.terminate()
    listener.process.wait_for_log("draining")
    gate.set()
    assert client.answer().headers["connection"] == "close"
    client.half_close()
    assert client.end() == "closed"
    assert listener.process.wait_exit() == 0
    assert len(endpoint.requests) == 1


def test_work_after_the_answer_is_finished_too(make, serve):  # noqa: F811
    gate = threading.Event()
    hooks = make.keep(Hooks())
    refused_ = peer.failed(403, "AccessDeniedException", "no")
    endpoint = make.endpoint(default=peer.later(gate, refused_))
    listener = serve(endpoint=endpoint, hooks=hooks, GATEWAY_TIMEOUT_MS="200")
    request = slack.command(fields={"response_url": way_back(hooks)})
    assert listener.text(request) == PENDING
    listener.process.terminate()
    time.sleep(0.2)
    assert listener.process.alive
    gate.set()
    assert listener.process.wait_exit() == 0
    (message,) = hooks.wait()
    assert "could not be started" in message["text"]


def test_drains_for_ten_seconds_at_most(make, serve):  # noqa: F811
    """What hangs ends six seconds after the signal, so that there is time to tell its user."""
    hooks, deaf = make.keep(Hooks()), make.keep(Hooks(script=[response(500, b"no")] * 99))
    endpoint = make.endpoint(default=peer.hang)
    told = serve(endpoint=endpoint, hooks=hooks, GATEWAY_TIMEOUT_MS="2900")
    untold = serve(endpoint=endpoint, hooks=deaf, GATEWAY_TIMEOUT_MS="100")
    assert untold.text(slack.command(fields={"response_url": way_back(deaf)})) == PENDING
    body = told.connect()
    body.send(wire_form(slack.command(), body=False))
    waiting = told.connect()
    waiting.send(wire_form(slack.command(fields={"response_url": way_back(hooks)})))
    endpoint.wait_for_requests(2)
    began = time.monotonic()
    told.process.terminate()
    untold.process.terminate()
    assert command_text(waiting.answer()) == PENDING
    assert body.answer().status == 408
    (message,) = hooks.wait(1)
    assert "may or may not have been started" in message["text"]
    # Slack has its answer, and whoever asked knows the rest.
    waiting.sock.close()
    body.sock.close()
    assert told.process.wait_exit() == 0 and untold.process.wait_exit() == 1
    assert time.monotonic() - began < 20, "what hangs would do so for ever"
    last = untold.process.lines[-1]
    assert (last["message"], last["level"], last["untold"]) == ("stopped", "ERROR", 1)
    for one in (told, untold):
        assert len(one.requests(kind="slash_command", status=200)) == 1


def test_drain_tells_of_what_it_does_not_start(make, serve):  # noqa: F811
    """One worker, a slow endpoint, a dozen commands that were told that they are being started."""
    hooks = make.keep(Hooks())
    endpoint = make.endpoint(default=peer.hang)
    listener = serve(endpoint=endpoint, hooks=hooks, GATEWAY_ACK="first", GATEWAY_WORKERS="1")
    for number in range(12):
        text = listener.text(slack.command(fields={"response_url": way_back(hooks, number)}))
        assert text.endswith(" is being started...")
    endpoint.wait_for_requests(1)
    listener.process.terminate()
    messages = [message["text"] for message in hooks.wait(12)]
    assert listener.process.wait_exit() == 0
    assert (
        len([text for text in messages if "could not be started: the gateway is stopping" in text])
        == 11
    )
    assert len([text for text in messages if "may or may not have been started" in text]) == 1
    assert len({request.target for request in hooks.requests}) == 12


# ---- PID 1 and an empty root ---------------------------------------------------------------------


def may(*command):
    return (
        subprocess.run(
            [*command, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ).returncode
        == 0
    )


first_process = pytest.mark.skipif(
    not may("unshare", "--pid", "--fork", "--kill-child"),
    reason="this machine gives us no PID namespace",
)


def inner(listener):
    """The process that is number 1 in there."""
    (pid,) = eventually(lambda: children_of(listener.process.pid))
    assert status_of(pid)["NSpid"].split()[-1] == "1"
    return pid


@first_process
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_first_process_in_an_empty_root(make, serve, number):  # noqa: F811
    """As in a container image made from scratch: no /proc, no /dev, no /etc, no library, nothing
    but the program."""
    root = make.folder / "root"
    root.mkdir()
    shutil.copy(BINARY, root / "gateway")
    script = (
        f"shift; PATH=$PATH:/usr/sbin:/sbin exec unshare --pid --fork --kill-child chroot {root}"
        ' /gateway "$@"'
    )
    listener = serve(endpoint=make.endpoint(), metrics=True, wrapper=["bash", "-c", script, "bash"])
    pid = inner(listener)
    assert os.readlink(f"/proc/{pid}/root") == str(root)
    for _ in range(3):
        assert listener.text(slack.command()) == STARTED
    assert b"\nprocess_resident_memory_bytes 0\n" in listener.metrics().body
    os.kill(pid, number)
    assert listener.process.wait_exit() == 0
    assert listener.process.lines[-1]["message"] == "stopped"
    assert sorted(path.name for path in root.iterdir()) == ["gateway"]


@first_process
@pytest.mark.parametrize("functions", [True, False])
def test_first_process_takes_orphans(make, serve, functions):  # noqa: F811
    """Processes whose parents are gone become its children; it does not let them lie around."""
    hooks = make.keep(Hooks())
    wrapper = ["unshare", "--pid", "--fork", "--kill-child"]
    listener = serve(hooks=hooks, functions=functions, wrapper=wrapper)
    pid = inner(listener)
    if functions:
        # The inner shells leave the function's group and outlive it.
        inner_shell = "echo >left.$0; until test -e go; do sleep 0.05; done"
        start = f"for i in 1 2 3; do setsid sh -c '{inner_shell}' $i & done"
        wait = "until test -e left.1 -a -e left.2 -a -e left.3; do sleep 0.01; done"
        listener.functions.add("orphans", f"{start}; {wait}; echo bye")
        request = slack.command("/local/orphans", fields={"response_url": way_back(hooks)})
        assert "has been started" in listener.text(request)
        assert hooks.wait()[0]["text"] == "bye"
        assert eventually(lambda: len(children_of(pid)) == 3)
        (listener.functions.folder / "go").touch()
    else:
        subprocess.run(
            [
                "nsenter", f"--pid=/proc/{pid}/ns/pid", "sh", "-c",
                "for i in 1 2 3; do setsid sleep 0.3 & done",
            ],
            check=True,
        )
    assert eventually(lambda: not children_of(pid)), [
        status_of(child)["State"] for child in children_of(pid)
    ]
    assert listener.ask(get()).status == 200
    os.kill(pid, signal.SIGTERM)
    assert listener.process.wait_exit() == 0


# ---- service managers ----------------------------------------------------------------------------


class Manager:
    """Who waits at NOTIFY_SOCKET."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path.replace("@", "\0"))
        self.sock.settimeout(PATIENCE)

    def hear(self):
        return self.sock.recv(4096).decode()

    def silent(self):
        self.sock.settimeout(0.1)
        try:
            return not self.sock.recv(4096)
        except socket.timeout:
            return True
        finally:
            self.sock.settimeout(PATIENCE)


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_notifications(make, serve, kind):  # noqa: F811
    path = (
        str(make.folder / "notify")
        if kind == "path"
        else f"@gateway-{os.getpid()}-{time.monotonic_ns()}"
    )
    manager = Manager(path)
    listener = serve(NOTIFY_SOCKET=path)
    assert manager.hear() == "READY=1"
    assert listener.ask(get()).status == 200
    for _ in range(2):
        before = time.monotonic_ns() // 1000
        listener.process.terminate(signal.SIGHUP)
        said = manager.hear().split("\n")
        assert said[0] == "RELOADING=1" and said[1].startswith("MONOTONIC_USEC=") and len(said) == 2
        # A manager takes it for its own reload only if it is not older than its signal.
        now = time.monotonic_ns() // 1000
        assert before <= int(said[1].partition("=")[2]) <= now + 1000, "in milliseconds"
        assert manager.hear() == "READY=1"
    assert manager.silent()
    listener.process.terminate()
    assert manager.hear() == "STOPPING=1"
    assert listener.process.wait_exit() == 0
    assert manager.silent()
    manager.sock.close()


@pytest.mark.parametrize("path", ["/nonexistent/notify", "relative", "@", "/" + "x" * 200, ""])
def test_manager_that_is_not_there(serve, path):  # noqa: F811
    listener = serve(NOTIFY_SOCKET=path)
    assert listener.ask(get()).status == 200
    assert listener.stop() == 0


def test_not_ready_before_everything_is(make, serve):  # noqa: F811
    path = str(make.folder / "notify")
    manager = Manager(path)
    listener = serve("--functions", "/nonexistent", wait=False, NOTIFY_SOCKET=path)
    assert listener.process.wait_exit() == 1
    assert manager.silent()
    manager.sock.close()


def activated(serve, socks, *args, names="", pid="$$", **options):  # noqa: F811
    """Starts it with these sockets as descriptors 3 and up, as a service manager does."""
    numbers = [sock.fileno() for sock in socks]
    moves = "".join(f"exec {50 + i}<&{number}; " for i, number in enumerate(numbers))
    moves += "".join(f"exec {3 + i}<&{50 + i} {50 + i}<&-; " for i in range(len(numbers)))
    script = (
        f"{moves} export LISTEN_PID={pid} LISTEN_FDS={len(numbers)} LISTEN_FDNAMES={names}; exec"
        ' "$@"'
    )
    return serve(
        *args, wrapper=["bash", "-c", script, "bash"], options={"pass_fds": numbers}, **options
    )


def bound(address=("127.0.0.1", 0), family=socket.AF_INET, kind=socket.SOCK_STREAM, listen=True):
    sock = socket.socket(family, kind)
    sock.bind(address)
    if listen:
        sock.listen(16)
    # Out of the way of the low numbers that it will get.
    high = socket.socket(fileno=fcntl.fcntl(sock, fcntl.F_DUPFD_CLOEXEC, 200))
    sock.close()
    return high


def test_sockets_of_a_manager(make, serve):  # noqa: F811
    path = str(make.folder / "activated.sock")
    socks = [bound(), bound(path, socket.AF_UNIX), bound()]
    # Somebody waits before it runs.
    early = Client(socks[0].getsockname())
    early.send(signed())
    listener = activated(serve, socks, names="a:b:metrics", listen=None, endpoint=make.endpoint())
    assert command_text(early.answer()) == STARTED
    lines = [line for line in listener.process.lines if line["message"] == "listening"]
    assert [line["for"] for line in lines] == ["requests", "requests", "metrics"]
    assert lines[1]["address"] == "unix:" + path
    for address in (socks[0].getsockname(), path):
        with Client(address) as client:
            assert client.ask(get()).status == 200
    with Client(socks[2].getsockname()) as client:
        assert client.ask(get("/metrics")).status == 200
    # Nothing is refused while it is replaced: the sockets live on.
    early.sock.close()
    assert listener.stop() == 0
    between = Client(socks[0].getsockname())
    between.send(get())
    again = activated(serve, socks[:2], listen=None)
    assert between.answer().status == 200
    between.sock.close()
    assert os.path.exists(path) and again.stop() == 0
    for sock in socks:
        sock.close()


def test_only_metrics_from_a_manager(serve):  # noqa: F811
    sock = bound()
    listener = activated(serve, [sock], names="metrics")
    assert listener.ask(get()).status == 200
    with Client(sock.getsockname()) as client:
        assert client.ask(get("/metrics")).status == 200
    sock.close()


def test_sockets_that_are_for_somebody_else(serve):  # noqa: F811
    sock = bound()
    listener = activated(serve, [sock], pid="1")
    assert [
        line["address"] for line in listener.process.lines if line["message"] == "listening"
    ] == [f"127.0.0.1:{listener.address[1]}"]
    assert listener.address != sock.getsockname() and listener.ask(get()).status == 200
    sock.close()


@pytest.mark.parametrize("wrong", ["datagrams", "not listening", "no socket"])
def test_descriptors_that_are_no_listening_sockets(serve, wrong):  # noqa: F811
    if wrong == "datagrams":
        sock = bound(kind=socket.SOCK_DGRAM, listen=False)
    elif wrong == "not listening":
        sock = bound(listen=False)
    else:
        sock = open("/dev/null")
    listener = activated(serve, [sock], wait=False)
    assert listener.process.wait_exit() == 2
    (line,) = listener.process.lines
    assert "LISTEN_FDS" in line["reason"] and "descriptor 3" in line["reason"]
    sock.close()


def test_functions_get_no_descriptors(make, serve):  # noqa: F811
    hooks = make.keep(Hooks())
    sock = bound()
    listener = activated(
        serve, [sock], functions=True, hooks=hooks, NOTIFY_SOCKET="/nonexistent", listen=None
    )
    listener.functions.add(
        "fds", "ls /proc/self/fd | wc -l; env | grep -c -e LISTEN -e NOTIFY || true"
    )
    listener.text(slack.command("/local/fds", fields={"response_url": way_back(hooks)}))
    (message,) = hooks.wait()
    # Its own three, and the one with which ls reads the directory; none of the gateway's, none that
    # it was born with.
    assert message["text"].split() == ["4", "0"]
    sock.close()


def test_reload_without_anything_to_reload(serve):  # noqa: F811
    listener = serve()
    for _ in range(3):
        listener.process.terminate(signal.SIGHUP)
    assert listener.ask(get()).status == 200


def test_sigpipe_and_stray_children_do_no_harm(serve):  # noqa: F811
    listener = serve(wrapper=["bash", "-c", 'sleep 0.05 & exec "$@"', "bash"])
    os.kill(listener.process.pid, signal.SIGPIPE)
    # The child that it was born with is taken, too.
    assert eventually(lambda: not children_of(listener.process.pid))
    assert listener.ask(get()).status == 200


def test_killed_listener_leaves_no_socket_in_the_way(make, serve):  # noqa: F811
    path = make.folder / "killed.sock"
    port = free_port()
    first = serve(listen=f"127.0.0.1:{port}")
    with first.connect() as client:
        assert client.ask(get()).status == 200
        first.process.process.kill()
        first.process.process.wait()
        first.process.expected_exit = -9
        with pytest.raises((Gone, OSError)):
            client.ask(get())
    assert serve(listen=f"127.0.0.1:{port}").ask(get()).status == 200
    unix = serve(listen=f"unix:{path}")
    unix.process.process.kill()
    unix.process.process.wait()
    unix.process.expected_exit = -9
    assert Path(path).exists()
    assert serve(listen=f"unix:{path}").ask(get()).status == 200


# ---- a bug ---------------------------------------------------------------------------------------

BUG = "a bug in this program ends it; please report this line"


def died_of(process, number):
    process.expected_exit = process.process.wait(PATIENCE)
    assert process.expected_exit == -number
    (line,) = [line for line in process.lines if line["message"] == BUG]
    return line


@pytest.mark.parametrize("host", ["listener", "runtime"])
def test_a_trap_says_where_first(make, serve, host):  # noqa: F811
    """One line with version and address, then death by that signal. Sent from outside, it has no
    address."""
    process = serve().process if host == "listener" else make.runtime().process
    number = signal.SIGILL if os.uname().machine in ("x86_64", "armv7l") else signal.SIGTRAP
    os.kill(process.pid, number)
    line = died_of(process, number)
    version = subprocess.run([BINARY, "--version"], capture_output=True, text=True).stdout.strip()
    assert line["level"] == "ERROR" and line["version"] == version and int(line["address"], 16) == 0


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="writes an instruction of x86-64")
@pytest.mark.parametrize(
    "function", ["listen_accept", "dispatch_run"], ids=["in the loop", "in a worker"]
)
def test_the_address_of_a_trap(make, serve, function):  # noqa: F811
    """Counted from the beginning of the program, as the symbols of the build are."""
    listener = serve(endpoint=make.endpoint())
    place = address_of(function)
    maps = Path(f"/proc/{listener.process.pid}/maps").read_text().splitlines()
    start = min(
        int(line.split("-")[0], 16) for line in maps if line.endswith("/slack-lambda-gateway")
    )
    with open(f"/proc/{listener.process.pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(start + place)
        memory.write(b"\x0f\x0b")
    with (
        contextlib.suppress(ConnectionError),
        listener.connect() as client,
    ):  # it may be gone before the request is sent
        client.send(signed())
    assert int(died_of(listener.process, signal.SIGILL)["address"], 16) == place


def address_of(function):
    unstripped = Path(f"{BINARY}.debug")
    symbols = subprocess.run(
        ["nm", unstripped if unstripped.exists() else BINARY], capture_output=True, text=True
    ).stdout
    (line,) = [
        line
        for line in symbols.splitlines()
        if line.endswith(f" T {function}") or line.endswith(f" t {function}")
    ]
    return int(line.split()[0], 16)
