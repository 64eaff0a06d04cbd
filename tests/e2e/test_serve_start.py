"""How the listener starts: where it listens, options over variables, and what it refuses to start
with."""

import fcntl
import os
import socket
import stat
import tempfile

import pytest

from support import slack
from support.listener import Client, environment, free_port, get, serve  # noqa: F401
from support.process import Process
from support.wire import eventually

STARTED = "Lambda function my-fn@eu-west-1 has been started..."


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


def test_default_address(make, serve):  # noqa: F811
    """127.0.0.1:8080, if it is free here."""
    with socket.socket() as sock:
        if sock.connect_ex(("127.0.0.1", 8080)) == 0:
            pytest.skip("somebody listens on port 8080 of this machine")
    listener = serve(listen=None, wait=False)
    assert eventually(lambda: not listener.process.alive or listener.listening())
    if not listener.process.alive:
        listener.process.wait_exit()
        pytest.skip("port 8080 was taken meanwhile")
    assert listener.address == ("127.0.0.1", 8080)


def test_port_0_takes_a_free_one(serve):  # noqa: F811
    first, second = serve(), serve()
    assert (
        first.address[0] == second.address[0] == "127.0.0.1"
        and first.address[1] != second.address[1]
    )
    assert first.ask(get()).status == second.ask(get()).status == 200


def test_port_alone_is_all_addresses(serve):  # noqa: F811
    port = free_port()
    listener = serve(listen=None, PORT=str(port))
    (line,) = [line for line in listener.process.lines if line["message"] == "listening"]
    assert line["address"] == f"0.0.0.0:{port}" and line["for"] == "requests"
    assert listener.ask(get()).status == 200


def test_listen_beats_port(serve):  # noqa: F811
    port = free_port()
    listener = serve(PORT=str(port))
    assert listener.address[0] == "127.0.0.1" and listener.address[1] != port


def test_variable_and_option(serve):  # noqa: F811
    ports = free_port(), free_port()
    assert serve(listen=None, GATEWAY_LISTEN=f"127.0.0.1:{ports[0]}").address[1] == ports[0]
    over = serve(
        f"--listen=127.0.0.1:{ports[1]}", listen=None, GATEWAY_LISTEN=f"127.0.0.1:{ports[0]}"
    )
    assert over.address[1] == ports[1]


def test_options_over_variables(make, serve):  # noqa: F811
    endpoint = make.endpoint()
    listener = serve(
        "--allow", "eu-west-1/my-*", "--ack-text=ok {function}", "--ack-type", "in_channel",
        "--base-path=/slack", "--log-level", "debug",
        endpoint=endpoint, GATEWAY_ALLOW="*/nothing", GATEWAY_ACK_TEXT="no",
        GATEWAY_LOG_LEVEL="error",
    )  # fmt: skip
    answer = listener.ask(slack.command("/slack/eu-west-1/my-fn"))
    assert answer.body == b'{"response_type":"in_channel","text":"ok my-fn"}'


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_ipv6(make, serve):  # noqa: F811
    listener = serve(listen="[::1]:0", endpoint=make.endpoint())
    assert listener.text(slack.command()) == STARTED
    assert listener.wait_for_requests(1)[0]["remote"] == "::1"


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_ipv6_any_takes_ipv4_too(make, serve):  # noqa: F811
    listener = serve(listen="[::]:0", endpoint=make.endpoint())
    assert listener.process.lines[-1]["address"].startswith("[::]:")
    assert listener.text(slack.command()) == STARTED
    listener.address = ("127.0.0.1", listener.address[1])
    assert listener.text(slack.command()) == STARTED
    assert [line["remote"] for line in listener.wait_for_requests(2)] == ["::1", "127.0.0.1"]


def test_unix_socket(make, serve):  # noqa: F811
    path = make.folder / "gateway.sock"
    listener = serve(listen=f"unix:{path}", endpoint=make.endpoint())
    assert listener.address == str(path)
    assert listener.text(slack.command()) == STARTED
    assert "remote" not in listener.wait_for_requests(1)[0]
    assert listener.stop() == 0
    # What it leaves behind is in nobody's way.
    again = serve(listen=f"unix:{path}", endpoint=make.endpoint())
    assert again.text(slack.command()) == STARTED


