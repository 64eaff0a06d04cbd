"""`check`, the doctor: every step found well, and made to fail once; what is said, how, and within
which time."""

import datetime
import json
import os
import pty
import re
import socket
import subprocess
import time

import pytest

from support import network, proxy, signatures, slack
from support.cloud import SOURCES, Cloud
from support.invoke_endpoint import failed, hang, raw
from support.listener import free_port
from support.process import BINARY
from support.secret_stores import Parameters, SecretsManager, refusal
from support.service import Service
from support.wire import Server, in_some_try, response

STEPS = [
    "configuration", "listener", "secret", "credentials", "endpoint", "dns", "tcp", "tls", "clock",
    "allow", "permission",
]
TARGET = "eu-west-1/my-fn"
KEYS = signatures.Keys()
LINE = re.compile(
    r"(ok|FAIL|warn|skip) +([a-z]+|not checked) +([^\x00-\x1f\x7f]*(?:\n"
    r" {18}[ >] [^\x00-\x1f\x7f]+)*)\n"
)
MISSING_FILE = "/nonexistent/file"
HEX_SECRET = "5c0ffee15c0ffee15c0ffee15c0ffee1"


class Lambda(Service):
    """Answers DryRun with 204, anything else that is not signed with 403, and tells the time,
    `ahead` seconds too late or early. `dry`: what to do with a DryRun instead."""

    def __init__(
        self, keys=KEYS, dry=None, first=None, ahead=0, date=True, region="eu-west-1", **options
    ):
        self.keys, self.dry, self.first, self.ahead, self.date, self.region = (
            keys, dry, first, ahead, date, region,
        )
        self.invoked = []
        super().__init__(**options)

    def behave(self, visit):
        at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.ahead)
        fields = [("Date", at.strftime("%a, %d %b %Y %H:%M:%S GMT"))] if self.date else []
        fields += [("Connection", "close")] if not self.keep_alive else []
        if visit.request.target == self.base_path + "/":
            if visit.request.header("authorization"):
                self.complain(visit.request, "signed")
            if self.first:
                return self.first(visit)
            return visit.wire.send(
                response(403, b'{"message":"Missing Authentication Token"}', fields)
            )
        if visit.request.header("x-amz-invocation-type") != "DryRun":
            self.complain(visit.request, "no DryRun")
        for problem in signatures.problems(visit.request, self.keys, bool(self.tls)):
            self.complain(visit.request, problem)
        self.invoked.append(visit.request.target)
        if self.dry:
            return self.dry(visit)
        return visit.wire.send(response(204, b"", fields, length=False))


class Outcome:
    """What a run said, in both forms that it has."""

    def __init__(self, code, steps, err, took):
        self.code, self.err, self.took = code, err, took
        self.status = {step["name"]: step["result"] for step in steps}
        self.reason = {step["name"]: step["reason"] for step in steps}
        self.found = {step["name"]: step["found"] for step in steps}
        self.advice = {step["name"]: step["advice"] for step in steps}

    def only(self, *failed):
        """These steps failed, no others."""
        assert [step for step in STEPS if self.status[step] == "fail"] == list(failed), (
            self.status,
            self.found,
        )
        assert self.code == (1 if failed else 0)
        return self

    def skipped(self, *steps):
        assert [step for step in STEPS if self.status[step] == "skip"] == list(steps), (
            self.status,
            self.found,
        )
        return self


def run(*arguments, wrapper=(), env=(), **options):
    return subprocess.run(
        [*wrapper, BINARY, "check", *arguments],
        env=dict(env),
        capture_output=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
        **options,
    )


@pytest.fixture
def doctor(make, tmp_path):
    return Doctor(make, tmp_path)


