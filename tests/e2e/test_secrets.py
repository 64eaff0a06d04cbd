"""Where the signing secret lies: a file, Systems Manager, Secrets Manager; both stages of one; and
rotations."""

import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import hosts, signatures, slack
from support.cloud import STARTED, from_container
from support.invoke_endpoint import after, hang
from support.secret_stores import Parameters, SecretsManager, refusal
from support.service import FAULTS
from support.wire import PATIENCE, eventually, in_some_try

ONE, TWO, THREE = (
    "1f742231b10e8888abcd99yyyzzz85a5", "2c1d2f0a9b8e7d6c5b4a39281706f5e4",
    "3e9b11c0d5a74f6e8899aabbccddeeff",
)
MINUTE = 61


class Store:
    """A gateway whose secrets lie in these places. Keys are the environment's, or with `cloud`
    another source's."""

    def __init__(self, make, parameters=(), secrets=(), **options):
        self.make = make
        self.keys = signatures.Keys()
        self.parameters = make.keep(
            Parameters(dict(parameters), keys=self.keys, tls=make.pki.server(), **options)
        )
        self.secrets = make.keep(
            SecretsManager(dict(secrets), keys=self.keys, tls=make.pki.server(), **options)
        )

    def start(self, kind, setting, **env):
        env = {
            "SLACK_SIGNING_SECRET": setting,
            "AWS_ENDPOINT_URL_SSM": self.parameters.url,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.secrets.url,
            "AWS_CA_BUNDLE": self.make.pki.bundle(),
            "AWS_REGION": "eu-west-1",
            **env,
        }
        host = hosts.start(self.make, kind, self.make.endpoint(), **env)
        host.process.forbidden += [ONE, TWO, THREE]
        return host


def status(host, secret):
    return host.ask(slack.command(secret=secret))[0]


def accepted(host, *secrets):
    """These are taken for signatures, and nothing else is. A store on a busy machine may need
    longer than the first request waits."""
    assert eventually(lambda: status(host, secrets[0]) == 200, pause=0.1)
    for secret in secrets:
        assert host.text(slack.command(secret=secret)) == STARTED
    for other in {ONE, TWO, THREE, slack.SECRET} - set(secrets):
        assert status(host, other) == 401
    return True


def write(folder, text):
    path = folder / "secret"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return f"file:{path}"


# ---- places --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize(
    "content, secrets",
    [
        (ONE, [ONE]), (ONE + "\n", [ONE]), (f" \t{ONE} \r\n", [ONE]), (f"{ONE},{TWO}", [ONE, TWO]),
        (f"{ONE}\n{TWO}\n", [ONE, TWO]),
        (f"{ONE}\r\n\r\n{TWO} , {THREE}\r\n", [ONE, TWO, THREE]),
    ],
    ids=["plain", "line", "blanks", "comma", "lines", "all"],
)  # fmt: skip
def test_file(make, tmp_path, kind, content, secrets):
    accepted(Store(make).start(kind, write(tmp_path, content)), *secrets)


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize(
    "name",
    [
        "/slack/secret", "secret", "/slack/secret:3", "/slack/secret:live",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/slack/secret",
    ],
)
def test_parameter(make, kind, name):
    plain = name.rpartition("parameter")[2]
    store = Store(make, parameters={plain: ONE + "\n"})
    accepted(store.start(kind, f"ssm:{name}"), ONE)
    ((target, asked),) = store.parameters.asked
    assert target == "AmazonSSM.GetParameter" and asked == {"Name": name, "WithDecryption": True}


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize(
    "setting, value, secrets",
    [
        ("slack/app", ONE, [ONE]),
        ("slack/app", ONE.encode() + b"\n", [ONE]),
        ("slack/app", f"{ONE}\n{TWO}", [ONE, TWO]),
        ("slack/app#signing", json.dumps({"other": TWO, "signing": ONE}), [ONE]),
        ("slack/app#signing", json.dumps({"signing": f"{ONE},{TWO}", "x": {"signing": THREE}}),
            [ONE, TWO]),
        ("slack/app#si\u00e9ning", json.dumps({"si\u00e9ning": ONE}), [ONE]),
        ("slack/app#signing", json.dumps({"signing": ONE}).encode(), [ONE]),
    ],
    ids=["text", "binary", "two", "member", "member-two", "umlaut", "member-binary"],
)
def test_secret(make, kind, setting, value, secrets):
    store = Store(make, secrets={"slack/app": value})
    accepted(store.start(kind, f"secretsmanager:{setting}"), *secrets)
    assert {asked["SecretId"] for _, asked in store.secrets.asked} == {"slack/app"}


