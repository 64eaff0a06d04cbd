"""A headless Chromium, driven over its DevTools protocol through a pipe: what a person's browser
makes of a page."""

import base64
import fcntl
import json
import os
import select
import subprocess
import time

START_S = 60.0  # on a busy machine


class Browser:
    """One process, which may open any number of pages."""

    def __init__(self, folder):
        commands, self.commands = os.pipe()
        self.events, events = os.pipe()
        # Out of the way of 3 and 4, where the browser looks for them.
        commands, events = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (commands, events))
        self.log = open(folder / "browser.log", "wb")
        self.process = subprocess.Popen(
            [
                "chromium", "--headless", "--no-sandbox", "--disable-gpu",
                "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
                "--disable-background-networking", "--disable-component-update",
                "--remote-debugging-pipe",
                f"--user-data-dir={folder / 'profile'}", "about:blank",
            ],
            env={"PATH": os.environ["PATH"], "HOME": str(folder)}, stdout=self.log, stderr=self.log,
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: (os.dup2(commands, 3), os.dup2(events, 4)), close_fds=False,
        )  # fmt: skip
        os.close(commands)
        os.close(events)
        self.unread, self.last, self.answers, self.heard = b"", 0, {}, []

    def stop(self):
        self.process.kill()
        self.process.wait()
        os.close(self.commands)
        os.close(self.events)
        self.log.close()

    def receive(self, until):
        left = until - time.monotonic()
        assert (
            left > 0 and select.select([self.events], [], [], left)[0]
        ), "the browser says nothing"
        data = os.read(self.events, 1 << 20)
        assert data, (
            "the browser has ended: " + open(self.log.name, errors="replace").read()[-2000:]
        )
        *messages, self.unread = (self.unread + data).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self.answers[message["id"]] = message
            else:
                self.heard.append(message)

    def call(self, method, session=None, **parameters):
        self.last += 1
        message = {
            "id": self.last, "method": method, "params": parameters,
            **({"sessionId": session} if session else {}),
        }
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + START_S
        while self.last not in self.answers:
            self.receive(until)
        answer = self.answers.pop(self.last)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def open(self, url, dark=False, width=1100, height=900, script=True):
        return Page(self, url, dark, width, height, script)


class Page:
    def __init__(self, browser, url, dark, width, height, script):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Page.navigate", url=url)
        self.wait_for(lambda: self.events("Page.loadEventFired"))

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def events(self, method):
        return [
            event["params"]
            for event in self.browser.heard
            if event["method"] == method and event["sessionId"] == self.session
        ]

    def wait_for(self, condition):
        until = time.monotonic() + START_S
        while not condition():
            self.browser.receive(until)

    def evaluate(self, expression):
        """What it comes to, as JSON can hold it; a promise is waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression, wanted):
        """Waits for it in the page."""
        end = time.monotonic() + START_S
        while (found := self.evaluate(expression)) != wanted:
            assert time.monotonic() < end, f"{expression} is {found}, not {wanted}"
            time.sleep(0.05)

    def problems(self):
        """What it has complained of: refused styles and scripts, uncaught exceptions."""
        logged = [event["entry"]["text"] for event in self.events("Log.entryAdded")]
        return logged + [
            event["exceptionDetails"]["text"] for event in self.events("Runtime.exceptionThrown")
        ]

    def requested(self):
        return {event["request"]["url"] for event in self.events("Network.requestWillBeSent")}

    def screenshot(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        )
