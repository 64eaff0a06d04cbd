"""Profile files as people have them, put to this program and to botocore: the same keys from both,
or none from both; else the reason why not."""

import json
import os
import subprocess
import sys

import pytest

from support import signatures, slack
from support.cloud import NOT, STARTED
from support.hosts import Host
from support.listener import Serve
from support.wire import eventually

A = "aws_access_key_id = {A.access_key_id}\naws_secret_access_key = {A.secret}\n"
B = "aws_access_key_id = {B.access_key_id}\naws_secret_access_key = {B.secret}\n"
T = (
    "aws_access_key_id = {T.access_key_id}\naws_secret_access_key = {T.secret}\naws_session_token ="
    " {T.token}\n"
)
ROLE = "role_arn = arn:aws:iam::123456789012:role/r\n"

COMMENT = (
    "a comment behind a value is one, as the SDKs' reference says; to botocore it is part of the"
    " value"
)
TWICE = "the last one counts, as the SDKs' reference says; botocore reads nothing of such a file"
ELSEWHERE = (
    "a line that concerns another profile is passed over, and logged; botocore reads nothing of"
    " such a file"
)
MARK = "a byte order mark does not count; botocore reads nothing of such a file"

# name: config, credentials, AWS_PROFILE, why botocore differs
CASES = {
    "nothing": ("", "", None, None),
    "credentials": ("", "[default]\n" + A, None, None),
    "config": ("[default]\n" + A, "", None, None),
    "both": ("[default]\n" + A, "[default]\n" + B, None, None),
    "token": ("", "[default]\n" + T, None, None),
    "token in config": ("[default]\n" + T, "", None, None),
    "old name of the token": ("", "[default]\n" + T.replace("session", "security"), None, None),
    "both names of the token": ("", "[default]\n" + T.replace("session",
        "security") + "aws_session_token = other\n", None, None),
    "token of the other file":
        ("[default]\naws_session_token = other\n", "[default]\n" + A, None, None),
    "keys and token of the other file": ("[default]\n" + T, "[default]\n" + A, None, None),
    "half here, half there": ("[default]\naws_secret_access_key = {A.secret}\n",
        "[default]\naws_access_key_id = {A.access_key_id}\n", None, None),
    "id only": ("", "[default]\naws_access_key_id = {A.access_key_id}\n", None, None),
    "secret only": ("", "[default]\naws_secret_access_key = {A.secret}\n", None, None),
    "empty id": ("", "[default]\naws_access_key_id =\naws_secret_access_key = {A.secret}\n", None,
        None),
    "named": ("", "[default]\n" + A + "[work]\n" + B, "work", None),
    "named in config": ("[default]\n" + A + "[profile work]\n" + B, "", "work", None),
    "named without its word": ("[work]\n" + B, "", "work", None),
    "named with a word too many": ("", "[profile work]\n" + B, "work", None),
    "nobody": ("", "[default]\n" + A, "nobody", None),
    "nobody in no file": ("", "", "default", None),
    "default by name": ("", "[default]\n" + A, "default", None),
    "settings alone": ("[profile work]\nregion = x\n", "[default]\n" + A, "work", None),
    "blanks in the name": ('[profile "a b"]\n' + B, "", "a b", None),
    "blanks in the name, bare": ("", "[a b]\n" + B, "a b", None),
    "single quotes": ("[profile 'a b']\n" + B, "", "a b", None),
    "wide header": ("[profile   work]\n" + B, "", "work", None),
    "profile default": ("[profile default]\n" + A, "", None, None),
    "default, then profile default":
        ("[default]\n" + A + "[profile default]\n" + B, "", None, None),
    "profile default, then default":
        ("[profile default]\n" + A + "[default]\n" + B, "", None, None),
    "profile default is not mixed":
        ("[profile default]\n" + A + "[default]\nregion = eu-west-1\n", "", None, None),
    "default is not mixed": ("[default]\n" + T + "[profile default]\n" + A, "", None, None),
    "colons": ("", "[default]\n" + A.replace(" = ", ": "), None, None),
    "tight colons": ("", "[default]\n" + A.replace(" = ", ":"), None, None),
    "tight": ("", "[default]\n" + A.replace(" = ", "="), None, None),
    "tabs": ("", "[default]\n" + A.replace(" = ", "\t=\t"), None, None),
    "capitals": ("", "[default]\n" + A.replace("aws_access_key_id", "AWS_ACCESS_KEY_ID"), None,
        None),
    "windows": ("", ("[default]\n" + T).replace("\n", "\r\n"), None, None),
    "no line end": ("", ("[default]\n" + A).rstrip("\n"), None, None),
    "indented": ("", "[default]\n  " + A.replace("\n", "\n  ").rstrip(), None, None),
    "comments": ("# a\n; b\n[default]\n# c\n" + A + "  ; d\n", "", None, None),
    "comment behind a header": ("[default] # mine\n" + A, "", None, None),
    "comment behind a value":
        ("[default]\n" + A.replace("}\n", "}} # mine\n").replace("}}", "}"), "", None, COMMENT),
    "hash in a value": ("[default]\nregion = a#b\n" + A, "", None, None),
    "pager": ("[default]\ncli_pager =\n" + A, "", None, None),
    "pager last": ("[default]\n" + A + "cli_pager=", "", None, None),
    "pager with options": ("[default]\ncli_pager = less\n  -R\n" + A, "", None, None),
    "nested": ("[default]\ns3 =\n  max_queue_size = 10\n  aws_access_key_id = no\n" + A, "", None,
        None),
    "nested nonsense": ("[default]\ns3 =\n  nonsense\n" + A, "", None, None),
    "sections of others": ("[preview]\ncloudfront = true\n[plugins]\ncli = x\n[sso-session s]\n"
        "sso_region = x\n[default]\n" + A, "", None, None),
    "key twice": ("", "[default]\naws_access_key_id = AKIAOLD\n" + A, None, TWICE),
    "section twice": ("", "[default]\n" + B + "[other]\nregion = x\n[default]\n" + A, None, TWICE),
    "bad line": ("[default]\nnonsense\n" + A, "", None, None),
    "bad line behind": ("", "[default]\n" + A + "nonsense\n", None, None),
    "bad line elsewhere": ("", "[default]\n" + A + "[other]\nnonsense\n", None, ELSEWHERE),
    "bad line of the other file":
        ("[profile other]\nnonsense\n", "[default]\n" + A, None, ELSEWHERE),
    "bad header": ("", "[default\n" + A, None, None),
    "bad header elsewhere": ("", "[default]\n" + A + "[other\nregion = x\n", None, ELSEWHERE),
    "no header": ("", A, None, None),
    "a line before every header": ("", "region = x\n[default]\n" + A, None, None),
    "page": ("<html>\n<body>no</body>\n", "", None, None),
    "byte order mark": ("", "\ufeff[default]\n" + A, None, MARK),
    "process": ("[default]\ncredential_process = {print_b}\n", "", None, None),
    "process with arguments":
        ("[default]\ncredential_process = {print_b} --x 'a b' \"c\"\n", "", None, None),
    "process before keys of config":
        ("[default]\ncredential_process = {print_b}\n" + A, "", None, None),
    "keys of credentials before a process":
        ("[default]\ncredential_process = {print_b}\n", "[default]\n" + A, None, None),
    "process in the credentials file":
        ("", "[default]\ncredential_process = {print_b}\n", None, None),
    "process that fails": ("[default]\ncredential_process = /bin/false\n" + A, "", None, None),
    "process that prints nothing":
        ("[default]\ncredential_process = /bin/true\n" + A, "", None, None),
    "process over two lines":
        ("[default]\ncredential_process = {print_b}\n  --x\n", "", None, None),
    "role without a source": ("[default]\n" + ROLE + A, "", None, None),
    "role with two sources": ("[default]\n" + ROLE +
        "source_profile = b\ncredential_source = Environment\n[profile b]\n" + A, "", None, None),
    "role of nobody": ("[default]\n" + ROLE + "source_profile = nobody\n", "", None, None),
    "roles in a circle": ("[default]\n" + ROLE + "source_profile = b\n[profile b]\n" + ROLE +
        "source_profile = default\n", "", None, None),
    "source without keys":
        ("[default]\n" + ROLE + "source_profile = b\n[profile b]\nregion = x\n", "", None, None),
    "unknown source": ("[default]\n" + ROLE + "credential_source = Elsewhere\n", "", None, None),
    "token file without a role":
        ("[default]\nweb_identity_token_file = /nonexistent\n" + A, "", None, None),
    "session of a browser": ("[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
        "[sso-session s]\nsso_region = x\nsso_start_url = y\n",
                             "", None, None),
    "session alone":
        ("[default]\nsso_session = s\n[sso-session s]\nsso_region = x\nsso_start_url = y\n",
        "[default]\n" + A, None, None),
    "session before keys":
        ("[default]\nsso_start_url = y\nsso_region = x\nsso_account_id = 1\nsso_role_name = r\n",
        "[default]\n" + A, None, None),
}  # fmt: skip

