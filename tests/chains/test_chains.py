"""Every case of cases.py, as the program, OpenSSL and Go see it.

    make chains

The program is asked through judge.c, which puts certificates to it as BearSSL's engine does, in several orders."""

import base64
import calendar
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from cases import CODES, all_cases  # noqa: E402

ROOT = HERE.parents[1]
JUDGE = ROOT / "build" / "chains" / "judge"
CASES = {case.name: case for case in all_cases()}


def pem(certificates):
    def block(certificate):
        text = base64.encodebytes(certificate.der).decode()
        return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"

    return "".join(map(block, certificates))


class Files:
    def __init__(self, folder):
        self.folder, self.count = folder, 0

    def __call__(self, certificates):
        self.count += 1
        path = self.folder / f"{self.count}.pem"
        path.write_text(pem(certificates))
        return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return Files(tmp_path_factory.mktemp("chains"))


@pytest.fixture(scope="module")
def judge():
    process = subprocess.Popen([JUDGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield lambda line: (process.stdin.write(line + "\n"), process.stdin.flush(), process.stdout.readline().strip())[2]
    process.stdin.close()
    assert process.wait() == 0


def seconds(now):
    return calendar.timegm(now.timetuple())


def asked(judge, files, case, chain):
    """(whether it is accepted, the code)"""
    answer = judge(f"{case.role} {case.host} {seconds(case.now)} {files(case.anchors)} {files(chain)}")
    word, *rest = answer.split(" ")
    return {"accepted": "ok", "unusable": "unusable"}.get(word) or CODES[int(rest[0])]


def orders(case):
    """The chain as it is, turned round behind the first, and shuffled, with duplicates and strangers in between."""
    first, rest = case.chain[0], case.chain[1:]
    yield case.chain
    yield [first, *reversed(rest)]
    if len(rest) < 7:
        chance = random.Random(case.name)
        for _ in range(4):
            mixed = rest * 2 + [first] + case.anchors
            chance.shuffle(mixed)
            yield [first, *mixed]


@pytest.mark.parametrize("name", CASES)
def test_program(judge, files, name):
    case = CASES[name]
    assert asked(judge, files, case, case.chain) == case.want
    for chain in orders(case):
        if case.accepted:
            assert asked(judge, files, case, chain) == "ok"
        else:
            assert asked(judge, files, case, chain) != "ok"


def openssl_accepts(files, case):
    command = ["openssl", "verify", "-x509_strict", "-attime", str(seconds(case.now)), "-no-CApath", "-no-CAstore"]
    command += ["-purpose", "sslserver" if case.role == "server" else "sslclient", *case.openssl_options]
    if case.host != "-":
        address = ":" in case.host or case.host.replace(".", "").isdigit()
        command += ["-verify_ip" if address else "-verify_hostname", case.host]
    command += ["-CAfile", files(case.anchors), "-untrusted", files(case.chain[1:] or case.anchors)]
    done = subprocess.run([*command, files(case.chain[:1])], capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", CASES)
def test_openssl(files, name):
    """It agrees, or the table says why not."""
    case = CASES[name]
    wanted = case.accepted if case.openssl is None else case.openssl
    accepts, said = openssl_accepts(files, case)
    assert accepts == wanted, said
    assert accepts == case.accepted or case.why


def test_go(files):
    """All at once. Go is no part of the toolchain: CHAINS_GO=1 (as make conformance sets it) demands it."""
    if not os.environ.get("CHAINS_GO"):
        return
    program = ROOT / "build" / "chains" / "verify"
    subprocess.run(["go", "build", "-o", program, HERE / "verify.go"], check=True, env={**os.environ, "CGO_ENABLED": "0"})
    lines = [f"{c.role} {c.host} {seconds(c.now)} {files(c.anchors)} {files(c.chain)}" for c in CASES.values()]
    answers = subprocess.run([program], input="\n".join(lines), capture_output=True, text=True, check=True).stdout.splitlines()
    wrong = []
    for case, answer in zip(CASES.values(), answers, strict=True):
        wanted = case.accepted if case.go is None else case.go
        if (answer == "accepted") != wanted or (wanted != case.accepted and not case.why):
            wrong.append(f"{case.name}: {answer}")
    assert not wrong, "\n".join(wrong)