def test_arn_of_a_secret(make):
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:slack/app-AbCdEf"
    store = Store(make, secrets={arn: json.dumps({"signing": ONE})})
    accepted(store.start("serve", f"secretsmanager:{arn}#signing"), ONE)


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize(
    "current, previous, key",
    [(ONE, TWO, ""), (json.dumps({"k": ONE}), json.dumps({"k": TWO}), "#k")],
    ids=["text", "member"],
)
def test_both_stages(make, kind, current, previous, key):
    """While Slack still signs with the one and already with the other."""
    store = Store(make, secrets={"app": {"AWSCURRENT": current, "AWSPREVIOUS": previous}})
    accepted(store.start(kind, "secretsmanager:app" + key), ONE, TWO)


def test_previous_stage_of_another_form(make):
    """It was text before it became JSON: the current one counts."""
    store = Store(make, secrets={"app": {"AWSCURRENT": json.dumps({"k": ONE}), "AWSPREVIOUS": TWO}})
    accepted(store.start("serve", "secretsmanager:app#k"), ONE)


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_several_places(make, tmp_path, kind):
    store = Store(make, parameters={"p": ONE}, secrets={"s": TWO})
    setting = f"{slack.SECRET},ssm:p,secretsmanager:s,{write(tmp_path, THREE)}"
    accepted(store.start(kind, setting), ONE, TWO, THREE, slack.SECRET)


def test_keys_of_another_source(make, cloud):
    """Those keys sign for the secret, too."""
    variables, _ = from_container(cloud)
    store = Store(make, parameters={"p": ONE})
    store.parameters.keys = cloud.ring
    host = cloud.start(
        **variables, SLACK_SIGNING_SECRET="ssm:p", AWS_ENDPOINT_URL_SSM=store.parameters.url
    )
    assert host.text(slack.command(secret=ONE)) == STARTED
    assert len(cloud.ring.issued) == 1


# ---- when it is read -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_read_at_the_start_and_not_again(make, kind):

    def is_read_once():
        """Before the first event Lambda's runtime gives it 300 ms, and asks again later."""
        store = Store(make, parameters={"p": ONE})
        host = store.start(kind, "ssm:p")
        assert eventually(lambda: store.parameters.requests), "read ahead of the first request"
        assert eventually(lambda: status(host, ONE) == 200, pause=0.1)
        before = len(store.parameters.requests)
        for _ in range(5):
            assert host.text(slack.command(secret=ONE)) == STARTED
        for _ in range(5):
            assert status(host, TWO) == 401
        assert len(store.parameters.requests) == before
        return before == 1

    assert in_some_try(is_read_once)


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_first_request_waits_for_it(make, kind):

    def waits():
        store = Store(make, parameters={"p": ONE})
        store.parameters.script = [after(0.7, lambda visit: visit.endpoint.behave(visit))]
        return status(store.start(kind, "ssm:p"), ONE) == 200

    assert in_some_try(waits)


