"""Settings of the listener: how many connections, who is behind a proxy, where administrators look,
a socket's rights."""

import grp
import os
import stat
import subprocess
import threading
import time

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.listener import Client, get, parse_address, serve, wire_form  # noqa: F401
from support.process import BINARY
from support.wire import eventually


def refused(*args, **env):
    """What a start that fails says; its exit code."""
    env = {"PATH": "/usr/bin:/bin", "SLACK_SIGNING_SECRET": slack.SECRET, **env}
    run = subprocess.run(
        [BINARY, "serve", *args], env=env, capture_output=True, text=True, timeout=10
    )
    assert run.stdout == "" and run.stderr.count("\n") == 1, run
    return run.returncode, run.stderr


def umask():
    """The one of this process, which cannot be asked for without setting it."""
    with open("/proc/self/status", encoding="ascii") as f:
        return next(int(line.split()[1], 8) for line in f if line.startswith("Umask:"))


def address_for(listener, use):
    line = listener.process.wait_for_log(f'"for": "{use}"')
    return parse_address(line["address"])


def test_admin_address(serve):  # noqa: F811
    listener = serve("--admin-listen", "127.0.0.1:0")
    admin = address_for(listener, "admin")
    for path, status in [
        ("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/eu-west-1/my-fn", 404),
    ]:
        with Client(admin) as client:
            assert client.ask(get(path)).status == status, path
    with Client(admin) as client:
        assert client.ask(wire_form(slack.command())).status == 404
    assert listener.ask(get("/readyz")).status == 200
    assert listener.ask(get("/metrics")).status == 405
    assert not [line for line in listener.process.lines if "other machines" in line["message"]]


def test_admin_address_that_others_reach(serve):  # noqa: F811
    listener = serve("--admin-listen", "0.0.0.0:0")
    assert listener.process.wait_for_log("other machines")["level"] == "WARN"


def test_health_while_draining(serve, make):  # noqa: F811
    gate = threading.Event()
    endpoint = make.endpoint(default=peer.later(gate, peer.accepted()))
    listener = serve(endpoint=endpoint)
    with listener.connect() as busy, listener.connect() as probe:
        busy.send(wire_form(slack.command()))
        endpoint.wait_for_requests(1)
        probe.send(b"GET /readyz HTTP/1.1\r\n")
        # Its request has begun, so a drain leaves it.
        # Who is served after it proves that it has been read.
        assert listener.ask(get()).status == 200
        listener.process.terminate()
        listener.process.wait_for_log("draining")
        probe.send(b"Host: a\r\n\r\n")
        assert probe.answer().status == 503
        gate.set()
        assert busy.answer().status == 200
    assert listener.process.wait_exit() == 0


