#!/usr/bin/env python3
"""Is what arrived whole? The rules of `cloudward verify` (docs/VERIFY.md) for the receiving side: copy what you need.
  mosquitto_sub -h HOST -t 'cloudward/#' -q 1 -F '%j' | verify.py, or verify.py FILE, or (paho-mqtt 2) verify.py --mqtt HOST 1883 SECONDS
Exit codes: 0 proven, 1 a gap, disorder or a contradiction, 2 nothing came or history is still to come."""
import json, re, sys, time
ID, REMEMBERED = re.compile(r"([0-9a-f]{12})-(data|events)-([0-9]+)\Z", re.ASCII), 16_384  # contents kept for comparison
def without(dictionary, *keys): return {key: value for key, value in dictionary.items() if key not in keys}

class Chain:
    """One stream of one workshop. A message covers the positions behind its prev up to its own; what nobody covers is missing."""
    def __init__(self):
        self.messages = self.samples = self.duplicates = self.disorder_count = self.conflict_count = self.forgotten = self.origin = 0
        self.ranges, self.known, self.newest, self.live = [], {}, {}, set()
    def cover(self, after, through):
        if after < through:
            touching = [r for r in self.ranges if r[1] >= after and r[0] <= through + 1]
            whole = (min([after + 1] + [r[0] for r in touching]), max([through] + [r[1] for r in touching]))
            self.ranges = sorted([r for r in self.ranges if r not in touching] + [whole])
    def is_covered(self, seq): return any(first <= seq <= last for first, last in self.ranges)
    def holes(self, is_open):  # open: before a live part (backlog = "live_first") that neither `filled` nor history has closed
        return [(a[1] + 1, b[0] - 1) for a, b in zip(self.ranges, self.ranges[1:]) if (b[0] in self.live) == is_open]
    def take(self, boot, seq, message, samples):
        prev, filled, lane = message.get("prev"), message.get("filled"), message.get("history") is True
        if (prev or 0) >= seq or (filled and filled[0] >= filled[1]):
            self.conflict_count += 1; return
        said = without(message, "prev", "filled", "history", "live")  # how it was delivered is no part of what it says
        scans = [without(s, "ts", "mono") for s in said["samples"]] if isinstance(said.get("samples"), list) else 0
        timeless = without(said, "clock", "ts", "samples") | {"scans": scans}
        content, timeless, clock = json.dumps(said, sort_keys=True), json.dumps(timeless, sort_keys=True), said.get("clock")
        if seq in self.known or self.is_covered(seq):
            first = self.known.get(seq)  # the same identity has the same content; only its times may have been put right
            is_same = first and first[0] == boot and (first[1] == content or (first[2] == timeless and first[3] != clock))
            if is_same or (not first and seq <= self.forgotten):
                self.duplicates += 1
            else:  # another content, another identity, or a message where an earlier one had said that nothing was there
                self.conflict_count += 1
            self.cover(prev or seq, seq)  # as history it may come with another prev
        else:
            self.messages, self.samples, self.origin = self.messages + 1, self.samples + samples, self.origin or seq
            begins, newest = lane not in self.newest, self.newest.get(lane, 0)
            is_filling = any(first <= seq <= last for first, last in self.holes(is_open=True))
            self.disorder_count += self.origin <= seq < newest and not is_filling
            self.newest[lane] = max(newest, seq)
            if prev is None and not self.is_covered(seq - 1):
                self.live.add(seq)
            # prev 0 says that nothing was sent before: no proof to one who has something from before
            self.cover(seq - 1 if prev is None or (prev == 0 and not begins) else prev, seq)
            self.known[seq] = (boot, content, timeless, clock)
            if len(self.known) > REMEMBERED:
                self.forgotten = max(self.forgotten, oldest := next(iter(self.known)))
                del self.known[oldest]
        if filled:  # [0, ...]: there was no history, which is no proof to one who has some
            self.cover(filled[0] if filled[0] or self.ranges[0][0] >= filled[1] else filled[1], filled[1] - 1)
            self.live.discard(filled[1])

def take(chains, topic, payload, is_retained=False):  # what is neither data nor an event of ours is left aside
    try:
        message = json.loads(payload)
        boot, stream, seq = ID.match(message["id"]).groups()
        levels = [""] * 9 + [stream] if topic is None else topic.split("/")
        samples = sum(len(s.get("values", {})) + len(s.get("bad", {})) for s in message["samples"]) if stream == "data" else 0
        is_ours = levels[-1] == stream and int(seq) and ("prev" in message or message.get("live") is True)
    except (ValueError, TypeError, KeyError, AttributeError): return
    workshop = "/".join(levels[:-2] if stream == "data" else levels[:-1]).strip("/")
    if is_ours and not is_retained: chains.setdefault((workshop, stream), Chain()).take(boot, int(seq), message, samples)

def take_line(chains, line):  # {"topic":..., "payload":...} (-F '%j'), topic {...} (-F '%t %p'), or the payload alone
    topic, _, payload = line.strip().partition(" {")
    if not topic.startswith("{"):
        return take(chains, topic, "{" + payload)
    try: outer = json.loads(line)
    except ValueError: return
    inner = outer.get("payload", line)
    take(chains, outer.get("topic"), inner if isinstance(inner, str) else json.dumps(inner), outer.get("retain"))

def listen(chains, host, port, seconds, topic="cloudward/#"):
    import paho.mqtt.client as mqtt
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
    client.on_message = lambda _client, _data, message: take(chains, message.topic, message.payload, message.retain)
    client.connect(host, int(port)), client.loop_start(), time.sleep(float(seconds)), client.loop_stop()

def main(arguments):
    chains, streams = {}, []
    if arguments[:1] == ["--mqtt"]:
        listen(chains, *arguments[1:])
    else:
        for line in open(arguments[0] if arguments else 0, encoding="utf-8", errors="replace"):
            take_line(chains, line)
    for (workshop, stream), chain in sorted(chains.items()):
        found = {key: getattr(chain, key) for key in "messages samples duplicates disorder_count conflict_count".split()}
        gaps, is_open = chain.holes(is_open=False), chain.holes(is_open=True)
        verdict = "broken" if gaps or chain.disorder_count or chain.conflict_count else "open" if is_open else "proven"
        streams.append({"workshop": workshop, "stream": stream, "verdict": verdict, "gaps": gaps, "open": is_open, **found})
    verdict = next((v for v in ("broken", "open", "proven") if any(s["verdict"] == v for s in streams)), "nothing")
    print(json.dumps({"verdict": verdict, "streams": streams}, indent=1))
    return {"proven": 0, "broken": 1}.get(verdict, 2)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