class Doctor:
    def __init__(self, make, folder):
        self.make, self.folder = make, folder
        self.hidden = [HEX_SECRET, slack.SECRET, slack.OTHER_SECRET, KEYS.secret, KEYS.token]

    def aws(self, tls=True, **options):
        """Lambda as it should be, or as the options say."""
        return self.make.keep(
            Lambda(tls=self.make.pki.server() if tls is True else tls or None, **options)
        )

    def environment(self, aws=None, **env):
        wanted = {
            "PATH": "/usr/bin:/bin",
            "GATEWAY_ALLOW": "*/*",
            "SLACK_SIGNING_SECRET": HEX_SECRET,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CA_BUNDLE": self.make.pki.bundle(),
            **KEYS.environment(),
        }
        if aws:
            wanted["AWS_ENDPOINT_URL_LAMBDA"] = aws.url
        wanted.update(env)
        return {name: value for name, value in wanted.items() if value is not None}

    def text(self, *arguments, aws=None, wrapper=(), **env):
        """(exit code, lines of (status, step, rest), standard error)"""
        done = run(*arguments, wrapper=wrapper, env=self.environment(aws, **env))
        self.discreet(done)
        out = done.stdout.decode()
        rest = LINE.sub("", out)
        assert re.fullmatch(r"everything works\n|1 problem\n|\d+ problems\n", rest), out
        assert max(map(len, out.splitlines())) <= 100, out
        lines = [
            (status, step, re.sub(r"\n {20}", " ", text))
            for status, step, text in LINE.findall(out)
        ]
        return done.returncode, lines, done.stderr.decode()

    def screen(self, *arguments, aws=None, **env):
        """As a person sees it who has UTF-8 and no colours."""
        done = run(*arguments, env=self.environment(aws, LC_ALL="C.UTF-8", **env))
        self.discreet(done)
        return done.stdout.decode()

    def ask(self, *arguments, aws=None, wrapper=(), **env):
        start = time.monotonic()
        done = run(*arguments, "--json", wrapper=wrapper, env=self.environment(aws, **env))
        took = time.monotonic() - start
        self.discreet(done)
        answer = json.loads(done.stdout)
        assert (
            list(answer) == ["ok", "steps"]
            and done.stdout.endswith(b"}\n")
            and answer["ok"] == (done.returncode == 0)
        )
        steps = answer["steps"]
        assert all(list(step) == ["name", "result", "reason", "found", "advice"] for step in steps)
        assert [step["name"] for step in steps] == STEPS
        for step in steps:
            assert step["result"] in ("ok", "fail", "warn", "skip") and step["found"], step
            assert bool(step["reason"]) == (step["result"] != "ok") and re.fullmatch(
                "[a-z_]*", step["reason"]
            ), step
            assert (
                step["advice"]
                if step["result"] in ("fail", "warn")
                else not step["advice"] or step["result"] == "skip"
            ), step
        return Outcome(done.returncode, steps, done.stderr.decode(), took)

    def discreet(self, done):
        for text in self.hidden:
            assert text.encode() not in done.stdout + done.stderr, text


# ---- all is well ---------------------------------------------------------------------------------


def test_all_is_well(doctor):
    aws = doctor.aws()
    outcome = doctor.ask(TARGET, aws=aws).only().skipped()
    soon = lambda: doctor.ask(TARGET, aws=doctor.aws()).took < 5  # noqa: E731
    assert outcome.err == ""
    assert outcome.took < 5 or in_some_try(soon, 5)
    found = outcome.found
    assert found["secret"] == "1 from literal"
    assert found["credentials"] == "environment: AKID...MPLE with a session token"
    assert found["endpoint"] == f"{aws.url} by AWS_ENDPOINT_URL_LAMBDA"
    assert re.fullmatch(r"127\.0\.0\.1 in \d+ ms", found["dns"])
    assert re.fullmatch(rf"127\.0\.0\.1:{aws.port} in \d+ ms", found["tcp"])
    assert re.fullmatch(
        r"localhost until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ by Test Root p256 \(trusted: "
        r"AWS_CA_BUNDLE\); key exchange X25519, sessions can be resumed",
        found["tls"],
    )
    assert re.fullmatch(r"-?\d s ahead of AWS's", found["clock"])
    assert found["allow"] == "GATEWAY_ALLOW=*/*" and TARGET in found["permission"]
    assert aws.invoked == ["/2015-03-31/functions/my-fn/invocations"]
    assert aws.connections == 1


def test_lines(doctor):
    code, lines, err = doctor.text(TARGET, aws=doctor.aws())
    assert (code, err) == (0, "") and [(status, step) for status, step, _ in lines] == [
        ("ok", step) for step in STEPS
    ]


def test_lines_of_a_failure(doctor):
    code, lines, _ = doctor.text(
        TARGET, aws=doctor.aws(), GATEWAY_ALLOW="us-east-1/*,eu-west-1/other"
    )
    assert code == 1
    assert (
        "FAIL", "allow",
        "GATEWAY_ALLOW=us-east-1/*,eu-west-1/other\n                  > add eu-west-1/my-fn to it",
    ) in lines


