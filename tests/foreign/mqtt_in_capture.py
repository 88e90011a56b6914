"""What MQTT clients sent to a broker, from a pcap file: of tcpdump, of Wireshark, of packet_capture.py. Needs nothing but Python.

Usage: mqtt_in_capture.py FILE PORT, where PORT is the broker's. Each line of the output is JSON:
  {"what": "flow", "protocol": 6, "to": "192.0.2.1:1883"}        each destination that any packet was for, once
  {"what": "lookup", "name": "broker.example.com"}               each name that a name server (port 53) was asked for, once
  {"what": "connect", "client": "...", "user": "..."}            a login
  {"what": "will" | "publish", "topic": "...", "sha256": "...", "payload": "..."}   a message; payload in hexadecimal digits
  {"what": "bytes", "hex": "..."}                                everything sent on one connection, as it was
TLS cannot be read this way: the connection must be mqtt://.
"""

import hashlib
import json
import socket
import struct
import sys

LINK_HEADERS = {0: 4, 1: 14, 101: 0, 113: 16, 228: 0, 276: 20}  # loopback, Ethernet, raw IP, cooked v1, IPv4, cooked v2


def packets(data):
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}[data[:4]]
    skip, at = LINK_HEADERS[struct.unpack(order + "I", data[20:24])[0]], 24
    while at + 16 <= len(data):
        length = struct.unpack(order + "I", data[at + 8 : at + 12])[0]
        yield data[at + 16 + skip : at + 16 + length]
        at += 16 + length


def ip(packet):
    """Protocol, source, destination, content."""
    if packet and packet[0] >> 4 == 4 and len(packet) >= 20:
        total = struct.unpack(">H", packet[2:4])[0] or len(packet)
        content = packet[(packet[0] & 15) * 4 : total]
        return packet[9], socket.inet_ntop(socket.AF_INET, packet[12:16]), socket.inet_ntop(socket.AF_INET, packet[16:20]), content
    if packet and packet[0] >> 4 == 6 and len(packet) >= 40:
        ends = [socket.inet_ntop(socket.AF_INET6, packet[at : at + 16]) for at in (8, 24)]
        return packet[6], *ends, packet[40:]
    return None


def text(data, at):
    length = struct.unpack(">H", data[at : at + 2])[0]
    return data[at + 2 : at + 2 + length], at + 2 + length


def mqtt(stream):
    at = 0
    while at < len(stream):
        head, length, shift = stream[at], 0, 0
        while True:
            at += 1
            length |= (stream[at] & 127) << shift
            shift += 7
            if stream[at] < 128:
                break
        body, at = stream[at + 1 : at + 1 + length], at + 1 + length
        if len(body) < length:
            return  # the capture ended here
        if head >> 4 == 1:  # CONNECT
            flags = body[7]
            client, place = text(body, 10)
            user = b""
            if flags & 4:
                topic, place = text(body, place)
                payload, place = text(body, place)
                yield "will", topic, payload
            if flags & 128:
                user, place = text(body, place)
            yield "connect", client, user
        if head >> 4 == 3:  # PUBLISH
            topic, place = text(body, 0)
            yield "publish", topic, body[place + (2 if head & 6 else 0) :]


def asked(query):
    """The name in a question to a name server (RFC 1035, 4.1)."""
    labels, at = [], 12
    while at < len(query) and query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    return ".".join(labels)


flows, streams, calls, names = set(), {}, set(), set()
for packet in packets(open(sys.argv[1], "rb").read()):
    protocol, source, target, content = ip(packet) or (0, "", "", b"")
    if protocol not in (6, 17):
        if protocol:
            flows.add((protocol, target))
        continue
    source_port, target_port = struct.unpack(">HH", content[:4])
    there, back = (source, source_port, target, target_port), (target, target_port, source, source_port)
    if protocol == 17 and back not in calls or protocol == 6 and content[13] & 18 == 2:  # a datagram, or a SYN: somebody calls
        calls.add(there)
        flows.add((protocol, f"{target}:{target_port}"))
        if protocol == 17 and target_port == 53:
            names.add(asked(content[8:]))
    if protocol == 6 and target_port == int(sys.argv[2]):
        key, sequence = (source, source_port), struct.unpack(">I", content[4:8])[0]
        if content[13] & 2:
            streams[key, sequence] = (sequence + 1, {})
        newest = [(start, parts) for (flow, _), (start, parts) in streams.items() if flow == key]
        if newest:
            newest[-1][1][(sequence - newest[-1][0]) % 2**32] = content[(content[12] >> 4) * 4 :]
for protocol, target in sorted(flows):
    print(json.dumps({"what": "flow", "protocol": protocol, "to": target}))
for name in sorted(names):
    print(json.dumps({"what": "lookup", "name": name}))
for _, parts in streams.values():
    stream = b""
    for offset in sorted(parts):
        if offset <= len(stream):  # what was sent again is taken once
            stream += parts[offset][len(stream) - offset :]
    print(json.dumps({"what": "bytes", "hex": stream.hex()}))
    for what, first, second in mqtt(stream):
        if what == "connect":
            print(json.dumps({"what": what, "client": first.decode(), "user": second.decode()}))
        else:
            digest = hashlib.sha256(second).hexdigest()
            print(json.dumps({"what": what, "topic": first.decode(), "sha256": digest, "payload": second.hex()}))
