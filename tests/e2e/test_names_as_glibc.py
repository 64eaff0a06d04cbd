"""The same resolv.conf, hosts file and name servers, put to glibc's getaddrinfo and to the program:
they find the same addresses, or the case says why not. `check` tells what the program found."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import threading

import pytest

from support import network, signatures, slack
from support.process import BINARY

A, AAAA = 1, 28
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5
SILENT, TRUNCATED = "silent", "truncated"

pytestmark = pytest.mark.skipif(
    not network.available() and not os.environ.get("CI"),
    reason="needs root, for a network of its own with glibc in it",
)


class Upstream:
    """Name servers at port 53 of some addresses of one network. `zones` maps an address to a zone;
    a zone maps a name to addresses, a status, SILENT, TRUNCATED with addresses, ("alias", NAME), or
    {type: one of these}; "*" stands for all other names, which do not exist otherwise. A server
    without a zone says nothing."""

    def __init__(self, net, places):
        self.zones = {}
        for place in places:
            udp, tcp = net.run(lambda: self.sockets(place))
            threading.Thread(target=self.serve_udp, args=(place, udp), daemon=True).start()
            threading.Thread(target=self.serve_tcp, args=(place, tcp), daemon=True).start()

    @staticmethod
    def sockets(place):
        kind = socket.AF_INET6 if ":" in place else socket.AF_INET
        at = (place.partition("%")[0], 53, 0, 1) if ":" in place else (place, 53)
        udp, tcp = socket.socket(kind, socket.SOCK_DGRAM), socket.socket(kind, socket.SOCK_STREAM)
        udp.bind(at)
        tcp.bind(at)
        tcp.listen(8)
        return udp, tcp

    def serve_udp(self, place, udp):
        while True:
            query, peer = udp.recvfrom(2048)
            answer = self.answer(place, query, over_tcp=False)
            if answer:
                udp.sendto(answer, peer)

    def serve_tcp(self, place, tcp):
        while True:
            sock, _ = tcp.accept()
            threading.Thread(target=self.serve_link, args=(place, sock), daemon=True).start()

    def serve_link(self, place, sock):
        with sock, contextlib.suppress(OSError):  # who asked may leave in the middle of it
            while len(size := sock.recv(2, socket.MSG_WAITALL)) == 2:
                answer = self.answer(
                    place, sock.recv(struct.unpack(">H", size)[0], socket.MSG_WAITALL),
                    over_tcp=True,
                )
                if not answer:
                    return
                sock.sendall(struct.pack(">H", len(answer)) + answer)

    def answer(self, place, query, over_tcp):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind, _ = struct.unpack(">HH", query[at + 1 : at + 5])
        question, name = query[12 : at + 5], ".".join(labels).lower()
        zone = self.zones.get(place, {"*": SILENT})
        what = zone.get(name, zone.get("*", NXDOMAIN))
        what = what.get(kind, []) if isinstance(what, dict) else what
        if what == SILENT:
            return None
        flags, records, owner = 0x8180, [], b"\xc0\x0c"
        if isinstance(what, tuple) and what[0] == TRUNCATED:
            flags, what = (flags, what[1]) if over_tcp else (flags | 0x0200, [])
        if isinstance(what, tuple):
            target = (
                b"".join(bytes([len(label)]) + label.encode() for label in what[1].split("."))
                + b"\0"
            )
            records.append(owner + struct.pack(">HHIH", 5, 1, 60, len(target)) + target)
            owner, what = target, zone[what[1]]
        if isinstance(what, int):
            flags, what = flags | what, []
        for address in what:
            if (":" in address) == (kind == AAAA):
                data = socket.inet_pton(
                    socket.AF_INET6 if kind == AAAA else socket.AF_INET, address
                )
                records.append(owner + struct.pack(">HHIH", kind, 1, 60, len(data)) + data)
        return (
            query[:2]
            + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
            + question
            + b"".join(records)
        )


SERVERS = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "fe80::53%lo")
ONE = "nameserver 127.0.0.1\n"
FAST = "options timeout:1 attempts:1\n"
HERE = ["10.0.0.1"]
THERE = ["10.0.0.2"]
ELSEWHERE = ["10.0.0.3"]
KUBERNETES = ONE + "search prod.svc.cluster.test svc.cluster.test cluster.test\noptions ndots:5\n"
LONG_LIST = "search " + " ".join(f"d{i:03}.domain.test" for i in range(120)) + "\n"


class Case:
    """`finds` is what both find, None for nothing; with `why` it is what the program finds, and
    glibc `other`."""

    def __init__(
        self, host, zone, finds, conf=ONE, hosts="127.0.0.1 localhost\n", name="machine", why=None,
        other=None, env=(),
    ):
        self.host, self.finds, self.conf, self.hosts, self.name = host, finds, conf, hosts, name
        self.zones = zone if any(place in zone for place in SERVERS) else {"127.0.0.1": zone}
        self.why, self.other, self.env = why, other, dict(env)


CASES = {
    # as it is
    "IPv4": Case("host.test", {"host.test": HERE}, HERE),
    "IPv6": Case("host.test", {"host.test": ["fd00::1"]}, ["fd00::1"]),
    "both": Case("host.test", {"host.test": ["10.0.0.1", "10.0.0.2", "fd00::1"]},
        ["10.0.0.1", "10.0.0.2", "fd00::1"]),
    "capitals": Case("Host.TEST", {"host.test": HERE}, HERE),
    "no such name": Case("host.test", {}, None),
    "no address": Case("host.test", {"host.test": []}, None),
    "alias": Case("host.test", {"host.test": ("alias", "other.test"), "other.test": HERE}, HERE),
    "alias that leads nowhere":
        Case("host.test", {"host.test": ("alias", "other.test"), "other.test": []}, None),
    "dot at the end": Case("host.test.", {"host.test": HERE}, HERE),
    "dot at the end leaves the list out":
        Case("host.", {"host.a.test": HERE}, None, ONE + "search a.test\n"),
    # variables
    "LOCALDOMAIN": Case("host", {"host.b.test": HERE, "host.a.test": THERE}, HERE,
        ONE + "search a.test\n", env={"LOCALDOMAIN": "b.test"}),
    "LOCALDOMAIN with two": Case("host", {"host.c.test": HERE, "host.a.test": THERE}, HERE,
        ONE + "search a.test\n", env={"LOCALDOMAIN": "b.test\tc.test"}),
    "LOCALDOMAIN to its line end": Case("host", {"host.c.test": HERE}, None,
        ONE + "search a.test\n", env={"LOCALDOMAIN": "b.test\nc.test"}),
    "empty LOCALDOMAIN": Case("host", {"host.a.test": THERE, "host": HERE}, HERE,
        ONE + "search a.test\n", env={"LOCALDOMAIN": ""}),
    "LOCALDOMAIN and a name of its own": Case("host", {"host.own.test": THERE}, None,
        name="machine.own.test", env={"LOCALDOMAIN": ""}),
    "RES_OPTIONS": Case("h.x", {"h.x.a.test": HERE, "h.x": THERE}, HERE, ONE + "search a.test\n",
        env={"RES_OPTIONS": "ndots:2"}),
    "RES_OPTIONS wins": Case("h.x", {"h.x.a.test": THERE, "h.x": HERE}, HERE,
        ONE + "search a.test\noptions ndots:3\n", env={"RES_OPTIONS": "rotate ndots:1"}),
    "RES_OPTIONS over TCP":
        Case("host.test", {"host.test": (TRUNCATED, HERE)}, HERE, env={"RES_OPTIONS": "use-vc"}),
    "RES_OPTIONS without AAAA": Case("host.test", {"host.test": ["10.0.0.1", "fd00::1"]}, HERE,
        env={"RES_OPTIONS": "no-aaaa"}),
    "both variables": Case("h.x", {"h.x.b.test": HERE, "h.x": THERE, "h.x.a.test": ELSEWHERE}, HERE,
        ONE + "search a.test\n",
                           env={"LOCALDOMAIN": "b.test", "RES_OPTIONS": "ndots:2"}),
    # the search list
    "first domain": Case("host", {"host.a.test": HERE, "host": THERE}, HERE,
        ONE + "search a.test b.test\n"),
    "second domain": Case("host", {"host.b.test": HERE, "host": THERE}, HERE,
        ONE + "search a.test b.test\n"),
    "no domain": Case("host", {"host": THERE}, THERE, ONE + "search a.test b.test\n"),
    "domain": Case("host", {"host.a.test": HERE}, HERE, ONE + "domain a.test\n"),
    "domain has one": Case("host", {"host.b.test": HERE}, None, ONE + "domain a.test b.test\n"),
    "the last line counts": Case("host", {"host.a.test": HERE, "host.b.test": THERE}, THERE,
        ONE + "search a.test\nsearch b.test\n"),
    "domain behind search": Case("host", {"host.a.test": HERE, "host.b.test": THERE}, THERE,
        ONE + "search a.test\ndomain b.test\n"),
    "dots at the ends of domains":
        Case("host", {"host.a.test": HERE}, HERE, ONE + "search a.test.\n"),
    "tabs and blanks": Case("host", {"host.b.test": HERE}, HERE,
        "nameserver\t127.0.0.1  \nsearch \t a.test\t\tb.test \n"),
    "as many dots as ndots":
        Case("a.host", {"a.host": HERE, "a.host.a.test": THERE}, HERE, ONE + "search a.test\n"),
    "as many dots, but only in the list":
        Case("a.host", {"a.host.a.test": THERE}, THERE, ONE + "search a.test\n"),
    "fewer dots than ndots": Case(
        "a.host", {"a.host": HERE, "a.host.a.test": THERE}, THERE,
        ONE + "search a.test\noptions ndots:2\n"
    ),
    "fewer dots, but only as it is":
        Case("a.host", {"a.host": HERE}, HERE, ONE + "search a.test\noptions ndots:2\n"),
    "ndots 0": Case("host", {"host": HERE, "host.a.test": THERE}, HERE,
        ONE + "search a.test\noptions ndots:0\n"),
    "ndots is at most 15": Case(
        "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.host",
        {"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.host": HERE,
            "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.host.a.test": THERE},
        HERE,
        ONE + "search a.test\noptions ndots:99\n",
    ),
    "service of a cluster": Case("db.prod", {"db.prod.svc.cluster.test": HERE}, HERE, KUBERNETES),
    "outside of a cluster": Case("lambda.eu-west-1.amazonaws.test",
        {"lambda.eu-west-1.amazonaws.test": HERE}, HERE, KUBERNETES),
    "upstream that knows everything":
        Case("db.prod", {"db.prod.svc.cluster.test": HERE, "db.prod": THERE}, HERE, KUBERNETES),
    "domain that knows everything": Case(
        "www.host.test", {"www.host.test": HERE, "*": THERE}, THERE,
        ONE + "search a.test\noptions ndots:3\n"
    ),
    "no address in the first domain": Case("host", {"host.a.test": [], "host.b.test": HERE}, HERE,
        ONE + "search a.test b.test\n"),
    "only a mail exchanger as it is":
        Case("a.host", {"a.host": [], "a.host.a.test": HERE}, HERE, ONE + "search a.test\n"),
    "the root in the list": Case(
        "a.host", {"a.host": HERE, "a.host.a.test": THERE}, HERE,
        ONE + "search . a.test\noptions ndots:5\n"
    ),
    "the root alone": Case("host", {"host": HERE}, HERE, ONE + "search .\n"),
    "a list of 2,000 bytes": Case("host", {"host.d119.domain.test": HERE}, HERE, ONE + LONG_LIST),
    "the machine's own domain":
        Case("host", {"host.corp.test": HERE, "host": THERE}, HERE, name="machine.corp.test"),
    "the machine's own domain beside a list": Case(
        "host", {"host.corp.test": HERE, "host.a.test": THERE}, THERE, ONE + "search a.test\n",
        name="machine.corp.test"
    ),
    "no-tld-query": Case("host", {"host": HERE}, None,
        ONE + "search a.test\noptions no-tld-query\n"),
    "no-aaaa": Case("host.test", {"host.test": ["10.0.0.1", "fd00::1"]}, HERE,
        ONE + "options no-aaaa\n"),
    # trouble
    "failure in the first domain": Case(
        "host", {"host.a.test": SERVFAIL, "host.b.test": HERE}, HERE,
        ONE + "search a.test b.test\n" + FAST
    ),
    "failure in the list":
        Case("host", {"host.a.test": SERVFAIL, "host": HERE}, HERE, ONE + "search a.test\n" + FAST),
    "failure as it is": Case("a.host", {"a.host": SERVFAIL, "a.host.a.test": HERE}, HERE,
        ONE + "search a.test\n" + FAST),
    "failure of all": Case("host.test", {"*": SERVFAIL}, None, ONE + FAST),
    "silence in the first domain": Case(
        "host",
        {"host.a.test": SILENT, "host.b.test": HERE},
        HERE,
        ONE + "search a.test b.test\n" + FAST,
        why="glibc passes over the rest of the list after a time-out, though not after a failure",
    ),
    "silence in the list":
        Case("host", {"host.a.test": SILENT, "host": HERE}, HERE, ONE + "search a.test\n" + FAST),
    "second server after a failure": Case(
        "host.test",
        {"127.0.0.1": {"*": SERVFAIL}, "127.0.0.2": {"host.test": HERE}},
        HERE,
        ONE + "nameserver 127.0.0.2\n" + FAST,
    ),
    "second server after a refusal": Case(
        "host.test",
        {"127.0.0.1": {"*": REFUSED}, "127.0.0.2": {"host.test": HERE}},
        HERE,
        ONE + "nameserver 127.0.0.2\n" + FAST,
    ),
    "second server after silence": Case("host.test", {"127.0.0.2": {"host.test": HERE}}, HERE,
        ONE + "nameserver 127.0.0.2\n" + FAST),
    "second server where nobody is": Case(
        "host.test", {"host.test": HERE}, HERE,
        "nameserver 127.0.0.9\nnameserver 127.0.0.1\n" + FAST
    ),
    "the first server's word is the last": Case(
        "host.test",
        {"127.0.0.1": {}, "127.0.0.2": {"host.test": HERE}},
        None,
        ONE + "nameserver 127.0.0.2\n" + FAST,
    ),
    "no server at all": Case("host.test", {}, None, "nameserver 127.0.0.9\n" + FAST),
    "only silence": Case("host.test", {"*": SILENT}, None, ONE + FAST),
    "silence about IPv4": Case(
        "host.test",
        {"host.test": {A: SILENT, AAAA: ["fd00::1"]}},
        ["fd00::1"],
        ONE + FAST,
        why="glibc finds nothing then, though it takes IPv4 where nobody answers about IPv6",
    ),
    "silence about IPv6":
        Case("host.test", {"host.test": {A: HERE, AAAA: SILENT}}, HERE, ONE + FAST),
    "failure about IPv4":
        Case("host.test", {"host.test": {A: SERVFAIL, AAAA: ["fd00::1"]}}, ["fd00::1"], ONE + FAST),
    "failure about IPv6":
        Case("host.test", {"host.test": {A: HERE, AAAA: SERVFAIL}}, HERE, ONE + FAST),
    "no such name about IPv6": Case("host.test", {"host.test": {A: HERE, AAAA: NXDOMAIN}}, HERE),
    "too long for a datagram": Case("host.test", {"host.test": (TRUNCATED, HERE)}, HERE),
    "TCP alone": Case("host.test", {"host.test": (TRUNCATED, HERE)}, HERE,
        ONE + "options use-vc\n"),
    "rotate": Case(
        "host.test",
        {place: {"host.test": HERE} for place in SERVERS[:3]},
        HERE,
        ONE + "nameserver 127.0.0.2\nnameserver 127.0.0.3\noptions rotate\n",
    ),
    # servers
    "a server on an interface": Case("host.test", {"fe80::53%lo": {"host.test": HERE}}, HERE,
        "nameserver fe80::53%lo\n" + FAST),
    "no server is written down": Case("host.test", {"host.test": HERE}, HERE, "search a.test\n"),
    "comments": Case("host.test", {"host.test": HERE}, HERE,
        "# nameserver 127.0.0.9\n;nameserver 127.0.0.9\n" + ONE),
    "lines that mean nothing": Case("host.test", {"host.test": HERE}, HERE,
        "sortlist 10.0.0.0\nnonsense\n\n" + ONE + "options\n"),
    "a server that is none beside one":
        Case("host.test", {"host.test": HERE}, HERE, "nameserver dns.test\n" + ONE),
    "three servers are asked": Case(
        "host.test",
        {"127.0.0.1": {"host.test": HERE}},
        None,
        "nameserver 127.0.0.7\nnameserver 127.0.0.8\nnameserver 127.0.0.9\n" + ONE + FAST,
    ),
    "a server that is none, alone": Case(
        "host.test",
        {"host.test": HERE},
        None,
        "nameserver dns.test\n",
        why="glibc asks 127.0.0.1 instead, which nobody wrote down",
        other=HERE,
    ),
    "blanks before a server": Case(
        "host.test",
        {"127.0.0.1": {"host.test": THERE}, "127.0.0.2": {"host.test": HERE}},
        HERE,
        "  nameserver 127.0.0.2\n",
        why="glibc passes over an indented line, without a word, and asks 127.0.0.1",
        other=THERE,
    ),
    "a byte order mark": Case(
        "host.test",
        {"127.0.0.1": {"host.test": THERE}, "127.0.0.2": {"host.test": HERE}},
        HERE,
        "\ufeffnameserver 127.0.0.2\n",
        why="to glibc the mark belongs to the first word",
        other=THERE,
    ),
    # hosts
    "hosts": Case("host.test", {"host.test": THERE}, HERE, hosts="10.0.0.1 host.test\n"),
    "hosts, short name": Case("host", {"host.a.test": THERE}, HERE, ONE + "search a.test\n",
        hosts="10.0.0.1 other host\n"),
    "hosts, not in the list":
        Case("host", {}, None, ONE + "search a.test\n", hosts="10.0.0.1 host.a.test\n"),
    "hosts, capitals": Case("host.test", {}, HERE, hosts="10.0.0.1 HOST.Test\n"),
    "hosts, several lines": Case(
        "host.test", {}, ["10.0.0.1", "10.0.0.2", "fd00::1"],
        hosts="10.0.0.1 host.test\nfd00::1 x host.test\n10.0.0.2 host.test\n"
    ),
    "hosts, IPv6 alone": Case("host.test", {"host.test": THERE}, ["fd00::1"],
        hosts="fd00::1 host.test\n"),
    "hosts, comments": Case("host.test", {"host.test": HERE}, HERE,
        hosts="#10.0.0.9 host.test\n10.0.0.9 x # host.test\n10.0.0.8 y#host.test\n"),
    "hosts, no address": Case("host.test", {"host.test": HERE}, HERE,
        hosts="10.0.0 host.test\nname host.test\n"),
    "hosts, a long line": Case("host.test", {}, HERE,
        hosts="10.0.0.1 " + " ".join(f"n{i}.test" for i in range(3000)) + " host.test\n"),
    "hosts, behind a long line":
        Case("host.test", {}, HERE, hosts=f"10.0.0.9 {'x' * 70000}\n10.0.0.1 host.test"),
    "localhost": Case(
        "localhost",
        {},
        ["127.0.0.1", "::1"],
        hosts="127.0.0.1 localhost\n",
        why="RFC 6761 makes localhost loopback of both families, whatever a file says",
        other=["127.0.0.1"],
    ),
}


class World:
    def __init__(self, folder):
        self.net = network.Network(folder)
        (folder / "nsswitch.conf").write_text("hosts: files dns\n")
        self.folder = folder
        self.net.address("fe80::53")
        self.upstream = Upstream(self.net, SERVERS)

    def run(self, case, *command, **env):
        mounts = [
            f"mount --bind {self.folder}/{name} /etc/{name}"
            for name in ("hosts", "resolv.conf", "nsswitch.conf")
        ]
        script = " && ".join([*mounts, f"hostname {case.name}", 'exec "$@"'])
        namespace = f"--net=/proc/{os.getpid()}/task/{self.net.tid}/ns/net"
        wrapper = ["nsenter", namespace, "unshare", "-mu", "sh", "-c", script, "sh"]
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **case.env, **env}
        return subprocess.run([*wrapper, *command], env=env, capture_output=True, timeout=60)

    def glibc(self, case):
        """What getaddrinfo finds."""
        script = (
            "import socket,sys\nfor a in socket.getaddrinfo(sys.argv[1], 1,"
            " type=socket.SOCK_STREAM): print(a[4][0])"
        )
        done = self.run(case, "/usr/bin/python3", "-I", "-c", script, case.host)
        assert done.returncode == 0 or b"socket.gaierror" in done.stderr, done.stderr.decode()
        return sorted(done.stdout.decode().split()) or None

    def program(self, case):
        done = self.run(
            case,
            str(BINARY),
            "check",
            "eu-west-1/my-fn",
            "--json",
            SLACK_SIGNING_SECRET=slack.SECRET,
            AWS_ENDPOINT_URL_LAMBDA=f"https://{case.host}:1",
            AWS_EC2_METADATA_DISABLED="true",
            **signatures.Keys().environment(),
        )
        (step,) = [step for step in json.loads(done.stdout)["steps"] if step["name"] == "dns"]
        if step["result"] != "ok":
            return None
        addresses, _, _ = step["found"].partition(" in ")
        return sorted(addresses.split(", "))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("names"))


@pytest.mark.parametrize("what", CASES)
def test_same_as_glibc(world, what):
    case = CASES[what]
    world.net.resolv_conf(case.conf)
    world.net.hosts(case.hosts)
    world.upstream.zones = case.zones
    ours, theirs = world.program(case), world.glibc(case)
    assert ours == (sorted(case.finds) if case.finds else None)
    if case.why:
        assert theirs == (sorted(case.other) if case.other else None), f"no longer true: {case.why}"
    else:
        assert theirs == ours
