"""What the listener tells about itself: the text format of Prometheus, and that the numbers are
right."""

import re
import subprocess
import threading
import time

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.hooks import Hooks
from support.listener import Client, get, serve, way_back, wire_form  # noqa: F401
from support.wire import eventually

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|\Z)')
NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?\Z")

FAMILIES = {
    "gateway_requests_total": ("counter", {"kind", "status"}),
    "gateway_invokes_total": ("counter", {"outcome", "error"}),
    "gateway_request_seconds": ("histogram", set()),
    "gateway_invoke_seconds": ("histogram", set()),
    "gateway_connections": ("gauge", set()),
    "gateway_inflight": ("gauge", set()),
    "gateway_queue": ("gauge", set()),
    "gateway_retries_total": ("counter", set()),
    "gateway_relays_total": ("counter", {"outcome"}),
    "gateway_events_ignored_total": ("counter", set()),
    "process_resident_memory_bytes": ("gauge", set()),
    "process_start_time_seconds": ("gauge", set()),
    "gateway_build_info": ("gauge", {"version"}),
}


def parse(text):
    """{name: {labels: value}} of an exposition, whose form must be right."""
    assert text.endswith("\n") and "\n\n" not in text
    kinds, samples, current, helped = {}, {}, None, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            helped, sentence = line[7:].split(" ", 1)
            assert sentence.endswith(".") and sentence[0].isupper(), line
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name == helped, f"{line}, but the help is about {helped}"
            assert (
                re.match(NAME + r"\Z", name)
                and name not in kinds
                and kind in ("counter", "gauge", "histogram")
            ), line
            kinds[name], current = kind, name
        else:
            match = SAMPLE.match(line)
            assert match, line
            name, labels, value = match.groups()
            family = (
                re.sub("_(bucket|sum|count)$", "", name)
                if kinds.get(current) == "histogram"
                else name
            )
            assert family == current, f"{line} stands in {current}"
            pairs, at = [], 0
            while labels and at < len(labels):
                found = LABEL.match(labels, at)
                assert found, line
                pairs.append(found.groups())
                at = found.end()
            assert len(dict(pairs)) == len(pairs) and NUMBER.match(value), line
            key = tuple(sorted(pairs))
            assert key not in samples.setdefault(name, {}), line
            samples[name][key] = float(value)
    check_histograms(kinds, samples)
    return kinds, samples


def check_histograms(kinds, samples):
    for name, kind in kinds.items():
        if kind != "histogram":
            continue
        buckets = [
            (dict(labels)["le"], value) for labels, value in samples[name + "_bucket"].items()
        ]
        bounds = [float(bound) for bound, _ in buckets]
        counts = [value for _, value in buckets]
        assert (
            bounds == sorted(bounds)
            and bounds[-1] == float("inf")
            and len(set(bounds)) == len(bounds)
        )
        assert counts == sorted(counts) and counts[-1] == samples[name + "_count"][()]
        assert samples[name + "_sum"][()] >= 0


def read(listener):
    answer = listener.metrics()
    assert (
        answer.status == 200
        and answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    )
    return parse(answer.body.decode())


def value(listener, name, **labels):
    return read(listener)[1].get(name, {}).get(tuple(sorted(labels.items())), 0)


def test_all_families_are_there_from_the_start(serve):  # noqa: F811
    listener = serve(metrics=True)
    kinds, samples = read(listener)
    for name, (kind, labels) in FAMILIES.items():
        assert kinds[name] == kind
        for key in samples.get(name, {}):
            assert {label for label, _ in key} == labels
    assert set(kinds) - set(FAMILIES) <= {"gateway_tls_failures_total"}
    assert abs(samples["process_start_time_seconds"][()] - time.time()) < 10
    assert abs(samples["process_resident_memory_bytes"][()] / 1024 - listener.rss_kib()) < 2048