def test_plain(doctor):
    aws = doctor.aws(tls=False, base_path="/base")
    outcome = doctor.ask(TARGET, aws=aws).only().skipped()
    assert outcome.found["tls"] == "none with http://" and aws.invoked == [
        "/base/2015-03-31/functions/my-fn/invocations"
    ]


@pytest.mark.parametrize(
    "function", ["my-fn:live", "arn:aws:lambda:eu-west-1:123456789012:function:my-fn"]
)
def test_qualified_functions(doctor, function):
    aws = doctor.aws()
    doctor.ask("--json", f"/eu-west-1/{function}", aws=aws, GATEWAY_ALLOW=None).only()
    assert len(aws.invoked) == 1


def test_without_a_function(doctor):
    aws = doctor.aws()
    outcome = doctor.ask(aws=aws, AWS_REGION="eu-west-1").only().skipped("allow", "permission")
    assert outcome.advice["permission"] == "give REGION/FUNCTION" and not aws.invoked
    outcome = (
        doctor.ask(aws=aws)
        .only()
        .skipped("endpoint", "dns", "tcp", "tls", "clock", "allow", "permission")
    )
    assert outcome.advice["endpoint"] == "give REGION/FUNCTION or set AWS_REGION"


def test_a_server_with_ecdsa_alone(doctor):
    pki = doctor.make.pki
    outcome = doctor.ask(TARGET, aws=doctor.aws(tls=pki.server(pki.leaf("p256")))).only()
    assert "key exchange X25519" in outcome.found["tls"]


def test_chain(doctor):
    between = doctor.make.pki.authority(name="Between", issuer=doctor.make.pki.authority())
    leaf = doctor.make.pki.leaf(issuer=between, with_root=True, common_name="\x1b[31mred\x07")
    found = doctor.ask(TARGET, aws=doctor.aws(tls=doctor.make.pki.server(leaf))).only().found["tls"]
    parts = [re.sub(r" until \S+", "", part) for part in found.split(";")[0].split(", ")]
    assert parts == [
        "?[31mred? by Between p256",
        "Between p256 by Test Root p256 (trusted: AWS_CA_BUNDLE)",
        "Test Root p256 by Test Root p256",
    ]


def test_bundle_of_all(doctor):
    found = (
        doctor.ask(
            TARGET, aws=doctor.aws(), AWS_CA_BUNDLE=None, SSL_CERT_FILE=doctor.make.pki.bundle()
        )
        .only()
        .found["tls"]
    )
    assert "(trusted: SSL_CERT_FILE); " in found


@pytest.mark.parametrize("name", SOURCES)
def test_sources_of_credentials(doctor, name):
    cloud = Cloud(doctor.make, doctor.folder)
    variables, _ = SOURCES[name](cloud)
    outcome = doctor.ask(
        TARGET, aws=doctor.aws(keys=cloud.ring), **cloud.environment(**variables)
    ).only()
    found = outcome.found["credentials"]
    until = re.search(r" until (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z)$", found)
    assert bool(until) == (name not in ("ENV", "PROFILE")), found
    assert re.match(r"[A-Za-z2, ]+: \w{4}\.\.\.\w{4}", found), found
    assert cloud.ring.issued
    for keys in cloud.ring.issued.values():
        assert keys.secret not in str(outcome.found) and str(keys.token) not in str(outcome.found)


def test_fetched_secrets(doctor):
    parameters = doctor.make.keep(Parameters({"/slack": f"{slack.SECRET},{slack.OTHER_SECRET}"}))
    manager = doctor.make.keep(
        SecretsManager({"prod/slack": json.dumps({"now": slack.OTHER_SECRET})})
    )
    path = doctor.folder / "secret"
    path.write_text(slack.SECRET + "\n")
    env = {
        "SLACK_SIGNING_SECRET":
            f"{slack.SECRET},ssm:/slack,secretsmanager:prod/slack#now,file:{path}",
            "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_SSM": parameters.url, "AWS_ENDPOINT_URL_SECRETS_MANAGER": manager.url,
    }  # fmt: skip
    outcome = doctor.ask(TARGET, aws=doctor.aws(), **env).only()
    assert (
        outcome.found["secret"]
        == f"5 from literal, ssm:/slack, secretsmanager:prod/slack#now, file:{path}"
    )