def test_unix_socket_for_a_group_of_others(serve):  # noqa: F811
    """One whose rights cannot be set leaves no file behind."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        wrapper = (
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            if os.geteuid() == 0
            else []
        )
        listener = serve(
            listen=f"unix:{folder}/gateway.sock,group=root", wait=False, wrapper=wrapper
        )
        assert listener.process.wait_exit() == 1
        assert "Operation not permitted" in listener.process.lines[-1]["reason"] and not os.listdir(
            folder
        )


def test_unix_socket_in_use_is_left_alone(make, serve):  # noqa: F811
    path = make.folder / "gateway.sock"
    first = serve(listen=f"unix:{path}")
    second = serve(listen=f"unix:{path}", wait=False)
    assert second.process.wait_exit() == 1
    assert "in use" in second.process.lines[-1]["reason"]
    assert first.ask(get()).status == 200


def test_two_that_start_at_one_moment(make, serve):  # noqa: F811
    """On a socket that another left behind. One removes it, slowly; the other waits for that."""
    path = make.folder / "gateway.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    slow = [
        "strace", "-DDD", "-f", "-qq", "-o", str(make.folder / "strace"), "-e",
        "trace=?unlink,?unlinkat", "-e", "inject=?unlink,?unlinkat:delay_enter=1000000",
    ]
    first = serve(listen=f"unix:{path}", wait=False, wrapper=slow)
    trace = make.folder / "strace"
    # A sanitizer removes files of its own.
    assert eventually(lambda: trace.exists() and path.name in trace.read_text())
    second = serve(listen=f"unix:{path}", wait=False)
    assert second.process.wait_exit() == 1
    assert "in use" in second.process.lines[-1]["reason"]
    first.process.wait_for_log("listening")
    with Client(str(path)) as client:
        assert client.ask(get()).status == 200


def test_directory_that_another_keeps_locked(make, serve):  # noqa: F811
    folder = os.open(make.folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    serve(listen=f"unix:{make.folder / 'gateway.sock'}")
    os.close(folder)


def test_file_that_is_no_socket_is_left_alone(make, serve):  # noqa: F811
    path = make.folder / "notes"
    path.write_text("mine")
    listener = serve(listen=f"unix:{path}", wait=False)
    assert listener.process.wait_exit() == 1
    assert path.read_text() == "mine" and stat.S_ISREG(path.stat().st_mode)


def test_address_in_use(serve):  # noqa: F811
    first = serve()
    second = serve(listen=f"127.0.0.1:{first.address[1]}", wait=False)
    assert second.process.wait_exit() == 1
    assert f"127.0.0.1:{first.address[1]}" in second.process.lines[-1]["reason"]


def test_address_of_another_machine(serve):  # noqa: F811
    listener = serve(listen="192.0.2.1:0", wait=False)
    assert listener.process.wait_exit() == 1
    assert "192.0.2.1:0" in listener.process.lines[-1]["reason"]


# ---- what is refused -----------------------------------------------------------------------------

REFUSED = {
    "port too large": (["--listen", "127.0.0.1:65536"], {},
        ["--listen: ", "127.0.0.1:65536", "ADDRESS:PORT"]),
    "no port": (["--listen", "127.0.0.1"], {}, ["127.0.0.1", "ADDRESS:PORT"]),
    "port alone in listen": (["--listen", "8080"], {}, ["8080", "ADDRESS:PORT"]),
    "name": (["--listen", "example.test:80"], {}, ["example.test:80"]),
    "ipv6 without brackets": (["--listen", "::1:80"], {}, ["::1:80"]),
    "ipv4 in brackets": (["--listen", "[127.0.0.1]:80"], {}, ["[127.0.0.1]:80"]),
    "relative socket": (["--listen", "unix:gateway.sock"], {}, ["unix:gateway.sock", "absolute"]),
    "long socket": (["--listen", "unix:/" + "x" * 200], {}, ["unix:/", "107"]),
    "metrics address": (["--metrics-listen", "nowhere"], {},
        ["--metrics-listen: ", "nowhere", "ADDRESS:PORT"]),
    "PORT": ([], {"PORT": "http"}, ["PORT", "http", "65535"]),
    "PORT too large": ([], {"PORT": "70000"}, ["PORT", "70000", "65535"]),
    "workers": (["--workers", "0"], {}, ["--workers=0 ", "1024"]),
    "workers that are no number":
        ([], {"GATEWAY_WORKERS": "many"}, ["GATEWAY_WORKERS", "many", "1024"]),
    "unknown option": (["--lsten", "127.0.0.1:0"], {},
        ["unknown option --lsten; did you mean --listen?"]),
    "not an option": (["listen"], {}, ["listen"]),
    "option without value": (["--listen"], {}, ["--listen", "value"]),
    "directory that is not there": (["--functions", "/nonexistent"], {}, ["/nonexistent"]),
    "directory that is a file":
        (["--functions", "/etc/passwd"], {}, ["GATEWAY_FUNCTIONS", "directory"]),
    "function timeout": (["--functions", "/tmp", "--function-timeout", "0"], {},
        ["--function-timeout=0 ", "86400"]),
    "function limit": (["--functions", "/tmp", "--function-limit", "x"], {},
        ["--function-limit=x "]),
    "function environment":
        (["--functions", "/tmp", "--function-env", "A,,B"], {}, ["GATEWAY_FUNCTION_ENV"]),
    "unknown variable": ([], {"GATEWAY_LISTENS": "x"},
        ["unknown variable GATEWAY_LISTENS; did you mean GATEWAY_LISTEN?"]),
    "no secret": ([], {"SLACK_SIGNING_SECRET": None}, ["SLACK_SIGNING_SECRET"]),
}  # fmt: skip


FILES = {"directory that is not there", "directory that is a file"}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_at_start(make, name):
    arguments, changes, wanted = REFUSED[name]
    if "listen" not in str(arguments) and "PORT" not in changes:
        arguments = [*arguments, "--listen", "127.0.0.1:0"]
    env = environment(**{"GATEWAY_LISTEN": None, **changes})
    process = RawProcess(make.folder / "task", env, args=["serve", *arguments])
    make.keep(process)
    assert process.wait_exit() == (1 if name in FILES else 2)
    text = process.partial_text()
    assert text.count("\n") == 1, text
    for part in wanted:
        assert part in text, text


class RawProcess(Process):
    """One whose complaint is a line for people, or a line of the log."""

    def take(self, raw):
        self.text = getattr(self, "text", b"") + raw

    def partial_text(self):
        return self.text.decode()


def test_misspelt_option_with_a_value_that_is_a_secret_does_not_show_it(make):
    process = RawProcess(
        make.folder / "task", environment(),
        args=["serve", f"--slack-signing-secret={slack.SECRET}"],
    )
    make.keep(process)
    assert process.wait_exit() == 2
    assert (
        slack.SECRET not in process.partial_text()
        and "--slack-signing-secret" in process.partial_text()
    )


def test_kubernetes_variables_do_no_harm(serve):  # noqa: F811
    env = {
        "GATEWAY_SERVICE_HOST": "10.0.0.1",
        "GATEWAY_SERVICE_PORT": "80",
        "GATEWAY_SERVICE_PORT_HTTP": "80",
        "GATEWAY_PORT": "tcp://10.0.0.1:80",
        "GATEWAY_PORT_80_TCP": "tcp://10.0.0.1:80",
        "GATEWAY_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert serve(**env).ask(get()).status == 200


def test_insecure_is_logged(serve):  # noqa: F811
    listener = serve(GATEWAY_INSECURE_SKIP_VERIFY="1")
    assert listener.process.logged("WARN")[0]["message"].startswith(
        "GATEWAY_INSECURE_SKIP_VERIFY=1"
    )


# ---- as little as it needs -----------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_as_an_ordinary_user(make, serve):  # noqa: F811
    make.folder.chmod(0o755)
    for folder in make.folder.parents:
        if str(folder) != "/tmp" and "pytest" in str(folder):
            folder.chmod(0o755)
    wrapper = [
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
        "--inh-caps=-all",
    ]
    listener = serve(endpoint=make.endpoint(), wrapper=wrapper)
    with open(f"/proc/{listener.process.pid}/status") as status:
        assert "Uid:\t65534\t65534\t65534\t65534" in status.read()
    assert listener.text(slack.command()) == STARTED
    assert listener.stop() == 0


def test_in_little_memory(make, serve):  # noqa: F811
    """What it sets aside for the worst case is not what it uses."""
    listener = serve(endpoint=make.endpoint())
    for _ in range(50):
        assert listener.text(slack.command()) == STARTED
    assert listener.rss_kib() < 12 * 1024


def test_two_addresses_do_not_mix(serve):  # noqa: F811
    listener = serve(metrics=True)
    assert listener.ask(get("/metrics")).status == 405
    with Client(listener.metrics_address) as client:
        assert client.ask(get("/healthz")).status == 404
    with Client(listener.metrics_address) as client:
        assert client.ask(get("/metrics")).status == 200
