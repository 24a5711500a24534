#!/usr/bin/env python3
"""The broker beside nginx, HAProxy, mitmproxy and a bare hop of its own libraries (bench/README.md).

Every contender puts the same header into the same requests to the same upstream, on loopback, in turn, several rounds.
Printed are the processor time of the contender's own process for a request, and the median wait that it adds; the
smallest of the rounds, since other work on the machine only ever adds. `scripts/bench-broker` builds and starts this.
"""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCH = sys.argv[1]
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = os.environ.get("SECONDS_EACH", "3")
SECRET = "real-secret-value-0123456789abcdef"
TICK = os.sysconf("SC_CLK_TCK")
BODY = json.dumps({"ok": 1, "data": "x" * 72})


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Contender:
    """A running program, where requests to it go, and the header that they carry."""

    def __init__(self, name, process, url, headers=(), lua=None):
        self.name, self.process, self.url, self.headers, self.lua = name, process, url, headers, lua
        self.best = {}

    def cpu(self):
        """Processor seconds of the process and its children."""
        total, todo = 0, [self.process.pid]
        while todo:
            pid = todo.pop()
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
                for task in Path(f"/proc/{pid}/task").iterdir():
                    todo += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                pass
        return total / TICK

    def load(self, connections):
        before = self.cpu()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency"]
        command += [part for header in self.headers for part in ("-H", header)]
        command += ["-s", self.lua] if self.lua else []
        out = subprocess.run([*command, self.url], capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in out:
            sys.exit(f"{self.name} refuses: {out}")
        requests = int(re.search(r"(\d+) requests in", out)[1])
        cpu = (self.cpu() - before) / max(requests, 1) * 1e6
        found = re.search(r"50%\s+([\d.]+)(us|ms|s)", out)
        wait = float(found[1]) * {"us": 1, "ms": 1e3, "s": 1e6}[found[2]]
        old = self.best.get(connections, (1e12, 1e12))
        self.best[connections] = (min(cpu, old[0]), min(wait, old[1]))


def start(name, folder, *command, **kind):
    log = (folder / f"{name}.log").open("w")
    return subprocess.Popen(command, cwd=folder, stdout=kind.pop("stdout", log), stderr=log, **kind)


def wait_for(at):
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", at)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on {at}")


