"""The pages that people read: their blocks of code, and a machine on which the commands in them can
be typed.

A block is marked by a comment on the line above it, which readers do not see: `<!-- test: NAME -->`
says that a test types it, together with the other blocks of that name in their order, `<!-- not
run: REASON -->` why none does."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.process import BINARY, ROOT
from support.wire import eventually

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
TOOLS = ROOT / "build" / "tools"
FENCE = re.compile(r"^( *)```(\w*)$")
MARK = re.compile(r"^ *<!-- (test|not run): (.*) -->$")


@dataclass
class Block:
    page: str
    line: int
    language: str
    text: str
    test: str = None
    reason: str = None


def blocks(path):
    """Every fenced block of a page."""
    found, lines = [], iter(enumerate(path.read_text().splitlines(), 1))
    before = ""
    for number, line in lines:
        opening = FENCE.match(line)
        if opening:
            indent, language = opening.groups()
            inside = []
            for _, line in lines:
                if line == indent + "```":
                    break
                inside.append(line.removeprefix(indent) + "\n")
            mark = MARK.match(before)
            marked = {} if not mark else {"test" if mark[1] == "test" else "reason": mark[2]}
            found.append(
                Block(str(path.relative_to(ROOT)), number, language, "".join(inside), **marked)
            )
        before = line
    return found


def marked(page, name, language=None):
    """The blocks of a page that one test types."""
    return [
        b
        for b in blocks(ROOT / page)
        if b.test == name and (language is None or b.language == language)
    ]


WRAPPER = """#!/bin/sh
# serve goes on in the background, so that the commands after it can be typed; one at a time.
test "$1" = serve || exec {program} "$@"
test ! -s {place}/pid || {{ kill "$(cat {place}/pid)"; sleep 0.2; }}
{program} "$@" </dev/null >/dev/null 2>{place}/log &
echo $! >{place}/pid
for _ in $(seq 200); do
	grep -q '"listening"' {place}/log && exit
	kill -0 "$(cat {place}/pid)" || break
	sleep 0.05
done
cat {place}/log >&2
exit 1
"""


class Desk:
    """A folder in which commands are typed, by a shell that stops at the first that fails.
    `build/slack-lambda-gateway` is there; `aws` and `slack-lambda-gateway` are commands. What
    listens, listens at `address`."""

    def __init__(self, folder, address, **env):
        self.folder, self.address = folder, address
        self.log = folder / "log"
        commands = folder / "bin"
        commands.mkdir()
        wrapper = WRAPPER.format(program=BINARY, place=folder)
        self.add(commands / "slack-lambda-gateway", wrapper)
        self.add(
            commands / "aws",
            f'#!/bin/sh\nPYTHONPATH={TOOLS} exec /usr/bin/python3 {TOOLS}/bin/aws "$@"\n',
        )
        self.add(folder / "build" / "slack-lambda-gateway", wrapper)
        self.env = {
            "PATH": f"{commands}:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(folder),
            "AWS_EC2_METADATA_DISABLED": "true",
            "GATEWAY_LISTEN": address, "GATEWAY_LOG_FORMAT": "json", **env,
        }

    def add(self, path, text):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def type(self, text, instead={}, **env):
        """What the commands print."""
        for written, meant in instead.items():
            assert written in text, f"{written} is not typed any more"
            text = text.replace(written, meant)
        done = subprocess.run(
            ["bash", "-eux", "-o", "pipefail"], input=text, cwd=self.folder, env=self.env | env,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def started(self, count):
        """Whether so many functions have been started by what listens."""
        return eventually(lambda: self.log.read_text().count('"message":"started"') == count)

    def close(self):
        pid = self.folder / "pid"
        if pid.exists():
            try:
                os.kill(int(pid.read_text()), 9)
            except ProcessLookupError:
                pass


def targets():
    """What make can be asked for."""
    return set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.M))


def anchors(path):
    """The headings of a page, as links name them."""
    titles = re.findall(r"^#+ (.*)$", Path(path).read_text(), re.M)
    return {re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-") for title in titles}