class Rotation:
    """A gateway in whose place the secret changes from ONE to TWO."""

    def __init__(self, make, folder, kind, place, fails=False):
        self.store = Store(make, parameters={"p": ONE}, secrets={"p": ONE})
        self.service = self.store.secrets if place == "secretsmanager" else self.store.parameters
        self.kind, self.place, self.fails = kind, place, fails
        folder.mkdir()
        self.host = self.store.start(kind, write(folder, ONE) if place == "file" else f"{place}:p")
        assert eventually(lambda: status(self.host, ONE) == 200, pause=0.1)
        self.store.parameters.values["p"] = TWO
        self.store.secrets.rotate("p", TWO)
        write(folder, TWO)
        self.before = len(self.service.requests)
        assert (
            status(self.host, TWO) == 401 and len(self.service.requests) == self.before
        ), "not before the minute is over"
        if fails:
            self.service.default = FAULTS["500"]

    def after_a_minute(self):
        if self.fails:
            assert status(self.host, TWO) == 401
            assert self.host.text(slack.command(secret=ONE)) == STARTED, "what it knew it knows"
            assert self.host.process.logged("WARN", "ERROR")
            return
        assert in_some_try(self.is_looked_at_again, 3)
        assert status(self.host, ONE) == (200 if self.place == "secretsmanager" else 401)
        reads = len(self.service.requests) - self.before
        with ThreadPoolExecutor(8 if self.kind == "serve" else 1) as pool:
            assert set(pool.map(lambda _: status(self.host, THREE), range(30))) == {401}
        assert (
            len(self.service.requests) - self.before == reads <= 2
        ), "one look for a flood of wrong signatures"

    def is_looked_at_again(self):
        """This very request is. Where a look took longer than a request waits, the log says so, and
        the next one is a minute later."""
        lines = len(self.host.process.lines)
        if status(self.host, TWO) == 200:
            return True
        assert "not all signing secrets could be read" in [
            line["message"] for line in self.host.process.lines[lines:]
        ]
        time.sleep(MINUTE)
        return False


def test_rotations_without_a_restart(make, tmp_path):
    """A wrong signature leads to another look, a minute after the last one. All at once, for it
    takes that minute."""
    plan = [
        (kind, place, False) for kind in hosts.HOSTS for place in ("ssm", "secretsmanager", "file")
    ]
    plan += [(kind, "ssm", True) for kind in hosts.HOSTS]
    rotations = [Rotation(make, tmp_path / str(i), *which) for i, which in enumerate(plan)]
    time.sleep(MINUTE)
    for rotation in rotations:
        rotation.after_a_minute()


def test_no_reload_is_lost(make):
    """SIGHUP while they are being read: they are read once more, for what has changed meanwhile."""
    gate = threading.Event()
    store = Store(make, parameters={"p": ONE})
    host = store.start("serve", "ssm:p")
    assert host.text(slack.command(secret=ONE)) == STARTED
    before = len(store.parameters.requests)

    def answer_late(visit):
        gate.wait(PATIENCE)
        visit.endpoint.behave(visit)

    store.parameters.script = [answer_late]
    host.process.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: len(store.parameters.requests) == before + 1)
    store.parameters.values["p"] = TWO
    host.process.process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    gate.set()
    assert eventually(
        lambda: len(store.parameters.requests) == before + 2
    ), "the second signal was lost"
    assert eventually(lambda: status(host, TWO) == 200)


# ---- when it cannot be read ----------------------------------------------------------------------


REFUSALS = {
    "no-such": refusal("ParameterNotFound"),
    "denied": refusal("AccessDeniedException",
        "User: arn:aws:sts::1:x is not authorized to perform: ssm:GetParameter", key="Message"),
    "no-key": refusal("com.amazonaws.ssm#InvalidKeyId", "The key is disabled"),
    "decryption": refusal("DecryptionFailure", "Secrets Manager can't decrypt the secret"),
    "500": refusal("InternalServerError", status=500),
}


ANSWERS = {**FAULTS, **REFUSALS}


