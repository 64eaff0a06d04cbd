"""Profiles in the shared files: which one, whose keys, which roles, and what is told when that
leads nowhere."""

import pytest

from support import hosts, slack
from support.cloud import (
    IDENTITY, NOT, ROLE, SOURCES, from_container, from_metadata, from_role, from_web_identity,
    profile_text,
)
from support.invoke_endpoint import failed

SECOND = "arn:aws:iam::123456789012:role/second"


def named(cloud, text):
    cloud.aws_file("config", text)


@pytest.fixture
def base(cloud):
    """A profile with keys of the source "BASE"."""
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("BASE"), "base"))


def test_chosen_by_a_variable(cloud):
    text = profile_text(cloud.ring.lasting("DEFAULT")) + profile_text(
        cloud.ring.lasting("WORK"), "at work"
    )
    cloud.aws_file("credentials", text)
    cloud.started_by(cloud.start(), "DEFAULT")
    cloud.started_by(cloud.start(AWS_PROFILE="at work", AWS_DEFAULT_PROFILE="no"), "WORK")
    cloud.started_by(cloud.start(AWS_DEFAULT_PROFILE="at work"), "WORK")


def test_files_elsewhere(cloud):
    path = cloud.file("elsewhere", profile_text(cloud.ring.lasting("ELSE")))
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("HOME")))
    cloud.started_by(cloud.start(AWS_SHARED_CREDENTIALS_FILE=path), "ELSE")
    cloud.started_by(
        cloud.start(AWS_CONFIG_FILE=path, AWS_SHARED_CREDENTIALS_FILE="/nonexistent"), "ELSE"
    )
    cloud.started_by(cloud.start(AWS_CONFIG_FILE="/nonexistent"), "HOME")


def test_files_of_windows(cloud):
    keys = cloud.ring.issue("PROFILE", None)
    cloud.aws_file("credentials", "# keys\r\n" + profile_text(keys).replace("\n", " ; comment\r\n"))
    cloud.started_by(cloud.start(), "PROFILE")


def test_session_tokens(cloud):
    cloud.aws_file("credentials", profile_text(cloud.ring.issue("PROFILE", None)))
    cloud.started_by(cloud.start(), "PROFILE")


def test_replaced_keys(cloud):
    """As a tool does that signs somebody in: the file is read again when the old ones are refused.
    """
    cloud.aws_file("credentials", profile_text(cloud.ring.issue("OLD", None)))
    host = cloud.start("lambda")
    cloud.started_by(host, "OLD")
    cloud.aws_file("credentials", profile_text(cloud.ring.issue("NEW", None)))
    cloud.started_by(host, "OLD")
    cloud.endpoint.script = [
        failed(
            403, "ExpiredTokenException", "The security token included in the request is expired"
        )
    ]
    cloud.started_by(host, "NEW")


def test_role(cloud):
    variables, (sts,) = from_role(cloud, roles={ROLE: {"ExternalId": "a+b/c=d, e"}})
    named(cloud, f"[default]\nrole_arn = {ROLE}\nsource_profile = base\nexternal_id = a+b/c=d, e\n"
          "role_session_name = me@work\nduration_seconds = 1234\n")  # fmt: skip
    cloud.started_by(cloud.start(**variables), "STS")
    (form,) = sts.forms
    assert (
        form["RoleSessionName"] == "me@work"
        and form["DurationSeconds"] == "1234"
        and form["ExternalId"] == "a+b/c=d, e"
    )


def test_roles_in_a_row(cloud, base):
    sts = cloud.sts(roles={ROLE: {}, SECOND: {}})
    named(
        cloud,
        f"[profile a]\nrole_arn = {SECOND}\nsource_profile = b\n[profile b]\nrole_arn = {ROLE}\n"
        "source_profile = base\n",
    )
    cloud.started_by(cloud.start(AWS_PROFILE="a", AWS_ENDPOINT_URL_STS=sts.url), "STS")
    assert [form["RoleArn"] for form in sts.forms] == [ROLE, SECOND]
    signers = [
        request.header("authorization").split("Credential=")[1][4:8] for request in sts.requests
    ]
    assert signers == ["BASE", "STSZ"]


def test_role_with_its_own_keys(cloud):
    sts = cloud.sts()
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("OWN")))
    named(cloud, f"[default]\nrole_arn = {ROLE}\nsource_profile = default\n")
    cloud.started_by(cloud.start(AWS_ENDPOINT_URL_STS=sts.url), "STS")
    assert len(sts.forms) == 1