def test_no_secret_is_wanted(doctor):
    env = {"SLACK_SIGNING_SECRET": None, "GATEWAY_INSECURE_SKIP_VERIFY": "1"}
    outcome = doctor.ask(TARGET, aws=doctor.aws(), **env).only().skipped("secret")
    assert "GATEWAY_INSECURE_SKIP_VERIFY" in outcome.found["secret"]


def test_no_date(doctor):
    doctor.ask(TARGET, aws=doctor.aws(date=False)).only().skipped("clock")


# ---- what is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("env", "part"),
    [
        ({"GATEWAY_ACK": "never"}, "GATEWAY_ACK=never"),
        ({"GATEWAY_ALOW": "*/*"}, "GATEWAY_ALOW"),
        ({"GATEWAY_WORKERS": "0"}, "GATEWAY_WORKERS"),
        ({"GATEWAY_CONFIG": "{"}, "GATEWAY_CONFIG"),
        ({"SLACK_SIGNING_SECRET": None}, "SLACK_SIGNING_SECRET"),
        ({"SLACK_SIGNING_SECRET": f"file:{MISSING_FILE}"}, MISSING_FILE),
        ({"AWS_CA_BUNDLE": MISSING_FILE}, "AWS_CA_BUNDLE"),
        ({"AWS_SECRET_ACCESS_KEY": None}, "AWS_ACCESS_KEY_ID is set without"),
        ({"AWS_ENDPOINT_URL_LAMBDA": "ftp://x"}, "AWS_ENDPOINT_URL_LAMBDA"),
        ({"HTTPS_PROXY": "socks5://user:passw0rd@x"}, "HTTPS_PROXY"),
    ],
)
def test_configuration(doctor, env, part):
    doctor.hidden.append("passw0rd")
    outcome = doctor.ask(TARGET, **env).only("configuration").skipped(*STEPS[1:])
    assert part in outcome.found["configuration"]
    assert outcome.found["secret"] == "needs configuration"


def test_secret_that_cannot_be_had(doctor):
    parameters = doctor.make.keep(
        Parameters({}, default=refusal("AccessDeniedException", "not you"))
    )
    env = {
        "SLACK_SIGNING_SECRET": "ssm:/slack", "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_SSM": parameters.url,
    }
    found = doctor.ask(TARGET, aws=doctor.aws(), **env).only("secret").skipped().found["secret"]
    assert "/slack" in found and "AccessDeniedException" in found


def test_credentials_that_are_not_there(doctor):
    env = dict.fromkeys(KEYS.environment())
    outcome = (
        doctor.ask(TARGET, aws=doctor.aws(), HOME="/nonexistent", **env)
        .only("credentials")
        .skipped("permission")
    )
    assert (
        "AWS_ACCESS_KEY_ID" in outcome.found["credentials"]
        and outcome.found["permission"] == "needs credentials"
    )


def test_region_that_is_none(doctor):
    outcome = doctor.ask(aws=doctor.aws(), AWS_REGION="Ireland")
    outcome.only("endpoint").skipped("dns", "tcp", "tls", "clock", "allow", "permission")


def test_nobody_listens(doctor):
    outcome = doctor.ask(TARGET, AWS_ENDPOINT_URL=f"https://127.0.0.1:{free_port()}")
    assert "refused" in outcome.only("tcp").skipped("tls", "clock", "permission").found["tcp"]
    assert outcome.found["endpoint"].endswith("by AWS_ENDPOINT_URL")


DAY = datetime.timedelta(days=1)
BAD_CERTIFICATES = {
    "unknown authority": (lambda pki: pki.leaf(issuer=pki.authority(name="Nobody")),
        "unknown authority", "localhost by Nobody p256"),
    "expired": (lambda pki: pki.leaf(start=-3 * DAY, end=-DAY), "this machine's clock says 20",
        "localhost by Test Root p256"),
    "another name": (lambda pki: pki.leaf(names=["other.test"], addresses=[]),
        "not for this name but for other.test", "localhost by Test"),
    "alone": (lambda pki: pki.leaf(issuer=pki.authority(name="Between", issuer=pki.authority()),
        alone=True), "", "localhost by Between p256"),
}


@pytest.mark.parametrize("name", BAD_CERTIFICATES)
def test_certificates(doctor, name):
    certificate, why, shown = BAD_CERTIFICATES[name]
    aws = doctor.aws(tls=doctor.make.pki.server(certificate(doctor.make.pki)))
    found = doctor.ask(TARGET, aws=aws).only("tls").skipped("clock", "permission").found["tls"]
    assert why in found and shown in re.sub(r" until \S+", "", found), found


