"""Where a response_url points: Slack's end of the way back."""

import json
import ssl

from support.wire import PATIENCE, Gone, Server, Wire, eventually, head_problems, response

# ---- what Slack may answer; entries of a script --------------------------------------------------


def says(status, word, fields=()):
    """A refusal in Slack's words."""
    return response(
        status, json.dumps({"ok": False, "error": word}).encode(),
        [("Content-Type", "application/json"), *fields],
    )


def limited(seconds=None):
    return response(429, b"", [] if seconds is None else [("Retry-After", str(seconds))])


def redirect(where, status=302):
    return response(status, b"", [("Location", where)])


def hang(wire):
    """Takes the message and says nothing, for as long as the other side waits."""
    wire.fill()


def reset(wire):
    wire.reset()


def close(wire):
    wire.close()


OK = response(200, b"ok")
EXPIRED = says(404, "expired_url")
BROKEN = response(503)


class Hooks(Server):
    """Takes messages. `script` holds the answers, bytes or a function of the wire; then 200 `ok`.
    """

    def __init__(self, tls=None, script=(), name="127.0.0.1", **options):
        self.tls = tls
        self.script = list(script)
        self.requests = []
        super().__init__(**options)
        self.origin = f"{'https' if tls else 'http'}://{name}:{self.port}"

    def url(self, path="/commands/T1DC2JH3J/397700885554/96rGlfmibIGlgcZRskXaIFfN"):
        return self.origin + path

    def serve(self, sock):
        if self.tls:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except (OSError, ssl.SSLError) as fault:
                raise Gone from fault
        wire = Wire(sock)
        while True:
            request = wire.read_request()
            self.problems += [f"response_url: {problem}" for problem in head_problems(request.head)]
            if request.method != "POST" or not (request.header("content-type") or "").startswith(
                "application/json"
            ):
                self.problems.append(
                    f"response_url: {request.method} of {request.header('content-type')}"
                )
            for name in ("authorization", "x-amz-date", "x-amz-security-token"):
                if request.values(name):
                    self.problems.append(f"response_url: {name} was sent there")
            self.requests.append(request)
            act = self.script.pop(0) if self.script else response(200, b"ok")
            if callable(act):
                act(wire)
            else:
                wire.send(act)

    def wait(self, count=1, timeout=PATIENCE):
        assert eventually(
            lambda: len(self.requests) >= count, timeout
        ), f"{len(self.requests)} messages came, not {count}"
        return [request.json() for request in self.requests[:count]]
