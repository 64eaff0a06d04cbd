"""The shared files: profiles with keys, with roles, with programs; and what is wrong with them."""

import json
import time

import pytest

from support import hosts, slack
from support.cloud import IDENTITY, NOT, ROLE, STARTED, profile_text
from support.container_credentials import ContainerCredentials
from support.wire import eventually

OTHER_ROLE = "arn:aws:iam::210987654321:role/path/other"


def refused(cloud, *words, **env):
    """A command is not started, and what has to be mended is named."""
    host = cloud.start(**env)
    text = host.text(slack.command())
    told = text + json.dumps(host.process.lines)
    assert text.startswith(NOT) and not cloud.endpoint.requests
    assert all(word in told for word in words), told
    return host


# ---- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
@pytest.mark.parametrize("file, section", [("credentials", "work"), ("config", "profile work")])
def test_chosen_profile(cloud, variable, file, section):
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("DEFAULT")))
    keys = profile_text(cloud.ring.lasting("WORK"), section)
    path = cloud.home / ".aws" / file
    path.write_text((path.read_text() if path.exists() else "") + keys)
    cloud.started_by(cloud.start(**{variable: "work"}), "WORK")


def test_profile_of_aws_profile_wins(cloud):
    texts = [profile_text(cloud.ring.lasting(name.upper()), name) for name in ("one", "two")]
    cloud.aws_file("credentials", "\n".join(texts))
    cloud.started_by(cloud.start(AWS_PROFILE="one", AWS_DEFAULT_PROFILE="two"), "ONE")


def test_files_elsewhere(cloud):
    keys = profile_text(cloud.ring.lasting("BASE"), "base")
    variables = {
        "AWS_SHARED_CREDENTIALS_FILE": cloud.file("c1", keys),
        "AWS_CONFIG_FILE": cloud.file("c2", "[default]\nsource_profile = base\nrole_arn = " + ROLE),
        "AWS_ENDPOINT_URL_STS": cloud.sts().url,
    }
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("HOME")))
    cloud.started_by(cloud.start(**variables), "STS")


def test_credentials_file_wins(cloud):
    cloud.aws_file("config", profile_text(cloud.ring.lasting("CONFIG")))
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("CREDENTIALS")))
    cloud.started_by(cloud.start(), "CREDENTIALS")


def test_keys_with_a_token(cloud):
    cloud.aws_file("credentials", profile_text(cloud.ring.issue("TOKEN")))
    cloud.started_by(cloud.start(), "TOKEN")


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize(
    "write",
    [
        lambda keys: f"# mine\n\n; old\n[default]\naws_access_key_id={keys.access_key_id}\naws_secret_access_key\t=\t{keys.secret}\n",
        lambda keys: profile_text(keys).replace("\n", "\r\n"),
        lambda keys: profile_text(keys).rstrip("\n"),
        lambda keys: profile_text(keys).replace("aws_access_key_id", "AWS_ACCESS_KEY_ID"),
        lambda keys: f"[default]\naws_access_key_id = {keys.access_key_id} # of May\naws_secret_access_key = {keys.secret} ; same\n",
        lambda keys: profile_text(keys) + "region = eu-west-1\ns3 =\n  max_concurrent_requests = 10\n  aws_access_key_id = no\noutput = json\n",
        lambda keys: f"[default]\naws_access_key_id = AKIAOLD\n{profile_text(keys)}",
        lambda keys: "[other]\nregion = x\n" + profile_text(keys) + "[third]\naws_access_key_id = no\n",
    ],
    ids=["comments", "crlf", "no-line-end", "capitals", "comments-behind", "nested", "twice", "between"],
)  # fmt: skip
def test_forms_of_the_file(cloud, kind, write):
    cloud.aws_file("credentials", write(cloud.ring.lasting("PROFILE")))
    cloud.started_by(cloud.start(kind), "PROFILE")


@pytest.mark.parametrize("section", ["profile a b", 'profile "a b"', "profile 'a b'"])
def test_names_with_blanks(cloud, section):
    cloud.aws_file("config", profile_text(cloud.ring.lasting("PROFILE"), section))
    cloud.started_by(cloud.start(AWS_PROFILE="a b"), "PROFILE")


def test_no_such_profile(cloud):
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("PROFILE")))
    refused(cloud, "nowhere", AWS_PROFILE="nowhere")


def test_half_of_the_keys(cloud):
    cloud.aws_file("credentials", "[default]\naws_access_key_id = AKIAHALF\n")
    refused(cloud, "default")


