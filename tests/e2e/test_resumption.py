"""TLS sessions that are taken up again: what that spares, and what it is bound to."""

import os
import signal
import ssl
import time

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.hand_made_tls import EMS, HandMade
from support.wire import eventually

STARTED = "Lambda function my-fn@eu-west-1 has been started..."
NO_EMS = 1  # SSL_OP_NO_EXTENDED_MASTER_SECRET, which Python does not name
TICKET = b"a ticket" * 20


def freeze(process):
    os.kill(process.pid, signal.SIGSTOP)
    assert eventually(
        lambda: open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()[0] == "T"
    )


# ---- with OpenSSL --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
@pytest.mark.parametrize("ems", [True, False], ids=["ems", "no-ems"])
@pytest.mark.parametrize("suite", ["AES128", "AES256", "CHACHA20"])
def test_a_connection_that_died_while_the_sandbox_was_frozen(make, pki, kind, ems, suite):
    tls = pki.server(pki.leaf(kind), f"ECDHE+{suite}")
    tls.options |= 0 if ems else NO_EMS
    runtime = make.runtime(endpoint=make.endpoint(tls=tls, name="localhost"))
    for _ in range(3):
        assert runtime.text(slack.command()) == STARTED
        runtime.settled()
        freeze(runtime.process)
        link = runtime.endpoint.links[-1]
        runtime.endpoint.drop_kept()
        assert eventually(lambda link=link: link.ended)
        os.kill(runtime.process.pid, signal.SIGCONT)
    assert runtime.text(slack.command()) == STARTED
    # The first that a server with ECDSA alone sees is an offer that it declines; a busy machine may
    # give up the connection that is made in advance.
    assert [link.resumed for link in runtime.endpoint.links if link.requests] == [
        False, True, True, True,
    ]
    assert len(runtime.endpoint.requests) == 4


def test_by_id_where_there_are_no_tickets(make, pki):
    """The server ends its connections in good order; OpenSSL forgets such a session otherwise."""
    tls = pki.server()
    tls.options |= ssl.OP_NO_TICKET
    runtime = make.runtime(
        endpoint=make.endpoint(
            tls=tls, name="localhost", default=peer.close_notify(peer.accepted())
        )
    )
    for i in range(3):
        assert runtime.text(slack.command()) == STARTED
        runtime.settled()
        assert eventually(lambda: runtime.endpoint.links[-1].ended)
    assert [link.resumed for link in runtime.endpoint.links if link.requests] == [
        False, True, True,
    ]


@pytest.mark.parametrize("first, resumed", [(True, 0), (False, 1)], ids=["lost", "gained"])
def test_a_server_that_changes_its_mind_about_ems(make, pki, first, resumed):
    """RFC 7627, 5.3: a session stays as it began. OpenSSL refuses in one case, and begins a new
    session in the other; after a refusal the program begins one itself."""
    tls = pki.server()
    tls.options |= 0 if first else NO_EMS
    runtime = make.runtime(endpoint=make.endpoint(tls=tls, name="localhost"))
    assert runtime.text(slack.command()) == STARTED
    runtime.settled()
    tls.options ^= NO_EMS
    runtime.endpoint.drop_kept()
    assert eventually(lambda: runtime.endpoint.links[-1].ended)
    assert runtime.text(slack.command()) == STARTED
    assert not runtime.endpoint.links[-1].resumed
    assert [bool(link.fault) for link in runtime.endpoint.links] == [False] + (
        [True] if first else []
    ) + [False]


# ---- with a server that does what it is told -----------------------------------------------------


class Talk:
    """A gateway and its peer. `ask` is one command, and the peer ends the connection behind the
    answer."""

    def __init__(self, make, pki, **manners):
        self.peer = make.keep(HandMade(pki.leaf(), open_now=False))
        self.change(**manners)
        self.runtime = make.runtime(
            endpoint=make.endpoint(open_now=False),
            AWS_ENDPOINT_URL_LAMBDA=f"https://localhost:{self.peer.port}",
            AWS_CA_BUNDLE=pki.bundle(),
        )
        self.peer.open()

    def change(self, **manners):
        for name, value in manners.items():
            assert hasattr(self.peer, name)
            setattr(self.peer, name, value)

    def ask(self):
        text = self.runtime.text(slack.command())
        self.runtime.settled()
        return text

    @property
    def tickets(self):
        return [hello.ticket for hello in self.peer.hellos]


@pytest.fixture
def talk(make, pki):
    return lambda **manners: Talk(make, pki, **manners)