@pytest.mark.parametrize("ahead", [3600, 310, -310, -3600, 280, -280, -100_000_000])
def test_clock(doctor, ahead):
    outcome = doctor.ask(TARGET, aws=doctor.aws(ahead=ahead)).skipped()
    outcome.only(*["clock"] * (abs(ahead) > 300))
    assert abs(int(outcome.found["clock"].split()[0]) + ahead) <= 9
    assert "NTP" in outcome.advice["clock"] or abs(ahead) < 300


def test_clock_without_an_answer(doctor):
    doctor.ask(TARGET, aws=doctor.aws(first=raw(b"SSH-2.0-x\r\n\r\n"))).only("clock").skipped()


PERMISSIONS = {
    "AccessDeniedException": (failed(403, "AccessDeniedException",
        "User: x is not authorized to perform: lambda:InvokeFunction\r\nsecond\x1b[31m line"),
        "not_allowed", "allow lambda:InvokeFunction on the function my-fn in eu-west-1"),
    "ResourceNotFoundException": (failed(404, "ResourceNotFoundException",
        "Function not found: <arn>"), "no_function", "create the function my-fn in eu-west-1"),
    "ExpiredTokenException": (failed(403, "ExpiredTokenException",
        "The security token included in the request is expired"), "keys_expired", "expired"),
    "UnrecognizedClientException": (failed(403, "UnrecognizedClientException",
        "The security token included in the request is invalid"), "key_unknown",
        "does not know this access key"),
    "InvalidSignatureException": (failed(403, "InvalidSignatureException",
        "The request signature we calculated does not match"), "key_wrong", "copy both again"),
    "TooManyRequestsException":
        (failed(429, "TooManyRequestsException", "Rate Exceeded."), "throttled", "a minute"),
    "ResourceConflictException":
        (failed(409, "ResourceConflictException", "Pending"), "not_ready", "being made or changed"),
    "InvalidParameterValueException":
        (failed(400, "InvalidParameterValueException", "no"), "refused", "AWS's message says why"),
    "ServiceException": (failed(500, "ServiceException", "An error occurred"), "server_error",
        "AWS Health Dashboard"),
    "202": (raw(response(202, b"")), "not_aws", "emulator"),
    "no HTTP": (raw(b"<html>"), "answer_unreadable", "proxy or firewall"),
}  # fmt: skip


@pytest.mark.parametrize("case", PERMISSIONS)
def test_permission(doctor, case):
    """Each refusal has a reason and an advice of its own."""
    answer, reason, advice = PERMISSIONS[case]
    outcome = doctor.ask(TARGET, aws=doctor.aws(dry=answer)).only("permission").skipped()
    assert outcome.reason["permission"] == reason and advice in outcome.advice["permission"]
    assert case in outcome.found["permission"] or case == "no HTTP"
    code, lines, _ = doctor.text(TARGET, aws=doctor.aws(dry=answer))
    assert code == 1 and [status for status, _, _ in lines] == ["ok"] * 10 + ["FAIL"]


HTML = response(
    200, b"<!DOCTYPE html><title>Sign in</title>", [("Content-Type", "text/html; charset=utf-8")]
)


def test_captive_portal(doctor):
    outcome = doctor.ask(TARGET, aws=doctor.aws(first=raw(HTML), dry=raw(HTML)))
    assert (
        outcome.only("clock", "permission").reason["clock"] == "answer_is_html"
        and "captive portal" in outcome.advice["clock"]
    )


def test_reasons(doctor):
    """Programs rely on these words."""
    assert doctor.ask(TARGET, GATEWAY_ACK="x").reason["configuration"] == "configuration_invalid"
    assert doctor.ask(TARGET, AWS_CA_BUNDLE=MISSING_FILE).reason["configuration"] == "file_unusable"
    assert (
        doctor.ask(TARGET, AWS_ENDPOINT_URL=f"https://127.0.0.1:{free_port()}").reason["tcp"]
        == "tcp_refused"
    )
    assert doctor.ask(TARGET, aws=doctor.aws(ahead=3600)).reason["clock"] == "clock_wrong"
    assert (
        doctor.ask(TARGET, aws=doctor.aws(), GATEWAY_ALLOW="x/y").reason["allow"]
        == "allow_excludes"
    )