@pytest.mark.parametrize(
    "place, kind, answer",
    [(place, "serve", answer) for place in ("ssm", "secretsmanager") for answer in ANSWERS]
    + [("ssm", "lambda", answer) for answer in ("denied", "silent", "html", "huge", "cut-in-body")],
)
def test_faults(make, place, kind, answer):
    """Nothing is let in, the log says why in time, and it works as soon as it can."""
    store = Store(make, parameters={"p": ONE}, secrets={"p": ONE})
    service = store.secrets if place == "secretsmanager" else store.parameters
    service.default = ANSWERS[answer]
    host = store.start(kind, f"{place}:p")

    def is_answered_in_time():
        begun = time.monotonic()
        code, _, text = host.ask(slack.command(secret=ONE))
        assert code in (401, 500, 503), (code, text)
        return time.monotonic() - begun < 2.95

    assert in_some_try(is_answered_in_time)
    if answer in REFUSALS:
        name = json.dumps(host.process.wait_for_log("p: "))
        assert place in json.dumps(host.process.lines) and name
    service.default = None
    assert eventually(lambda: status(host, ONE) == 200, pause=0.3)
    assert len(service.requests) < 60


@pytest.mark.parametrize("place", ["ssm", "secretsmanager"])
def test_throttled_once(make, place):
    store = Store(
        make, parameters={"p": ONE}, secrets={"p": ONE},
        script=[refusal("ThrottlingException", "Rate exceeded")],
    )
    accepted(store.start("serve", f"{place}:p"), ONE)


@pytest.mark.parametrize(
    "value",
    ["", "\n", json.dumps({"other": ONE}), json.dumps({"k": 5}), json.dumps([ONE]), "no json",
        json.dumps({"k": ""}), "{"],
)
def test_values_without_the_member(make, value):
    store = Store(make, secrets={"app": value})
    host = store.start("serve", "secretsmanager:app#k")
    assert status(host, ONE) in (401, 500, 503) and status(host, "") in (401, 500, 503)
    host.process.wait_for_log("app")


@pytest.mark.parametrize("content", [None, "", "\n , \n"], ids=["missing", "empty", "blank"])
def test_file_without_a_secret(cloud, content):
    """Said at the start, for a file is there then or never."""
    path = cloud.file("secret", content) if content is not None else f"{cloud.folder}/nowhere"
    told = cloud.complaint(
        SLACK_SIGNING_SECRET=f"file:{path}", **cloud.ring.issue("ENV").environment()
    )
    assert "SLACK_SIGNING_SECRET" in told


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize(
    "before, after", [("\ufeff", ""), ("", "\r\n"), ("\ufeff ", " \n\n")],
    ids=["mark", "line", "both"],
)
def test_file_as_editors_write_it(make, tmp_path, kind, before, after):
    """A byte order mark and line ends are no part of a secret."""
    path = tmp_path / "secret"
    path.write_text(before + slack.SECRET + after, encoding="utf-8")
    host = hosts.start(make, kind, endpoint=make.endpoint(), SLACK_SIGNING_SECRET=f"file:{path}")
    assert host.text(slack.command()) == STARTED


@pytest.mark.parametrize(
    "content, word",
    [
        (f"'{slack.SECRET}'".encode(), "quotes"),
        (slack.SECRET.encode("utf-16"), "UTF-16"),
        (b"xoxb-1-a", "token"),
        (b'{"secret":"x"}', "JSON"),
    ],
    ids=["quotes", "utf-16", "token", "json"],
)
def test_file_that_holds_something_else(cloud, content, word):
    path = cloud.folder / "secret"
    path.write_bytes(content)
    told = cloud.complaint(
        SLACK_SIGNING_SECRET=f"file:{path}", **cloud.ring.issue("ENV").environment()
    )
    assert "SLACK_SIGNING_SECRET" in told and word in told


def test_silent_store_does_not_hold_up_literals(make):
    """What is known is used meanwhile."""

    def is_quick():
        store = Store(make, parameters={"p": ONE})
        store.parameters.default = hang
        host = store.start("serve", f"{slack.SECRET},ssm:p")
        begun = time.monotonic()
        assert host.text(slack.command()) == STARTED
        return time.monotonic() - begun < 1

    assert in_some_try(is_quick)
