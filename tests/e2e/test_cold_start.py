"""What the system sees: files, connections and calls, before the first event and during one."""

import os
import re
from pathlib import Path

import pytest

from support import slack
from support.front_doors import URL
from support.listener import children_of
from support.wire import eventually

CALL = re.compile(r"^\s*(?:\d+\s+)?(?:[\d.:]+\s+)?(?P<name>\w+)\((?P<rest>.*)$")


def traced(make, folder, calls, endpoint, **env):
    trace = folder / "trace"
    runtime = make.runtime(
        endpoint=endpoint,
        wrapper=["strace", "-f", "-qq", "-s", "64", "-o", str(trace), "-e", "trace=" + calls],
        wait=False,
        **env,
    )
    runtime.api.wait_for_next()
    return runtime, trace


def asleep(runtime):
    """Whether all threads of the traced program wait inside a call, and not for the tracer: it has
    written down all calls before."""
    (pid,) = children_of(runtime.process.pid)
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return all((task / "stat").read_text().rpartition(") ")[2][0] == "S" for task in tasks)


def read(trace):
    return [line for line in trace.read_text(errors="replace").splitlines() if CALL.match(line)]


def name_of(line):
    return CALL.match(line)["name"]


@pytest.mark.parametrize("where", ["address", "name"])
def test_no_file_is_opened(make, tmp_path, where):
    name = {"address": "127.0.0.1", "name": "localhost"}[where]
    runtime, trace = traced(
        make,
        tmp_path,
        "openat,open,stat,statx,newfstatat,access,faccessat,readlink,readlinkat,execve,fork,vfork,"
        "clone,clone3,mmap",
        make.endpoint(name=name),
    )
    assert "has been started" in runtime.text(slack.command())
    allowed = ("/etc/resolv.conf", "/etc/hosts")
    lines = [
        line
        for line in read(trace)
        if name_of(line)
        in (
            "openat", "open", "stat", "statx", "newfstatat", "access", "faccessat", "readlink",
            "readlinkat",
        )
    ]
    assert not [line for line in lines if not any(path in line for path in allowed)], lines
    assert (
        len([line for line in read(trace) if name_of(line) == "execve" and "ENOENT" not in line])
        == 1
    )


def test_only_the_bundle_is_opened(make, tmp_path, pki):
    runtime, trace = traced(make, tmp_path, "openat,open", make.endpoint(tls=True))
    assert "has been started" in runtime.text(slack.command())
    opened = [
        line for line in read(trace) if "/etc/hosts" not in line and "/etc/resolv.conf" not in line
    ]
    assert len(opened) == 1 and pki.bundle() in opened[0], opened


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("size", [0, 9000], ids=["short", "longer"])
def test_a_warm_event_costs_little(make, tmp_path, tls, size):
    """No connection, no memory, no file, no thread; one write for each message."""
    runtime, trace = traced(
        make, tmp_path, "network,desc,memory,process,file", make.endpoint(tls=tls),
        GATEWAY_LOG_LEVEL="error"
    )
    request = lambda: slack.command(fields={"text": "x" * size})
    for _ in range(3):
        assert "has been started" in runtime.text(request())
        runtime.settled()
    assert eventually(lambda: asleep(runtime))
    before = len(read(trace))
    assert "has been started" in runtime.text(request())
    runtime.settled()
    assert eventually(lambda: asleep(runtime))
    lines = read(trace)[before:]
    names = [name_of(line) for line in lines]
    for name in (
        "socket",
        "connect",
        "mmap",
        "munmap",
        "brk",
        "mprotect",
        "madvise",
        "mremap",
        "openat",
        "open",
        "close",
        "clone",
        "clone3",
        "setsockopt",
        "dup",
        "fcntl",
    ):
        assert name not in names, lines
    writes = [
        line
        for line, name in zip(lines, names)
        if name in ("write", "writev", "sendto", "sendmsg", "sendmmsg")
    ]
    assert len(writes) == 3, writes
    assert len(names) <= 30, lines


def test_one_connection_each_before_the_first_event(make, tmp_path):
    endpoint = make.endpoint(tls=True)
    runtime, trace = traced(make, tmp_path, "connect,sendto,write,writev,sendmsg", endpoint)
    assert eventually(lambda: endpoint.links and endpoint.links[0].handshake)
    runtime.text(slack.command())
    runtime.text(slack.command())
    connects = [line for line in read(trace) if name_of(line) == "connect" and "AF_INET" in line]
    assert len(connects) == 2, connects
    assert len(endpoint.links) == 1 and len(endpoint.links[0].requests) == 2


def test_a_server_with_ecdsa_alone_is_warm_before_the_first_event(make, pki):
    """It declines the first offer; the second connection is the one that is kept."""
    endpoint = make.endpoint(tls=pki.server(pki.leaf("p256")))
    runtime = make.runtime(endpoint=endpoint)
    assert eventually(lambda: len(endpoint.links) == 2 and endpoint.links[1].handshake)
    runtime.text(slack.command())
    assert len(endpoint.links) == 2 and len(endpoint.links[1].requests) == 1


def test_the_first_next_comes_soon(make):
    times = []
    for _ in range(5):
        runtime = make.runtime(endpoint=make.endpoint(tls=True))
        process = runtime.process
        times.append(runtime.api.nexts[0] - process.started - process.held.seconds)
    assert sorted(times)[2] < 0.15, times


def memory_kib(runtime, what):
    with open(f"/proc/{runtime.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what))


def test_little_memory_is_touched_before_the_first_event(make):
    """With the connection made ahead, and what the kernel maps of the file around what is touched.
    """
    endpoint = make.endpoint(tls=True)
    runtime = make.runtime(endpoint=endpoint)
    assert eventually(lambda: runtime.api.nexts and endpoint.links and endpoint.links[0].handshake)
    assert memory_kib(runtime, "VmHWM") < 512


def test_small(make):
    """Resident memory after some work: far below the least that Lambda offers."""
    runtime = make.runtime(endpoint=make.endpoint(tls=True))
    for _ in range(5):
        runtime.text(slack.command())
    assert memory_kib(runtime, "VmRSS") < 1024


def test_descriptors_are_not_inherited_and_few(make):
    runtime = make.runtime(endpoint=make.endpoint(tls=True))
    runtime.text(slack.command())
    runtime.settled()
    assert len(os.listdir(f"/proc/{runtime.process.pid}/fd")) <= 6


def test_signals_of_a_broken_pipe_do_not_kill(make):
    """Peers that vanish in the middle of a write, again and again."""
    endpoint = make.endpoint(open_now=False, at_head=lambda visit: visit.wire.reset())
    runtime = make.runtime(endpoint=endpoint)
    endpoint.open()
    big = slack.SlackRequest(b"command=%2Fx&text=" + b"a" * 800000)
    for _ in range(3):
        assert URL.read(runtime.send(big).reply)[0] == 200
    assert runtime.process.alive
