"""Clients that are slow, stuck, greedy or many: none of them holds up another."""

import resource
import socket
import statistics
import subprocess
import threading
import time

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.hooks import Hooks
from support.listener import Client, command_text, get, serve, way_back, wire_form  # noqa: F401
from support.wire import PATIENCE, Gone, eventually, in_some_try

PENDING = "Lambda function my-fn@eu-west-1 is still being started..."
STARTED = "Lambda function my-fn@eu-west-1 has been started..."
SIGNED = slack.command()


@pytest.fixture
def descriptors():
    """Enough for thousands of connections, as far as the machine lets us."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def at_once(*works):
    """Runs all in threads of their own; the first failure is raised."""
    faults = []

    def guarded(work):
        try:
            work()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def percentile(values, share):
    return sorted(values)[int(share * (len(values) - 1))]


# ---- limits of time ------------------------------------------------------------------------------


def test_limits_of_time(serve):  # noqa: F811
    """All at once, because each takes its seconds."""
    listener = serve("--log-level", "debug")

    def expect_408(start, seconds, drip=b"", first=()):
        began = time.monotonic()
        with listener.connect() as client:
            for request in first:
                assert client.ask(request).status == 200
                began = time.monotonic()
            client.send(start)
            for i in range(len(drip)):
                client.sock.settimeout(0.4)
                try:
                    client.fill()
                    break
                except socket.timeout:
                    client.send(drip[i : i + 1])
            client.sock.settimeout(PATIENCE)
            answer = client.answer()
            took = time.monotonic() - began
            assert (answer.status, answer.headers["connection"]) == (408, "close"), answer
            # Each byte that drips would put it off, by 12 s and more in all.
            assert (
                seconds - 0.1 < took < seconds + 10
            ), f"408 after {took:.1f} s instead of {seconds}"
            client.half_close()
            assert client.end() == "closed"

    def expect_end(*sent):
        """Clients that do not take their answers."""
        with listener.connect(receive_buffer=1) as client:
            began = time.monotonic()
            client.sock.settimeout(0.2)
            try:
                while time.monotonic() < began + 4:
                    client.send(sent[0])
            except (socket.timeout, OSError):
                pass
            client.sock.settimeout(PATIENCE)
            listener.wait_for_requests(1, why="the client did not take its answer")
            # What was under way arrives, then the connection ends in the middle of it.
            with pytest.raises((Gone, ConnectionError)):
                while True:
                    client.buffer = b""
                    client.fill()

    def expect_to_live_on():
        """Longer than any other limit; not to its own end, which is 75 s away."""
        with listener.connect() as fresh, listener.connect() as used:
            assert used.ask(get()).status == 200
            time.sleep(11)
            assert not fresh.peer_left() and not used.peer_left()
            assert fresh.ask(get()).status == used.ask(get()).status == 200

    head, body = wire_form(SIGNED, body=False), SIGNED.body
    large = wire_form(slack.json_request({"type": "url_verification", "challenge": "x" * 900_000}))
    at_once(
        lambda: expect_408(b"G", 5),
        lambda: expect_408(b"GET /healthz HTTP/1.1\r\nHost: x\r\n", 5),
        lambda: expect_408(b"GET /healthz HTTP/1.1\r\n", 5, drip=b"X-Slow: " + b"y" * 30),
        lambda: expect_408(b"GET ", 5, first=[get(), get()]),
        lambda: expect_408(get()[:-2], 5, drip=b"X: " + b"y" * 30, first=[get()]),
        lambda: expect_408(head, 10),
        lambda: expect_408(head + body[:-1], 10),
        lambda: expect_408(head + body[:10], 10, drip=body[10:60]),
        lambda: expect_408(head.replace(b"Content-Length: %d" % len(body),
            b"Transfer-Encoding: chunked"), 10, drip=b"1\r\na\r\n" * 8),
        lambda: expect_end(large * 4),
        expect_to_live_on,
    )
    lines = listener.wait_for_requests(9, status=408)
    # All began together.
    assert [line["why"][:8] for line in lines] == ["the head"] * 5 + ["the body"] * 4
    assert min(line["ms"] for line in lines) > 4900 and min(line["ms"] for line in lines[5:]) > 9900


# ---- crowds --------------------------------------------------------------------------------------


def latencies(listener, count):
    taken = []
    for _ in range(count):
        request = wire_form(slack.command(), close=True)
        began = time.monotonic()
        with listener.connect() as client:
            assert command_text(client.ask(request)) in (STARTED, PENDING)
        taken.append(time.monotonic() - began)
    return taken


def test_two_thousand_slow_clients(make, serve, descriptors):  # noqa: F811
    listener = serve(quiet=True, endpoint=make.endpoint())
    if descriptors < 5000:
        pytest.skip("this machine allows too few open files")
    body = b"a" * 20000
    parts = [
        b"GET /healthz HTTP/1.1\r\nHost: example.test\r\nX-",
        b"P",
        wire_form(slack.SlackRequest(body + body), body=False) + body,
        wire_form(slack.SlackRequest(body), body=False),
        get() * 20,  # and never reads
    ]
    found = []

    def are_no_burden():
        """99 of 100 are answered in about the time that they need without the others."""
        fast, clients = percentile(latencies(listener, 200), 0.99), []
        try:
            for i in range(2000):
                clients.append(listener.connect(receive_buffer=4096))
                clients[-1].send(parts[i % len(parts)])
            slow = percentile(latencies(listener, 200), 0.99)
        finally:
            for client in clients:
                client.sock.close()
        found.append((slow, fast))
        return slow < 3 * fast + 0.25

    assert in_some_try(are_no_burden, 5), found
    # Their memory goes back when they are gone.
    assert eventually(lambda: listener.rss_below(64 * 1024)), f"{listener.rss_kib()} KiB"


def test_ten_thousand_idle_connections(serve, descriptors):  # noqa: F811
    if descriptors < 10300:
        pytest.skip("this machine allows too few open files")
    listener = serve(quiet=True, GATEWAY_IDLE_TIMEOUT="600")
    clients = []
    try:
        for _ in range(10000):
            clients.append(listener.connect())
        assert listener.ask(get()).status == 200 or True
        fresh = listener.rss_kib()
        for client in clients[1:]:
            client.send(get())
        for client in clients[1:]:
            assert client.answer().status == 200
        used = listener.rss_kib()
        # One more, and the one that has been idle the longest makes room.
        assert not clients[9999].peer_left()
        with listener.connect() as one_more:
            assert one_more.ask(get()).status == 200
    finally:
        for client in clients:
            client.sock.close()
    assert (
        fresh < 64 * 1024 and used < 64 * 1024
    ), f"{fresh} KiB fresh, {used} KiB after a request each"


def test_more_connections_than_there_may_be(serve):  # noqa: F811
    """With 128 files 64 connections: idle ones make room, busy ones do not."""
    listener = serve(GATEWAY_WORKERS="1", wrapper=["prlimit", "--nofile=128:128"])
    line = listener.process.wait_for_log("limit of open files")
    most = line["connections"]
    assert 20 <= most <= 100
    idle = [listener.connect() for _ in range(most)]
    assert idle[-1].ask(get()).status == 200
    with listener.connect() as one_more:
        assert one_more.ask(get()).status == 200
        assert eventually(idle[0].peer_left) and not idle[1].peer_left()
    for client in idle:
        client.sock.close()
    # Whoever has begun a request has signed nothing either: the first loses its place, and hears
    # so.
    busy = [listener.connect() for _ in range(most)]
    for client in busy:
        client.send(b"G")
    time.sleep(0.1)
    with listener.connect() as one_more:
        assert one_more.ask(get()).status == 200
        head = busy[0].read_head()
        assert head.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: 1\r\n" in head
        assert not busy[1].peer_left()
    for client in busy:
        client.sock.close()
    # Only those that have signed keep theirs, and then there is none for others.
    signed = [listener.connect() for _ in range(most)]
    for client in signed:
        assert (
            client.ask(slack.json_request({"type": "url_verification", "challenge": "x"})).status
            == 200
        )
        client.send(b"P")
    with listener.connect() as one_more:
        head = one_more.read_head()
        assert head.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: 1\r\n" in head
    signed.pop().sock.close()
    assert eventually(lambda: answered(listener)), "the place of one that left is not given away"
    for client in signed:
        client.sock.close()


def answered(listener):
    try:
        return listener.ask(get()).status == 200
    except (OSError, Gone):
        return False


def test_no_file_descriptors_left(serve):  # noqa: F811
    """It waits for one without burning processor time, and goes on when there is one."""
    listener = serve()
    assert listener.ask(get()).status == 200
    used = listener.descriptors()
    limit = ["prlimit", "--pid", str(listener.process.pid)]
    subprocess.run([*limit, f"--nofile={used}:"], check=True)
    waiting = [listener.connect() for _ in range(50)]
    for client in waiting:
        client.send(get())
    time.sleep(0.3)
    began = listener.cpu_s()
    time.sleep(1.5)
    assert listener.cpu_s() - began <= 0.1
    assert listener.process.wait_for_log("no more connections are accepted")
    subprocess.run([*limit, "--nofile=1000:"], check=True)
    for client in waiting:
        assert client.answer().status == 200
        client.sock.close()
    assert len([line for line in listener.process.lines if line["level"] == "ERROR"]) < 20


@pytest.mark.parametrize("flood", ["requests", "refused", "body"])
def test_greedy_client(serve, flood):  # noqa: F811
    """One that sends as fast as it can, for ever, gets no more than its turn."""
    listener = serve(quiet=True)
    stop = threading.Event()
    first = {
        "requests": b"", "refused": b"\n",
        "body": b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    }[flood]
    rest = {
        "requests": get() * 1000, "refused": b"a" * 65536,
        "body": b"4000\r\n" + b"a" * 0x4000 + b"\r\n",
    }[flood]

    def send():
        while not stop.is_set():
            try:
                with listener.connect() as client:
                    reader = threading.Thread(target=swallow, args=(client,))
                    reader.start()
                    client.send(first)
                    while not stop.is_set():
                        client.send(rest)
                    client.half_close()
                    reader.join()
            except OSError:
                pass

    def swallow(client):
        try:
            while client.sock.recv(1 << 20):
                pass
        except OSError:
            pass

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    found = []

    def others_have_their_turn():
        taken = []
        end = time.monotonic() + 1
        while time.monotonic() < end:
            began = time.monotonic()
            assert listener.ask(get()).status == 200
            taken.append(time.monotonic() - began)
        found.append(sorted(taken)[-5:])
        return len(taken) > 5 and statistics.median(taken) < 0.2 and max(taken) < 1.5

    try:
        assert in_some_try(others_have_their_turn), found
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_answers_that_nobody_takes(make, serve):  # noqa: F811
    """More stuck clients than there are jobs; a unix socket is full the soonest."""
    path = str(make.folder / "gateway.sock")
    listener = serve(
        quiet=True, listen=f"unix:{path}", endpoint=make.endpoint(), GATEWAY_WORKERS="1"
    )
    clients = []
    try:
        for _ in range(300):
            client = Client(path, send_buffer=1 << 16)
            client.sock.settimeout(0.02)
            try:
                client.send(get("/x") * 1000)
            except socket.timeout:
                pass
            clients.append(client)
        assert listener.text(slack.command(), final=False) in (STARTED, PENDING)
        # One that comes back gets what is its, in order. The first may have been too slow by now.
        clients[-1].sock.settimeout(PATIENCE)
        for _ in range(100):
            assert clients[-1].answer().status == 405
    finally:
        for client in clients:
            client.sock.close()


# ---- upstream ------------------------------------------------------------------------------------


def test_workers_exhausted(make, serve):  # noqa: F811
    """Two workers hang: who waits is answered in time, a full queue says so, and everything is
    started in the end."""
    gate = threading.Event()
    endpoint = make.endpoint(default=peer.later(gate, peer.accepted()))
    listener = serve(endpoint=endpoint, metrics=True, GATEWAY_WORKERS="2", GATEWAY_TIMEOUT_MS="700")
    queue = 256
    clients = [listener.connect() for _ in range(2 + queue)]
    began = time.monotonic()
    for i, client in enumerate(clients):
        client.send(wire_form(slack.command(f"/eu-west-1/fn-{i}")))
    endpoint.wait_for_requests(2)
    assert eventually(
        lambda: b"\ngateway_queue 256\n" in listener.metrics().body
    ), listener.metrics().body
    # None that finds the queue full waits for anything: of many, one must get through in less time
    # than those that wait are given.
    assert eventually(lambda: refused_after(listener) < 0.35)
    for i, client in enumerate(clients):
        assert (
            command_text(client.answer())
            == f"Lambda function fn-{i}@eu-west-1 is still being started..."
        )
    assert time.monotonic() - began > 0.6
    # Health is not a matter of workers.
    assert listener.ask(get()).status == 200
    gate.set()
    endpoint.wait_for_requests(2 + queue)
    names = [peer.function_of(request) for request in endpoint.requests]
    assert sorted(names) == sorted(f"fn-{i}" for i in range(2 + queue))
    assert eventually(lambda: b"\ngateway_queue 0\n" in listener.metrics().body)
    assert listener.text(slack.command()) == STARTED
    for client in clients:
        client.sock.close()
    # A line is written after its answer, and before the end of the process.
    listener.stop()
    assert len(listener.requests(status=200, kind="slash_command")) == 2 + queue + 1


def refused_after(listener):
    """Seconds until a request is refused because the queue is full."""
    with listener.connect() as client:
        began = time.monotonic()
        answer = client.ask(wire_form(slack.command()))
        took = time.monotonic() - began
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    return took


def unread(listener, client):
    """Bytes that the listener has not taken off the socket; None: it was reset."""
    ports = f":{listener.address[1]:04X}", f":{client.sock.getsockname()[1]:04X}"
    with open("/proc/net/tcp") as table:
        for line in table:
            _, local, remote, _, queues, *_ = line.split()
            if (local[-5:], remote[-5:]) == ports:
                return int(queues.split(":")[1], 16)
    return None


def test_a_refused_large_body_is_drained(serve):  # noqa: F811
    """A little of it, too, that comes after the answer: else the connection would be reset. Only a
    machine that sleeps for a second may have that happen."""
    listener = serve()
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ in range(5):
        with listener.connect() as client:
            client.send(head + b"80000\r\n" + bytes(0x80000) + b"\r\n90000\r\n")
            assert client.answer().status == 413 and client.end() == "closed"
            client.send(bytes(50000))
            if eventually(lambda: unread(listener, client) == 0, 3):
                return
    raise AssertionError("what came was left in the socket")


def test_failure_after_waiting_is_told(make, serve):  # noqa: F811
    gate = threading.Event()
    hooks = make.keep(Hooks())
    refused = peer.failed(403, "AccessDeniedException", "no")
    endpoint = make.endpoint(script=[peer.later(gate, peer.accepted())], default=refused)
    listener = serve(endpoint=endpoint, hooks=hooks, GATEWAY_WORKERS="1", GATEWAY_TIMEOUT_MS="200")
    first, second = listener.connect(), listener.connect()
    first.send(wire_form(slack.command(fields={"response_url": way_back(hooks, 1)})))
    endpoint.wait_for_requests(1)
    second.send(wire_form(slack.command(fields={"response_url": way_back(hooks, 2)})))
    assert command_text(first.answer()) == command_text(second.answer()) == PENDING
    gate.set()
    (message,) = hooks.wait(1)
    assert "could not be started: " in message["text"] and hooks.requests[0].target.endswith(
        "/2/96rGlfmibIGlgcZRskXaIFfN"
    )
    first.sock.close()
    second.sock.close()


@pytest.mark.parametrize("journal", [False, True])
def test_an_answer_at_the_deadline_costs_nobody_his_turn(make, serve, journal):  # noqa: F811
    """Nor does waiting for the disk: what came first is started first."""
    gate = threading.Event()
    endpoint = make.endpoint(default=peer.later(gate, peer.accepted()))
    env = {"GATEWAY_WORKERS": "1", "GATEWAY_TIMEOUT_MS": "1000"}
    if journal:
        env["GATEWAY_JOURNAL"] = str(make.folder / "journal")
        (make.folder / "journal").mkdir(mode=0o700)
    listener = serve(endpoint=endpoint, **env)
    names = ["first", "second", "third"]
    clients = [listener.connect() for _ in names]
    for name, client in zip(names, clients):
        client.send(wire_form(slack.command(f"/eu-west-1/{name}")))
        if name == "first":
            endpoint.wait_for_requests(1)
        if name == "second":
            time.sleep(0.7)  # so that the third still waits for its answer when this one has it
    assert "second@eu-west-1 is still being started" in command_text(clients[1].answer())
    gate.set()
    endpoint.wait_for_requests(3)
    assert [request.target.split("/")[3] for request in endpoint.requests] == names
    for client in clients:
        client.sock.close()


@pytest.mark.parametrize("how", ["reset", "close"])
def test_client_leaves_while_its_request_is_in_flight(make, serve, how):  # noqa: F811
    gate = threading.Event()
    endpoint = make.endpoint(default=peer.later(gate, peer.accepted()))
    listener = serve(endpoint=endpoint)
    clients = [listener.connect() for _ in range(20)]
    for client in clients:
        client.send(wire_form(slack.command()))
    endpoint.wait_for_requests(20)
    for client in clients:
        try:
            client.reset() if how == "reset" else client.sock.close()
        except Gone:
            pass
    gate.set()
    assert eventually(
        lambda: len([line for line in listener.process.lines if line["message"] == "started"]) == 20
    )
    assert len(listener.wait_for_requests(20)) == 20
    assert listener.text(slack.command()) == STARTED
    assert len(endpoint.requests) == 21


def test_events_that_wait_for_a_worker_get_503(make, serve):  # noqa: F811
    gate = threading.Event()
    endpoint = make.endpoint(default=peer.later(gate, peer.accepted()))
    listener = serve(endpoint=endpoint, GATEWAY_WORKERS="1", GATEWAY_TIMEOUT_MS="200")
    first, second = listener.connect(), listener.connect()
    first.send(wire_form(slack.event(event_id="Ev1")))
    endpoint.wait_for_requests(1)
    second.send(wire_form(slack.event(event_id="Ev2")))
    assert [client.answer().status for client in (first, second)] == [503, 503]
    gate.set()
    endpoint.wait_for_requests(2)
    first.sock.close()
    second.sock.close()
    # Slack comes again, and nothing is started twice.
    assert eventually(lambda: listener.ask(slack.event(event_id="Ev2")).status == 200)
    assert len(endpoint.requests) == 2


# ---- the log -------------------------------------------------------------------------------------


def test_log_that_nobody_reads(serve):  # noqa: F811
    listener = serve()
    count = 10000
    with listener.process.reading:
        with listener.connect() as client:
            for _ in range(count // 50):
                client.send(get("/x") * 50)
                for _ in range(50):
                    assert client.answer().status == 405
    listener.process.wait_for_log('"/x"')
    assert listener.ask(get("/y")).status == 405
    line = listener.process.wait_for_log("log lines were dropped")
    assert line["level"] == "WARN"
    assert len(listener.requests(path="/x")) + line["lines"] == count and line["lines"] > 100
    assert len(listener.wait_for_requests(1, path="/y")) == 1


def test_log_whose_reader_has_left(make, serve):  # noqa: F811
    path = make.folder / "quiet.sock"
    listener = serve(
        listen=f"unix:{path}", wait=False,
        wrapper=["bash", "-c", 'exec "$@" 2> >(exec 0<&-)', "bash"],
    )
    listener.address = str(path)
    assert eventually(lambda: path.exists() and listener.reachable())
    for _ in range(20):
        assert listener.ask(get("/x")).status == 405
    assert listener.process.alive


def test_secrets_stay_out_of_the_log(make, serve):  # noqa: F811
    """At the lowest level, through everything that a request can become."""
    hooks = make.keep(Hooks())
    endpoint = make.endpoint(
        script=[peer.accepted(), peer.failed(403, "AccessDeniedException", "no")]
    )
    listener = serve("--log-level", "debug", endpoint=endpoint, hooks=hooks)
    assert listener.ask(slack.command()).status == 200
    assert listener.ask(slack.command()).status == 200
    assert listener.ask(slack.command(query="token=" + slack.TOKEN)).status == 200
    assert listener.ask(slack.command(secret=slack.OTHER_SECRET)).status == 401
    assert listener.ask(slack.interaction("view_submission")).status in (200, 500)
    lines = listener.wait_for_requests(5)
    assert {line["path"] for line in lines} == {"/eu-west-1/my-fn"}


@pytest.mark.parametrize("cut", [20, -5], ids=["in-the-head", "in-the-body"])
def test_a_client_that_waits_for_an_acknowledgement(serve, cut):
    """With Nagle's algorithm the second piece of a request leaves when the first is acknowledged,
    which the kernel puts off for 40 ms or more on a connection that has been used."""
    data = wire_form(slack.command(secret=slack.OTHER_SECRET))
    with serve().connect() as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)

        def took():
            began = time.monotonic()
            client.send(data[:cut])
            client.send(data[cut:])
            assert client.answer().status == 401
            return time.monotonic() - began

        for _ in range(20):
            took()
        assert in_some_try(lambda: took() < 0.03, 200)
