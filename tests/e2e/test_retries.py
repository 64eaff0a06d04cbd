"""What is sent again, how often, and what never is."""

import datetime
import email.utils
import time

import pytest

from support import invoke_endpoint as peer
from support import signatures, slack
from support.front_doors import URL, encode
from support.invoke_endpoint import accepted, closing, failed
from support.wire import eventually, in_some_try, response

STARTED = "Lambda function my-fn@eu-west-1 has been started..."
NOT = "Lambda function my-fn@eu-west-1 could not be started: "
MAYBE = "Lambda function my-fn@eu-west-1 may or may not have been started: "

throttled = failed(
    429, "TooManyRequestsException", "Rate Exceeded.", Reason="CallerRateLimitExceeded"
)
pending = failed(
    409, "ResourceConflictException", "The function is currently in the following state: Pending"
)
broken = failed(500, "ServiceException", "no")
gateway = failed(502, "EC2ThrottledException", "no")
slowed = failed(400, "ThrottlingException", "Rate exceeded")
away = failed(503, "ServiceUnavailable", "no")


@pytest.mark.parametrize(
    "script",
    [[throttled], [pending], [broken], [gateway], [away], [slowed], [throttled, broken, away],
        [gateway, pending, throttled]],
    ids=["429", "409", "500", "502", "503", "400", "429-500-503", "502-409-429"],
)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_sent_again_until_it_works(make, script, tls):
    runtime = make.runtime(endpoint=make.endpoint(tls=tls, script=script))
    item, text = runtime.carried_out(slack.command())
    assert text == STARTED
    assert [r.body for r in runtime.endpoint.requests] == [item.event] * (len(script) + 1)


def test_pauses_are_short_and_differ(make):
    runtime = make.runtime(endpoint=make.endpoint(default=throttled))
    pauses = []
    for _ in range(4):
        before = len(runtime.endpoint.requests)
        assert runtime.text(slack.command()).startswith(NOT)
        times = [r.arrived for r in runtime.endpoint.requests[before:]]
        assert len(times) == 4
        pauses += [b - a for a, b in zip(times, times[1:])]
    # A busy machine adds to some of them, but takes from none.
    assert 0.045 <= min(pauses) <= 0.25, pauses
    assert max(pauses) - min(pauses) > 0.02, pauses


def test_no_attempt_that_does_not_fit(make):
    slow = peer.after(0.35, away)
    runtime = make.runtime(endpoint=make.endpoint(default=slow))

    def ends_in_time():
        runtime.endpoint.requests.clear()
        item = runtime.send(slack.command(), deadline_ms=1300)
        item.wait()
        runtime.settled()
        assert len(runtime.endpoint.requests) <= 3
        return item.took <= 1.2

    assert in_some_try(ends_in_time)


def test_every_attempt_is_signed_anew(make):
    runtime = make.runtime(endpoint=make.endpoint(script=[peer.after(1.1, throttled)]))
    assert runtime.text(slack.command()) == STARTED
    first, second = runtime.endpoint.requests
    assert first.header("x-amz-date") != second.header("x-amz-date")


# ---- connections ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour", [peer.close_at_once, peer.reset_at_once, peer.close_after_hello],
    ids=["closed", "reset", "closed-after-hello"]
)
@pytest.mark.parametrize("times", [1, 3])
def test_handshakes_are_tried_again(make, behaviour, times):
    endpoint = make.endpoint(
        tls=True, open_now=False, at_accept={i: behaviour for i in range(times)}
    )
    runtime = make.runtime(endpoint=endpoint)
    endpoint.open()
    assert runtime.text(slack.command()) == STARTED
    assert len(endpoint.links) == times + 1 and len(endpoint.requests) == 1


def test_handshakes_are_not_tried_for_ever(make):
    endpoint = make.endpoint(tls=True, open_now=False, at_accept={"all": peer.close_after_hello})
    runtime = make.runtime(endpoint=endpoint)
    endpoint.open()
    assert runtime.text(slack.command()).startswith(NOT)
    # Four times, and once with all suites, for a server without RSA may end it like this.
    assert len(endpoint.links) == 5 and not endpoint.requests


