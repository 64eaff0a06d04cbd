"""What the comparisons share: the cases by name, and certificates as files."""

import base64
import calendar
from pathlib import Path

from cases import all_cases

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "chains"
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


def seconds(now):
    return calendar.timegm(now.timetuple())


def question(files, case, chain):
    """A line of judge.c's and verify.go's input."""
    return f"{case.role} {case.host} {seconds(case.now)} {files(case.anchors)} {files(chain)}"
