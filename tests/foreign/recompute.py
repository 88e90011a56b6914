#!/usr/bin/env python3
"""The figures of a workshop, computed again from raw samples: recompute.py FOLDER FIRST_DAY DAYS

Written from the rules of indicators (states, shifts, counters, energy, OEE and the rest: R1 to R20, A1 to A30 and the formulas
O, E, C, L), and not from the Rust code: it shares no line, no table and no intermediate result with it. Where it and cloudward
disagree, one of them is wrong, or the rules can be read in two ways; docs/decisions/0015 tells which readings were chosen.

FOLDER holds workshop.toml and one DEVICE.jsonl per machine: a line per scan with the start of the agent, the monotonic and the
wall clock in ms, the good values, and the names of the tags that could not be read; and one DEVICE.sent: a line per record and sink. Standard library only. It keeps everything in
memory and uses whole numbers and fractions throughout: amounts in millionths, energy in millionths of Wh, times in ms.
"""

import bisect
import datetime
import fnmatch
import json
import math
import pathlib
import re
import sys
import tomllib
import zoneinfo
from fractions import Fraction

MILLION = 1_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
QUARTER = 15 * MINUTE
STATES = ["run", "idle", "setup", "fault", "maint", "off", "unknown"]
FREE, WORK, BREAK, STOP = range(4)


def duration(text):
    """ "1m35s" in ms."""
    parts = re.findall(r"([0-9.]+)(ms|s|m|h|d)", text)
    return round(sum(float(n) * {"ms": 1, "s": 1000, "m": MINUTE, "h": HOUR, "d": DAY}[unit] for n, unit in parts))


def millionths(number):
    return round(number * MILLION)


def is_meant(patterns, device):
    return not patterns or any(fnmatch.fnmatchcase(device, pattern) for pattern in patterns)


# ---------------------------------------------------------------------------------------------------------------------------
# When it is to work


