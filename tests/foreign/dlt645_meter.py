"""Meters that were not written here: the PyPI package dlt645 (3.2) on a serial port.

Usage: dlt645_meter.py DEVICE ADDRESS...      serves one meter per ADDRESS (twelve digits), each with VALUES
       dlt645_meter.py --table                prints what the package knows of each identifier: id, format

The package makes and reads the frames and knows the values. Its own serial loop is not used: it answers for every address,
with a refusal where it is another's, which no meter on a shared line may do. Prints "ready" when it listens; ends when its
standard input closes, so that it never outlives the test that started it.
"""

import os
import sys
import threading

import serial
from dlt645 import DLT645Protocol, MeterServerService
from dlt645.model.data.data_handler import clone_data_map

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


def meter(address):
    service = MeterServerService(server=None)
    wire = bytes.fromhex(address)[::-1]
    assert service.set_address(wire), address
    for identifier, value in VALUES.items():
        assert (service.set_00 if identifier >> 24 == 0 else service.set_02)(identifier, value), hex(identifier)
    assert service.set_04(0x04000102, "180759")
    assert service.set_04(0x04000402, address)
    return wire, service


def table():
    for identifier, item in sorted(clone_data_map().items()):
        if not isinstance(item, list):
            print(f"{identifier:08X} {item.data_format}")


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


def serve(device, addresses):
    meters = [meter(address) for address in addresses]
    port = serial.Serial(device, 19200, timeout=0.01)
    threading.Thread(target=end_with_parent, daemon=True).start()
    print("ready", flush=True)
    buffer = b""
    while True:
        buffer += port.read(max(1, port.in_waiting))
        while buffer:
            rest, frame = DLT645Protocol.deserialize_with_remaining(buffer)
            if frame is None and rest == buffer:
                break
            buffer = bytes(rest)
            for wire, service in meters if frame else []:
                # A shortened address means whoever ends so, and is answered with the whole one.
                if all(wanted in (0xAA, own) for wanted, own in zip(bytes(frame.addr), wire)):
                    frame.addr = bytearray(wire)
                    reply = service.handle_request(frame)
                    if reply:
                        port.write(bytes(reply))


if sys.argv[1] == "--table":
    table()
else:
    serve(sys.argv[1], sys.argv[2:])
