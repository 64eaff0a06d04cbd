"""A Lambda Runtime API (2018-06-01) as the service's own behaves, and as it misbehaves when told
to."""

import collections
import json
import re
import threading
import time
import uuid

from support.wire import PATIENCE, Gone, Server, Wire, chunked, eventually, head_problems, response

BASE = "/2018-06-01/runtime"
ANSWER_MAX = 6291556
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:gateway"


class Invocation:
    """One event on its way through the runtime.

    `framing`: "auto" as the service does it (a length up to 2,048 bytes, above that one chunk),
    "length", "one-byte" (a length, every byte of head and body in a segment of its own), or a
    number: chunks of that size. `statuses`: what successive posts of the answer get; the last one
    stays. "close" and "reset" are none at all. `slow`: seconds until a post is answered."""

    def __init__(
        self,
        event,
        framing="auto",
        deadline_ms=30000,
        fields=(),
        trace_id="",
        arn=ARN,
        statuses=(202,),
        slow=0.0,
        request_id=None,
        sent=None,
    ):
        self.event = event if isinstance(event, bytes) else json.dumps(event).encode()
        self.sent = self.event if sent is None else sent
        self.framing = framing
        self.request_id = request_id or str(uuid.uuid4())
        self.deadline_ms = deadline_ms
        self.trace_id = trace_id
        self.arn = arn
        self.fields = list(fields)
        self.statuses = collections.deque(statuses)
        self.slow = slow
        self.delivered = None
        self.deliveries = 0
        self.answered = None
        self.answer = None
        self.posts = 0
        self.errors = []
        self.done = threading.Event()
        self.began = self.held = None  # when it was handed over; support.machine.Held since then

    def head_fields(self):
        epoch_ms = int(time.time() * 1000) + self.deadline_ms
        fields = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", self.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(epoch_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", self.arn),
        ]
        if self.trace_id:
            fields.append(("Lambda-Runtime-Trace-Id", self.trace_id))
        return fields + self.fields

    def wait(self, timeout=PATIENCE):
        """The invocation itself once it was answered or failed."""
        assert self.done.wait(timeout), "the event was not answered"
        return self

    @property
    def reply(self):
        """The answer as JSON, refused when a key stands twice."""

        def unique(pairs):
            keys = [key for key, _ in pairs]
            assert len(keys) == len(set(keys)), f"a key stands twice in the answer: {keys}"
            return dict(pairs)

        self.wait()
        assert self.answer is not None, f"the event failed: {self.errors}"
        return json.loads(self.answer, object_pairs_hook=unique)

    @property
    def took(self):
        """Seconds from the first byte of the event to the last of the answer."""
        return self.wait().answered - self.delivered

    def took_at_most(self, seconds):
        """Whether it did, but for what a busy machine added."""
        return self.took <= seconds + self.held.seconds


class Misbehaviour:
    """Something else than an event in answer to a `/next`: called with the wire, has to answer or
    to end it."""

    def __init__(self, act):
        self.act = act


def refuse(status, kind="InternalServerError"):
    body = json.dumps({"errorMessage": "no", "errorType": kind}).encode()
    return Misbehaviour(
        lambda wire: wire.send(response(status, body, [("Content-Type", "application/json")]))
    )


def raw(data, then_close=True):
    def act(wire):
        wire.send(data)
        if then_close:
            wire.close()

    return Misbehaviour(act)


close = Misbehaviour(lambda wire: wire.close())
reset = Misbehaviour(lambda wire: wire.reset())