@pytest.mark.parametrize(
    "peer_fields, remote",
    [
        (["X-Forwarded-For: 203.0.113.9"], "203.0.113.9"),
        (["X-Forwarded-For: 198.51.100.1, 203.0.113.9, 127.0.0.2"], "203.0.113.9"),
        (["X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 2001:db8::1"], "2001:db8::1"),
        (["X-Forwarded-For: 203.0.113.9, unknown"], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)
def test_trusted_proxies(serve, peer_fields, remote):  # noqa: F811
    listener = serve(GATEWAY_TRUSTED_PROXIES="10.0.0.0/8, 127.0.0.0/8")
    assert listener.ask(get("/x", fields=peer_fields)).status == 405
    (line,) = listener.wait_for_requests(1)
    assert line["remote"] == remote


def test_nobody_is_believed_without_trust(serve):  # noqa: F811
    listener = serve(GATEWAY_TRUSTED_PROXIES="10.0.0.0/8")
    assert listener.ask(get("/x", fields=["X-Forwarded-For: 203.0.113.9"])).status == 405
    (line,) = listener.wait_for_requests(1)
    assert line["remote"] == "127.0.0.1"


def test_idle_time(serve):  # noqa: F811
    listener = serve("--idle-timeout", "1")
    with listener.connect() as client:
        began = time.monotonic()
        assert client.ask(get()).status == 200
        assert client.end() == "closed"
        assert 0.9 < time.monotonic() - began < 60, "75 s is how long it is otherwise"


@pytest.mark.parametrize("mode", ["0600", "0660", "777"])
def test_rights_of_a_unix_socket(make, serve, mode):  # noqa: F811
    path = make.folder / "gateway.sock"
    group = grp.getgrgid(os.getgid()).gr_name
    listener = serve(listen=f"unix:{path},mode={mode},group={group}", wait=False)
    line = listener.process.wait_for_log("listening")
    assert line["address"] == f"unix:{path}"
    found = path.stat()
    assert stat.S_IMODE(found.st_mode) == int(mode, 8) and found.st_gid == os.getgid()
    listener.address = str(path)
    assert listener.ask(get()).status == 200


def test_umask_of_a_unix_socket(make, serve):  # noqa: F811
    """It is for the socket alone: what a credential_process makes meanwhile keeps its own rights.
    """
    helper, told = make.folder / "helper", make.folder / "umask"
    helper.write_text(f"#!/bin/sh\numask >{told}.new && mv {told}.new {told}\n")
    helper.chmod(0o755)
    config = make.folder / "config"
    config.write_text(f"[default]\ncredential_process = {helper}\n")
    serve(
        listen=f"unix:{make.folder}/gateway.sock,mode=0660",
        wait=False,
        wrapper=[
            "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=bind", "-e",
            "inject=bind:delay_exit=500000",
        ],
        AWS_CONFIG_FILE=str(config),
        AWS_ACCESS_KEY_ID=None,
        AWS_SECRET_ACCESS_KEY=None,
        AWS_SESSION_TOKEN=None,
    )
    assert eventually(told.exists)
    assert int(told.read_text(), 8) == umask()


@pytest.mark.parametrize("options", ["mode=888", "mode=", "mode=1000", "group=", "owner=root", "x"])
def test_rights_that_make_no_sense(tmp_path, options):
    code, said = refused("--listen", f"unix:{tmp_path}/gateway.sock,{options}")
    assert code == 2 and "--listen: " in said and "mode=0660 (octal)" in said


def test_group_that_nobody_knows(make, serve):  # noqa: F811
    listener = serve(listen=f"unix:{make.folder}/gateway.sock,group=no-such-group", wait=False)
    assert listener.process.wait_exit() == 1
    assert (
        "no-such-group is not in /etc/group"
        in listener.process.wait_for_log("cannot start")["reason"]
    )


@pytest.mark.parametrize(
    "name, value", [("CONNECTIONS", "15"), ("CONNECTIONS", "many"), ("IDLE_TIMEOUT", "0"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
                    ("TRUSTED_PROXIES", "proxy.test"), ("ADMIN_LISTEN", "8080")],
)  # fmt: skip
def test_values_that_cannot_be_used(name, value):
    code, said = refused(**{f"GATEWAY_{name}": value})
    assert code == 2 and f"GATEWAY_{name}" in said


def test_as_many_connections_as_are_wanted(serve):  # noqa: F811
    """The seventeenth takes the place of the first that has signed nothing."""
    listener = serve(GATEWAY_CONNECTIONS="16")
    crowd = [listener.connect() for _ in range(16)]
    assert crowd[-1].ask(get()).status == 200
    with listener.connect() as client:
        assert client.ask(get()).status == 200
        assert eventually(crowd[0].peer_left) and not crowd[1].peer_left()
    for client in crowd:
        client.sock.close()


@pytest.mark.parametrize("files", range(4, 33, 4))
def test_too_few_files(serve, files):  # noqa: F811
    """A sentence and exit 1, not an illegal instruction."""
    listener = serve(wait=False, wrapper=["prlimit", f"--nofile={files}:{files}"])
    if files < 32:
        assert listener.process.wait_exit() == 1
        assert "raise it" in listener.process.wait_for_log("cannot start")["reason"]
    else:
        listener.wait()
        assert listener.ask(get()).status == 200


def test_starts_in_little_memory(make, serve):  # noqa: F811
    """64 MiB of data, and everything is served: commands, large interactions, several at once."""
    listener = serve(
        endpoint=make.endpoint(), GATEWAY_CONNECTIONS="256",
        wrapper=["prlimit", f"--data={64 << 20}"],
    )
    large = slack.interaction("block_actions", members={"big": "x" * 900_000})
    for _ in range(5):
        assert listener.ask(slack.command()).status == 200
        assert listener.ask(large).status == 200


def test_too_little_memory_is_said(serve):  # noqa: F811
    listener = serve(wait=False, wrapper=["prlimit", f"--data={48 << 20}"])
    assert listener.process.wait_exit() == 1
    assert "no memory" in listener.process.wait_for_log("cannot start")["reason"]
