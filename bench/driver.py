"""Drives one run of the real program over the WebDriver protocol, and asks the kernel what it costs."""

import contextlib
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Driver:
    """One run of the program, driven over the WebDriver protocol."""

    def __init__(self, program, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        environment = dict(os.environ, STRONGROOM_DATA=folder, TAURI_WEBVIEW_AUTOMATION="true", LANG="C.UTF-8")
        command = ["WebKitWebDriver", f"--port={self.port}", "--host=127.0.0.1"]
        self.process = subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL)
        # Whatever ends this script ends the driver and the program with it.
        atexit.register(self.end)
        self.path = "/session"
        options = {"webkitgtk:browserOptions": {"binary": program, "args": []}}
        answer = until("the program", lambda: self.call("POST", "", {"capabilities": {"alwaysMatch": options}}))
        self.path += "/" + answer["sessionId"]

    def end(self):
        """Ends the driver; the program ends with its session."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=10)

    def call(self, method, path, body=None):
        url = f"http://127.0.0.1:{self.port}{self.path}{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except (urllib.error.URLError, ConnectionError):
            return None

    def script(self, text, *arguments):
        return self.call("POST", "/execute/sync", {"script": text, "args": arguments})

    def find(self, css):
        return self.call("POST", "/element", {"using": "css selector", "value": css})

    def click(self, css):
        until(css, lambda: self.find(css))
        self.script("document.querySelector(arguments[0]).click()", css)

    def fill(self, css, text):
        field = until(css, lambda: self.find(css))
        self.call("POST", f"/element/{field[ELEMENT]}/value", {"text": text})

    def window(self, page):
        def select():
            for handle in self.call("GET", "/window/handles") or []:
                self.call("POST", "/window", {"handle": handle})
                url = (self.call("GET", "/url") or "").removeprefix("tauri://localhost").split("?")[0].split("#")[0]
                if (url if "secure" in url else "/") == page:
                    return True
            return None
        until(f"the window {page}", select)

    def stop(self):
        self.call("DELETE", "")
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def until(what, ask, patience=60):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.02)
    sys.exit(f"waited in vain for {what}")


def processes(driver):
    """The program that this driver started, and its web views: process id to name, the program first."""
    parents, names = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as file:
                name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        parents[int(entry)], names[int(entry)] = int(rest.split()[1]), name
    family = [driver.process.pid]
    for pid in family:
        family.extend(child for child, parent in parents.items() if parent == pid)
    return {pid: names[pid] for pid in family[1:]}


def worked_ms(pids):
    """Processor time of all threads of these processes so far."""
    total = 0
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
    return total / 1e6
