"""What an attacker costs those who sign: their p99 while he floods the listener, from one address
and from 64; and how much of the loop's time a request takes that nobody signed.

Two listeners run at once, and a signed client asks them in turn, each time over a new connection.
The attacker floods one of them only: what the other's answers take longer is the machine's doing,
which the two of them and he share."""

import resource
import ssl
import time
from pathlib import Path
from statistics import quantiles

from listener import Gateway
from support import slack
from support.flood import MANY, ONE, Flood
from support.listener import Client, get, wire_form
from support.wire import Gone, chunked

PLACES = 1000
ASKED = 400
ROUNDS = 200            # unauthenticated requests of each kind
MOST_MS, TIMES = 1000, 5
LOST_MS = 3000          # what an answer that does not come counts: Slack waits no longer
LOOP_US = 1000
PLAIN = {"open": 500, "forge": 20}
HTTPS = {"handshake": 50, "forge": 20}


def measure(stand, table):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        table.start("listener under flood")
        measure_flood(stand, table, "plain", PLAIN, ())
        tls = [
            "--tls-cert", stand.folder / "rsa2048.pem", "--tls-key", stand.folder / "rsa2048.key",
        ]
        measure_flood(stand, table, "HTTPS", HTTPS, tls)
        measure_loop(stand, table)
        measure_decrypting(stand, table, tls)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---- the signed client ---------------------------------------------------------------------------

def measure_flood(stand, table, title, rates, arguments):
    options = {"arguments": arguments, "GATEWAY_CONNECTIONS": str(PLACES)}
    attacked, calm = Gateway(stand, **options), Gateway(stand, **options)
    try:
        quiet = asked(stand, [attacked], arguments)[0]
        for sources in (ONE, MANY):
            with Flood(attacked.address, sources, PLACES, **rates) as flood:
                theirs, others = asked(stand, [attacked, calm], arguments)
            report(
                table, f"{title}, {len(sources)} address{'es' * (len(sources) > 1)}", rates,
                flood.done, (quiet, others, theirs),
            )
    finally:
        attacked.close()
        calm.close()


def report(table, title, rates, done, figures):
    quiet, others, theirs = (quantiles(times, n=100)[98] for times in figures)
    base = max(quiet, others)
    table.row(
        f"{title}: 99 of 100 signed answers within", "ms", gateway=theirs,
        goal=f"<= {MOST_MS:,} and {TIMES} x {base:.1f}",
        met=theirs <= MOST_MS and theirs <= TIMES * base,
    )
    table.row(
        "  answers that did not come", goal="0", met=LOST_MS not in figures[2],
        gateway=figures[2].count(LOST_MS),
    )
    table.row("  of the other listener, meanwhile", "ms", gateway=others)
    table.row("  in quiet", "ms", gateway=quiet)
    for kind, rate in rates.items():
        table.row(
            f"  what he did: {kind}, of {rate} a second",
            gateway=done.get(kind, 0) / done["seconds"],
        )


def asked(stand, gateways, arguments):
    """Milliseconds from before the connection is made to the whole answer, of each gateway."""
    context = (
        ssl.create_default_context(cafile=stand.endpoint.environment["AWS_CA_BUNDLE"])
        if arguments
        else None
    )
    times = [[] for _ in gateways]
    for _ in range(ASKED):
        for gateway, own in zip(gateways, times):
            began = time.monotonic()
            came = ask(stand, gateway, context)
            own.append((time.monotonic() - began) * 1000 if came else LOST_MS)
    return times


def ask(stand, gateway, context):
    """False when the connection ended without an answer."""
    try:
        with Client(gateway.address, timeout=LOST_MS / 1000) as client:
            if context:
                client.sock = context.wrap_socket(client.sock, server_hostname="localhost")
            answer = client.ask(wire_form(slack.command(), close=True))
    except (OSError, Gone):
        return False
    if b"has been started" not in answer.body:
        stand.give_up(f"a signed client was told {answer}")
    return True


# ---- the loop ------------------------------------------------------------------------------------

def measure_loop(stand, table):
    secrets = ",".join([slack.SECRET] + [f"{i:032x}" for i in range(63)])
    gateway = Gateway(stand, SLACK_SIGNING_SECRET=secrets)
    large = slack.interaction("block_actions", members={"big": "x" * 700_000}, secret="no")
    check = slack.SlackRequest(
        b"token=t&text=" + b"x" * 1_000_000 + b"&ssl_check=1", signature="", timestamp=""
    )
    kinds = {
        "a forged command": wire_form(slack.command(secret="no"), close=True),
        "a forged body of 0.7 MB": wire_form(large, close=True),
        "a form of 1 MB, not signed": wire_form(check, close=True),
        "the same in chunks of 16 bytes": in_chunks(check, 16),
        "a head of 15 KB": get("/eu-west-1/my-fn",
            fields=["Connection: close", *(f"X-{i}: {'x' * 140}" for i in range(96))]),
    }
    table.start("the loop's processor time for an unauthenticated request, us; all secrets: 64")
    try:
        for name, request in kinds.items():
            measure_request(table, gateway, name, request)
    finally:
        gateway.close()


def measure_decrypting(stand, table, arguments):
    gateway = Gateway(stand, arguments=arguments)
    large = slack.interaction("block_actions", members={"big": "x" * 700_000}, secret="no")
    kinds = {
        "a forged body of 0.7 MB": wire_form(large, close=True),
        "  in chunks of 16 bytes": in_chunks(large, 16),
    }
    table.start("the same over HTTPS, with its part of the handshake")
    try:
        for cipher in ("AES128-GCM-SHA256", "CHACHA20-POLY1305"):
            context = ssl.create_default_context(cafile=stand.endpoint.environment["AWS_CA_BUNDLE"])
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(f"ECDHE-RSA-{cipher}")
            for name, request in kinds.items():
                measure_request(table, gateway, f"{name}, {cipher}", request, context)
    finally:
        gateway.close()


def in_chunks(request, size):
    head = wire_form(request, close=True, body=False).replace(
        b"Content-Length: %d" % len(request.body), b"Transfer-Encoding: chunked"
    )
    return head + chunked(request.body, size)


def measure_request(table, gateway, name, request, context=None):
    count = ROUNDS if len(request) < 100_000 else ROUNDS // 4
    before, began = cpu_of_loop(gateway), listener_cpu(gateway)
    for _ in range(count):
        with Client(gateway.address) as client:
            if context:
                client.sock = context.wrap_socket(client.sock, server_hostname="localhost")
            client.ask(request)
    spent = (cpu_of_loop(gateway) - before) / count / 1000
    table.row(name, goal=f"<= {LOOP_US:,}", met=spent <= LOOP_US, gateway=spent)
    table.row("  of the whole process", gateway=(listener_cpu(gateway) - began) / count / 1000)


def cpu_of_loop(gateway):
    """ns that the first thread has run, which is the loop's."""
    pid = gateway.process.pid
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0])


def listener_cpu(gateway):
    tasks = Path(f"/proc/{gateway.process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