def certificate(folder):
    """An authority, and a certificate of localhost that it signed."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=bench")
    openssl("req", *key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "leaf.pem", "-days", "2", "-extfile", "names")


def nginx(folder, name, servers):
    (folder / f"{name}.conf").write_text(
        f"worker_processes 1; daemon off; pid {name}.pid; error_log stderr error;\n"
        "events { worker_connections 4096; }\n"
        "http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600; " + servers + " }\n")
    return start(name, folder, "nginx", "-p", f"{folder}/", "-c", f"{name}.conf", "-e", "stderr")


def ours(folder, *arguments):
    process = start("ours", folder, BENCH, "broker-ours", *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return process, json.loads(process.stdout.readline())


def one_connect(proxy_port, password, target_port, ca):
    """A fresh CONNECT, the handshake inside, and one request."""
    raw = socket.create_connection(("127.0.0.1", proxy_port))
    sign = f"Proxy-Authorization: Basic {password}\r\n" if password else ""
    raw.sendall(f"CONNECT localhost:{target_port} HTTP/1.1\r\nHost: localhost:{target_port}\r\n{sign}\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = raw.recv(4096)
        if not piece:
            sys.exit(f"CONNECT: {head!r}")
        head += piece
    if b" 200" not in head.split(b"\r\n")[0]:
        sys.exit(f"CONNECT: {head!r}")
    context = ssl.create_default_context(cadata=ca)
    with context.wrap_socket(raw, server_hostname="localhost") as inside:
        return inside.version()


def main():
    folder = Path(tempfile.mkdtemp(prefix="broker-bench-"))
    certificate(folder)
    up, tls = port(), port()
    reply = f"default_type application/json; return 200 '{BODY}';"
    nginx(folder, "up", f"server {{ listen 127.0.0.1:{up} backlog=4096; location / {{ {reply} }} }} "
          f"server {{ listen 127.0.0.1:{tls} ssl backlog=4096; ssl_certificate leaf.pem; ssl_certificate_key leaf.key; "
          f"location / {{ {reply} }} }}")
    wait_for(up)
    direct = Contender("direct", start("idle", folder, "sleep", "3600"), f"http://127.0.0.1:{up}/x")

    put = f'proxy_set_header Authorization "Bearer {SECRET}"; proxy_http_version 1.1; proxy_set_header Connection "";'
    a, b = port(), port()
    process = nginx(folder, "ng", f"upstream u {{ server 127.0.0.1:{up}; keepalive 256; }} "
                    f"upstream t {{ server 127.0.0.1:{tls}; keepalive 256; }} "
                    f"server {{ listen 127.0.0.1:{a}; location / {{ proxy_pass http://u; {put} }} }} "
                    f"server {{ listen 127.0.0.1:{b}; location / {{ proxy_pass https://t; {put} proxy_ssl_verify on; "
                    "proxy_ssl_name localhost; proxy_ssl_server_name on; proxy_ssl_trusted_certificate ca.pem; } }")
    plain = [Contender("nginx", process, f"http://127.0.0.1:{a}/x")]
    warm = [Contender("nginx", process, f"http://127.0.0.1:{b}/x")]

    a, b = port(), port()
    (folder / "ha.cfg").write_text(
        "global\n nbthread 1\ndefaults\n mode http\n timeout connect 5s\n timeout client 600s\n timeout server 600s\n"
        " http-reuse always\n"
        f"frontend f\n bind 127.0.0.1:{a}\n http-request set-header Authorization \"Bearer {SECRET}\"\n"
        f" default_backend b\nbackend b\n server s 127.0.0.1:{up}\n"
        f"frontend g\n bind 127.0.0.1:{b}\n http-request set-header Authorization \"Bearer {SECRET}\"\n"
        f" default_backend c\nbackend c\n server s 127.0.0.1:{tls} ssl verify required ca-file ca.pem "
        "verifyhost localhost sni str(localhost)\n")
    process = start("ha", folder, "haproxy", "-f", "ha.cfg", "-db")
    plain.append(Contender("haproxy", process, f"http://127.0.0.1:{a}/x"))
    warm.append(Contender("haproxy", process, f"http://127.0.0.1:{b}/x"))

    a = port()
    process = start("hop", folder, BENCH, "broker-hop", str(a), f"127.0.0.1:{up}")
    plain.append(Contender("bare hop", process, f"http://127.0.0.1:{a}/x"))

    mitmdump = os.environ.get("MITMDUMP") or shutil.which("mitmdump")
    mitm_connect = None
    if mitmdump:
        a, b = port(), port()
        (folder / "put.py").write_text(
            f'def request(flow):\n    flow.request.headers["Authorization"] = "Bearer {SECRET}"\n')
        process = start("mitm", folder, mitmdump, "-q", "-s", "put.py", "--set", f"confdir={folder}/mitm",
                        "--mode", f"reverse:http://127.0.0.1:{up}@127.0.0.1:{a}", "--mode", f"regular@127.0.0.1:{b}",
                        "--set", f"ssl_verify_upstream_trusted_ca={folder}/ca.pem")
        plain.append(Contender("mitmproxy", process, f"http://127.0.0.1:{a}/x"))
        mitm_connect = Contender("mitmproxy", process, None)
        wait_for(b)
    else:
        print("mitmdump is missing: pip install mitmproxy, or set MITMDUMP; its rows are left out", file=sys.stderr)

    process, said = ours(folder, f"http://127.0.0.1:{up}")
    header = [f"Authorization: Bearer {said['token']}"]
    plain.append(Contender("ours", process, f"http://127.0.0.1:{said['port']}/bench/x", header))
    process, said = ours(folder, f"https://localhost:{tls}", f"{folder}/ca.pem")
    header = [f"Authorization: Bearer {said['token']}"]
    warm.append(Contender("ours", process, f"http://127.0.0.1:{said['port']}/bench/x", header))

    for contender in plain + warm:
        wait_for(int(re.search(r":(\d+)/", contender.url)[1]))
    for _ in range(ROUNDS):
        for contender in [direct, *plain, *warm]:
            for connections in (1, 32):
                contender.load(connections)

    def table(title, contenders, base):
        print(f"\n{title}\n{'':12} {'CPU us (1)':>11} {'CPU us (32)':>12} {'added p50 us':>13}")
        for one in contenders:
            added = one.best[1][1] - base.best[1][1]
            print(f"{one.name:12} {one.best[1][0]:11.1f} {one.best[32][0]:12.1f} {added:13.0f}")

    table("Plain upstream, scrubbed", plain, direct)
    table("TLS upstream, warm", warm, direct)
    by = {one.name: one for one in plain}
    for other in ("bare hop", "haproxy", "mitmproxy"):
        if other in by:
            ratios = [by["ours"].best[n][0] / max(by[other].best[n][0], 0.1) for n in (1, 32)]
            print(f"CPU, ours / {other}: {ratios[0]:.2f} and {ratios[1]:.2f}")
    added = [by[name].best[1][1] - direct.best[1][1] for name in ("ours", "haproxy")]
    print(f"added p50, ours / haproxy: {added[0] / max(added[1], 1):.2f}")
    ratios = [warm[-1].best[n][0] / max(warm[1].best[n][0], 0.1) for n in (1, 32)]
    print(f"CPU with TLS upstream, ours / haproxy: {ratios[0]:.2f} and {ratios[1]:.2f}")

    import base64
    import urllib.parse
    password = base64.b64encode(urllib.parse.urlsplit(said["proxy"]).netloc.split("@")[0].encode()).decode()
    rounds = int(os.environ.get("CONNECTS", "200"))
    results = {}
    contenders = [("ours", warm[-1], int(said["port"]), password, said["ca"])]
    if mitm_connect:
        ca = (folder / "mitm" / "mitmproxy-ca-cert.pem").read_text()
        contenders.append(("mitmproxy", mitm_connect, b, None, ca))
    for name, contender, at, sign, ca in contenders:
        one_connect(at, sign, tls, ca)
        before = contender.cpu()
        for _ in range(rounds):
            one_connect(at, sign, tls, ca)
        results[name] = (contender.cpu() - before) / rounds * 1e3
        print(f"CONNECT with interception, {name}: {results[name]:.2f} ms CPU")
    if len(results) == 2:
        print(f"ours / mitmproxy: {results['ours'] / results['mitmproxy']:.3f}")


if __name__ == "__main__":
    main()
