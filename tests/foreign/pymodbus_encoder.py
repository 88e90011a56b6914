"""Registers as Python has them: pymodbus for what it knows, the struct module and codecs for the rest.

Prints one line per case, separated by tabs: keys of a tag in TOML, the value that must be read, the registers in hexadecimal.
Seeded by its argument, so that a case that fails comes again.
"""

import random
import struct
import sys

from pymodbus.client.mixin import ModbusClientMixin

rnd = random.Random(int(sys.argv[1]))
encode = ModbusClientMixin.convert_to_registers
TYPES = ModbusClientMixin.DATATYPE


def swapped(registers):
    return [(r & 0xFF) << 8 | r >> 8 for r in registers]


def say(toml, value, registers):
    print(toml, value, " ".join(f"{r:04x}" for r in registers), sep="\t")


def in_all_orders(word, value, data_type):
    big, little = (encode(value, data_type, word_order=order) for order in ("big", "little"))
    for order, registers in (("ABCD", big), ("CDAB", little), ("BADC", swapped(big)), ("DCBA", swapped(little))):
        say(f'type = "{word}", order = "{order}"', value, registers)


def single(x):
    return struct.unpack(">f", struct.pack(">f", x))[0]


for _ in range(20):
    for word, data_type, low, high in (
        ("u16", TYPES.UINT16, 0, 2**16 - 1),
        ("i16", TYPES.INT16, -(2**15), 2**15 - 1),
        ("u32", TYPES.UINT32, 0, 2**32 - 1),
        ("i32", TYPES.INT32, -(2**31), 2**31 - 1),
        ("u64", TYPES.UINT64, 0, 2**64 - 1),
        ("i64", TYPES.INT64, -(2**63), 2**63 - 1),
    ):
        in_all_orders(word, rnd.choice([low, high, rnd.randint(low, high), rnd.randint(0, 99)]), data_type)
    in_all_orders("f32", single(rnd.uniform(-1e6, 1e6)), TYPES.FLOAT32)
    in_all_orders("f64", rnd.uniform(-1e300, 1e300), TYPES.FLOAT64)
    for word, digits in (("bcd16", 4), ("bcd32", 8)):
        value = rnd.randrange(10**digits)
        registers = [int(f"{value:0{digits}}"[at : at + 4], 16) for at in range(0, digits, 4)]
        say(f'type = "{word}"', value, registers)
        say(f'type = "{word}", order = "DCBA"', value, swapped(registers[::-1]))
    for encoding, letters in (("ascii", "PX-17 ab"), ("utf8", "料筒温度°CPX"), ("gbk", "料筒温度℃PX；")):
        text = "".join(rnd.choices(letters, k=rnd.randint(1, 20))).rstrip() or "A"
        registers = encode(text, TYPES.STRING, string_encoding=encoding)
        toml = f'type = "text", length = {2 * len(registers)}, encoding = "{encoding}"'
        say(toml, text, registers)
        say(toml + ', order = "BA"', text, swapped(registers))

# Every half-precision number that is one.
for bits in range(2**16):
    (value,) = struct.unpack(">e", struct.pack(">H", bits))
    if bits & 0x7C00 != 0x7C00:
        say('type = "f16"', value, [bits])
