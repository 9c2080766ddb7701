# SPDX-License-Identifier: MIT
"""A page in a headless Chromium, driven by the DevTools protocol over a pair of pipes."""
import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

from harness import Skip, check

# The keys that tests press, and their virtual key codes.
KEYS = {"Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38,
        "ArrowRight": 39, "ArrowDown": 40, "f": 70, "t": 84, "/": 191, "?": 191}
CONTROL, SHIFT = 2, 8
# Debian's name first, then those of other packages.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 120


class Page:
    """With Page(url) as page: ... A page that is loaded; all that it asks for is in .requests, all
    that it complains about in .complaints."""

    def __init__(self, url, width=1200, height=800, dark=False, scripts=True):
        self.url, self.size, self.dark, self.scripts = url, (width, height), dark, scripts
        self.requests, self.complaints, self.loaded = [], [], False
        self.last_id, self.data, self.session, self.pressed = 0, b"", None, False

    def __enter__(self):
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        if not program:
            raise Skip("chromium is not installed")
        self.folder = tempfile.mkdtemp(prefix="allocptrace-browser-")
        commands, self.to = os.pipe()
        self.events, answers = os.pipe()
        # The browser reads commands from descriptor 3 and answers at 4. The shell gives them away,
        # as it may be a script that has descriptors of its own.
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "sh", program, "--headless",
             "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
             f"--user-data-dir={self.folder}", "--remote-debugging-pipe", "about:blank"],
            pass_fds=(commands, answers), start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(answers)
        try:
            self.open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.to)
        os.close(self.events)
        shutil.rmtree(self.folder, ignore_errors=True)

    def open(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")
        self.resize(*self.size)
        self.colours(self.dark)
        self.call("Emulation.setScriptExecutionDisabled", value=not self.scripts)
        self.navigate(self.url)

    def navigate(self, url):
        self.loaded = False
        self.call("Page.navigate", url=url)
        self.wait(lambda: self.loaded)

    def colours(self, dark):
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)

    def receive(self, deadline):
        """The next message; events are taken note of."""
        while b"\0" not in self.data:
            left = deadline - time.monotonic()
            check(left > 0 and select.select([self.events], [], [], left)[0],
                  "the browser does not answer")
            part = os.read(self.events, 1 << 20)
            check(part, "the browser has ended")
            self.data += part
        message, self.data = self.data.split(b"\0", 1)
        message = json.loads(message)
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled",
                        "Page.javascriptDialogOpening"):
            self.complaints.append(parameters)
        return message

    def wait(self, condition):
        deadline = time.monotonic() + SECONDS
        while not condition():
            self.receive(deadline)

    def call(self, method, **parameters):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        deadline = time.monotonic() + SECONDS
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.last_id:
                check("error" not in answer, f"{method}: {answer.get('error')}")
                return answer["result"]

    def evaluate(self, expression):
        """The value of an expression, as JSON has it."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        check("exceptionDetails" not in result, f"{expression}: {result}")
        return result["result"].get("value")

    def mouse(self, x, y, *kinds):
        for kind in kinds:
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.pressed = kind == "mousePressed" or self.pressed and kind == "mouseMoved"
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, buttons=int(self.pressed),
                      **button)

    def key(self, key, control=False, shift=False):
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=KEYS[key],
                      modifiers=(CONTROL if control else 0) | (SHIFT if shift else 0))

    def type(self, text):
        self.call("Input.insertText", text=text)

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
