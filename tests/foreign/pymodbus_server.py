"""A PLC that was not written here: pymodbus serving "the ladder" (tests/common/plc.rs tells what it is).

Usage: pymodbus_server.py WHERE LOG [still], where WHERE is a TCP port, rtu-tcp:PORT, rtu:DEVICE or ascii:DEVICE.
With "still" nothing steps: registers keep what is written to them, and writes are lines of the log too.

Every read request steps one counter, and the registers are functions of it. Each request answered is a line in LOG,
written before the answer leaves: "t_ms function unit address count counter". That log is the ground truth of the tests:
a value that is not in it was never handed out. Prints "ready" when it listens; ends when its standard input closes, so that
it never outlives the test that started it.
"""

import asyncio
import os
import struct
import sys
import threading
import time

from pymodbus import FramerType
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

REGISTERS = 100
COILS = 64


class Ladder:
    """The counter and the log."""

    def __init__(self, path):
        self.counter = 0
        self.still = "still" in sys.argv[3:]
        self.log = open(path, "a", buffering=1, encoding="ascii")

    async def on_access(self, function, start, address, count, registers, written):
        """Called by pymodbus before it copies the answer out of `registers`."""
        if self.still:
            if (written is None) != (function in (1, 2, 3, 4)):
                return None  # after a single write pymodbus reads for the answer
            self.log.write(f"{time.time_ns() // 1_000_000} {function} 1 {address} {count} 0\n")
            return None
        if written is not None or function not in (1, 2, 3, 4):
            return None
        self.counter += 1
        n = self.counter
        if function in (1, 2):
            registers[0] = n & 1
        else:
            high, low = n >> 16 & 0xFFFF, n & 0xFFFF
            half = struct.unpack(">HH", struct.pack(">f", n / 2))
            first = [high, low, low, -(n % 1000) & 0xFFFF, *half, low, high]
            registers[0 - start : len(first) - start] = first
            for addr in range(len(first), REGISTERS):
                registers[addr - start] = (n + addr) & 0xFFFF
        items = count * 16 if function in (1, 2) else count  # for bits, pymodbus counts words of 16
        self.log.write(f"{time.time_ns() // 1_000_000} {function} 1 {address} {items} {n}\n")
        return None


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


async def main():
    where, path = sys.argv[1], sys.argv[2]
    kind, _, place = where.rpartition(":")
    ladder = Ladder(path)
    words = [SimData(0, count=REGISTERS, values=0, datatype=DataType.REGISTERS)]
    bits = [SimData(0, count=COILS, values=False, datatype=DataType.BITS)]
    device = SimDevice(id=1, simdata=(bits, bits, words, words), action=ladder.on_access)
    if kind in ("rtu", "ascii"):
        framer = FramerType.RTU if kind == "rtu" else FramerType.ASCII
        server = asyncio.create_task(StartAsyncSerialServer(device, framer=framer, port=place, baudrate=19200))
        await asyncio.sleep(0.5)  # there is nothing to knock at
        print("ready", flush=True)
        await server
        return
    port = int(place)
    framer = FramerType.RTU if kind == "rtu-tcp" else FramerType.SOCKET
    server = asyncio.create_task(StartAsyncTcpServer(device, framer=framer, address=("127.0.0.1", port)))
    while not server.done():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.02)
    print("ready", flush=True)
    await server


threading.Thread(target=end_with_parent, daemon=True).start()
asyncio.run(main())