def test_file_that_cannot_be_read(cloud):
    refused(cloud, "/dev/zero", AWS_SHARED_CREDENTIALS_FILE="/dev/zero", AWS_PROFILE="x")


def test_file_that_is_no_ini(cloud):
    cloud.aws_file("credentials", "<html>\nno\n")
    refused(cloud, "line 1", AWS_PROFILE="x")


# ---- roles -----------------------------------------------------------------------------------------------------------


def test_role_and_what_it_is_asked_with(cloud):
    sts = cloud.sts(roles={ROLE: {"ExternalId": "e/x=1&2", "RoleSessionName": "me@here", "DurationSeconds": "7200"}})
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("BASE"), "base"))
    cloud.aws_file("config", f"[profile p]\nrole_arn={ROLE}\nsource_profile=base\nexternal_id=e/x=1&2\nrole_session_name=me@here\nduration_seconds=7200\n")
    cloud.started_by(cloud.start(AWS_PROFILE="p", AWS_ENDPOINT_URL_STS=sts.url), "STS")


def test_role_of_a_role(cloud):
    """Each is asked with the keys of the one below."""
    sts = cloud.sts(roles={ROLE: {}, OTHER_ROLE: {}})
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("BASE"), "base"))
    cloud.aws_file("config", f"[profile top]\nrole_arn={OTHER_ROLE}\nsource_profile=middle\n[profile middle]\nrole_arn={ROLE}\nsource_profile=base\n")
    cloud.started_by(cloud.start(AWS_PROFILE="top", AWS_ENDPOINT_URL_STS=sts.url), "STS")
    assert [form["RoleArn"] for form in sts.forms] == [ROLE, OTHER_ROLE]


def test_profile_that_is_its_own_source(cloud):
    """Keys and a role in one section."""
    sts = cloud.sts()
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("BASE"), "p"))
    cloud.aws_file("config", f"[profile p]\nrole_arn={ROLE}\nsource_profile=p\n")
    cloud.started_by(cloud.start(AWS_PROFILE="p", AWS_ENDPOINT_URL_STS=sts.url), "STS")


@pytest.mark.parametrize("length", [1, 2, 3, 40])
def test_circles(cloud, length):
    sts = cloud.sts()
    sections = [f"[profile p{i}]\nrole_arn={ROLE}\nsource_profile=p{(i + 1) % length}\n" for i in range(length)]
    cloud.aws_file("config", "".join(sections))
    refused(cloud, "source_profile", AWS_PROFILE="p0", AWS_ENDPOINT_URL_STS=sts.url)
    assert not sts.forms


def test_web_identity_of_a_profile(cloud):
    sts = cloud.sts()
    token = cloud.file("token", IDENTITY)
    cloud.aws_file("config", f"[default]\nrole_arn={ROLE}\nweb_identity_token_file={token}\nrole_session_name=mine\n")
    cloud.started_by(cloud.start(AWS_ENDPOINT_URL_STS=sts.url), "WEBID")
    assert sts.forms[0]["RoleSessionName"] == "mine"


@pytest.mark.parametrize("name", ["Environment", "EcsContainer", "Ec2InstanceMetadata"])
def test_credential_source(cloud, name):
    """A role on top of what the machine has. With keys in the environment the profile would not be looked at."""
    sts = cloud.sts()
    cloud.aws_file("config", f"[profile p]\nrole_arn={ROLE}\ncredential_source={name}\n")
    variables = {"AWS_PROFILE": "p", "AWS_ENDPOINT_URL_STS": sts.url}
    if name == "EcsContainer":
        variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = cloud.container().full_uri
    elif name == "Ec2InstanceMetadata":
        variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = cloud.metadata().url
    else:
        refused(cloud, "Environment", **variables)
        return
    cloud.started_by(cloud.start(**variables), "STS")


@pytest.mark.parametrize(
    "lines, word",
    [
        ("role_arn=%s\n" % ROLE, "source_profile"),
        ("role_arn=%s\nsource_profile=gone\n" % ROLE, "gone"),
        ("role_arn=%s\ncredential_source=Moon\n" % ROLE, "credential_source"),
        ("role_arn=%s\nsource_profile=base\nmfa_serial=arn:aws:iam::1:mfa/me\n" % ROLE, "mfa_serial"),
        ("sso_session=corp\nsso_account_id=1\nsso_role_name=r\n", "p"),
    ],
    ids=["no-source", "source-gone", "source-unknown", "mfa", "sso"],
)
def test_profiles_that_cannot_work(cloud, lines, word):
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("BASE"), "base"))
    cloud.aws_file("config", "[profile p]\n" + lines)
    refused(cloud, word, AWS_PROFILE="p")