def test_keys_of_a_source_come_before_its_role(cloud, base):
    sts = cloud.sts()
    named(
        cloud,
        f"[default]\nrole_arn = {ROLE}\nsource_profile = base\n[profile base]\n"
        f"role_arn = {SECOND}\nsource_profile = x\n",
    )
    cloud.started_by(cloud.start(AWS_ENDPOINT_URL_STS=sts.url), "STS")
    assert [form["RoleArn"] for form in sts.forms] == [ROLE]


@pytest.mark.parametrize(
    "source, name", [(from_container, "EcsContainer"), (from_metadata, "Ec2InstanceMetadata")]
)
def test_role_with_keys_of_the_machine(cloud, source, name):
    sts = cloud.sts()
    variables, _ = source(cloud)
    named(cloud, f"[default]\nrole_arn = {ROLE}\ncredential_source = {name}\n")
    cloud.started_by(cloud.start(**variables, AWS_ENDPOINT_URL_STS=sts.url), "STS")


def test_role_for_a_web_identity(cloud, base):
    sts = cloud.sts()
    path = cloud.file("web-identity", IDENTITY)
    named(
        cloud,
        f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = {path}\n"
        "role_session_name = pod\nsource_profile = base\n",
    )
    cloud.started_by(cloud.start(AWS_ENDPOINT_URL_STS=sts.url), "WEBID")
    assert sts.forms[0]["RoleSessionName"] == "pod"


@pytest.mark.parametrize("profile", [{}, {"AWS_PROFILE": "default"}])
def test_profile_without_keys(cloud, profile):
    """It says other things; the next source has its turn."""
    variables, _ = from_container(cloud)
    named(cloud, "[default]\nregion = eu-west-1\ns3 =\n  max_queue_size = 10\n")
    cloud.started_by(cloud.start(**variables, **profile), "CONTAINER")


@pytest.mark.parametrize(
    "text, told",
    [
        (
            f"role_arn = {ROLE}\nsource_profile = default",
            "profile default: source_profile leads in a circle",
        ),
        (
            f"role_arn = {ROLE}\nsource_profile = b\n[profile b]\nrole_arn = {ROLE}\n"
            "source_profile = default",
            "leads in a circle",
        ),
        (f"role_arn = {ROLE}\nsource_profile = nobody", "profile nobody: there is no such profile"),
        (f"role_arn = {ROLE}", "one of source_profile and credential_source"),
        (
            f"role_arn = {ROLE}\nsource_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me",
            "mfa_serial",
        ),
        (f"role_arn = {ROLE}\ncredential_source = EcsContainer", "credential_source"),
        (f"role_arn = {SECOND}\nsource_profile = base", "assumed role: AccessDenied"),
        (
            f"role_arn = {ROLE}\nsource_profile = base\nduration_seconds = 1h",
            "duration_seconds is a number from 900 to 43200",
        ),
        (
            f"role_arn = {ROLE}\nsource_profile = base\nduration_seconds = 60",
            "duration_seconds is a number from 900 to 43200",
        ),
        (f"role_arn = {ROLE}\nsource_profile = base\nrole_session_name = a b", "role_session_name"),
        ("role_arn = gateway\nsource_profile = base", "not the ARN of a role"),
        ("sso_session = x", "aws configure export-credentials --profile default"),
    ],
)
def test_what_leads_nowhere(cloud, base, text, told):
    """No other source takes its place."""
    sts = cloud.sts()
    variables = {} if "EcsContainer" in text else from_container(cloud)[0]
    named(cloud, f"[default]\n{text}\n")
    answer = cloud.complaint(**variables, AWS_ENDPOINT_URL_STS=sts.url)
    assert told in answer, answer
    assert not cloud.endpoint.requests


def test_unknown_name(cloud, base):
    """Said at the start: nobody who names a profile wants another one."""
    assert "AWS_PROFILE: profile nobody: there is no such" in cloud.complaint(AWS_PROFILE="nobody")
    keys = cloud.ring.issue("ENV").environment()
    assert "profile nobody: there is no such profile" in cloud.complaint(
        AWS_PROFILE="nobody", **keys
    )


