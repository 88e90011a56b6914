"""One device of tests/cases/probe, served by pymodbus: framing, transport and sessions are pymodbus's, the layout is the file's.

Usage: pymodbus_device.py WHERE CASE, where WHERE is tcp:PORT, rtu-tcp:PORT or serial:DEVICE, and CASE is a TOML file as
tests/cases/probe/README.md describes it. Prints "ready" when it listens; ends when its standard input closes. Each request is
a line on standard error: "function unit address count".
CLOUDWARD_PROBE_SEED varies the values.
"""

import asyncio
import os
import random
import struct
import sys
import threading
import tomllib

from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
FORMATS = {"f32": ">f", "f64": ">d", "u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "u64": ">Q", "i64": ">q"}


def ordered(data, order):
    """The bytes of a value, high byte first, as registers in the device's order."""
    words = [data[n : n + 2] for n in range(0, len(data), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return [int.from_bytes(word) for word in words]


def registers(kind, order, value):
    if kind == "text":
        data = value.encode(order)
        return ordered(data + b"\0" * (len(data) % 2), "ABCD")
    if kind.startswith("bcd"):
        digits = int(kind[3:]) // 4
        return ordered(bytes.fromhex(f"{value:0{digits}d}"), order)
    return ordered(struct.pack(FORMATS[kind], value), order)


class Device:
    """What pymodbus asks for values: it takes the place of its own store."""

    def __init__(self, case):
        self.case = case
        self.requests = 0

    def value(self, kind, raw, step):
        """Totals rise with each request; everything else wobbles around its value by as much as the file says."""
        if isinstance(raw, (bool, str)):
            return raw
        n = self.requests
        is_total = isinstance(raw, int) and kind in ("u32", "u64", "i64", "bcd32") or raw > 8000 and kind in ("f32", "f64", "i32")
        if is_total:
            return raw + step * n
        noise = step * random.Random(f"{raw} {step} {n}").uniform(-1, 1)  # each value its own, the same in each run
        return raw + (round(noise) if isinstance(raw, int) else noise)

    def table(self, name):
        held = {}
        mirror = self.case.get("mirror", [])
        for _, place, kind, order, raw, step in self.case["values"]:
            table, address = place.split(":")
            if table != name and not (table in mirror and name in mirror):
                continue
            value = self.value(kind, raw, step)
            words = [value] if kind == "bool" else registers(kind, order, value)
            held.update({int(address, 0) + n: word for n, word in enumerate(words)})
        return held

    async def async_getValues(self, unit, function, address, count=1):
        print(function, unit, address, count, file=sys.stderr)
        case = self.case
        if unit != case["unit"] and case["others"] != "same":
            if case["others"] == "silent":
                raise NoSuchIdException
            return ExcCodes.GATEWAY_NO_RESPONSE
        name = TABLES[function]
        ranges = [(first, last) for table, first, last in case["ranges"] if table == name]
        if not ranges:
            return ExcCodes(case.get("absent", 1))
        if function > 2 and count > case.get("max", 125):
            return ExcCodes(case.get("too_long", 3))
        served = any(first <= address and address + count - 1 <= last for first, last in ranges)
        if not served and case["outside"] != "zeros":
            return ExcCodes(case["outside"])
        if address + count > 65536:
            return ExcCodes.ILLEGAL_ADDRESS
        self.requests += 1
        held = self.table(name)
        nothing = False if function <= 2 else 0
        return [held.get(address + n, nothing) for n in range(count)]

    async def async_setValues(self, unit, function, address, values):
        print("WRITTEN", function, unit, address, file=sys.stderr)
        return ExcCodes.ILLEGAL_FUNCTION


def varied(value, rng):
    """The same quantity with another number, for a look at devices that no guess was made for."""
    name, place, kind, order, raw, step = value
    if isinstance(raw, (bool, str)) or name.startswith(("clock", "state", "machine_mode", "address", "baud")):
        return value
    low, high = (0.99, 1.0) if name.startswith(("freq", "pf")) else (0.98, 1.02) if name.startswith("u_") else (0.5, 1.7)
    other = raw * rng.uniform(low, high)
    return [name, place, kind, order, round(other) if isinstance(raw, int) else round(other, 3), step]


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


async def main():
    kind, _, place = sys.argv[1].partition(":")
    with open(sys.argv[2], "rb") as file:
        case = tomllib.load(file)
    if seed := os.environ.get("CLOUDWARD_PROBE_SEED"):
        rng = random.Random(seed)
        case["values"] = [varied(value, rng) for value in case["values"]]
    device = Device(case)
    stand_in = SimDevice(id=1, simdata=SimData(0, count=1, values=0, datatype=DataType.REGISTERS))
    if kind == "serial":
        server = ModbusSerialServer(stand_in, framer=FramerType.RTU, port=place, baudrate=19200, ignore_missing_devices=True)
    else:
        framer = FramerType.RTU if kind == "rtu-tcp" else FramerType.SOCKET
        server = ModbusTcpServer(stand_in, framer=framer, address=("127.0.0.1", int(place)), ignore_missing_devices=True)
    server.context = device
    task = asyncio.create_task(server.serve_forever())
    while kind != "serial" and not task.done():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", int(place))
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.02)
    if kind == "serial":
        await asyncio.sleep(0.5)  # there is nothing to knock at
    print("ready", flush=True)
    await task


threading.Thread(target=end_with_parent, daemon=True).start()
asyncio.run(main())