# Importing botocore takes longer than asking it, so one process does that, and a child of it
# answers each question: a line with the variables of the environment.
ORACLE = """
import json, os, sys
import botocore.session
for line in sys.stdin:
    if os.fork():
        os.wait()
        continue
    os.environ.clear()
    os.environ.update(json.loads(line))
    try:
        keys = botocore.session.Session().get_credentials()
        keys = keys and keys.get_frozen_credentials()
        said = (keys.access_key, keys.token or "-") if keys and keys.access_key else ("none",)
    except Exception as e:
        said = "refused", type(e).__name__
    print(*said, flush=True)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def botocore():
    with subprocess.Popen(
        [sys.executable, "-uc", ORACLE], env={"PATH": os.environ["PATH"]}, text=True, bufsize=1,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:
        yield process
        process.stdin.close()
        assert process.wait() == 0


def oracle(botocore, cloud, profile):
    """What botocore signs with: access key id and token; None if it has no keys."""
    env = {"HOME": str(cloud.home), "PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"}
    if profile is not None:
        env["AWS_PROFILE"] = profile
    print(json.dumps(env), file=botocore.stdin)
    said = botocore.stdout.readline().split()
    return None if said[0] in ("none", "refused") else (said[0], said[1].strip("-") or None)


def program(cloud, profile):
    """The same of this program, from what it sends; None after whatever it says when there is
    nothing to sign with."""
    variables = {} if profile is None else {"AWS_PROFILE": profile}
    listener = Serve(cloud.make)(
        endpoint=cloud.endpoint, wait=False, **cloud.environment(**variables)
    )
    process = listener.process
    assert eventually(lambda: not process.alive or listener.listening()), process.lines
    if not process.alive:
        assert process.wait_exit() in (1, 2) and len(process.problems) == 1, process.problems
        process.problems.clear()
        return None
    cloud.ring.watch(process)
    text = Host("serve", listener, cloud.endpoint).text(slack.command())
    if text.startswith(NOT):
        # Whatever else is wrong is said at the start, but for what only a run of a process can
        # tell.
        assert "there are no AWS credentials" in text or "credential_process" in text, text
        assert not cloud.endpoint.requests
        return None
    assert text == STARTED
    request = cloud.endpoint.only
    return signatures.scope(request)["key"], request.header("x-amz-security-token")


@pytest.mark.parametrize("case", CASES)
def test_same_keys_as_botocore(cloud, botocore, case):
    config, credentials, profile, difference = CASES[case]
    keys = {
        "A": cloud.ring.lasting("AAAA"), "B": cloud.ring.lasting("BBBB"),
        "T": cloud.ring.issue("TTTT", None),
    }
    script = cloud.folder / "print-b"
    script.write_text(
        f'#!/bin/sh\necho \'{{"Version":1,"AccessKeyId":"{keys["B"].access_key_id}",'
        f'"SecretAccessKey":"{keys["B"].secret}"}}\'\n'
    )
    script.chmod(0o755)
    for name, text in (("config", config), ("credentials", credentials)):
        if text:
            cloud.aws_file(name, text.format(**keys, print_b=script))
    ours, theirs = program(cloud, profile), oracle(botocore, cloud, profile)
    assert (ours != theirs) == (difference is not None), (ours, theirs)
