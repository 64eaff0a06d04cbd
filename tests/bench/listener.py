"""The listener: how many signed requests a second it gets started, what each costs, what idle
connections cost.

The load generator, the gateway and the fake AWS behind TLS share this machine's processors, so the
rate says less than the processor time that each of the three spends on a request."""

import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median

from stand import PROGRAMS, free_port

from support import slack
from support.listener import Client, get, wire_form

SECONDS = 4
ROUNDS = 3
CONNECTIONS = 64
WANTED = 10000
CROWDS = (1, 100, 10000)
DRIPPERS = 500
HEAD = b"POST /eu-west-1/my-fn HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
TICKS = os.sysconf("SC_CLK_TCK")

SCRIPT = """
wrk.method = "POST"
wrk.body = "{body}"
{headers}
"""


class Gateway:
    """`serve` with its upstream at the stand's endpoint."""

    def __init__(self, stand, arguments=(), **variables):
        self.stand = stand
        self.address = ("127.0.0.1", free_port())
        self.metrics = ("127.0.0.1", free_port())
        environment = {
            "PATH": "/usr/bin:/bin",
            "SLACK_SIGNING_SECRET": slack.SECRET,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            **stand.endpoint.environment,
            **variables,
        }
        listen = [f"{host}:{port}" for host, port in (self.address, self.metrics)]
        command = [
            PROGRAMS["gateway"], "serve", "--listen", listen[0], "--metrics-listen", listen[1],
            *arguments,
        ]
        self.process = subprocess.Popen(command, env=environment, stderr=stand.log)
        for _ in range(200):
            try:
                Client(self.address).sock.close()
                return
            except OSError:
                time.sleep(0.02)
        stand.give_up("the listener does not start")

    def close(self):
        self.process.terminate()
        self.process.wait()

    def rss_kib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def started(self):
        with Client(self.metrics) as client:
            text = client.ask(get("/metrics")).body.decode()
        found = re.search(r'gateway_invokes_total{outcome="started",error=""} (\d+)', text)
        return int(found[1]) if found else 0


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def children_cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def milliseconds(text):
    number, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def load(gateway, path, script, connections):
    """One run of wrk: rate, latencies in ms, processor time per request in us of the three that
    take part."""
    stand = gateway.stand
    before = (
        cpu_seconds(gateway.process.pid), cpu_seconds(stand.endpoint.process.pid),
        children_cpu_seconds(),
    )
    url = f"http://{gateway.address[0]}:{gateway.address[1]}{path}"
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}", "--latency",
        *(["-s", script] if script else []), url,
    ]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    after = (
        cpu_seconds(gateway.process.pid), cpu_seconds(stand.endpoint.process.pid),
        children_cpu_seconds(),
    )
    count = int(re.search(r"(\d+) requests in", out)[1])
    spent = [(end - start) / count * 1e6 for start, end in zip(before, after)]
    if "Socket errors" in out or not count:
        stand.give_up("wrk says:\n" + out)
    return {
        "count": count,
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
        "half": milliseconds(re.search(r"\n +50% +(\S+)", out)[1]),
        "most": milliseconds(re.search(r"\n +99% +(\S+)", out)[1]),
        "bad": int((re.search(r"Non-2xx or 3xx responses: (\d+)", out) or [0, 0])[1]),
        **dict(zip(("gateway", "upstream", "client"), spent)),
    }


def script(stand, request):
    """For wrk; signed now, which lasts for five minutes."""
    headers = "\n".join(
        f'wrk.headers["{name}"] = "{value}"' for name, value in request.headers if name != "Host"
    )
    path = stand.folder / "request.lua"
    path.write_text(SCRIPT.format(body=request.body.decode(), headers=headers))
    return str(path)


def measure(stand, table):
    if not shutil.which("wrk"):
        sys.exit("bench: wrk is not there: run scripts/setup bench")
    gateway = Gateway(stand)
    try:
        measure_load(gateway, table)
        measure_slow(gateway, table)
    finally:
        gateway.close()
    gateway = Gateway(stand)
    try:
        measure_crowds(gateway, table)
    finally:
        gateway.close()


def middle(runs):
    return {key: median(run[key] for run in runs) for key in runs[0]}