@pytest.mark.parametrize("ems", [True, False], ids=["ems", "no-ems"])
@pytest.mark.parametrize("pieces", [False, True], ids=["whole", "pieces"])
def test_tickets(talk, ems, pieces):
    t = talk(ems=ems, ticket=TICKET, pieces=pieces)
    for _ in range(4):
        assert t.ask() == STARTED
    assert t.peer.resumed == [False, True, True, True]
    assert t.tickets == [b"", TICKET, TICKET, TICKET]
    assert all(hello.extensions[EMS] == b"" for hello in t.peer.hellos)
    # By its id the client knows that its ticket is accepted; an id that was used before would link
    # connections.
    ids = [hello.session_id for hello in t.peer.hellos]
    assert [len(i) for i in ids] == [0, 32, 32, 32] and len(set(ids)) == 4
    assert len(t.peer.requests) == 4


@pytest.mark.parametrize("ems", [True, False], ids=["ems", "no-ems"])
@pytest.mark.parametrize("size", [1, 16, 32])
def test_ids(talk, ems, size):
    t = talk(ems=ems, session_id=b"i" * size)
    for _ in range(3):
        assert t.ask() == STARTED
    assert t.peer.resumed == [False, True, True]
    assert t.tickets == [b"", b"", b""]


def test_a_ticket_beats_an_id(talk):
    t = talk(session_id=b"i" * 32, ticket=TICKET)
    for _ in range(3):
        assert t.ask() == STARTED
    assert t.peer.resumed == [False, True, True] and t.tickets == [b"", TICKET, TICKET]
    assert b"i" * 32 not in [hello.session_id for hello in t.peer.hellos]


def test_a_ticket_that_is_renewed(talk):
    t = talk(ticket=TICKET, renewed=b"second")
    assert t.ask() == t.ask() == STARTED
    t.change(renewed=b"third")
    assert t.ask() == t.ask() == STARTED
    assert t.tickets == [b"", TICKET, b"second", b"third"] and t.peer.resumed == [
        False, True, True, True,
    ]


def test_a_ticket_that_is_taken_back(talk):
    t = talk(ticket=TICKET, renewed=b"")
    assert t.ask() == t.ask() == t.ask() == STARTED
    assert t.peer.resumed[:2] == [False, True] and t.tickets[:2] == [b"", TICKET]
    # What is left is the id under which it was resumed, which means nothing to the server.
    assert t.peer.resumed[2:] == [False] and t.tickets[2:] == [b""]


def test_a_ticket_that_is_not_accepted(talk):
    t = talk(ticket=TICKET)
    assert t.ask() == STARTED
    t.change(accepts=False, ticket=b"another")
    assert t.ask() == t.ask() == STARTED
    t.change(ticket=None)
    assert t.ask() == t.ask() == STARTED
    assert t.tickets == [b"", TICKET, b"another", b"another", b""] and not any(t.peer.resumed)


@pytest.mark.parametrize(
    "size, kept", [(1, True), (1024, True), (1025, False), (65535, False), (0, False)]
)
@pytest.mark.parametrize("pieces", [False, True], ids=["whole", "pieces"])
def test_tickets_of_every_size(talk, size, kept, pieces):
    t = talk(ticket=b"t" * size, pieces=pieces)
    assert t.ask() == t.ask() == STARTED
    assert t.tickets == [b"", b"t" * size if kept else b""] and t.peer.resumed == [False, kept]


def test_a_ticket_that_is_meant_for_a_second(talk):
    t = talk(ticket=TICKET, lifetime=1)
    assert t.ask() == STARTED
    time.sleep(1.1)
    assert t.ask() == STARTED
    assert t.tickets == [b"", b""]


@pytest.mark.parametrize(
    "manners",
    [
        dict(ticket=TICKET, announced=False),
        dict(ticket=None, announced=True),
        dict(ticket=TICKET, trailing=b"x"),
        dict(ticket=TICKET, bad_finished=True),
    ],
    ids=["not-announced", "announced-only", "trailing", "finished"],
)
def test_a_server_that_gives_tickets_wrongly(talk, manners):
    t = talk(**manners)
    assert "could not be started" in t.ask()
    assert not t.peer.requests
    t.change(ticket=TICKET, announced=None, trailing=b"", bad_finished=False, sessions=[])
    assert t.ask() == STARTED
    assert set(t.tickets) == {b""}


@pytest.mark.parametrize("ems", [True, False], ids=["lost", "gained"])
def test_a_server_that_resumes_with_the_other_kind_of_secret(talk, ems):
    """Nothing is sent on such a connection; on the next the session is forgotten."""
    t = talk(ems=ems, ticket=TICKET)
    assert t.ask() == STARTED
    t.change(ems_when_resuming=not ems)
    assert t.ask() == STARTED
    assert t.peer.resumed == [False, True, False] and t.tickets == [b"", TICKET, b""]
    assert len(t.peer.requests) == 2


def test_a_server_that_does_not_know_the_secret(talk):
    """It has stolen a ticket, and cannot tell what is in it."""
    t = talk(ticket=TICKET)
    assert t.ask() == STARTED
    t.peer.sessions[0].master = bytes(48)
    assert t.ask() == STARTED
    assert t.peer.resumed == [False, True, False] and t.tickets == [b"", TICKET, b""]
    assert len(t.peer.requests) == 2