@pytest.mark.parametrize("name", ["config", "credentials"])
def test_files_that_cannot_be_read(make, cloud, name):
    """Told at the start where that reads them, with the number of the line and nothing of what
    stands there."""
    cloud.aws_file(name, "# keys\n[default]\naws_secret_access_key hunter2hunter2\n")
    runtime = make.runtime(cloud.endpoint, wait=False, **cloud.environment(AWS_PROFILE="default"))
    assert runtime.process.wait_exit() > 0
    (error,) = runtime.api.init_errors
    text = error.json()["errorMessage"]
    assert f"line 3 of ~/.aws/{name}" in text and "hunter2" not in text, text


# ---- when a profile counts, and when its files do ------------------------------------------------


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_named_profile_beats_web_identity(cloud, base, kind):
    """A pod whose profile is another account's must not act as the pod."""
    variables, (sts,) = from_web_identity(cloud)
    cloud.started_by(cloud.start(kind, **variables, AWS_PROFILE="base"), "BASE")
    assert not sts.requests


def test_web_identity_beats_the_default_profile(cloud):
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("PROFILE")))
    variables, _ = from_web_identity(cloud)
    cloud.started_by(cloud.start(**variables), "WEBID")


def test_named_profile_with_settings_alone_leaves_web_identity(cloud, base):
    named(cloud, "[profile work]\nregion = eu-west-1\n")
    variables, _ = from_web_identity(cloud)
    cloud.started_by(cloud.start(**variables, AWS_PROFILE="work"), "WEBID")


def test_keys_of_the_environment_beat_a_named_profile(cloud, base):
    cloud.started_by(
        cloud.start(AWS_PROFILE="base", **cloud.ring.issue("ENV").environment()), "ENV"
    )


@pytest.mark.parametrize("text", ["nonsense\n",
                                  "[default]\nnonsense\n", "\0" * 100, "x" * (5 << 20)],
                         ids=["outside", "inside", "binary", "five-mebibytes"])  # fmt: skip
@pytest.mark.parametrize("source", ["ENV", "WEBID"])
def test_broken_file_that_nothing_needs(cloud, source, text):
    named(cloud, text)
    variables, _ = SOURCES[source](cloud)
    host = cloud.start(**variables)
    cloud.started_by(host, source)
    host.process.wait_for_log("the default profile cannot be read, and is not needed")


def test_lines_that_were_passed_over(cloud, base):
    named(cloud, "[default]\nregion = eu-west-1\n[profile other]\nhunter2hunter2\nhunter2\n")
    host = cloud.start(AWS_PROFILE="base")
    cloud.started_by(host, "BASE")
    (line,) = [line for line in host.process.lines if "passed over" in line["message"]]
    assert (line["file"], line["first"], line["count"]) == (
        "config", 4, 2,
    ) and "hunter2" not in str(line)


def test_thousands_of_profiles(cloud):
    """A file of nearly 4 MiB, with the profile at its end."""
    filler = "".join(
        f"[account-{i:06}]\naws_access_key_id = AKIAFILLER{i:010}\n"
        f"aws_secret_access_key = {'x' * 40}\n"
        for i in range(34_000)
    )
    assert len(filler) < 4 << 20
    cloud.aws_file("credentials", filler + profile_text(cloud.ring.lasting("LAST"), "work"))
    cloud.started_by(cloud.start(AWS_PROFILE="work"), "LAST")


def test_file_of_windows_in_utf16(cloud):
    (cloud.home / ".aws" / "credentials").write_bytes(
        profile_text(cloud.ring.lasting("PROFILE")).encode("utf-16")
    )
    assert "~/.aws/credentials is UTF-16; save it as UTF-8" in cloud.complaint()


# ---- metadata of an instance ---------------------------------------------------------------------


def test_metadata_endpoint_of_a_profile(cloud):
    variables, (server,) = from_metadata(cloud)
    (name,) = [name for name in variables if name.endswith("ENDPOINT")]
    named(cloud, f"[default]\nec2_metadata_service_endpoint = {variables.pop(name)}\n")
    cloud.started_by(cloud.start(**variables, AWS_EC2_METADATA_DISABLED="false"), "METADATA")
    assert server.requests


@pytest.mark.parametrize("where", ["variable", "profile"])
def test_metadata_mode_that_is_none(cloud, where):
    variables = {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv5"} if where == "variable" else {}
    if where == "profile":
        named(cloud, "[default]\nec2_metadata_service_endpoint_mode = IPv5\n")
    told = cloud.complaint(**variables)
    assert "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE" in told and "IPv4 or IPv6" in told