# ---- programs --------------------------------------------------------------------------------------------------------


class Program:
    """A credential_process that prints what the test says and writes down how it was called."""

    def __init__(self, cloud, name="print keys.sh", script='cat "$0.out"'):
        self.path = cloud.folder / name
        self.path.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >>"$0.args"; echo >>"$0.args"\n{script}\n')
        self.path.chmod(0o755)
        self.cloud = cloud

    def prints(self, life=None, **members):
        keys = self.cloud.ring.issue("PROCESS", life=life or 3600)
        document = {"Version": 1, "AccessKeyId": keys.access_key_id, "SecretAccessKey": keys.secret, "SessionToken": keys.token}
        document["Expiration"] = keys.expiration
        document.update(members)
        text = json.dumps({name: value for name, value in document.items() if value is not None})
        (self.path.parent / (self.path.name + ".out")).write_text(text)
        return keys

    def calls(self):
        path = self.path.parent / (self.path.name + ".args")
        return path.read_text().splitlines() if path.exists() else []

    def profile(self, arguments=""):
        self.cloud.aws_file("config", f'[default]\ncredential_process = "{self.path}" {arguments}\n')


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_program(cloud, kind):
    program = Program(cloud)
    program.prints()
    program.profile("""a 'b c' "d \\"e" f\\ g $HOME `id` *""")
    cloud.started_by(cloud.start(kind), "PROCESS")
    assert program.calls() == ['a|b c|d "e|f g|$HOME|`id`|*|'], "no shell, but its quotes"


def test_keys_that_last(cloud):
    program = Program(cloud)
    program.prints(Expiration=None)
    program.profile()
    host = cloud.start()
    for _ in range(3):
        cloud.started_by(host, "PROCESS")
    assert len(program.calls()) == 1


def test_keys_that_end(cloud):
    program = Program(cloud)
    program.prints(life=3)
    program.profile()
    host = cloud.start()
    cloud.started_by(host, "PROCESS")
    program.prints(life=60)
    end = time.monotonic() + 4
    while time.monotonic() < end:
        cloud.started_by(host, "PROCESS")
        time.sleep(0.05)
    assert len(program.calls()) == 2


@pytest.mark.parametrize(
    "script",
    [
        "exit 1", "echo 'you are not logged in' >&2; exit 255", "kill -9 $$", "true", "echo no", "echo '{\"Version\":2}'",
        'sed "s/.Version.: 1/\\"Version\\": 2/" "$0.out"', "echo null", 'head -c 9000000 /dev/zero | tr "\\0" x', "echo '<html>'",
    ],
    ids=["fails", "says-why", "killed", "nothing", "no-json", "version-2", "version-2-with-keys", "null", "huge", "html"],
)  # fmt: skip
def test_programs_that_fail(cloud, script):
    program = Program(cloud, script=script)
    program.prints()
    program.profile()
    host = refused(cloud, "credential_process")
    Program(cloud).prints()
    assert eventually(lambda: host.text(slack.command()) == STARTED, 4, 0.2)


@pytest.mark.parametrize("command", ["/nonexistent/program", '"unclosed', "\\", "/etc/passwd"])
def test_programs_that_cannot_be_started(cloud, command):
    cloud.aws_file("config", f"[default]\ncredential_process = {command}\n")
    refused(cloud, "credential_process")


def test_program_that_hangs(cloud):
    program = Program(cloud, script="sleep 1000")
    program.prints()
    program.profile()
    host = cloud.start()
    begun = time.monotonic()
    text = host.text(slack.command())
    assert time.monotonic() - begun < 2.9 and (text.startswith(NOT) or "still being started" in text)


def test_program_found_by_path(cloud):
    program = Program(cloud, name="printkeys")
    program.prints()
    cloud.aws_file("config", "[default]\ncredential_process = printkeys --x\n")
    cloud.started_by(cloud.start(PATH=f"{cloud.folder}:/usr/bin:/bin"), "PROCESS")
    assert program.calls() == ["--x|"]


def test_container_is_not_asked_when_a_profile_has_keys(cloud):
    agent = cloud.keep(ContainerCredentials(cloud.ring))
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("PROFILE")))
    cloud.started_by(cloud.start(AWS_CONTAINER_CREDENTIALS_FULL_URI=agent.full_uri), "PROFILE")
    assert not agent.connections
