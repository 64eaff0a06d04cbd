"""`health`: whether the listener that the same settings would start is well."""

import subprocess

import pytest

from support import slack
from support.listener import environment, free_port, serve  # noqa: F401
from support.process import BINARY
from support.wire import PATIENCE, Server, Wire, response
from test_https import https  # noqa: F401


def health(*arguments, **env):
    done = subprocess.run(
        [BINARY, "health", *arguments], env=env, capture_output=True, text=True, timeout=PATIENCE
    )
    assert slack.SECRET not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def test_its_own_listener(serve):  # noqa: F811
    port = free_port()
    env = {"GATEWAY_LISTEN": f"127.0.0.1:{port}"}
    code, _, err = health(**env)
    assert code == 1 and f"nothing answers at 127.0.0.1:{port}" in err
    listener = serve(listen=f"127.0.0.1:{port}")
    assert health(**env) == (0, "ok\n", "") or health(**env)[0] == 0
    assert (
        health(f"http://127.0.0.1:{port}")[0] == health(f"http://127.0.0.1:{port}/healthz")[0] == 0
    )
    assert listener.stop() == 0
    assert health(**env)[0] == 1


@pytest.mark.parametrize("listen", ["0.0.0.0:{}", "[::]:{}", ":{}", None])
def test_every_address_means_loopback(serve, listen):  # noqa: F811
    port = free_port()
    env = {"GATEWAY_LISTEN": listen.format(port)} if listen else {"PORT": str(port)}
    serve(**{"listen": None, **env}) if not listen else serve(listen=listen.format(port))
    assert health(**env)[0] == 0


def test_unix_socket(make, serve):  # noqa: F811
    path = f"unix:{make.folder}/gateway.sock"
    serve(listen=path + ",mode=0600")
    assert health(GATEWAY_LISTEN=path)[0] == 0
    assert health(GATEWAY_LISTEN=path + ",mode=0600")[0] == 0
    assert health(GATEWAY_LISTEN=path + "2")[0] == 1


def test_silence(make):
    class Silent(Server):
        def serve(self, sock):
            self.stopping.wait()

    silent = make.keep(Silent())
    code, _, err = health(GATEWAY_LISTEN=f"127.0.0.1:{silent.port}")
    assert code == 1 and err


def test_not_well(make):
    class Unwell(Server):
        def serve(self, sock):
            wire = Wire(sock)
            wire.read_request()
            wire.send(response(503, b"draining\n"))

    unwell = make.keep(Unwell())
    code, out, err = health(f"http://127.0.0.1:{unwell.port}")
    assert code == 1 and out == "draining\n" and "answered 503" in err


def test_wrong_arguments():
    assert health("a", "b")[0] == health("--x")[0] == 2
    code, _, err = health("not a url")
    assert code == 2 and "URL" in err
    assert health(GATEWAY_LISTEN="nowhere")[0] == 2


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_https_takes_exactly_its_certificate(make, https, kind):  # noqa: F811
    """Whatever names it has and whoever signed it; and no other, even from the same authority."""
    server = https(make.pki.leaf(kind, names=["gateway.example.com"], addresses=[]))
    host, port = server.listener.address
    folder = make.folder
    env = {
        "GATEWAY_LISTEN": f"{host}:{port}", "GATEWAY_TLS_CERT": str(folder / "chain.pem"),
        "GATEWAY_TLS_KEY": str(folder / "key.pem"),
    }
    assert health(**env)[0] == 0
    (folder / "other.pem").write_bytes(
        make.pki.leaf("p256", names=["gateway.example.com"]).chain_pem()
    )
    assert health(**{**env, "GATEWAY_TLS_CERT": str(folder / "other.pem")})[0] == 1
    assert health(**{**env, "GATEWAY_TLS_CERT": str(folder / "nothing.pem")})[0] == 1
    # By its URL it is a server like any other.
    code, _, err = health(f"https://{host}:{port}")
    assert code == 1 and "is not for this name but for gateway.example.com" in err
