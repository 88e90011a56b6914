#!/usr/bin/env python3
"""Writes deploy/order.ld: what a working agent really calls, in the order of the first call, so that the linker lays it side by side.

Why: Linux brings code into memory in pieces of 64 kB. A day's work needs 2 MB of code; scattered over a binary of 10 MB it had
7 MB in memory, which is most of what `top` shows. Only memory hangs on this file: a function that is missing here, or has another
name by now, is found further back. deploy/gates.py says when too little of it fits.

How: the binary for x86_64 does a minute of work under qemu, which logs each piece of code when it first meets it: it reads
three PLCs with states, counters and energy, delivers over TLS to a broker that goes and comes back, reads its file again, and
ends. Needs what `tests/run --set-up-only` sets up, qemu-user-static and openssl.

    deploy/build --symbols x86_64 && deploy/order.py target/symbols/x86_64/cloudward
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HOUSE / "target"))
PLC, BROKER = 23_571, 23_581

WORKSHOP = f"""
[workshop]
enterprise = "e"
id = "w"
timezone = "Asia/Shanghai"
[journal]
dir = "state"
[[sink]]
name = "cloud"
mqtt = "mqtts://localhost:{BROKER}"
ca_file = "ca.crt"
user = "gateway"
password_file = "password"
retry_max = "2s"
send = ["*", "events"]
[[shift]]
name = "all day"
start = "00:00"
end = "24:00"
"""
DEVICE = """
[[link]]
name = "l{n}"
modbus_tcp = "127.0.0.1:{port}"
[[device]]
id = "d{n}"
link = "l{n}"
every = "500ms"
tags = [
    {{ name = "count", address = "holding:0", type = "u32", role = "count.total", kind = "cumulative" }},
    {{ name = "kwh", address = "input:0", type = "u32", unit = "kWh", role = "energy.active" }},
    {{ name = "run", address = "coil:0", type = "bool", role = "state.run" }},
    {{ name = "minus", address = "holding:3", type = "i16", scale = 0.1 }},
    {{ name = "half", address = "holding:4", type = "f32" }},
    {{ name = "swapped", address = "holding:6", type = "u32", order = "CDAB" }},
]
"""


def certificates(folder: Path) -> None:
    def openssl(*args: str) -> None:
        subprocess.run(["openssl", *args], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=CA")
    openssl("req", *key[:-2], "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=broker")
    (folder / "san").write_text("subjectAltName=DNS:localhost\n")
    sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "san"]
    openssl("x509", "-req", "-in", "server.csr", *sign, "-out", "server.crt")


def broker(folder: Path) -> subprocess.Popen:
    path = os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin"
    return subprocess.Popen(["mosquitto", "-c", str(folder / "mosquitto.conf")], env=dict(os.environ, PATH=path), stderr=subprocess.DEVNULL)


def work(binary: str, folder: Path) -> Path:
    """Lets the agent work; the log of what it met."""
    certificates(folder)
    (folder / "password").write_text("secret")
    passwords = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "gateway", "secret"], check=True)
    files = f"certfile {folder}/server.crt\nkeyfile {folder}/server.key\npassword_file {passwords}\n"
    (folder / "mosquitto.conf").write_text(f"user root\nlistener {BROKER} 127.0.0.1\nallow_anonymous false\n{files}")
    devices = "".join(DEVICE.format(n=n, port=PLC + n) for n in range(3))
    (folder / "workshop.toml").write_text(WORKSHOP + devices)
    plc = [str(TARGET / "foreign/libmodbus_server"), str(PLC), "3", str(folder / "plc.log")]
    plcs = subprocess.Popen(plc, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    mosquitto = broker(folder)
    time.sleep(1)
    log = folder / "met"
    command = ["qemu-x86_64-static", "-d", "in_asm", "-D", str(log), binary, "run", "--config", str(folder / "workshop.toml")]
    agent = subprocess.Popen(command, stderr=open(folder / "agent.log", "w"))
    try:
        time.sleep(30)
        mosquitto.terminate()
        mosquitto.wait()
        time.sleep(5)
        mosquitto = broker(folder)
        time.sleep(15)
        agent.send_signal(signal.SIGHUP)
        time.sleep(10)
        agent.terminate()
        if agent.wait(timeout=30) != 0:
            sys.exit(f"order: the agent failed:\n{(folder / 'agent.log').read_text()}")
    finally:
        for child in (agent, mosquitto, plcs):
            child.kill()
            child.wait()
    said = (folder / "agent.log").read_text()
    if said.count("is connected to") < 3 or len((folder / "plc.log").read_text()) < 10_000:
        sys.exit(f"order: the agent did not work, so nothing can be learned from it:\n{said}")
    return log


def pattern(symbol: str) -> str:
    """The section of a function, whatever the compiler appends to its name."""
    rust = re.fullmatch(r"(_ZN.*17h)[0-9a-f]{16}E([.].*)?", symbol)
    if rust:
        return f".text.{rust[1]}*"
    plain = re.sub(r"[.][0-9]+$", "", symbol)
    return f".text.{plain}*" if symbol.startswith("_R") else f".text.{plain}"


def main(binary: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with open(work(binary, Path(folder))) as log:
            met = (line.split()[1] for line in log if line.startswith("IN: ") and len(line) > 5)
            patterns = dict.fromkeys(pattern(symbol) for symbol in met)
    if len(patterns) < 1_500:
        sys.exit(f"order: {len(patterns)} functions only; is {binary} stripped? deploy/build --symbols x86_64 makes one that is not")
    lines = [f"    *({p})" for p in patterns]
    head = "/* What a working agent calls, in the order of the first call. Written by deploy/order.py, which tells why; not by hand. */"
    text = "\n".join([head, "SECTIONS {", "  .text.used : {", *lines, "  }", "}", "INSERT BEFORE .text;", ""])
    (HOUSE / "deploy/order.ld").write_text(text)
    print(f"order: {len(patterns)} names in deploy/order.ld")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