def test_refused_connection(make):
    endpoint = make.endpoint(open_now=False)
    runtime = make.runtime(endpoint=endpoint)

    def is_tried_for_a_moment():
        item, text = runtime.carried_out(slack.command())
        assert text.startswith(NOT) and "refused" in text and item.took >= 0.15
        return item.took <= 0.9

    assert in_some_try(is_tried_for_a_moment)
    endpoint.open()
    assert runtime.text(slack.command()) == STARTED


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_kept_connection_that_ended_meanwhile(make, tls):
    """After a thaw: noticed before use, started once."""
    runtime = make.runtime(endpoint=make.endpoint(tls=tls))
    for i in range(4):
        assert runtime.text(slack.command()) == STARTED
        runtime.settled()
        assert len(runtime.endpoint.requests) == i + 1
        runtime.endpoint.drop_kept()
    assert len([link for link in runtime.endpoint.links if link.requests]) == 4


@pytest.mark.parametrize("ending", [peer.close, peer.reset], ids=["closed", "reset"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_kept_connection_that_ends_under_the_request(make, tls, ending):
    """Before a byte of an answer: once more, on a fresh one."""
    runtime = make.runtime(endpoint=make.endpoint(tls=tls, script=[accepted(), ending]))
    assert (
        runtime.text(slack.command("/eu-west-1/first"))
        == "Lambda function first@eu-west-1 has been started..."
    )
    assert runtime.text(slack.command()) == STARTED
    assert runtime.endpoint.functions == ["first", "my-fn", "my-fn"]
    assert [len(link.requests) for link in runtime.endpoint.links] == [2, 1]


def test_only_once_more(make):
    runtime = make.runtime(endpoint=make.endpoint(script=[accepted(), peer.close, peer.close]))
    runtime.text(slack.command("/eu-west-1/first"))
    assert runtime.text(slack.command()).startswith(MAYBE)
    assert runtime.endpoint.functions == ["first", "my-fn", "my-fn"]


@pytest.mark.parametrize("piece", [b"H", b"HTTP/1.1 20", b"HTTP/1.1 202 Accepted"])
def test_kept_connection_that_ends_within_the_answer(make, piece):
    """Something arrived there: who knows what it did."""
    runtime = make.runtime(endpoint=make.endpoint(script=[accepted(), peer.raw(piece)]))
    runtime.text(slack.command("/eu-west-1/first"))
    assert runtime.text(slack.command()).startswith(MAYBE)
    assert runtime.endpoint.functions == ["first", "my-fn"]


@pytest.mark.parametrize(
    "ending",
    [
        peer.close,
        peer.reset,
        peer.raw(b"HTTP/1.1 20"),
        peer.raw(b"\r\n"),
        peer.raw(b"junk\r\n\r\n"),
        failed(504, "GatewayTimeout", "no"),
    ],
    ids=["closed", "reset", "cut", "newline", "junk", "504"],
)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_unknown_on_a_fresh_connection_is_never_sent_again(make, tls, ending):
    endpoint = make.endpoint(tls=tls, open_now=False, default=ending)
    runtime = make.runtime(endpoint=endpoint)
    endpoint.open()
    assert runtime.text(slack.command()).startswith(MAYBE)
    runtime.settled()
    assert len(endpoint.requests) == 1


def test_warmed_connection_that_ended_meanwhile(make):
    """Nothing was ever asked on it, but it may have waited for long."""
    runtimes = []

    def is_prepared():
        """On a busy machine it may be given up."""
        runtimes.append(make.runtime(endpoint=make.endpoint(tls=True)))
        endpoint = runtimes[-1].endpoint
        return eventually(lambda: endpoint.links and endpoint.links[0].wire, 3)

    assert in_some_try(is_prepared), "nothing was prepared"
    runtime = runtimes[-1]
    runtime.endpoint.drop_kept()
    assert runtime.text(slack.command()) == STARTED
    assert len(runtime.endpoint.requests) == 1


def test_server_that_says_it_will_close(make):
    runtime = make.runtime(
        endpoint=make.endpoint(default=closing(accepted(fields=[("Connection", "close")])))
    )
    for i in range(3):
        assert runtime.text(slack.command()) == STARTED
    assert [len(link.requests) for link in runtime.endpoint.links if link.requests] == [1, 1, 1]


def test_server_that_speaks_unasked(make):
    """A kept connection with bytes on it that belong to nothing is not used again."""
    runtime = make.runtime(
        endpoint=make.endpoint(
            script=[
                peer.raw(
                    response(202) + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", then="keep"
                )
            ]
        )
    )
    for _ in range(2):
        assert runtime.text(slack.command()) == STARTED
    assert [len(link.requests) for link in runtime.endpoint.links if link.requests] == [1, 1]


@pytest.mark.parametrize("size", [3000, 6000000])
def test_reset_in_the_middle_of_the_request(make, size):
    """What cannot have arrived whole was not started, surely, and may be sent again."""
    endpoint = make.endpoint(
        open_now=False, receive_buffer=4096, at_head=lambda visit: visit.wire.reset()
    )
    runtime = make.runtime(endpoint=endpoint)
    endpoint.open()
    event = URL.event(slack.command())
    event["stageVariables"] = {"pad": "x" * size}
    text = URL.read(runtime.send(encode(event)).reply)[2]
    assert NOT in text or (size < 6000000 and MAYBE in text)
    runtime.settled()
    assert len(endpoint.links) == 1 or size == 6000000 and len(endpoint.links) <= 4


@pytest.mark.parametrize(
    "status, name",
    [
        (301, "/2015-03-31/functions/my-fn/invocations"),
        (302, "http://{}/x"),
        (303, "http://{}/x"),
        (307, "http://{}/2015-03-31/functions/other/invocations"),
        (308, "//{}/x"),
    ],
)
def test_redirects_are_not_followed(make, status, name):
    trap = make.endpoint(check=False)
    location = name.format(trap.authority)
    runtime = make.runtime(
        endpoint=make.endpoint(
            default=peer.raw(response(status, b"", [("Location", location)]), then="keep")
        )
    )
    assert runtime.text(slack.command()).startswith(NOT)
    runtime.settled()
    assert len(runtime.endpoint.requests) == 1 and not trap.links


# ---- clock and keys ------------------------------------------------------------------------------


def skewed(
    offset,
    status=403,
    name="InvalidSignatureException",
    message="Signature expired: 20260101T000000Z is now earlier than "
    "20260101T001000Z (20260101T001500Z - 5 min.)",
):
    def act(visit):
        date = email.utils.format_datetime(
            datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset),
            usegmt=True,
        )
        failed(status, name, message, fields=[("Date", date)])(visit)

    return act


@pytest.mark.parametrize("offset", [600, -600, 86400 * 400, -7200])
@pytest.mark.parametrize(
    "name, message",
    [
        ("InvalidSignatureException",
            "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"),
        ("InvalidSignatureException",
            "Signature not yet current: 20260101T001000Z is still later than 20260101T000500Z"),
        ("RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large."),
    ],
    ids=["expired", "not-yet", "skewed"],
)
def test_wrong_clock_is_corrected_once(make, offset, name, message):
    endpoint = make.endpoint(check=False, script=[skewed(offset, name=name, message=message)])
    runtime = make.runtime(endpoint=endpoint)
    assert runtime.text(slack.command()) == STARTED
    first, second = endpoint.requests
    assert not signatures.problems(first, endpoint.keys, False)
    assert not signatures.problems(second, endpoint.keys, False, clock_offset=offset)
    assert runtime.process.logged("WARN")
    assert runtime.text(slack.command()) == STARTED
    assert not signatures.problems(
        endpoint.requests[2], endpoint.keys, False, clock_offset=offset
    ), "the correction is kept"


def test_clock_is_corrected_only_once(make):
    endpoint = make.endpoint(check=False, default=skewed(900))
    runtime = make.runtime(endpoint=endpoint)
    assert runtime.text(slack.command()).startswith(NOT)
    assert len(endpoint.requests) == 2


def test_wrong_signature_with_a_right_clock_is_final(make):
    endpoint = make.endpoint(
        default=skewed(
            0,
            message=(
                "The request signature we calculated does not match the signature you provided."
            ),
        )
    )
    runtime = make.runtime(endpoint=endpoint)
    text = runtime.text(slack.command())
    assert text.startswith(NOT) and "InvalidSignatureException" in text
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("name", ["ExpiredTokenException", "ExpiredToken"])
def test_expired_keys_are_reported_and_the_sandbox_is_replaced(make, name):
    runtime = make.runtime(
        endpoint=make.endpoint(
            default=failed(403, name, "The security token included in the request is expired")
        )
    )
    item = runtime.send(slack.command())
    assert NOT in item.reply["body"] and name in item.reply["body"]
    assert len(runtime.endpoint.requests) == 1
    assert runtime.process.wait_exit() == 1
    assert runtime.process.logged("ERROR")
    assert item.posts == 1 and len(runtime.api.nexts) == 1


def test_durable_execution_that_runs_already_is_not_sent_again(make):
    runtime = make.runtime(
        endpoint=make.endpoint(
            default=failed(409, "DurableExecutionAlreadyStartedException", "already")
        )
    )
    runtime.text(slack.command())
    assert len(runtime.endpoint.requests) == 1


def test_one_failure_does_not_poison_the_next(make):
    endpoint = make.endpoint(
        tls=True,
        open_now=False,
        script=[
            peer.close,
            accepted(),
            failed(404, "ResourceNotFoundException", "no"),
            accepted(),
            peer.raw(b"junk"),
            accepted(),
        ],
    )
    runtime = make.runtime(endpoint=endpoint)
    endpoint.open()
    answers = [URL.read(runtime.send(slack.command()).reply)[2] for _ in range(6)]
    assert ["has been started" in a for a in answers] == [
        False, True, False, True, False, True,
    ], answers


# ---- emulators -----------------------------------------------------------------------------------


def test_emulator_runs_the_function_at_once(make):
    """LocalStack, SAM and the RIE answer with what the function returned."""
    answer = response(
        200, b'{"any": "thing"}',
        [("Content-Type", "application/json"), ("X-Amz-Executed-Version", "$LATEST")],
    )
    runtime = make.runtime(endpoint=make.endpoint(default=peer.raw(answer, then="keep")))
    assert runtime.text(slack.command()) == STARTED
    assert runtime.text(slack.command()) == STARTED
    assert len(runtime.endpoint.requests) == 2


def test_a_page_is_no_emulator(make):
    page = response(200, b"<html>Please log in</html>", [("Content-Type", "text/html")])
    runtime = make.runtime(endpoint=make.endpoint(default=peer.raw(page, then="keep")))
    assert runtime.text(slack.command()).startswith(MAYBE + "answered 200 instead of 202")
    assert len(runtime.endpoint.requests) == 1


# ---- what AWS says -------------------------------------------------------------------------------


def test_whole_message_reaches_slack_and_the_log(make):
    message = (
        "User: arn:aws:sts::123456789012:assumed-role/gateway/"
        + "s" * 60
        + " is not authorized to perform: lambda:InvokeFunction"
        " on resource: arn:aws:lambda:eu-west-1:123456789012:function:my-fn because no "
        "identity-based policy allows the"
        " lambda:InvokeFunction action. " + "More of it. " * 100
    )
    runtime = make.runtime(
        endpoint=make.endpoint(script=[failed(403, "AccessDeniedException", message)])
    )
    text = runtime.text(slack.command())
    assert (
        text
        == NOT
        + "AccessDeniedException: "
        + message[:1024]
        + "; the gateway's role needs lambda:InvokeFunction on it"
    )
    assert eventually(
        lambda: any(text[len(NOT) :] in line.get("reason", "") for line in runtime.process.lines)
    )
