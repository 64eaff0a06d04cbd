"""What the measurements stand on: who is measured, in which environment, and the peers they talk
to."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import front_doors, slack  # noqa: E402
from support.certificates import Pki  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
PROGRAMS = {"empty": BUILD / "empty", "minimal": BUILD / "minimal",
            "gateway": Path(os.environ.get("GATEWAY_BINARY",
                ROOT / "build" / "slack-lambda-gateway"))}

# What `tests/bench/rivals/build` makes, where it finds the toolchain.
RIVALS = BUILD / "rivals"
RIVAL_COMMANDS = {"rust": [RIVALS / "rust/release/rival"], "go": [RIVALS / "go/rival"],
                  "node": [shutil.which("node"), RIVALS / "node/main.js"],
                  "python": ["/usr/bin/python3", RIVALS / "python/main.py"]}

# As Lambda starts a custom runtime, but for the region: without one the gateway makes no connection
# ahead of time.
ENVIRONMENT = {
    "LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "_HANDLER": "bootstrap",
    "LD_LIBRARY_PATH": "/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "AWS_LAMBDA_FUNCTION_NAME": "gateway", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/gateway",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]f1fbd3b3f8f64e3a8e4d1c0b7a6f5e4d",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR", "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
    "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjE" * 56, "SLACK_SIGNING_SECRET": slack.SECRET,
}

# What an edge-optimized API Gateway adds to a request: its events have 3 to 4 KB.
ADDED_HEADERS = [
    ("CloudFront-Forwarded-Proto", "https"), ("CloudFront-Is-Desktop-Viewer", "true"),
    ("CloudFront-Is-Mobile-Viewer", "false"),
    ("CloudFront-Is-SmartTV-Viewer", "false"), ("CloudFront-Is-Tablet-Viewer", "false"),
    ("CloudFront-Viewer-ASN", "14618"),
    ("CloudFront-Viewer-Country", "US"),
    ("Via", "1.1 2f2b4ee1c1b0d5e1f4c5a6b7c8d9e0f1.cloudfront.net (CloudFront)"),
    ("X-Amz-Cf-Id", "Xc4Y1lVb8sOqV5yX0dDq3mXyWq7oPq1nR2tS4uV6wX8yZ0aB2cD4eF=="),
    ("X-Amzn-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"),
    ("X-Forwarded-For", "54.236.12.34, 130.176.98.76"),
    ("X-Forwarded-Port", "443"), ("X-Forwarded-Proto", "https"),
]

NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
	access_log off;
	keepalive_requests 1000000000;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	ssl_protocols TLSv1.2;
	{servers}
}}
"""

SERVER = """
	server {{
		{listen}
		ssl_certificate {chain}.pem;
		ssl_certificate_key {chain}.key;
		{more}
		location / {{ return 404; }}
		location ~ ^/2015-03-31/functions/[^/]+/invocations$ {{
			add_header x-amzn-RequestId 9a197a58-6b7c-4f0e-a7a4-3f1c5d0f1b2e;
			return 202;
		}}
	}}
"""

# The endpoint in its forms: the kind of all keys of its chain, and what else its server is told.
# One that closes a connection after a tenth of a second is what a program finds that was frozen for
# longer.
CLOSES = "ssl_ecdh_curve X25519; keepalive_timeout 100ms;"
FORMS = {
    "rsa": ("rsa2048", "ssl_ecdh_curve X25519;"),
    "p256": ("p256", "ssl_ecdh_curve prime256v1;"),
    "closes, resumable": ("rsa2048", CLOSES),
    "closes": ("rsa2048", CLOSES + " ssl_session_tickets off; ssl_session_cache off;"),
}
CLOSES_AFTER_MS = 100
STAMP_MS = 60000


def interaction():
    """A button below a message, 4 KB of JSON."""
    text = (
        "*Deployment* of <https://example.com/services/web|web> waits for the approval of the team"
        " on call."
    )
    blocks = [
        {"type": "section", "block_id": f"b{i}", "text": {"type": "mrkdwn", "text": text}}
        for i in range(22)
    ]
    return slack.interaction(
        "block_actions", members={"message": {"ts": "1531420618.000200", "blocks": blocks}},
        headers=ADDED_HEADERS,
    )


REQUESTS = {
    "alone": lambda: slack.json_request({"token": "t", "challenge": "3eZbrw1aB",
        "type": "url_verification"}, headers=ADDED_HEADERS),
    "invoke": lambda: slack.command(headers=ADDED_HEADERS),
    "interaction": interaction,
    "event": lambda: slack.event(event_id=None, headers=ADDED_HEADERS),
}


def built_rivals():
    return {
        name: argv for name, argv in RIVAL_COMMANDS.items() if (RIVALS / f"{name}.built").exists()
    }