def test_numbers(make, serve):  # noqa: F811
    hooks = make.keep(Hooks())
    endpoint = make.endpoint(
        script=[
            peer.accepted(),
            peer.failed(503, "ServiceUnavailableException", "later"),
            peer.accepted(),
            peer.failed(403, "AccessDeniedException", "no"),
            peer.after(0.3, peer.failed(404, "ResourceNotFoundException", "none")),
        ]
    )
    listener = serve(metrics=True, endpoint=endpoint, hooks=hooks, GATEWAY_TIMEOUT_MS="2000")
    assert listener.ask(slack.command()).status == 200
    assert listener.ask(slack.event()).status == 200
    assert listener.ask(slack.interaction("view_submission")).status == 500
    assert listener.ask(slack.command()).status == 200
    assert listener.ask(slack.command(secret=slack.OTHER_SECRET)).status == 401
    assert listener.ask(get("/x")).status == 405
    assert listener.ask(b"nonsense\r\n\r\n").status == 400
    assert listener.ask(get()).status == 200
    # The health check says nothing in the log.
    listener.wait_for_requests(7)
    assert eventually(lambda: value(listener, "gateway_request_seconds_count") == 8)
    samples = read(listener)[1]
    requests = {
        tuple(dict(key).values()): count for key, count in samples["gateway_requests_total"].items()
    }
    assert requests == {
        ("slash_command", "200"): 2, ("event_callback", "200"): 1, ("view_submission", "500"): 1,
        ("other", "401"): 1, ("other", "405"): 1,
        ("other", "400"): 1, ("other", "200"): 1,
    }  # fmt: skip
    invokes = {
        (dict(key)["outcome"], dict(key)["error"]): count
        for key, count in samples["gateway_invokes_total"].items()
    }
    assert invokes == {
        ("started", ""): 2, ("not started", "AccessDeniedException"): 1,
        ("not started", "ResourceNotFoundException"): 1,
    }
    assert samples["gateway_retries_total"][()] == 1
    assert (
        samples["gateway_request_seconds_count"][()] == 8
        and samples["gateway_invoke_seconds_count"][()] == 4
    )
    # In the log is the same, line by line.
    ends = ("started", "not started")
    ms = [line["ms"] for line in listener.process.lines if line["message"] in ends]
    assert abs(samples["gateway_invoke_seconds_sum"][()] - sum(ms) / 1000) < 0.01 and max(ms) >= 300
    ms_of_requests = [line["ms"] for line in listener.requests()]
    assert samples["gateway_request_seconds_sum"][()] > sum(ms_of_requests) / 1000 - 0.01 > 0.29
    buckets = {
        float(dict(key)["le"]): count
        for key, count in samples["gateway_invoke_seconds_bucket"].items()
    }
    for most, count in buckets.items():
        assert count == sum(each <= most * 1000 for each in ms), (ms, buckets)


def test_gauges(make, serve):  # noqa: F811
    gate = threading.Event()
    endpoint = make.endpoint(default=peer.later(gate, peer.accepted()))
    listener = serve(metrics=True, endpoint=endpoint, GATEWAY_WORKERS="2")
    clients = [listener.connect() for _ in range(5)]
    for client in clients:
        client.send(wire_form(slack.command()))
    endpoint.wait_for_requests(2)
    # The one that asks is one of the connections.
    assert eventually(lambda: value(listener, "gateway_connections") == 6)
    assert eventually(lambda: value(listener, "gateway_queue") == 3)
    assert value(listener, "gateway_inflight") == 2
    gate.set()
    for client in clients:
        assert client.answer().status == 200
        client.sock.close()
    assert eventually(lambda: value(listener, "gateway_connections") == 1)
    assert eventually(lambda: value(listener, "gateway_inflight") == 0)
    assert value(listener, "gateway_queue") == 0


def test_relays(make, serve):  # noqa: F811
    hooks = make.keep(
        Hooks(
            script=[
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            ]
        )
    )
    listener = serve(metrics=True, functions=True, hooks=hooks)
    listener.functions.add("f", "echo x")
    for number in (1, 2):
        assert (
            listener.ask(
                slack.command("/local/f", fields={"response_url": way_back(hooks, number)})
            ).status
            == 200
        )
        hooks.wait(number)
    assert eventually(lambda: value(listener, "gateway_relays_total", outcome="failed") == 1)
    assert eventually(lambda: value(listener, "gateway_relays_total", outcome="posted") == 1)
    assert value(listener, "gateway_invokes_total", outcome="started", error="") == 2


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "x" * 500, "grüße", "a b"])
def test_error_names_are_somebody_elses(make, serve, name):  # noqa: F811
    """Whatever stands where AWS names its error, the format holds."""
    listener = serve(
        metrics=True,
        endpoint=make.endpoint(default=peer.failed(400, name.encode().decode("latin-1"), "no")),
    )
    assert listener.ask(slack.command()).status == 200
    assert eventually(lambda: value(listener, "gateway_invoke_seconds_count") == 1)
    assert sum(read(listener)[1]["gateway_invokes_total"].values()) == 1