class Calendar:
    """Shifts, breaks and planned stops of one device as a list of pieces (start, end, bucket, duty) without holes. A bucket is
    (local date, shift name, date of the shift, production day); the last three are None where there is no shift."""

    def __init__(self, config, device, first, days):
        self.zone = zoneinfo.ZoneInfo(config["workshop"]["timezone"])
        calendar = config.get("calendar", {})
        self.holidays, self.extra = dates_of(calendar.get("holidays", [])), dates_of(calendar.get("extra_days", []))
        self.day_start = clock(calendar.get("day_start", "08:00"))
        self.shifts = [shift for shift in config.get("shift", []) if is_meant(shift.get("devices"), device)]
        one = datetime.timedelta(days=1)
        dates = [first + one * n for n in range(-3, days + 4)]
        stops = [
            (self.moment(stop["from"]), self.moment(stop["to"]))
            for stop in config.get("planned_stop", [])
            if is_meant(stop.get("devices"), device)
        ]
        turns, breaks = [], []
        for date in dates:
            for shift in self.shifts:
                if not self.takes_place(shift, date):
                    continue
                start, end = self.span(date, shift["start"], shift["end"], None)
                day = date if clock(shift["start"]) >= self.day_start else date - one
                turns.append((start, end, shift["name"], date, day))
                for kind, key in ((BREAK, "breaks"), (STOP, "planned_stops")):
                    for text in shift.get(key, []):
                        of, to = self.span(date, *text.split("-"), shift["start"])
                        breaks.append((max(of, start), min(to, end), kind))
        breaks += [(of, to, STOP) for of, to in stops]
        turns.sort()
        borders = {self.at(date, 0) for date in dates}
        borders |= {at for turn in turns for at in turn[:2]} | {at for one in breaks for at in one[:2]}
        borders = sorted(borders)
        self.turns = [turn[:2] for turn in turns]
        self.tariffs = config.get("tariff", [])
        self.pieces = []
        for start, end in zip(borders, borders[1:]):
            turn = next((turn for turn in turns if turn[0] <= start < turn[1]), None)
            duty = FREE
            if turn:
                # A break that is also a planned stop is subtracted once.
                kinds = [kind for of, to, kind in breaks if of <= start < to]
                duty = min(kinds) if kinds else WORK
            date = datetime.datetime.fromtimestamp(start / 1000, self.zone).date()
            bucket = (date, *(turn[2:] if turn else (None, None, None)))
            self.pieces.append((start, end, bucket, duty))
        self.starts = [piece[0] for piece in self.pieces]

    def takes_place(self, shift, date):
        if date in self.extra:
            return True
        return date not in self.holidays and date.weekday() in weekdays(shift.get("days"))

    def scheduled_days(self, last, count):
        found, date = [], last
        while len(found) < count and (last - date).days < 3_660:
            if any(self.takes_place(shift, date) for shift in self.shifts):
                found.append(date)
            date -= datetime.timedelta(days=1)
        return found

    def at(self, date, minutes):
        naive = datetime.datetime.combine(date, datetime.time()) + datetime.timedelta(minutes=minutes)
        return round(naive.replace(tzinfo=self.zone).timestamp()) * 1000

    def moment(self, text):
        return round(datetime.datetime.fromisoformat(text).replace(tzinfo=self.zone).timestamp()) * 1000

    def span(self, date, start, end, shift_start):
        """Of a shift; of a break in a shift that begins at `shift_start`: earlier in the day than it means the next day."""
        start, end = clock(start), clock(end)
        if shift_start is not None and start < clock(shift_start):
            start, end = start + 24 * 60, end + 24 * 60
        while end <= start:
            end += 24 * 60
        return self.at(date, start), self.at(date, end)

    def cut(self, start, end):
        """The pieces of [start, end), cut at its ends."""
        place = bisect.bisect_right(self.starts, start) - 1
        while place < len(self.pieces) and self.pieces[place][0] < end:
            of, to, bucket, duty = self.pieces[place]
            if max(of, start) < min(to, end):
                yield max(of, start), min(to, end), bucket, duty
            place += 1

    def tariff(self, at):
        """The name of the tariff of energy whose later sample is at `at` (samples are of (start, end], A28)."""
        local = datetime.datetime.fromtimestamp((at - 1) / 1000, self.zone)
        minute = local.hour * 60 + local.minute
        for tariff in self.tariffs:
            if tariff.get("months") and local.month not in tariff["months"]:
                continue
            for text in tariff["times"]:
                of, to = (clock(it) for it in text.split("-"))
                if of <= minute < to or to <= of and (minute >= of or minute < to):
                    return tariff["name"]
        return ""

    def cell_ends(self, start, end):
        """Where hours end, and shifts begin and end, from `start` to behind `end`."""
        hours = range(-(-(start + 1) // HOUR) * HOUR, end + HOUR + 1, HOUR)
        return sorted(set(hours) | {at for turn in self.turns for at in turn if start < at <= end + HOUR})

    def piece(self, at):
        return self.pieces[bisect.bisect_right(self.starts, at) - 1]

    def bucket_of_sample(self, at):
        """Samples are of (start, end] (A28)."""
        return self.piece(at - 1)[2]


def clock(text):
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def dates_of(texts):
    found = set()
    for text in texts:
        ends = [datetime.date.fromisoformat(part) for part in text.split("/")]
        found |= {ends[0] + datetime.timedelta(days=n) for n in range((ends[-1] - ends[0]).days + 1)}
    return found


def weekdays(texts):
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    found = set()
    for text in texts or ["mon-sun"]:
        of, _, to = text.partition("-")
        of, to = names.index(of), names.index(to or of)
        found |= {(of + n) % 7 for n in range((to - of) % 7 + 1)}
    return found


# ---------------------------------------------------------------------------------------------------------------------------
# What was heard


class Placing:
    """Where a sample lies on the calendar (R7): durations are those of the monotonic clock, until the wall clock steps by more than
    two seconds; each start of the agent asks the wall clock anew."""

    def __init__(self):
        self.boot = self.ahead = None

    def place(self, boot, mono, wall):
        if boot != self.boot or abs(wall - mono - self.ahead) > 2000:
            self.boot, self.ahead = boot, wall - mono
        return mono + self.ahead


class Tag:
    """A tag that means something, and its good samples (place on the calendar, start of the agent, monotonic, value) in the order of time. What a
    clock that was set back goes over again is cut, never doubled (R7)."""

    def __init__(self, owner, table, machine):
        self.name, self.owner, self.table, self.role = table["name"], owner["id"], table, table.get("role")
        self.every = duration(table.get("every", owner.get("every", "1s")))
        stale = max(3 * self.every, duration(machine.get("stale_after", "10s")))
        self.stale = stale
        power_tells = self.role == "power.active" and ("run_kw" in machine or "off_kw" in machine)
        self.is_state = bool(self.role) and self.role.startswith(("state.", "alarm.word", "alarm.ack")) or power_tells
        self.samples = []
        self.reached = None  # heard of up to here
        self.overruled = []  # (start, end): decided without it, before it was heard of there
        self.missed = set()  # samples of power from time that was decided already: they tell the state only

    def final_to(self, silent):
        """A silent state is waited for no longer than until a minute and stale_after; what is counted, for a minute."""
        return silent if silent - self.reached > (self.stale if self.is_state else 0) else self.reached

    def hear(self, at, boot, mono, value, decided, silent):
        if at < decided and not self.is_state:
            return
        if self.is_state and self.samples and at < self.final_to(silent):
            self.overruled.append((self.samples[-1][0], self.final_to(silent)))
        if at < decided:
            self.missed.add((at, boot, mono))
        last = self.samples[-1][0] if self.samples else None
        # Of one moment, a state is what was said first; everything else, also product and cavities, what was said last.
        is_state = self.is_state and self.role != "power.active"
        if last is None or at > last or at == last and not is_state:
            self.samples.append((at, boot, mono, value))


def passed(one, other):
    """Durations are those of the monotonic clock (R7); between two starts of the agent there is only the calendar."""
    return other[2] - one[2] if one[1] == other[1] else other[0] - one[0]


class Machine:
    def __init__(self, config, table, folder, first, days):
        self.table, self.id = table, table["id"]
        self.calendar = Calendar(config, self.id, first, days)
        meter_id = table.get("metered_by")
        self.meter = next((it for it in config["device"] if it["id"] == meter_id), None)
        self.is_shared = sum(it.get("metered_by") == meter_id for it in config["device"]) > 1 if meter_id else False
        self.own = [Tag(table, tag, table) for tag in table.get("tags", [])]
        of_meter = []
        if self.meter and not self.is_shared:  # one meter for several machines: no energy of their own (R15)
            of_meter = [Tag(self.meter, tag, table) for tag in self.meter["tags"]]
            of_meter = [tag for tag in of_meter if tag.role in ("energy.active", "power.active")]
        self.tags = self.own + of_meter
        self.products = {it["code"]: it for it in config.get("product", []) if is_meant(it.get("devices"), self.id)}
        self.cavities = table.get("cavities", 1)
        self.heard = []  # moments at which anything good was heard of it
        self.scans = set()
        self.events = {}  # (bucket, what happened to a counter): how often
        self.read(folder)

    def read(self, folder):
        by_name = {(tag.owner, tag.name): tag for tag in self.tags}
        listen_to = self.id if self.own else (self.meter or {}).get("id")
        fastest = min((tag.every for tag in self.own), default=None)
        scanned = {tag.name for tag in self.own if tag.every == fastest}
        self.every = fastest
        self.begun, last_scan, placing = None, 0, Placing()
        told = [tag for tag in self.tags if tag.role]
        # What is decided stays: a clock that is set back goes over it again without hearing anything new (R7). Decided is time of which every tag
        # was heard, or was silent while the newest scan went on by a minute.
        decided = newest = last_wall = 0
        stale = min(tag.stale for tag in (self.own or self.tags))
        self.not_online = []

        def final_to():
            online = silent if silent - self.heard[-1] > stale else self.heard[-1]
            return min(online, *(tag.final_to(silent) for tag in told))

        with open(folder / f"{self.id}.jsonl") as lines:
            for line in lines:
                one = json.loads(line)
                good, device, boot, mono = one["good"], one["device"], one["boot"], one["mono"]
                wall = placing.place(boot, mono, one["wall"])
                if not good and self.begun is None or device != listen_to and (device, next(iter(one["bad"] or good), "")) not in by_name:
                    continue
                silent = newest - MINUTE
                if self.begun is None:
                    self.begun = decided = wall
                    for tag in told:
                        tag.reached = wall
                elif wall < last_wall or wall <= newest:
                    decided = max(decided, final_to())
                last_wall, newest = wall, max(newest, wall)
                for name in (*good, *one["bad"]):
                    tag = by_name.get((device, name))
                    if tag and not tag.is_state:
                        tag.reached = max(tag.reached, wall)
                if not good:
                    continue
                if device == listen_to and self.heard and self.heard[-1] < wall < silent and silent - self.heard[-1] > stale:
                    self.not_online.append((self.heard[-1], silent))
                if device == listen_to and (not self.heard or wall > self.heard[-1]):
                    self.heard.append(wall)
                if device == self.id and not scanned.isdisjoint(good) and wall > last_scan and wall >= decided:
                    last_scan = wall
                    self.scans.add(wall)
                for name, value in good.items():
                    tag = by_name.get((device, name))
                    if tag:
                        tag.hear(wall, boot, mono, value, decided, silent)
                        tag.reached = max(tag.reached, wall)
                self.end = wall
        self.good_days = {(at + 8 * HOUR) // DAY for at in self.heard}

    def with_role(self, *roles):
        return [tag for tag in self.tags if tag.role in roles]

    def pri(self, product):
        """(ms of a cycle, pieces of it by design) of the product, or None (R13). A rate per hour is a cycle of an hour (R19)."""
        if product is None and "rated_per_hour" in self.table:
            return HOUR * 1000, round(self.table["rated_per_hour"] * 1000)
        if product is None:
            return (duration(self.table["pri"]), self.cavities) if "pri" in self.table else None
        found = self.products.get(product)
        return found and (duration(found["pri"]), found.get("cavities", self.cavities))

    # -----------------------------------------------------------------------------------------------------------------------
    # States

    def signal(self, tag):
        """Pieces (start, end, what it says or None). What a sample says holds till the next good one (A28), unless that is further
        away than stale_after: then the whole is unknown (A1)."""
        says = self.meaning(tag)
        moments = zip([None, *tag.samples], tag.samples)
        samples = [sample for before, sample in moments if before is None or sample[0] > before[0]]
        said = power_states(samples, tag.stale, self.table) if tag.role == "power.active" else None
        pieces = []
        for n, sample in enumerate(samples):
            at = sample[0]
            until = samples[n + 1][0] if n + 1 < len(samples) else None
            what = said[n] if said else says(sample[3])
            if until is None or until - at > tag.stale:
                what = None
            until = self.end + DAY if until is None else until
            decided = max((min(to, until) for of, to in tag.overruled if of < at < to), default=at)
            if decided > at and what is not None:
                pieces[-1][1] = decided  # it lies in time that was decided as unknown
                if decided == until:
                    continue
                at = decided
            if pieces and pieces[-1][2] == what:
                pieces[-1][1] = until
            else:
                pieces.append([at, until, what])
        if not pieces or pieces[0][0] > self.begun:
            pieces.insert(0, [self.begun, pieces[0][0] if pieces else self.end + DAY, None])
        return pieces

    def meaning(self, tag):
        if tag.role == "state.word":
            words = tag.table["states"]
            return lambda value: words.get(str(value))  # a word without a meaning is unknown (A17)
        if tag.role in ("alarm.word", "alarm.ack"):
            return lambda value: value != 0
        return lambda value: bool(value)

    def states(self):
        """The log: (start, end, state)."""
        tags = [tag for tag in self.tags if tag.role and (tag.role.startswith("state.") or tag.role == "alarm.word")]
        if "run_kw" in self.table or "off_kw" in self.table:
            tags += self.with_role("power.active")
        signals = [(tag.role, self.signal(tag)) for tag in tags]
        has_run = any(role in ("state.run", "state.word") for role, _ in signals) or "run_kw" in self.table
        borders = sorted({at for _, pieces in signals for piece in pieces for at in piece[:2] if at >= self.begun})
        places = [0] * len(signals)
        log = []
        for start, end in zip(borders, borders[1:]):
            said = []
            for n, (role, pieces) in enumerate(signals):
                while pieces[places[n]][1] <= start:
                    places[n] += 1
                said.append((role, pieces[places[n]][2]))
            state = resolve(said) if has_run else "unknown"
            if log and log[-1][2] == state:
                log[-1][1] = end
            else:
                log.append([start, end, state])
        return log

    # -----------------------------------------------------------------------------------------------------------------------
    # Counters

    def limit(self, tag, is_cycles):
        """What a counter of pieces can move by in so many ms at most (R5, A4), as a function; None: no check."""
        step = tag.table.get("counter_step", 0)
        paces = [(duration(it["pri"]), it.get("cavities", self.cavities)) for it in self.products.values()]
        if "pri" in self.table:
            paces.append((duration(self.table["pri"]), self.cavities))
        if "rated_per_hour" in self.table:  # one and a half times the rate, and one unit at once (R19)
            rated = Fraction(str(self.table["rated_per_hour"]))
            return lambda ms: rated * 3 * ms * MILLION / (2 * HOUR) + (1 + step) * MILLION
        if not paces:
            return None
        if is_cycles:
            cycle, pieces = min(paces)[0], 1
        else:
            cycle, pieces = min(paces, key=lambda pace: Fraction(*pace))
        at_once = (pieces + step) * MILLION
        return lambda ms: Fraction(3 * ms * pieces * MILLION, 2 * cycle) + at_once

    def deltas(self, tag, scale, limit):
        """(later sample, earlier sample, amount, whether it lies over a gap, what happened) of a counter, R3 to R5 and A5, A9.
        `scale` makes the counter's unit of the reading."""
        is_job = tag.table.get("kind") == "job"
        size = None
        if not is_job and tag.table["type"] in ("u16", "u32", "u64"):
            size = tag.table.get("wraps_at") or 2 ** int(tag.table["type"][1:]) * tag.table.get("scale", 1)
            size = millionths(size) * scale

        def judge(old, new):
            """(amount, what happened, whether it can be)"""
            ms = passed(old, new)
            can_be = (lambda amount: True) if limit is None else (lambda amount: amount <= limit(ms))
            amount = new[4] - old[4]
            if amount >= 0:
                return amount, None, can_be(amount)
            if is_job:
                return new[4], "job_reset", can_be(new[4])
            if size and old[4] * 4 > size * 3 and (amount + size) * 4 < size and can_be(amount + size):
                return amount + size, "wrap", True
            return new[4], "reset", can_be(new[4])

        def is_gap(old, new):
            # By either clock: where the wall clock was set forward, nobody knows what was when.
            return max(passed(old, new), new[0] - old[0]) > tag.stale

        base = candidate = None
        for sample in tag.samples:
            new = (*sample, millionths(sample[3]) * scale)
            if base is None:
                base = new
                continue
            amount, what, can_be = judge(base, new)
            if can_be:
                yield new, base, amount, is_gap(base, new), what
                base, candidate = new, None
                continue
            if candidate is not None:
                amount, what, can_be = judge(candidate, new)
                if can_be:  # the jump itself is never added, what came after it is
                    yield new, candidate, amount, is_gap(candidate, new), "rebased"
                    base, candidate = new, None
                    continue
            candidate = new

    def note(self, deltas):
        for one in deltas:
            if one[4]:
                key = self.calendar.bucket_of_sample(one[0][0]), one[4]
                self.events[key] = self.events.get(key, 0) + 1
            yield one

    def pieces(self):
        """By bucket and product: [PQ, GQ, BQ, of PQ over a gap]."""
        says_product = self.with_role("product.id", "program.no")
        says_cavities = self.with_role("cavities")
        known = {}
        made = {}
        tags = {role: self.with_role(f"count.{role}") for role in ("total", "good", "bad")}
        for role, (tag,) in ((role, found) for role, found in tags.items() if found):
            is_cycles = self.is_cycles(tag)
            for new, _, amount, is_gap, what in self.note(self.deltas(tag, 1, self.limit(tag, is_cycles))):
                bucket = self.calendar.bucket_of_sample(new[0])
                if is_cycles:  # by the cavities of the later sample (A22)
                    amount = amount * self.value_at(says_cavities, new, self.cavities, False)
                product = None
                if says_product:
                    product = self.value_at(says_product, new, "?", True)
                    product = str(product)
                one = made.setdefault(bucket, {}).setdefault(product, [0, 0, 0, 0])
                has_total, has_good, has_bad = (bool(tags[it]) for it in ("total", "good", "bad"))
                if role == "total":
                    one[0] += amount
                    one[3] += amount * is_gap
                    if not has_good:
                        one[1] += amount
                    elif not has_bad:
                        one[2] += amount
                elif role == "good":
                    one[1] += amount
                    if not has_total:
                        one[0] += amount
                        one[3] += amount * is_gap
                    elif not has_bad:
                        one[2] -= amount
                else:
                    one[2] += amount
                    if not has_total:
                        one[0] += amount
                        one[3] += amount * is_gap
                    elif not has_good:
                        one[1] -= amount
        return made

    # -----------------------------------------------------------------------------------------------------------------------
    # Single cycles and alarms

    def cycles(self, log):
        """By bucket: [{first µs of the bucket of their length: how many}, how many are shorter than five scans] (O13)."""
        counters = self.with_role("count.total") or self.with_role("count.good", "count.bad")
        if not counters or any(tag.table.get("unit") in WITHOUT_PIECES for tag in counters):
            return {}
        coarse = 5 * max(tag.every for tag in counters)
        moments = {}  # when something was counted: [how many, whether that is known, start of the agent, monotonic clock]
        for tag in counters:
            for new, _, amount, is_gap, what in self.deltas(tag, 1, self.limit(tag, self.is_cycles(tag))):
                is_known = not is_gap and what not in ("reset", "rebased") and amount % MILLION == 0
                if amount or not is_known:
                    one = moments.setdefault(new[0], [0, True, new[1], new[2]])
                    one[0] += amount // MILLION
                    one[1] &= is_known
        runs = [one for one in log if one[2] == "run"]
        starts = [one[0] for one in runs]
        found, since = {}, None
        for at, (count, is_known, boot, mono) in sorted(moments.items()):
            if not is_known:
                since = None
                continue
            if since is not None:
                place = bisect.bisect_right(starts, since[0]) - 1
                has_run = place >= 0 and runs[place][1] >= at
                has_stepped = since[1] == boot and at - since[0] != mono - since[2]
                if has_run and not has_stepped:
                    one = found.setdefault(self.calendar.bucket_of_sample(at), [{}, 0])
                    ms = at - since[0]
                    if ms < coarse * count:
                        one[1] += count
                    else:
                        edge = bucket_of_length(Fraction(1000 * ms, count))
                        one[0][edge] = one[0].get(edge, 0) + count
            since = at, boot, mono
        return found

    def alarms(self):
        """(what, when, ms) of each thing that happened to an alarm; each tag is one of its own, the button is for all (A1)."""
        tags, acks = self.with_role("alarm.word"), self.with_role("alarm.ack")
        if not tags:
            return None
        ack = self.signal(acks[0]) if acks else None
        return [one for tag in tags for one in self.alarm(self.signal(tag), ack)]

    def alarm(self, alarm, ack):

        def is_seen(pieces, start, end):
            """Whether nothing is unknown from `start` on, up to and with `end`."""
            return all(what is not None for of, to, what in pieces if of <= end and to > start)

        found, begun = [], []
        for n, (start, end, what) in enumerate(alarm):
            if what is True and not (begun and begun[-1][1] is None):
                before = alarm[n - 1][2] if n else None
                begun.append([start, None, before is False])
                found.append(("begun", start, 0))
            elif what is False and begun and begun[-1][1] is None:
                one = begun[-1]
                one[1] = start
                seen = one[2] and is_seen(alarm, one[0], start)
                found.append(("cleared" if seen else "clear_unknown", start, start - one[0] if seen else 0))
        if ack is None:
            return found
        # A press is a change to true; one out of unknown time is one too, but nobody knows when it was.
        presses = [(of, n > 0 and ack[n - 1][2] is False) for n, (of, _, what) in enumerate(ack) if what is True]
        for n, (start, _, is_known) in enumerate(begun):
            until = begun[n + 1][0] if n + 1 < len(begun) else None
            press = next(((at, seen) for at, seen in presses if at > start and (until is None or at < until)), None)
            end = press[0] if press else until
            if end is None:
                continue
            # What ends the wait is judged by what was seen before it: the next alarm, or the press.
            seen = is_known and is_seen(alarm, start, end - 1) and is_seen(ack, start, end - 1)
            if press:
                seen = seen and press[1] and is_seen(alarm, start, end)
                found.append(("acked" if seen else "ack_unknown", end, end - start if seen else 0))
            else:
                found.append(("unacked" if seen else "ack_unknown", end, 0))
        return found

    def is_cycles(self, tag):
        usual = tag.role == "count.total" and (bool(self.with_role("cavities")) or self.cavities > 1)
        return tag.table["counts"] == "cycles" if "counts" in tag.table else usual

    @staticmethod
    def value_at(tags, counted, otherwise, is_fresh):
        """What a tag said when this was counted. Of a moment that was gone over twice: what was said in the same pass, or before."""
        if not tags:
            return otherwise
        tag = tags[0]
        place = bisect.bisect_right(tag.samples, counted[:3], key=lambda sample: sample[:3]) - 1
        if place < 0 or is_fresh and counted[0] - tag.samples[place][0] > tag.stale:
            return otherwise
        return tag.samples[place][3]

    # -----------------------------------------------------------------------------------------------------------------------
    # Energy

    def electricity(self):
        """(end, start, millionths of Wh, whether it lies over a gap, whether some is missing); None: nothing meters it."""
        ratio = lambda tag: round((self.meter or {}).get("ct_ratio", 1)) if tag.owner != self.id else 1
        for tag in self.with_role("energy.active"):
            limit = None
            if "rated_kw" in self.table:
                watts = round(self.table["rated_kw"] * 1000)
                limit = lambda ms: Fraction(3 * watts * ms * MILLION, 2 * HOUR) + 100 * MILLION
            found = self.note(self.deltas(tag, 1000 * ratio(tag), limit))
            return [(new[0], old[0], amount, is_gap, what in ("reset", "rebased")) for new, old, amount, is_gap, what in found]
        for tag in self.with_role("power.active"):  # integrated over what is known, never over a gap (A23)
            found = []
            samples = [sample for sample in tag.samples if sample[:3] not in tag.missed]
            for old, new in zip(samples, samples[1:]):
                ms = new[0] - old[0]  # over the time of the log, in which the states are too
                if ms <= tag.stale:
                    watts = millionths(old[3]) * 1000 * ratio(tag)
                    found.append((new[0], old[0], Fraction(watts * ms, HOUR), False, False))
            return found
        return None

    def energy(self, log):
        """By bucket: [all, {state: of it}, largest quarter, {tariff: of it}]."""
        found = self.electricity()
        if found is None:
            return None
        starts = [one[0] for one in log]
        by_bucket, quarters = {}, {}
        for end, start, amount, is_gap, is_broken in found:
            one = by_bucket.setdefault(self.calendar.bucket_of_sample(end), [0, dict.fromkeys(STATES, 0), None, {}])
            one[0] += amount
            tariff = self.calendar.tariff(end)
            if is_gap and self.calendar.tariff(start + 1) != tariff:  # nobody knows what was when
                tariff = ""
            one[3][tariff] = one[3].get(tariff, 0) + amount
            if is_gap:
                one[1]["unknown"] += amount
                continue
            place = max(bisect.bisect_right(starts, start) - 1, 0)
            while place < len(log) and log[place][0] < end:
                share = min(log[place][1], end) - max(log[place][0], start)
                one[1][log[place][2]] += part(amount, share, end - start)
                place += 1
            if is_broken:  # something is missing in it, so no quarter is full with it (A16, A30)
                continue
            for quarter in range(start // QUARTER, -(-end // QUARTER)):
                share = min((quarter + 1) * QUARTER, end) - max(quarter * QUARTER, start)
                entry = quarters.setdefault(quarter, [0, 0])
                entry[0] += share
                entry[1] += part(amount, share, end - start)
        for quarter, (covered, amount) in quarters.items():
            if covered == QUARTER:  # full, and without a gap (A30)
                bucket = self.calendar.bucket_of_sample((quarter + 1) * QUARTER)
                one = by_bucket.setdefault(bucket, [0, dict.fromkeys(STATES, 0), None, {}])
                one[2] = amount if one[2] is None else max(one[2], amount)
        return by_bucket


WITHOUT_PIECES = ("kg", "t", "g", "m²", "m2", "m", "m³", "m3", "L")

EDGES = [1000]
while EDGES[-1] <= 7 * DAY * 1000:
    EDGES.append(EDGES[-1] + EDGES[-1] // 100)


def bucket_of_length(us):
    """Where the bucket of a cycle begins: 1 % wide, whole µs."""
    return EDGES[bisect.bisect_right(EDGES, us) - 1]


def cycle_percentile(lengths, coarse, percent):
    """The middle of the bucket of the nearest rank, in s; None among those that are too short for the scans."""
    count = coarse + sum(lengths.values())
    rank = -(-count * percent // 100)
    below = coarse
    for edge in sorted(lengths):
        if count and rank > below and rank <= below + lengths[edge]:
            return Fraction(edge + edge + edge // 100, 2 * MILLION)
        below += lengths[edge]
    return None


def part(amount, share, of):
    return amount if share == of else amount * Fraction(share, of)


def power_states(samples, stale, table):
    """Run, idle or off by the power (A18): a change counts after `dwell`, dated back to its first sample; a gap restarts."""
    run = table.get("run_kw")
    off = table.get("off_kw")
    leave = run - table.get("hysteresis_kw", 0) if run is not None else None
    dwell = duration(table.get("dwell", "10s"))

    def of(kw, now):
        if run is not None and (kw >= run or now == "run" and kw >= leave):
            return "run"
        return "off" if off is not None and kw <= off else "idle"

    said, now, since, last = [], None, None, None
    for n, (at, _, _, kw) in enumerate(samples):
        if last is None or at - last > stale:
            now, since = of(kw, None), None
        last = at
        what = of(kw, now)
        if what == now:
            since = None
        elif since is None or since[1] != what:
            since = (n, what, at)
        if since and at - since[2] >= dwell:
            said[since[0] :] = [what] * (n - since[0])
            now, since = what, None
        said.append(now)
    return said


def is_of_state(tag, table):
    if tag.role == "power.active":
        return False
    return bool(tag.role) and (tag.role.startswith("state.") or tag.role == "alarm.word")


def resolve(said):
    """The one state of what the tags say: fault, alarm without run, maint, setup, run, off, else idle (A7, A17)."""
    if any(what is None or what == "unknown" for _, what in said):
        # `off` is power known to be off: a controller without power says nothing, but the meter in front of it does.
        return "off" if ("power.active", "off") in said else "unknown"
    is_now = {what for role, what in said if role in ("state.word", "power.active")}
    is_now |= {role[6:] for role, what in said if role.startswith("state.") and what is True}
    is_alarm = any(what for role, what in said if role == "alarm.word")
    if "fault" in is_now or is_alarm and "run" not in is_now:
        return "fault"
    return next((state for state in ("maint", "setup", "run", "off") if state in is_now), "idle")


# ---------------------------------------------------------------------------------------------------------------------------
# Figures


class Sums:
    """What can be added, of some buckets."""

    def __init__(self):
        self.time = {(state, duty): 0 for state in STATES for duty in range(4)}
        self.online = [0] * 4
        self.made = {}
        self.events = {}
        self.wh, self.wh_by_state, self.max_quarter = 0, dict.fromkeys(STATES, 0), None
        self.by_tariff = {}
        self.stops = {}  # (state, cause): [how many began, ms of working time]
        self.failures = self.ttr = 0
        self.micro = [0, 0]
        self.water = 0
        self.scans = [0, 0]
        self.cycles, self.coarse = {}, 0
        self.alarms, self.alarm_ms = {}, 0

    def in_shift(self, state):
        if state == "run":
            return sum(self.time[state, duty] for duty in (WORK, BREAK, STOP))
        return self.time[state, WORK]

    def lived(self, state):
        return sum(self.time[state, duty] for duty in range(4))

    def scheduled(self):
        return sum(ms for (_, duty), ms in self.time.items() if duty != FREE)

    def calendar(self):
        return sum(self.time.values())

    def pbt(self):
        """Shift time less breaks and planned stops as far as they are not worked (A3), less planned maintenance."""
        work = sum(ms for (state, duty), ms in self.time.items() if duty == WORK and state != "maint")
        return work + self.time["run", BREAK] + self.time["run", STOP]

    def all_made(self, n):
        return sum(made[n] for made in self.made.values())


def shown(value):
    if value is None:
        return None
    value = round(Fraction(value), 6)  # half to even
    sign = "-" if value < 0 else ""
    millionth = abs(value) * MILLION
    text = f"{sign}{int(millionth) // MILLION}.{int(millionth) % MILLION:06}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def over(num, den):
    return None if num is None or den is None or den == 0 else Fraction(num) / Fraction(den)


class Recomputed:
    def __init__(self, machine):
        self.machine = machine
        self.log = machine.states()
        self.made = machine.pieces()
        self.energy = machine.energy(self.log)
        self.tell()

    def tell(self):
        """Everything into buckets."""
        machine, calendar = self.machine, self.machine.calendar
        self.buckets = {}
        bucket_of = lambda bucket: self.buckets.setdefault(bucket, Sums())
        for start, end, state in self.log:
            for of, to, bucket, duty in calendar.cut(start, end):
                bucket_of(bucket).time[state, duty] += to - of
        stale = min(tag.stale for tag in (machine.own or [tag for tag in machine.tags]))
        for one, other in zip(machine.heard, machine.heard[1:]):
            decided = max((to for of, to in machine.not_online if of < other <= to or one < to <= other), default=one)
            if other - one <= stale:
                for of, to, bucket, duty in calendar.cut(max(one, min(decided, other)), other):
                    bucket_of(bucket).online[duty] += to - of
        for bucket, made in self.made.items():
            bucket_of(bucket).made = made
        for bucket, (wh, by_state, quarter, by_tariff) in (self.energy or {}).items():
            sums = bucket_of(bucket)
            sums.wh, sums.wh_by_state, sums.max_quarter, sums.by_tariff = wh, by_state, quarter, by_tariff
        for tag in machine.with_role("energy.water"):
            for new, _, amount, _, what in machine.note(machine.deltas(tag, 1, None)):
                bucket_of(calendar.bucket_of_sample(new[0])).water += amount
        for (bucket, what), count in machine.events.items():
            bucket_of(bucket).events[what] = count
        for bucket, (lengths, coarse) in machine.cycles(self.log).items():
            bucket_of(bucket).cycles, bucket_of(bucket).coarse = lengths, coarse
        self.alarms = machine.alarms()
        for what, at, ms in self.alarms or []:
            # What begins or ends at a moment is of the cell that begins there.
            sums = bucket_of(calendar.piece(at)[2])
            count, sum_ms = sums.alarms.get(what, (0, 0))
            sums.alarms[what] = count + 1, sum_ms + ms
        until = machine.begun
        spans = [piece[:2] for tag in machine.with_role("alarm.word") for piece in machine.signal(tag) if piece[2]]
        for start, end in sorted(spans):  # time with any alarm
            for of, to, bucket, duty in calendar.cut(max(start, until), max(end, until)):
                bucket_of(bucket).alarm_ms += to - of
            until = max(until, end)
        for at in machine.scans - {machine.begun}:  # what is expected begins behind the first
            bucket_of(calendar.bucket_of_sample(at)).scans[0] += 1
        self.stops()

    def stops(self):
        machine, calendar, log = self.machine, self.machine.calendar, self.log
        micro = duration(machine.table.get("microstop", "60s"))
        shortest = duration(machine.table.get("min_failure", "60s"))
        for before, one, after in zip(log, log[1:], log[2:]):
            if one[2] == "idle" and before[2] == after[2] == "run" and one[1] - one[0] < micro:
                worked = [(bucket, to - of) for of, to, bucket, duty in calendar.cut(*one[:2]) if duty == WORK]
                for n, (bucket, ms) in enumerate(worked):  # counted where its working time begins
                    self.buckets[bucket].micro[0] += n == 0
                    self.buckets[bucket].micro[1] += ms
        events = []
        for one in log:
            # Two fault pieces with only unknown between are one event (A8).
            if one[2] == "fault":
                if events and events[-1][1]:
                    events[-1][0].append(one)
                else:
                    events.append([[one], True])
            elif one[2] != "unknown" and events:
                events[-1][1] = False
        of_event = {id(piece): n for n, (pieces, _) in enumerate(events) for piece in pieces}
        last = {}  # of a fault that is interrupted by unknown: its cause so far, and whether it was counted
        for before, one, after in zip([None, *log], log, [*log[1:], None]):
            if one[2] not in ("idle", "fault"):
                continue
            is_micro = one[2] == "idle" and before and after and before[2] == after[2] == "run" and one[1] - one[0] < micro
            cause, is_counted = last.get(of_event.get(id(one)), ("", False))
            told = self.charge(one, cause, is_counted, is_micro, max(micro, shortest))
            if one[2] == "fault":
                last[of_event[id(one)]] = told
        for pieces, _ in events:
            if sum(end - start for start, end, _ in pieces) < shortest:
                continue
            self.buckets[calendar.piece(pieces[0][0])[2]].failures += 1
            for start, end, _ in pieces:
                for of, to, bucket, duty in calendar.cut(start, end):
                    if duty == WORK:
                        self.buckets[bucket].ttr += to - of

    def charge(self, stop, carried, is_counted, is_micro, shortest):
        """Working time of a stop goes to its cause: the first that is said in it, by the machine's code before the operator's reason. What was said
        when an hour is settled counts: later the figures of that hour were told (A8, O12)."""
        machine, calendar = self.machine, self.machine.calendar
        start, end, state = stop
        codes = machine.with_role("alarm.code") if state == "fault" else []
        said = codes + machine.with_role("stop.reason")

        def cause_at(at):
            last = at, math.inf, math.inf
            texts = (str(machine.value_at([tag], last, 0, False)) for tag in said)
            return next((text for text in texts if text != "0"), "")

        since, cause = (start, carried) if carried else (None, "")
        if not carried:
            moments = {start} | {at for tag in said for at, *_ in tag.samples[self.first(tag, start) :] if at < end}
            for at in sorted(moments):
                if cause_at(at):
                    since, cause = at, cause_at(at)
                    break
        if is_micro:
            since, cause = start, "microstop"
        worked = [(of, to, bucket) for of, to, bucket, duty in calendar.cut(start, end) if duty == WORK]
        counting = [tag.stale for tag in machine.tags if not is_of_state(tag, machine.table) and tag.role]
        settle = max([*counting, shortest])
        charged, cells = start, calendar.cell_ends(start, end)
        ends = zip([start, *cells], cells)  # of a cell: where it begins, or the stop in it, and where it ends
        for of_cell, end_of_cell in [*ends, (None, None)]:
            at = end if end_of_cell is None else end_of_cell + settle
            if at > end:
                continue
            parts = [(max(of, charged), min(to, at), bucket) for of, to, bucket in worked if max(of, charged) < min(to, at)]
            if end_of_cell is not None and not any(of < end_of_cell and to > of_cell for of, to, _ in parts):
                continue  # nothing of it waits to be charged
            known = cause if since is not None and since < at else ""
            for of, to, bucket in parts:
                entry = self.buckets[bucket].stops.setdefault((state, known), [0, 0])
                entry[0] += not is_counted
                entry[1] += to - of
                is_counted = True
            charged = at
        return cause, is_counted

    @staticmethod
    def first(tag, at):
        return bisect.bisect_right(tag.samples, at, key=lambda sample: sample[0])

    def sums(self, test):
        total = Sums()
        for bucket, one in self.buckets.items():
            if not test(bucket):
                continue
            for key, ms in one.time.items():
                total.time[key] += ms
            total.online = [a + b for a, b in zip(total.online, one.online)]
            for product, made in one.made.items():
                mine = total.made.setdefault(product, [0, 0, 0, 0])
                total.made[product] = [a + b for a, b in zip(mine, made)]
            for what, count in one.events.items():
                total.events[what] = total.events.get(what, 0) + count
            total.wh += one.wh
            for state, wh in one.wh_by_state.items():
                total.wh_by_state[state] += wh
            for tariff, wh in one.by_tariff.items():
                total.by_tariff[tariff] = total.by_tariff.get(tariff, 0) + wh
            for key, entry in one.stops.items():
                mine = total.stops.setdefault(key, [0, 0])
                total.stops[key] = [a + b for a, b in zip(mine, entry)]
            quarters = [it for it in (total.max_quarter, one.max_quarter) if it is not None]
            total.max_quarter = max(quarters, default=None)
            total.failures, total.ttr = total.failures + one.failures, total.ttr + one.ttr
            total.micro = [a + b for a, b in zip(total.micro, one.micro)]
            total.water += one.water
            total.scans[0] += one.scans[0]
            for edge, count in one.cycles.items():
                total.cycles[edge] = total.cycles.get(edge, 0) + count
            total.coarse += one.coarse
            for what, (count, ms) in one.alarms.items():
                mine = total.alarms.get(what, (0, 0))
                total.alarms[what] = mine[0] + count, mine[1] + ms
            total.alarm_ms += one.alarm_ms
        return total

    def periods(self, first, days):
        """Name of each period, whether a bucket is of it by its shift, and by the calendar (A11, A13)."""
        last = first + datetime.timedelta(days=days - 1)
        is_in = lambda date: date is not None and first <= date <= last
        found = {}
        for date, name, of, production in {bucket for bucket, sums in self.buckets.items() if sums.calendar()}:
            if is_in(date):
                day = lambda bucket, date=date: bucket[0] == date
                found[f"day {date}"] = (day, day)
            if is_in(of):
                shift = lambda bucket, key=(name, of): bucket[1:3] == key
                found[f"shift {of} {name}"] = (shift, shift)
                if is_in(production):
                    whole = lambda bucket, production=production: bucket[3] == production
                    found[f"production {production}"] = (whole, whole)
        if days == 31:
            found[f"month {first:%Y-%m}"] = (lambda bucket: is_in(bucket[2]), lambda bucket: is_in(bucket[0]))
        return found

    # -----------------------------------------------------------------------------------------------------------------------

    def has(self, *roles):
        return all(self.machine.with_role(f"count.{role}") for role in roles)

    def weighed(self, sums, n, less=None):
        """(ΣPRI·amount over products with a PRI in ms × millionths, whether pieces of others were made)"""
        total, is_unknown = Fraction(0), False
        for product, made in sums.made.items():
            pri = self.machine.pri(product)
            if pri is None:
                is_unknown |= made[0] > 0
            else:
                total += Fraction(*pri) * (made[n] - (made[less] if less else 0))
        return total / MILLION, is_unknown

    def obstacle(self, sums):
        """A machine without good count, PRI or PBT has no part in the OEE of its workshop (A12)."""
        roles = {tag.role for tag in self.machine.tags}
        counts = self.has("total", "good") or self.has("total", "bad") or self.has("good", "bad")
        has_state = "state.run" in roles or "state.word" in roles or "run_kw" in self.machine.table
        return sums.pbt() == 0 or not counts or not has_state or self.weighed(sums, 0)[1]

    def figures(self, of_shift, of_calendar):
        shifts, calendar = self.sums(of_shift), self.sums(of_calendar)
        machine = self.machine
        counts = self.has("total") or self.has("good", "bad")
        judges = self.has("good") or self.has("total", "bad")
        tells_faults = any(
            tag.role in ("state.fault", "alarm.word")
            or tag.role == "state.word" and "fault" in tag.table["states"].values()
            for tag in machine.own
        )
        pieces = lambda sums: Fraction(sums.all_made(0), MILLION) if counts else None
        good = lambda sums: Fraction(sums.all_made(1), MILLION) if judges else None
        bad = Fraction(shifts.all_made(2), MILLION) if judges and counts else None
        pq, gq = pieces(shifts), good(shifts)
        apt, pbt, aust, adet = shifts.in_shift("run"), shifts.pbt(), shifts.in_shift("setup"), shifts.in_shift("fault")
        unknown = shifts.in_shift("unknown")
        coverage = over(pbt - unknown, pbt)
        may_say = coverage is not None and coverage >= Fraction(1, 2)
        say = lambda value: shown(value) if may_say else None
        all_time, has_unknown = self.weighed(shifts, 0)
        good_time, _ = self.weighed(shifts, 1)
        known_time, _ = self.weighed(shifts, 0, 3)
        if not counts or has_unknown:
            all_time = known_time = None
        availability, effectiveness, quality = over(apt, pbt), over(all_time, apt), over(gq, pq)
        product = lambda *parts: None if None in parts else parts[0] * parts[1] * parts[2]
        on = lambda sums: sum(sums.lived(state) for state in ("run", "idle", "setup", "fault", "maint"))
        failures = shifts.failures if tells_faults else None
        found = {
            "power_on_calendar": shown(over(on(calendar), calendar.calendar())),
            "power_on_pbt": shown(over(on(shifts), pbt)),
            "run_ratio": shown(over(shifts.lived("run"), on(shifts))),
            "availability": say(availability),
            "availability_known": say(over(apt, pbt - unknown)),
            "effectiveness": say(effectiveness),
            "effectiveness_known": say(over(known_time, apt)),
            "quality": say(quality),
            "oee": say(over(good_time, pbt)) if judges and counts and not has_unknown else None,
            "oee_known_product": say(over(good_time, pbt)) if judges else None,
            "ae_only": say(over(all_time, pbt)),
            "nee": say(product(over(apt + aust, pbt), effectiveness, quality)),
            "technical_efficiency": say(over(apt, apt + adet)),
            "setup_rate": say(over(aust, apt + aust)),
            "failures": shown(failures),
            "mttr": shown(over(Fraction(shifts.ttr, MINUTE), failures)),
            "mtbf": shown(over(Fraction(apt + aust, MINUTE), failures)),
            "actual_cycle": shown(over(Fraction(apt, 1000), pq)),
            "cycle_p50": shown(cycle_percentile(shifts.cycles, shifts.coarse, 50)),
            "cycle_p95": shown(cycle_percentile(shifts.cycles, shifts.coarse, 95)),
            "output": shown(pq),
            "output_good": shown(gq),
            "output_bad": shown(bad),
            "output_rework": None,
            "scrap_ratio": shown(over(bad, pq)),
            "rework_ratio": None,
            "online_ratio": shown(over(sum(calendar.online[1:]), calendar.scheduled())),
            "online_ratio_calendar": shown(over(sum(calendar.online), calendar.calendar())),
            "coverage": shown(
                over(
                    calendar.scheduled() - calendar.lived("unknown") + calendar.time["unknown", FREE],
                    calendar.scheduled(),
                )
            ),
            "coverage_calendar": shown(over(calendar.calendar() - calendar.lived("unknown"), calendar.calendar())),
            "coverage_pbt": shown(coverage),
            "quality_label": "ok" if may_say and coverage >= Fraction(9, 10) else "low" if may_say else None,
        }
        every = machine.every
        expected = calendar.calendar() // every if every else None  # whole scans
        found["collection_success"] = shown(over(calendar.scans[0], expected))
        kwh = lambda amount: None if self.energy is None else Fraction(amount) / (1000 * MILLION)
        standing = sum(calendar.wh_by_state[state] for state in ("idle", "setup", "fault"))
        found |= {
            "energy": shown(kwh(calendar.wh)),
            "energy_per_good": shown(over(kwh(calendar.wh), good(calendar))),
            "energy_per_piece": shown(over(kwh(calendar.wh), pieces(calendar))),
            "energy_not_running": shown(kwh(standing)),
            "energy_not_running_share": shown(over(kwh(standing), kwh(calendar.wh))),
            "max_demand": None if calendar.max_quarter is None else shown(kwh(calendar.max_quarter * 4)),
            "ms.pbt": pbt,
            "ms.scheduled": shifts.scheduled(),
            "ms.planned_stop": shifts.scheduled() - pbt,
            "ms.ttr": shifts.ttr,
            "ms.online": sum(calendar.online),
            "ms.online_in_shift": sum(shifts.online[1:]),
            "parts.gap": shifts.all_made(3),
            "microstop.count": shifts.micro[0],
            "microstop.ms": shifts.micro[1],
            "water": calendar.water,
        }
        has_ack = bool(machine.with_role("alarm.ack"))
        of = lambda what: calendar.alarms.get(what, (0, 0))
        mean = lambda what: over(Fraction(of(what)[1], 1000), of(what)[0])
        found |= {
            "alarms": None if self.alarms is None else shown(of("begun")[0]),
            "alarm_time_to_clear": shown(mean("cleared")),
            "alarm_time_to_ack": shown(mean("acked")) if has_ack else None,
            "alarms_unmeasured": None if self.alarms is None else shown(of("clear_unknown")[0]),
            "alarm.ms": calendar.alarm_ms,
            "alarm.clear_ms": of("cleared")[1],
            "alarm.ack_ms": of("acked")[1],
            "cycles.coarse": shifts.coarse,
            "cycles": {str(edge): count for edge, count in shifts.cycles.items()},
        }
        found |= {f"alarm.{what}": of(what)[0] for what in ("cleared", "clear_unknown", "acked", "ack_unknown", "unacked")}
        for state in STATES:
            if state != "maint":
                found[f"ms.in_shift.{state}"] = shifts.in_shift(state)
            found[f"ms.lived.{state}"] = calendar.lived(state)
            found[f"kwh.{state}"] = shown(kwh(calendar.wh_by_state[state]))
        for (state, cause), (count, ms) in shifts.stops.items():
            found |= {f"stop.{state}.{cause}.count": count, f"stop.{state}.{cause}.ms": ms}
        for tariff, wh in calendar.by_tariff.items():
            found[f"kwh.tariff.{tariff}"] = shown(kwh(wh))
        for what in ("wrap", "reset", "job_reset"):
            found[f"counter.{what}s"] = shifts.events.get(what, 0)
        return found


# ---------------------------------------------------------------------------------------------------------------------------
# The workshop


def site(machines, first, days):
    names = {}
    for one in machines:
        names |= one.periods(first, days)
    found = {}
    for name in names:
        good_time, pbt_all, pbt_of, unknown, excluded = Fraction(0), 0, 0, 0, []
        for one in machines:
            of_period = one.periods(first, days).get(name)
            sums = one.sums(of_period[0]) if of_period else Sums()
            pbt_all, unknown = pbt_all + sums.pbt(), unknown + sums.in_shift("unknown")
            if one.obstacle(sums):
                excluded.append(one.machine.id)
            else:
                good_time, pbt_of = good_time + one.weighed(sums, 1)[0], pbt_of + sums.pbt()
        coverage = over(pbt_all - unknown, pbt_all)
        may_say = coverage is not None and coverage >= Fraction(1, 2)
        found[name] = {
            "oee": shown(over(good_time, pbt_of)) if may_say else None,
            "ms.pbt": pbt_of,
            "coverage": shown(coverage),
            "quality_label": "ok" if may_say and coverage >= Fraction(9, 10) else "low" if may_say else None,
            "excluded": sorted(excluded),
        }
    return found


class Sent:
    """What became of the records of a device on their way to two sinks: C4, C5, and the days for L5."""

    def __init__(self, path):
        self.routes = {}
        with open(path) as lines:
            for line in lines:
                taken, sink, is_seen, end, delay = line.split()
                route = int(taken) // HOUR * HOUR, sink
                one = self.routes.setdefault(route, {"made": 0, "acked": [], "passed": 0, "given-up": 0})
                one["made"] += int(is_seen)
                if end == "acked":
                    one["acked"].append(int(delay))
                elif end != "waits":
                    one[end] += 1
        self.days = {(hour + 8 * HOUR) // DAY for (hour, _), one in self.routes.items() if one["acked"]}

    def of_day(self, date):
        epoch = datetime.date(1970, 1, 1)
        of = [one for (hour, _), one in self.routes.items() if (hour + 8 * HOUR) // DAY == (date - epoch).days]
        due, delays = 0, []
        for one in of:
            handled = len(one["acked"]) + one["passed"] + one["given-up"]
            due += max(one["made"], handled) - one["passed"]  # what was handed over was due
            delays += one["acked"]
        delays.sort()
        return {"due": due, "acked": len(delays), "p50": delay_percentile(delays, 50), "p95": delay_percentile(delays, 95)}


def delay_percentile(delays, percent):
    """The bucket of the delay that so many percent do not exceed: the R10 series of preferred numbers from 0.1 s on."""
    if not delays:
        return None
    truth = delays[max(-(-len(delays) * percent // 100), 1) - 1]
    bounds = [step * 10**decade for decade in range(8) for step in (100, 125, 160, 200, 250, 315, 400, 500, 630, 800)]
    return next((bound for bound in bounds if truth <= bound), bounds[-1])


def rates(config, machines, sent, first, days):
    """L1 to L5 on the last day (R17, A10, A14, A28)."""
    last = first + datetime.timedelta(days=days - 1)
    good_days = {one.machine.id: one.machine.good_days for one in machines}
    epoch = datetime.date(1970, 1, 1)
    listed = []
    for device in config["device"]:
        of, to = (device.get(key) and datetime.date.fromisoformat(device[key]) for key in ("valid_from", "valid_to"))
        if not device.get("production", True) or of and last < of or to and to < last:
            continue
        scheduled = Calendar(config, device["id"], first, days).scheduled_days(last, 30)
        scheduled = [date for date in scheduled if not of or of <= date]
        needed = 20 if len(scheduled) == 30 else max(-(-len(scheduled) * 2 // 3), 1)
        good = sum((date - epoch).days in good_days.get(device["id"], ()) for date in scheduled)
        of_cloud = sent[device["id"]].days if device["id"] in sent else ()
        clouded = sum((date - epoch).days in of_cloud for date in scheduled)
        listed.append((device.get("digital", "link" in device), good >= needed, device.get("key_process"), device.get("nc"), clouded >= needed))

    def rate(num, den):
        band = next((letter for top, letter in ((10, "A"), (20, "B"), (40, "C"), (60, "D")) if num * 100 <= top * den), "E")
        return {"num": num, "den": den, "value": shown(over(num, den)), "band": band if den else None}

    count = lambda test: sum(bool(test(*it)) for it in listed)
    digital = count(lambda digital, *_: digital)
    return {
        "L1": len(listed),
        "L2": rate(digital, len(listed)),
        "L3": rate(count(lambda _, networked, *__: networked), len(listed)),
        "L5": rate(count(lambda *it: it[4]), len(listed)),
        "L3b": rate(count(lambda digital, networked, *_: digital and networked), digital),
        "L4": rate(count(lambda _, __, key, nc, ___: key and nc), count(lambda _, __, key, *___: key)),
    }


def main():
    folder, first, days = pathlib.Path(sys.argv[1]), datetime.date.fromisoformat(sys.argv[2]), int(sys.argv[3])
    config = tomllib.loads((folder / "workshop.toml").read_text())
    devices = [device for device in config["device"] if (folder / f"{device['id']}.jsonl").exists()]
    machines = [Recomputed(Machine(config, device, folder, first, days)) for device in devices]
    of_devices = {}
    for one in machines:
        periods = one.periods(first, days).items()
        of_devices[one.machine.id] = {name: one.figures(*tests) for name, tests in periods}
    sent = {device["id"]: Sent(folder / f"{device['id']}.sent") for device in devices}
    dates = [first + datetime.timedelta(days=n) for n in range(days)]
    found = {
        "devices": of_devices,
        "site": site(machines, first, days),
        "rates": rates(config, machines, sent, first, days),
        "uploads": {name: {f"day {n}": of.of_day(date) for n, date in enumerate(dates)} for name, of in sent.items()},
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
