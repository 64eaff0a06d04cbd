"""Every case of cases.py, as Go's crypto/x509 sees it: it agrees, or the table says why not.

    make conformance"""

import os
import subprocess

import pytest
from chains import BUILD, CASES, HERE, question


@pytest.fixture(scope="module")
def answers(files):
    program = BUILD / "verify"
    environment = {**os.environ, "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-o", program, HERE / "verify.go"], check=True, env=environment)
    questions = "\n".join(question(files, case, case.chain) for case in CASES.values())
    done = subprocess.run([program], input=questions, capture_output=True, text=True, check=True)
    return dict(zip(CASES, done.stdout.splitlines(), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_go(answers, name):
    case = CASES[name]
    accepts = answers[name] == "accepted"
    assert accepts == (case.accepted if case.go is None else case.go), answers[name]
    assert accepts == case.accepted or case.why