def test_warnings(doctor):
    """Things that work, and are worth a word."""
    outcome = doctor.ask(
        TARGET, aws=doctor.aws(), GATEWAY_ALLOW=None, SLACK_SIGNING_SECRET=slack.SECRET[:31]
    ).only()
    assert outcome.status["allow"] == "warn" and outcome.reason["allow"] == "allow_unset"
    assert outcome.status["secret"] == "warn" and outcome.reason["secret"] == "secret_form"


# ---- the listener --------------------------------------------------------------------------------


def https(doctor, **options):
    own = doctor.make.pki.leaf(**options)
    chain, key = doctor.folder / "chain.pem", doctor.folder / "key.pem"
    chain.write_bytes(own.chain_pem())
    key.write_bytes(own.key_pem())
    return {"GATEWAY_TLS_CERT": str(chain), "GATEWAY_TLS_KEY": str(key)}


def test_listener(doctor):
    env = {
        "GATEWAY_LISTEN": "0.0.0.0:443", "GATEWAY_METRICS_LISTEN": "127.0.0.1:9090",
        "GATEWAY_FUNCTIONS": str(doctor.folder),
    }
    found = doctor.ask(TARGET, aws=doctor.aws(), **env, **https(doctor)).only().found["listener"]
    wanted = (
        rf"0\.0\.0\.0:443, metrics at 127\.0\.0\.1:9090, functions of {doctor.folder}, HTTPS until"
        r" \d{4}-\S+Z"
    )
    assert re.fullmatch(wanted, found), found


def test_listener_that_serve_would_refuse(doctor):
    def reason(**env):
        outcome = doctor.ask(TARGET, aws=doctor.aws(), **env)
        return next(name for name in STEPS if outcome.status[name] == "fail"), next(
            outcome.reason[name] for name in STEPS if outcome.status[name] == "fail"
        )

    assert reason(GATEWAY_LISTEN="nowhere") == ("configuration", "configuration_invalid")
    assert reason(GATEWAY_METRICS_LISTEN="127.0.0.1") == ("configuration", "configuration_invalid")
    assert reason(GATEWAY_TLS_CERT=MISSING_FILE, GATEWAY_TLS_KEY=MISSING_FILE) == (
        "listener",
        "certificate_unusable",
    )
    wrong = {**https(doctor), "GATEWAY_TLS_KEY": str(doctor.folder / "other.pem")}
    (doctor.folder / "other.pem").write_bytes(doctor.make.pki.leaf("p256").key_pem())
    assert reason(**wrong) == ("listener", "certificate_unusable")
    assert reason(**https(doctor, start=-3 * DAY, end=-DAY)) == ("listener", "certificate_expired")
    assert reason(GATEWAY_FUNCTIONS=MISSING_FILE) == ("listener", "functions_unusable")
    outcome = doctor.ask(TARGET, aws=doctor.aws(), **https(doctor, end=5 * DAY)).only()
    assert (
        outcome.status["listener"] == "warn" and outcome.reason["listener"] == "certificate_expires"
    )