class Endpoint:
    """A Lambda Invoke endpoint that starts everything: nginx, with chains of three like that of
    AWS."""

    def __init__(self, folder):
        pki = Pki(folder)
        self.ports, self.bundles = {form: free_port() for form in FORMS}, {}
        for kind in {kind for kind, _ in FORMS.values()}:
            root = pki.authority(kind)
            leaf = pki.leaf(kind, issuer=pki.authority(kind, name="Test Intermediate", issuer=root))
            (folder / f"{kind}.pem").write_bytes(leaf.chain_pem())
            (folder / f"{kind}.key").write_bytes(leaf.key_pem())
            (folder / f"{kind}.key").chmod(0o600)
            self.bundles[kind] = pki.bundle(root)
        servers = [
            SERVER.format(listen=self.listen(form), chain=kind, more=more)
            for form, (kind, more) in FORMS.items()
        ]
        (folder / "nginx.conf").write_text(NGINX.format(servers="".join(servers)))
        self.port, self.environment = self.ports["rsa"], self.environment_for("rsa")
        self.process = subprocess.Popen(
            [
                shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin"), "-e", "stderr", "-p",
                folder, "-c", "nginx.conf",
            ]
        )
        self.wait()

    def listen(self, form):
        return "\n\t\t".join(f"listen {address}:{self.ports[form]} ssl;" for address in localhost())

    def environment_for(self, form):
        return {
            "AWS_ENDPOINT_URL_LAMBDA": f"https://localhost:{self.ports[form]}",
            "AWS_CA_BUNDLE": self.bundles[FORMS[form][0]],
        }

    def wait(self):
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        sys.exit("bench: nginx does not start")

    def close(self):
        self.process.terminate()
        self.process.wait()


def localhost():
    """Addresses of this machine for itself, in the form of a listen directive."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return ["127.0.0.1", "[::1]"]
    except OSError:
        return ["127.0.0.1"]


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Stand:
    def __init__(self):
        for program in PROGRAMS.values():
            if not program.exists():
                sys.exit(f"bench: {program} is not there: run make bench")
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.log = open(BUILD / "log", "w+b")
        self.endpoint = Endpoint(self.folder)

    def close(self):
        self.endpoint.close()
        self.log.close()
        shutil.rmtree(self.folder)

    # ---- who is measured -------------------------------------------------------------------------

    def command(self, name, wrapper=(), tls=False, warm_up=False, form="rsa"):
        """A contender as the peer takes it. `tls`: its AWS is our endpoint, in this form;
        `warm_up`: it knows its region."""
        environment = dict(ENVIRONMENT)
        if tls or warm_up:
            environment.update(self.endpoint.environment_for(form))
        if warm_up:
            environment["AWS_REGION"] = "eu-west-1"
        if name == "python":
            environment["PYTHONPATH"] = str(RIVALS / "python")
        argv = (
            [str(part) for part in built_rivals()[name]]
            if name in RIVAL_COMMANDS
            else [str(PROGRAMS[name])]
        )
        return (
            [f"{key}={value}" for key, value in environment.items()]
            + [str(part) for part in wrapper]
            + argv
        )

    # ---- what they are asked ---------------------------------------------------------------------

    def event(self, kind):
        """The path of an event from an API Gateway, signed now: "alone" is answered without
        starting anything. Its time stamp is too old to be believed: near the deadline the gateway
        would answer first and work later."""
        request = REQUESTS[kind]()
        path = self.folder / f"{kind}.json"
        path.write_bytes(
            front_doors.encode(
                front_doors.REST.event(request, epoch_ms=int(time.time() * 1000) - STAMP_MS)
            )
        )
        return path

    WANTED = {
        "alone": "3eZbrw1aB", "invoke": "has been started", "interaction": "200", "event": "200",
    }

    # ---- asking them -----------------------------------------------------------------------------

    def peer(self, rounds, events, kind, *commands, options=()):
        """Lets build/bench/peer measure. Returns for each command what it tells, as lists by name.
        """
        arguments = [BUILD / "peer", *options, str(rounds), str(events), self.event(kind)]
        for command in commands:
            arguments += ["--", *command]
        done = subprocess.run(
            arguments, stdout=subprocess.PIPE, stderr=self.log, text=True, errors="replace"
        )
        results = [defaultdict(list) for _ in commands]
        for line in done.stdout.splitlines():
            number, what, value = line.split(" ", 2)
            results[int(number)][what].append(value if what == "said" else int(value))
        if done.returncode != 0:
            self.give_up(f"peer ended with {done.returncode}")
        silent = [str(PROGRAMS["empty"]), str(PROGRAMS["minimal"])]
        for command, result in zip(commands, results):
            if command[-1] not in silent and events and self.WANTED[kind] not in result["said"][0]:
                self.give_up(f"{command[-1]} answered {result['said'][0]}")
        return results

    def give_up(self, why):
        self.log.seek(0, 2)
        self.log.seek(max(0, self.log.tell() - 2000))
        sys.exit(f"bench: {why}; the end of the log:\n{self.log.read().decode(errors='replace')}")


def about():
    """The machine, as far as it matters."""
    cpu = [
        line.split(":", 1)[1].strip()
        for line in open("/proc/cpuinfo")
        if line.startswith("model name")
    ]
    release = Path("/proc/sys/kernel/osrelease").read_text().strip()
    commit = subprocess.run(
        ["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True
    ).stdout.strip()
    return {
        "cpu": cpu[0] if cpu else "?", "processors": len(cpu), "kernel": release,
        "commit": commit or "?", "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
