"""A second opinion: everything that AWS is asked for is asked of moto, which checks signatures and
permissions itself."""

import json
import os

import pytest

from support import hosts, moto, signatures, slack
from support.cloud import NOT, STARTED, profile_text
from support.wire import eventually

SECRET, OLD_SECRET = "1f742231b10e8888abcd99yyyzzz85a5", "2c1d2f0a9b8e7d6c5b4a39281706f5e4"


def server():
    if not moto.fetch():
        assert not os.environ.get("CI"), "moto cannot be had"
        pytest.skip("moto cannot be had")
    return moto.Moto()


@pytest.fixture(scope="module")
def aws():
    """Believes everybody."""
    running = server()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def strict():
    running = server()
    running.known = running.user("known")
    running.stranger = running.user("stranger", policy=None)
    running.client("ssm").put_parameter(Name="/slack/secret", Value=SECRET, Type="SecureString")
    manager = running.client("secretsmanager")
    manager.create_secret(Name="slack/app", SecretString=json.dumps({"signing": OLD_SECRET}))
    manager.put_secret_value(SecretId="slack/app", SecretString=json.dumps({"signing": SECRET}))
    running.be_strict()
    yield running
    running.stop()


def start(make, kind, aws, keys=None, **env):
    variables = dict.fromkeys(signatures.Keys().environment())
    variables |= keys.environment() if keys else {}
    urls = {"AWS_ENDPOINT_URL": aws.url, "AWS_ENDPOINT_URL_LAMBDA": None}
    return hosts.start(make, kind, **{"AWS_REGION": "eu-west-1", **variables, **urls, **env})


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_invoke(make, strict, kind):
    host = start(make, kind, strict, strict.known)
    for _ in range(3):
        assert host.text(slack.command()) == STARTED


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_refusals(make, strict, kind):
    host = start(make, kind, strict, strict.stranger)
    text = host.text(slack.command())
    assert text.startswith(NOT) and "AccessDenied" in text and "lambda:InvokeFunction" in text
    host = start(make, kind, strict, signatures.Keys(strict.known.access_key_id, "wrong", None))
    text = host.text(slack.command())
    assert text.startswith(NOT) and "SignatureDoesNotMatch" in text


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_role(make, strict, tmp_path, kind):
    """AssumeRole is signed, and the keys that come of it sign."""
    home = tmp_path / "home" / ".aws"
    home.mkdir(parents=True)
    (home / "credentials").write_text(profile_text(strict.known, "base"))
    (home / "config").write_text(f"[profile p]\nrole_arn = {strict.role}\nsource_profile = base\n")
    host = start(make, kind, strict, HOME=str(home.parent), AWS_PROFILE="p")
    # Its first AssumeRole takes longer than Slack waits, on a busy machine.
    assert eventually(lambda: host.text(slack.command()) == STARTED, timeout=60)


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize(
    "setting, secrets", [("ssm:/slack/secret", [SECRET]),
        ("secretsmanager:slack/app#signing", [SECRET, OLD_SECRET])]
)
def test_secrets(make, strict, kind, setting, secrets):
    host = start(make, kind, strict, strict.known, SLACK_SIGNING_SECRET=setting)
    for secret in secrets:
        assert host.text(slack.command(secret=secret)) == STARTED
    assert host.ask(slack.command())[0] == 401


@pytest.mark.parametrize(
    "setting, name",
    [
        ("ssm:/nowhere", "ParameterNotFound"),
        ("secretsmanager:nowhere", "ResourceNotFoundException"),
    ],
)
def test_secrets_that_are_not_there(make, strict, setting, name):
    host = start(make, "serve", strict, strict.known, SLACK_SIGNING_SECRET=setting)
    assert host.ask(slack.command())[0] == 500
    host.process.wait_for_log(name)


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_web_identity(make, aws, tmp_path, kind):
    (tmp_path / "token").write_text("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2ln\n")
    variables = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": aws.role}
    host = start(make, kind, aws, **variables)
    assert host.text(slack.command()) == STARTED
    assert host.process.wait_for_log("web identity")


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_instance_metadata(make, aws, kind):
    host = start(
        make, kind, aws, AWS_EC2_METADATA_SERVICE_ENDPOINT=aws.url, AWS_EC2_METADATA_DISABLED=None
    )
    assert host.text(slack.command()) == STARTED
    assert host.process.wait_for_log("EC2 instance metadata")
