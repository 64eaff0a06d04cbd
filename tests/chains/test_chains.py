"""Every case of cases.py, as the program and OpenSSL see it.

    make chains

The program is asked through judge.c, which puts certificates to it as BearSSL's engine does, in
several orders."""

import random
import subprocess

import pytest
from cases import CODES
from chains import BUILD, CASES, question, seconds


@pytest.fixture(scope="module")
def judge():
    process = subprocess.Popen(
        [BUILD / "judge"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask(line):
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    yield ask
    process.stdin.close()
    assert process.wait() == 0


def answer(judge, files, case, chain):
    """(its code, the length of the path)"""
    word, *rest = judge(question(files, case, chain)).split(" ")
    return {"accepted": "ok", "unusable": "unusable"}.get(word) or CODES[
        int(rest[0])
    ], rest and int(rest[0])


def orders(case):
    """The chain turned round behind the first, and shuffled, with duplicates and strangers in
    between."""
    first, rest = case.chain[0], case.chain[1:]
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
    code, length = answer(judge, files, case, case.chain)
    assert code == case.want
    assert case.length in (None, length)
    for chain in orders(case):
        code, again = answer(judge, files, case, chain)
        assert (code == "ok") == case.accepted
        assert again == length or not case.accepted


def openssl_accepts(files, case):
    command = [
        "openssl", "verify", "-x509_strict", "-attime", str(seconds(case.now)), "-no-CApath",
        "-no-CAstore",
    ]
    command += [
        "-purpose", "sslserver" if case.role == "server" else "sslclient", *case.openssl_options,
    ]
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
