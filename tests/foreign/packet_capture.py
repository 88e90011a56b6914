"""Captures every packet of this network namespace into a pcap file (what `tcpdump -i any -w FILE` does, without the package).

Usage: packet_capture.py FILE. Prints "ready" when it listens. When its standard input closes it takes what is still on the
way, prints "PACKETS DROPPED" (the kernel's own counts) and ends. Needs CAP_NET_RAW. Link type: Linux cooked capture v1.
"""

import select
import socket
import struct
import sys
import time

PACKET_OUTGOING = 4
SOL_PACKET, PACKET_STATISTICS = 263, 6
SO_RCVBUFFORCE = 33

capture = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))  # ETH_P_ALL
for option in (SO_RCVBUFFORCE, socket.SO_RCVBUF):
    try:
        capture.setsockopt(socket.SOL_SOCKET, option, 64 << 20)
        break
    except OSError:
        pass  # not allowed in a user namespace; the kernel's limit holds, and what it drops is counted
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 113))
    print("ready", flush=True)
    end, packets = None, 0
    while end is None or time.monotonic() < end:
        readable, _, _ = select.select([capture] if end else [capture, sys.stdin], [], [], 0.1)
        if sys.stdin in readable and not sys.stdin.read(1):
            end = time.monotonic() + 0.5
        if capture in readable:
            data, (_, protocol, kind, _, _) = capture.recvfrom(262_144)
            if kind != PACKET_OUTGOING:
                continue  # on the loopback each packet is seen twice
            head = struct.pack(">HHH8sH", kind, 772, 0, b"", protocol)
            seconds, micros = divmod(time.time_ns() // 1000, 1_000_000)
            file.write(struct.pack("<IIII", seconds, micros, len(head) + len(data), len(head) + len(data)))
            file.write(head + data)
            packets += 1
    _, dropped = struct.unpack("II", capture.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
print(packets, dropped, flush=True)