def measure_load(gateway, table):
    stand = gateway.stand
    signed, forged = slack.command(), slack.command(secret=slack.OTHER_SECRET)
    with Client(gateway.address) as client:
        if b"has been started" not in client.ask(wire_form(signed)).body:
            stand.give_up("the listener did not start the function")
    table.start(f"listener, {CONNECTIONS} connections")
    for name, path, request in (
        ("health check", "/healthz", None),
        ("forged request, refused", "/eu-west-1/my-fn", forged),
    ):
        run = load(gateway, path, request and script(stand, request), CONNECTIONS)
        if run["bad"] != (run["count"] if request else 0):
            stand.give_up(f"{run['bad']} of {run['count']} answers were refusals")
        table.row(f"{name}: requests a second", gateway=run["rate"])
        table.row("  processor time", "us", gateway=run["gateway"])
    before = gateway.started()
    runs = [
        load(gateway, "/eu-west-1/my-fn", script(stand, slack.command()), CONNECTIONS)
        for _ in range(ROUNDS)
    ]
    if gateway.started() - before < sum(run["count"] - run["bad"] for run in runs):
        stand.give_up("not everything that was answered was started")
    run = middle(runs)
    table.row("signed command, started over TLS: requests a second", gateway=run["rate"])
    table.row("  half of them within", "ms", gateway=run["half"])
    table.row("  99 of 100 within", "ms", gateway=run["most"])
    table.row("  processor time: gateway", "us", gateway=run["gateway"])
    table.row("  processor time: nginx as AWS", "us", gateway=run["upstream"])
    table.row("  processor time: wrk", "us", gateway=run["client"])
    whole = run["gateway"] + run["upstream"] + run["client"]
    possible = 2e6 / whole
    table.row(
        "  a second, had these three two processors of their own", gateway=possible,
        goal=f">= {WANTED:,}", met=possible >= WANTED,
    )
    alone = load(gateway, "/eu-west-1/my-fn", script(stand, slack.command()), 1)
    table.row("the same over one connection: half within", "ms", gateway=alone["half"])
    table.row("  99 of 100 within", "ms", gateway=alone["most"])


class Drip(threading.Thread):
    """Clients that send a byte of a head each second."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.clients = [Client(address) for _ in range(DRIPPERS)]
        self.over = threading.Event()
        self.start()

    def run(self):
        for byte in HEAD + b"a" * 600:
            for client in self.clients:
                client.send(bytes([byte]))
                if self.over.wait(1 / DRIPPERS):
                    return

    def close(self):
        self.over.set()
        self.join()
        for client in self.clients:
            client.sock.close()


def in_two_pieces(gateway):
    """The median of ms of a request whose body leaves when its head was acknowledged."""
    data, times = wire_form(slack.command(secret=slack.OTHER_SECRET)), []
    with Client(gateway.address) as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        for _ in range(100):
            began = time.monotonic()
            client.send(data[:-5])
            client.send(data[-5:])
            client.answer()
            times.append((time.monotonic() - began) * 1e3)
    return median(times)


def measure_slow(gateway, table):
    table.start(f"listener, {CONNECTIONS} connections beside {DRIPPERS} that drip a byte a second")
    runs = []
    for _ in range(ROUNDS):
        alone = load(gateway, "/healthz", None, CONNECTIONS)
        drip = Drip(gateway.address)
        try:
            runs.append((alone, load(gateway, "/healthz", None, CONNECTIONS)))
            pieces = in_two_pieces(gateway)
        finally:
            drip.close()
    alone, beside = (middle(run) for run in zip(*runs))
    table.row("health check alone: 99 of 100 within", "ms", gateway=alone["most"])
    table.row(
        "  beside them", "ms", gateway=beside["most"], goal="<= 2 x alone",
        met=beside["most"] <= 2 * alone["most"],
    )
    table.row(
        "request in two pieces, the second after an acknowledgement: half within", "ms",
        gateway=pieces, goal="< 40", met=pieces < 40,
    )


def measure_crowds(gateway, table):
    table.start("listener, resident memory with idle connections, KiB")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = []
    try:
        for crowd in CROWDS:
            if hard < crowd + 100:
                table.note(
                    f"{crowd} connections were left out: this machine allows {hard} open files."
                )
                continue
            while len(clients) < crowd:
                clients.append(Client(gateway.address))
            for client in clients:
                client.send(get())
            for client in clients:
                client.answer()
            size = gateway.rss_kib()
            goal = {"goal": "64 MiB", "met": size <= 64 * 1024} if crowd == 10000 else {}
            table.row(f"{crowd:,}, each after a request", gateway=size, **goal)
    finally:
        for client in clients:
            client.sock.shutdown(socket.SHUT_RDWR)
            client.sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
