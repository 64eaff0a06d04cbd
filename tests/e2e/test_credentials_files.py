"""The shared files: which profile counts, how they may be written, and what is wrong with them."""

import pytest

from support import hosts
from support.cloud import ROLE, profile_text


# ---- keys ----------------------------------------------------------------------------------------


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


def test_credentials_file_wins(cloud):
    cloud.aws_file("config", profile_text(cloud.ring.lasting("CONFIG")))
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("CREDENTIALS")))
    cloud.started_by(cloud.start(), "CREDENTIALS")


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize(
    "write",
    [
        lambda keys: "# mine\n\n; old\n[default]\n"
        f"aws_access_key_id={keys.access_key_id}\naws_secret_access_key\t=\t{keys.secret}\n",
        lambda keys: profile_text(keys).replace("\n", "\r\n"),
        lambda keys: profile_text(keys).rstrip("\n"),
        lambda keys: profile_text(keys).replace("aws_access_key_id", "AWS_ACCESS_KEY_ID"),
        lambda keys: f"[default]\naws_access_key_id = {keys.access_key_id} # of May\n"
        f"aws_secret_access_key = {keys.secret} ; same\n",
        lambda keys: profile_text(keys)
        + "region = eu-west-1\ns3 =\n  max_concurrent_requests = 10\n"
        "  aws_access_key_id = no\noutput = json\n",
        lambda keys: f"[default]\naws_access_key_id = AKIAOLD\n{profile_text(keys)}",
        lambda keys:
            "[other]\nregion = x\n" + profile_text(keys) + "[third]\naws_access_key_id = no\n",
    ],
    ids=["comments", "crlf", "no-line-end", "capitals",
         "comments-behind", "nested", "twice", "between"],
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
    assert "nowhere" in cloud.complaint(AWS_PROFILE="nowhere")


def test_half_of_the_keys(cloud):
    cloud.aws_file("credentials", "[default]\naws_access_key_id = AKIAHALF\n")
    assert "default" in cloud.complaint()


def test_file_that_cannot_be_read(cloud):
    assert "/dev/zero" in cloud.complaint(AWS_SHARED_CREDENTIALS_FILE="/dev/zero", AWS_PROFILE="x")


def test_file_that_is_no_ini(cloud):
    cloud.aws_file("credentials", "<html>\nno\n")
    assert "line 1" in cloud.complaint(AWS_PROFILE="x")


# ---- roles ---------------------------------------------------------------------------------------


def test_role_and_what_it_is_asked_with(cloud):
    sts = cloud.sts(
        roles={
            ROLE: {"ExternalId": "e/x=1&2", "RoleSessionName": "me@here", "DurationSeconds": "7200"}
        }
    )
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("BASE"), "base"))
    cloud.aws_file(
        "config",
        f"[profile p]\nrole_arn={ROLE}\nsource_profile=base\nexternal_id=e/x=1&2\n"
        "role_session_name=me@here\nduration_seconds=7200\n",
    )
    cloud.started_by(cloud.start(AWS_PROFILE="p", AWS_ENDPOINT_URL_STS=sts.url), "STS")


@pytest.mark.parametrize("length", [1, 2, 3, 40])
def test_circles(cloud, length):
    sts = cloud.sts()
    sections = [
        f"[profile p{i}]\nrole_arn={ROLE}\nsource_profile=p{(i + 1) % length}\n"
        for i in range(length)
    ]
    cloud.aws_file("config", "".join(sections))
    assert "source_profile" in cloud.complaint(AWS_PROFILE="p0", AWS_ENDPOINT_URL_STS=sts.url)
    assert not sts.forms


@pytest.mark.parametrize(
    "lines, word",
    [
        ("role_arn=%s\n" % ROLE, "source_profile"),
        ("role_arn=%s\nsource_profile=gone\n" % ROLE, "gone"),
        ("role_arn=%s\ncredential_source=Moon\n" % ROLE, "credential_source"),
        ("role_arn=%s\nsource_profile=base\nmfa_serial=arn:aws:iam::1:mfa/me\n" % ROLE,
            "mfa_serial"),
        ("sso_session=corp\nsso_account_id=1\nsso_role_name=r\n", "p"),
    ],
    ids=["no-source", "source-gone", "source-unknown", "mfa", "sso"],
)
def test_profiles_that_cannot_work(cloud, lines, word):
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("BASE"), "base"))
    cloud.aws_file("config", "[profile p]\n" + lines)
    assert word in cloud.complaint(AWS_PROFILE="p")