def test_it_does_not_bind(doctor):
    """A listener may run there already."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        doctor.ask(
            TARGET, aws=doctor.aws(), GATEWAY_LISTEN=f"127.0.0.1:{sock.getsockname()[1]}"
        ).only()


def test_refused_by_the_gateway_itself(doctor):
    aws = doctor.aws()
    outcome = doctor.ask(TARGET, aws=aws, GATEWAY_ALLOW="us-east-1/*").only("allow").skipped()
    assert "us-east-1/*" in outcome.found["allow"] and len(aws.invoked) == 1


# ---- slow and silent -----------------------------------------------------------------------------


class Silent(Server):
    """Takes connections, and never says anything."""

    def serve(self, sock):
        self.stopping.wait()


@pytest.mark.parametrize(
    ("options", "step"),
    [
        ({}, "tls"),
        ({"first": hang, "dry": hang}, "clock"),
        ({"dry": hang}, "permission"),
    ],
)
def test_silence_is_bounded(doctor, options, step):
    if options:
        outcome = doctor.ask(TARGET, aws=doctor.aws(**options))
    else:
        outcome = doctor.ask(
            TARGET, AWS_ENDPOINT_URL_LAMBDA=f"https://127.0.0.1:{doctor.make.keep(Silent()).port}"
        )
    outcome.only(*([step, "permission"] if step == "clock" else [step]))
    assert 4 < outcome.took < 40, "a step has five seconds, all of them 45"


def test_silence_everywhere(doctor):
    silent = doctor.make.keep(Silent())
    env = {
        "SLACK_SIGNING_SECRET": "ssm:/slack,ssm:/other", "AWS_REGION": "eu-west-1",
        **dict.fromkeys(KEYS.environment()),
        "AWS_ENDPOINT_URL_SSM": f"http://127.0.0.1:{silent.port}", "HOME": "/nonexistent",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{silent.port}/",
    }  # fmt: skip
    outcome = doctor.ask(TARGET, aws=doctor.aws(tls=False, first=hang), **env).only(
        "secret", "credentials", "clock"
    )
    assert outcome.took < 43


# ---- names and proxies ---------------------------------------------------------------------------


@pytest.fixture
def net(make, tmp_path):
    if not network.available():
        pytest.skip("needs root, for a network of its own")
    return make.keep(network.Network(tmp_path))


def test_names(doctor, net):
    dns = doctor.make.keep(
        network.Dns(net, {"lambda.eu-west-1.amazonaws.com": ["127.0.0.1", "127.0.0.3"]})
    )
    tls = doctor.make.pki.server(doctor.make.pki.leaf(names=["*.amazonaws.com"], addresses=[]))
    aws = Lambda(tls=tls, listener=net.listener(443), authority="lambda.eu-west-1.amazonaws.com")
    doctor.make.keep(aws)
    outcome = doctor.ask(TARGET, wrapper=net.wrapper).only("tls")
    assert outcome.found["endpoint"] == "https://lambda.eu-west-1.amazonaws.com by eu-west-1"
    assert re.fullmatch(r"127\.0\.0\.[13], 127\.0\.0\.[13] in \d+ ms", outcome.found["dns"])
    assert "is not for this name but for *.amazonaws.com" in outcome.found["tls"]
    assert dns.asked
    outcome = doctor.ask("cn-north-1/my-fn", wrapper=net.wrapper).only("dns")
    assert "lambda.cn-north-1.amazonaws.com.cn" in outcome.found["dns"]


def test_silent_name_server(doctor, net):
    doctor.make.keep(network.Dns(net, {}, mute=True))
    outcome = (
        doctor.ask(TARGET, wrapper=net.wrapper)
        .only("dns")
        .skipped("tcp", "tls", "clock", "permission")
    )
    assert outcome.took < 40


def test_proxy(doctor):
    way = doctor.make.keep(proxy.FakeProxy(user=True))
    doctor.hidden += proxy.SECRETS
    tls = doctor.make.pki.server(doctor.make.pki.leaf(names=["lambda.test"], addresses=[]))
    aws = doctor.aws(tls=tls, name="lambda.test")
    outcome = doctor.ask(TARGET, aws=aws, HTTPS_PROXY=way.url).only().skipped()
    assert outcome.found["endpoint"].endswith(f", through the proxy {way.authority}")
    assert re.fullmatch(rf"{way.authority} in \d+ ms", outcome.found["tcp"])
    assert way.asked == [f"CONNECT {aws.authority}"] and len(aws.invoked) == 1


def test_proxy_in_plain(doctor):
    way = doctor.make.keep(proxy.FakeProxy())
    aws = doctor.aws(tls=False, name="lambda.test")
    aws.keep_alive = False
    outcome = doctor.ask(TARGET, aws=aws, HTTP_PROXY=way.url).only().skipped()
    assert outcome.found["endpoint"].endswith(f", through the proxy {way.authority}")
    assert way.asked[0] == f"POST http://{aws.authority}/" and len(aws.invoked) == 1


@pytest.mark.parametrize("act", [proxy.refuses(407), proxy.refuses(502), proxy.says(b"")])
def test_proxy_that_will_not(doctor, act):
    way = doctor.make.keep(proxy.FakeProxy(act))
    outcome = doctor.ask(TARGET, AWS_ENDPOINT_URL="https://lambda.test:4443", HTTPS_PROXY=way.url)
    outcome.only("tcp").skipped("tls", "clock", "permission")
    assert outcome.found["tcp"].startswith(way.authority)


# ---- without AWS ---------------------------------------------------------------------------------

WITHOUT_AWS = ("credentials", "endpoint", "dns", "tcp", "tls", "clock")


def test_local_function(doctor):
    function = doctor.folder / "hello"
    function.write_text("#!/bin/sh\n")
    env = {"GATEWAY_FUNCTIONS": str(doctor.folder)}
    assert (
        "chmod"
        in doctor.ask("local/hello", **env)
        .only("permission")
        .skipped(*WITHOUT_AWS)
        .found["permission"]
    )
    function.chmod(0o755)
    doctor.ask("local/hello", **env).only().skipped(*WITHOUT_AWS)
    doctor.ask("local/other", **env).only("permission")
    doctor.ask("local/hello", GATEWAY_FUNCTIONS=MISSING_FILE).only("listener", "permission")
    doctor.ask("local/hello", GATEWAY_ALLOW="eu-west-1/*", **env).only("allow")
    outcome = doctor.ask("local/hello").only().skipped(*WITHOUT_AWS, "permission")
    assert "GATEWAY_FUNCTIONS" in outcome.advice["permission"]


# ---- the command line ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["--jsn"], ["-j"], ["--json=1"], [""], ["my-fn"], ["Ireland/my-fn"], ["eu-west-1/"],
        ["eu-west-1/a/b"], ["eu-west-1/a%zz"],
        ["eu-west-1/a", "eu-west-1/b"], ["eu-west-1/../x"], ["local/a:b"],
        ["https://x/eu-west-1/a"], ["eu-west-1/" + "x" * 5000],
        ["us-east-1/arn:aws:lambda:eu-west-1:123456789012:function:f"],
    ],
)  # fmt: skip
def test_wrong_arguments(doctor, arguments):
    done = run(*arguments, env=doctor.environment())
    assert done.returncode == 2 and not done.stdout
    err = done.stderr.decode()
    assert err.startswith("slack-lambda-gateway: ") and err.count("\n") == 1
    assert "--json" in err if arguments[0].startswith("-") else "REGION/FUNCTION" in err


def test_on_a_plain_terminal(doctor):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [BINARY, "check", TARGET], env=doctor.environment(doctor.aws()), stdin=theirs,
        stdout=theirs, stderr=theirs,
    )
    os.close(theirs)
    out = b""
    try:
        while data := os.read(ours, 65536):
            out += data
    except OSError:
        pass
    os.close(ours)
    assert (
        process.wait(300) == 0
        and b"everything works\r\n" in out
        and out.count(b"\x1b[32mok  \x1b[0m ") == len(STEPS)
    ), out


@pytest.mark.parametrize(
    "redirection", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", ">/dev/full", "| head -c 1"]
)
def test_without_somebody_who_reads(doctor, redirection):
    command = f'"$0" check {TARGET} {redirection}'
    done = subprocess.run(
        ["sh", "-c", command, BINARY], env=doctor.environment(doctor.aws()), capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0


@pytest.mark.parametrize("level", ["debug", "info", "error"])
def test_log_levels(doctor, level):
    outcome = doctor.ask(
        TARGET, aws=doctor.aws(dry=failed(403, "AccessDeniedException", "no")),
        GATEWAY_LOG_LEVEL=level,
    ).only("permission")
    lines = [json.loads(line) for line in outcome.err.splitlines()]
    assert bool(lines) == (level == "debug")


def test_in_a_container_without_anything(doctor, tmp_path):
    """No /etc/hosts, no resolv.conf: only the program."""
    if not network.available():
        pytest.skip("needs root, for a root directory of its own")
    wrapper = ["/usr/sbin/chroot", str(in_root(tmp_path))]
    aws = doctor.aws(tls=False)
    ask = lambda: doctor.ask(  # noqa: E731
        TARGET, wrapper=wrapper, aws=aws, AWS_CA_BUNDLE=None
    ).only()
    assert in_some_try(lambda: ask().took < 5, 5)


def in_root(folder):
    root = folder / "root"
    target = root / str(BINARY).lstrip("/")
    target.parent.mkdir(parents=True)
    (
        os.link(BINARY, target)
        if os.stat(BINARY).st_dev == os.stat(root).st_dev
        else target.write_bytes(BINARY.read_bytes())
    )
    target.chmod(0o755)
    return root


def test_port_is_given_back(doctor):
    """It opens one connection at a time, and none is left."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(1)
        doctor.ask(TARGET, AWS_ENDPOINT_URL=f"https://127.0.0.1:{sock.getsockname()[1]}").only(
            "tls"
        )