def test_more_names_than_there_is_room_for(make, serve):  # noqa: F811
    """They count as others; nothing grows without end, and the answer still fits."""
    count = 150
    script = [peer.failed(400, f"{'Very' * 5}LongExceptionNumber{i}", "no") for i in range(count)]
    listener = serve(metrics=True, endpoint=make.endpoint(script=script))
    with listener.connect() as client:
        for _ in range(count):
            assert client.ask(slack.command()).status == 200
    assert eventually(lambda: value(listener, "gateway_invoke_seconds_count") == count)
    invokes = read(listener)[1]["gateway_invokes_total"]
    assert sum(invokes.values()) == count and len(invokes) <= 100
    assert invokes[(("error", "other"), ("outcome", "other"))] > 50


def test_only_there_and_only_that(serve):  # noqa: F811
    listener = serve("--log-level", "debug", metrics=True)
    assert listener.ask(get("/metrics")).status == 405
    for request, status in (
        (get("/"), 404),
        (get("/metrics/"), 404),
        (get("/metrics", method="POST"), 404),
        (get("/metrics", method="HEAD"), 200),
        (wire_form(slack.command()), 404),
        (b"GET /metrics\r\n\r\n", 400),
    ):
        with Client(listener.metrics_address) as client:
            answer = client.ask(request)
            assert (answer.status, answer.headers["connection"]) == (status, "close")
            client.half_close()
            assert client.end() == "closed"
    # The log tells what was asked for, not what was answered.
    (line,) = listener.wait_for_requests(1, method="HEAD")
    assert line["path"] == "/metrics" and line["status"] == 200


@pytest.mark.parametrize(
    "request_",
    (
        get("/metrics", fields=("Content-Length: 1000000",)) + bytes(1000000),
        get("/metrics", fields=("Content-Length: 20000",)) + bytes(20000),
        get("/metrics") * 700,
    ),
    ids=("a large body", "a body", "many requests at once"),
)
def test_more_than_a_report_has_room_for(serve, request_):  # noqa: F811
    listener = serve("--connections", "256", metrics=True)
    for _ in range(5):
        with Client(listener.metrics_address) as client:
            client.send(request_)
            assert client.answer().status in (200, 413)
    read(listener)


def test_no_metrics_unless_wanted(serve):  # noqa: F811
    listener = serve()
    assert [line["for"] for line in listener.process.lines if line["message"] == "listening"] == [
        "requests"
    ]


def test_scraped_while_busy(make, serve):  # noqa: F811
    listener = serve(metrics=True, endpoint=make.endpoint())
    stop = threading.Event()
    faults = []

    def work():
        try:
            with listener.connect() as client:
                while not stop.is_set():
                    assert client.ask(slack.command()).status == 200
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        last, scrapes = 0, 0
        while scrapes < 50 or last == 0:
            scrapes += 1
            now = value(listener, "gateway_requests_total", kind="slash_command", status="200")
            assert now >= last
            last = now
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not faults


def test_promtool_finds_nothing(make, serve):  # noqa: F811
    journal = make.folder / "journal"
    journal.mkdir(mode=0o700)
    listener = serve(metrics=True, endpoint=make.endpoint(), GATEWAY_JOURNAL=str(journal))
    assert set(read(listener)[0]) == {
        *FAMILIES, "gateway_tls_failures_total", "gateway_journal_unsettled",
        "gateway_journal_failing",
    }
    assert (
        listener.ask(slack.command()).status == 200
        and listener.ask(slack.command(secret="wrong")).status == 401
    )
    run = subprocess.run(
        ["promtool", "check", "metrics"], input=listener.metrics().body, capture_output=True
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