class RuntimeApi(Server):
    """`send` puts an event into the queue; whoever asks for `/next` first gets it.

    `concurrency` is the number of `/next` calls that may wait at once: more of them are answered
    with 500, as Lambda Managed Instances do. With one, asking again without having answered
    delivers the same event again."""

    def __init__(self, concurrency=1, close_after_answer=False, always_fields=(), **options):
        self.queue = collections.deque()
        self.turn = threading.Condition()
        self.concurrency = concurrency
        self.close_after_answer = close_after_answer
        self.always_fields = list(always_fields)
        self.invocations = {}
        self.unanswered = None
        self.waiting = 0
        self.most_waiting = 0
        self.nexts = []
        self.next_heads = []
        self.redeliveries = 0
        self.init_errors = []
        self.connections = 0
        super().__init__(**options)
        self.address = f"127.0.0.1:{self.port}"

    # ---- what a test says ------------------------------------------------------------------------

    def put(self, item):
        with self.turn:
            self.queue.append(item)
            self.turn.notify_all()
        return item

    def send(self, event, **options):
        return self.put(Invocation(event, **options))

    def wait_for_next(self, count=1, timeout=PATIENCE):
        """Until `/next` was asked `count` times in all; then the runtime is ready, or ready again.
        """
        assert eventually(
            lambda: len(self.nexts) >= count, timeout
        ), f"/next was asked {len(self.nexts)} times"

    def stop(self):
        self.stopping.set()
        with self.turn:
            self.turn.notify_all()
        super().stop()

    # ---- what the runtime sees -------------------------------------------------------------------

    def serve(self, sock):
        with self.lock:
            self.connections += 1
        wire = Wire(sock)
        while True:
            request = wire.read_request()
            self.check(request)
            if request.target == BASE + "/invocation/next":
                self.serve_next(wire, request)
            elif request.target == BASE + "/init/error":
                self.serve_init_error(wire, request)
            else:
                self.serve_post(wire, request)
            if self.close_after_answer and request.method == "POST":
                wire.close()

    def check(self, request):
        for problem in head_problems(request.head):
            self.problems.append(f"Runtime API, {request.method} {request.target}: {problem}")
        if request.header("host") != self.address:
            self.problems.append(f"Runtime API: Host is {request.header('host')}")
        if request.header("authorization") or request.header("x-amz-security-token"):
            self.problems.append("credentials were sent to the Runtime API")
        want = "GET" if request.target.endswith("/next") else "POST"
        if request.method != want:
            self.problems.append(f"Runtime API: {request.method} {request.target}")
        if want == "POST" and request.header("content-length") is None:
            self.problems.append("Runtime API: a post without Content-Length")

    def serve_next(self, wire, request):
        self.next_heads.append(request)
        with self.turn:
            self.waiting += 1
            self.most_waiting = max(self.waiting, self.most_waiting)
            too_many = self.waiting > self.concurrency
            self.nexts.append(time.monotonic())
        try:
            item = None if too_many else self.take(wire)
        finally:
            with self.turn:
                self.waiting -= 1
        if too_many:
            self.problems.append("more waiting /next calls than AWS_LAMBDA_MAX_CONCURRENCY")
            wire.send(response(500))
        elif isinstance(item, Misbehaviour):
            item.act(wire)
        else:
            self.deliver(wire, item)

    def take(self, wire):
        with self.turn:
            if self.concurrency == 1 and self.unanswered:
                self.redeliveries += 1
                return self.unanswered
            while not self.queue:
                self.turn.wait(0.05)
                if self.stopping.is_set() or wire.peer_left():
                    raise Gone
            item = self.queue.popleft()
            if isinstance(item, Invocation):
                self.invocations[item.request_id] = item
                self.unanswered = item
            return item

    def deliver(self, wire, item):
        fields = item.head_fields() + self.always_fields
        framing = item.framing
        if framing == "auto":
            framing = "length" if len(item.sent) <= 2048 else len(item.sent)
        item.deliveries += 1
        if isinstance(framing, int):
            data = response(
                200, b"", fields + [("Transfer-Encoding", "chunked")], length=False
            ) + chunked(item.sent, framing)
        else:
            data = response(200, item.sent, fields)
        began = time.monotonic()
        if framing == "one-byte":
            wire.drip(data)
        else:
            wire.send(data)
        item.delivered = began

    def serve_init_error(self, wire, request):
        self.init_errors.append(request)
        if self.nexts:
            self.problems.append("/init/error after /next")
        wire.send(response(202, b'{"status":"OK"}\n'))

    def serve_post(self, wire, request):
        match = re.match(
            re.escape(BASE) + r"/invocation/([^/]+)/(response|error)\Z", request.target
        )
        item = self.invocations.get(match[1]) if match else None
        if not item:
            self.problems.append(f"POST to {request.target}")
            wire.send(
                response(
                    400, b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}'
                )
            )
            return
        item.posts += 1
        status = item.statuses.popleft() if len(item.statuses) > 1 else item.statuses[0]
        if status == 202 and item.done.is_set():
            self.problems.append("a second answer to the same event")
            status = 403
        if status == 202 and len(request.body) > ANSWER_MAX:
            status = 413
        time.sleep(item.slow)
        if status in ("close", "reset"):
            wire.close() if status == "close" else wire.reset()
        if match[2] == "error":
            item.errors.append(request.json())
        else:
            item.answer = request.body
        item.answered = request.arrived
        with self.turn:
            if self.unanswered is item:
                self.unanswered = None
        item.done.set()
        wire.send(
            response(
                status,
                (
                    b'{"status":"OK"}\n'
                    if status == 202
                    else b'{"errorMessage":"no","errorType":"No"}'
                ),
            )
        )
