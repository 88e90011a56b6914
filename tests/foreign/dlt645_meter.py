"""Meters that were not written here: the PyPI package dlt645 (3.2), on a serial port, alone or beside a Modbus unit.

Usage: dlt645_meter.py DEVICE [modbus] ADDRESS...

Serves one meter per ADDRESS (twelve digits), each with the values of VALUES below. With `modbus`, unit 1 of pymodbus shares
the port: its registers hold 1000 + address. The two packages each want the port for themselves; here bytes are read once
and offered to both, which is what a two-wire bus does. "die ADDRESS" and "live ADDRESS" on standard input switch a meter
off and on, so do "die modbus" and "live modbus"; each is acknowledged with a line. Prints "ready" when it listens; ends
when its standard input closes.
"""

import os
import sys
import threading

import serial
from dlt645 import MeterServerService
from dlt645.model.types.dlt645_type import Demand
from dlt645.protocol.protocol import DLT645Protocol
from pymodbus.framer import FramerRTU

VALUES = {
    0x00010000: 123456.78,
    0x00000000: -12.34,
    0x02010100: 220.1,
    0x02010200: 221.2,
    0x02010300: 222.3,
    0x02020100: -1.25,
    0x02030000: -0.1234,
    0x02060000: 0.987,
    0x02800002: 49.98,
}


class NoPort:
    """What a service is given that never opens a port of its own."""

    def __init__(self):
        self.service = None


def meter(address):
    service = MeterServerService(NoPort())
    wire = bytes.fromhex(address)[::-1]
    assert service.set_address(wire), address
    for identifier, value in VALUES.items():
        assert (service.set_00 if identifier >> 24 == 0 else service.set_02)(identifier, value), hex(identifier)
    assert service.set_04(0x04000102, "180759")
    assert service.set_04(0x04000402, address)
    return wire, service


def modbus_answer(buffer):
    """The answer of unit 1 to a request at the end of what came, or None."""
    request = bytes(buffer[-8:])
    if len(request) < 8 or request[:2] != b"\x01\x03":
        return None
    if FramerRTU.compute_CRC(request[:6]).to_bytes(2, "big") != request[6:]:
        return None
    start, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
    body = bytes([1, 3, 2 * count]) + b"".join((1000 + start + n).to_bytes(2, "big") for n in range(count))
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


def obey(dead):
    for line in sys.stdin:
        word, who = line.split()
        (dead.add if word == "die" else dead.discard)(who)
        print(line.strip(), flush=True)
    os._exit(0)


def main():
    device, *addresses = sys.argv[1:]
    has_modbus = "modbus" in addresses
    meters = {address: meter(address) for address in addresses if address != "modbus"}
    port = serial.Serial(device, 19200, timeout=0.01)
    dead = set()
    threading.Thread(target=obey, args=(dead,), daemon=True).start()
    print("ready", flush=True)
    buffer = bytearray()
    while True:
        chunk = port.read(max(1, port.in_waiting))
        if not chunk:
            continue
        buffer += chunk
        answer = modbus_answer(buffer) if has_modbus else None
        if answer is not None:
            buffer.clear()
            if "modbus" not in dead:
                port.write(answer)
            continue
        rest, frame = DLT645Protocol.deserialize_with_remaining(bytes(buffer))
        if frame is None:
            continue
        buffer = bytearray(rest)
        for address, (wire, service) in meters.items():
            # The package answers for whoever it is asked; on a bus only the one who is meant does.
            is_meant = all(wanted in (0xAA, own) for wanted, own in zip(bytes(frame.addr), wire))
            if is_meant and address not in dead:
                frame.addr = bytearray(wire)
                reply = service.handle_request(frame)
                if reply:
                    port.write(bytes(reply))


main()
