//! A workshop that is made up: what its machines do, what its counters show, and what the agent hears of it: scans with holes, a
//! clock that steps, starts of the agent. Everything follows from a seed.

use std::sync::Arc;

use cloudward::config::{Config, Device, Tag};
use cloudward::model::{Batch, BootId, Group, Reading, State, Timestamp, Value, Why};

/// 2026-03-01T00:00:00+08:00: the first moment of the month.
pub const MARCH: i64 = 1_772_294_400_000;
pub const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;
const SECOND: i64 = 1_000;
/// Process time goes on in such steps; periods of tags are multiples of it.
const TICK: i64 = 10 * SECOND;

/// SplitMix64: small, and the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` up to and without `high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.next() % u64::try_from(high - low).unwrap()).unwrap()
    }

    /// True so many times in a thousand.
    pub fn falls(&mut self, thousandth: i64) -> bool {
        self.between(0, 1000) < thousandth
    }
}

/// One scan, and in which start of the agent it was taken.
#[derive(Clone)]
pub struct Heard {
    pub boot: BootId,
    pub batch: Batch,
}

/// What the agent went through; the same for all machines of a workshop.
pub struct Times {
    /// True time of the start, true time of the end.
    boots: Vec<(i64, i64)>,
    /// From this true time on, the wall clock is ahead by so much.
    steps: Vec<(i64, i64)>,
}

impl Times {
    /// Something happens on most days: a restart, now and then short, and a step of the clock.
    pub fn of(dice: &mut Dice, days: i64) -> Times {
        let (mut boots, mut steps, mut start, mut ahead) = (Vec::new(), vec![(0, 0)], 0, 0);
        for day in 0..days {
            let end = day * DAY + dice.between(HOUR, 11 * HOUR);
            if day == 2 || dice.falls(700) {
                let pause = if dice.falls(300) { dice.between(4, 12) } else { dice.between(90, 3_000) } * SECOND;
                boots.push((start, end));
                start = end + pause;
            }
            if day == 1 || day == 3 || dice.falls(600) {
                let by = [1_200_i64, -1_500, 65_000, 420_000, 3_700_000, -70_000, -660_000, -3_605_000];
                let by = by.into_iter().filter(|by| day != 1 && day != 3 || by.abs() > 2_000);
                // It does not drift away: who is ahead steps back.
                let by = by.filter(|by| (ahead + by).abs() < 4_000_000).collect::<Vec<i64>>();
                ahead += by[usize::try_from(dice.between(0, by.len() as i64)).unwrap()];
                steps.push((day * DAY + dice.between(13 * HOUR, 23 * HOUR), ahead));
            }
        }
        boots.push((start, i64::MAX));
        Times { boots, steps }
    }

    fn boot(&self, at: i64) -> Option<(BootId, i64)> {
        let place = self.boots.iter().position(|(start, end)| (*start..*end).contains(&at))?;
        Some((BootId(place as u64 + 1), self.boots[place].0))
    }

    fn ahead(&self, at: i64) -> i64 {
        self.steps.iter().rev().find(|(from, _)| *from <= at).map_or(0, |(_, ahead)| *ahead)
    }
}

/// One machine, and what its counters hold.
struct Machine {
    state: State,
    left: i64,
    is_alarm: bool,
    /// Ticks since its last alarm began, and how many there were.
    alarm: (i64, i64),
    product: i64,
    cavities: i64,
    /// Of the machine that was made up: ms of a cycle.
    cycle: i64,
    progress: i64,
    cycles: i64,
    pieces: i64,
    bad: i64,
    job: (i64, i64),
    /// Hundredths of kWh, tenths of m³, and watts.
    energy: i64,
    rest: i64,
    water: i64,
    watts: i64,
    /// Its meter shows secondary values.
    ratio: i64,
    /// A reset or a jump of its PLC moves all counters of pieces.
    shift: i64,
    /// Since when it has been in its state, and the present.
    since: i64,
    at: i64,
    /// From here on it is broken, and nobody repairs it.
    breaks_at: i64,
}

impl Machine {
    fn new(device: &str, dice: &mut Dice) -> Machine {
        let cycle = match device {
            "imm-01" => 41_000,
            "imm-02" => 26_500,
            "imm-03" => 11_700,
            "press-01" => 830,
            "press-02" => 2_300,
            "press-03" => 5_200,
            "cnc-01" => 185_000,
            _ => 1_700,
        };
        let (start, energy) = (dice.between(0, 60_000), dice.between(0, 1_000_000));
        Machine {
            state: State::Idle,
            left: 0,
            is_alarm: false,
            alarm: (0, 0),
            product: 1,
            cavities: if device == "imm-01" { 4 } else { 1 },
            cycle,
            progress: 0,
            cycles: start,
            pieces: start,
            bad: start / 50,
            job: (0, 0),
            energy,
            rest: 0,
            water: energy,
            watts: 0,
            ratio: if device == "press-03" { 20 } else { 1 },
            shift: 0,
            since: 0,
            at: 0,
            breaks_at: i64::MAX,
        }
    }

    fn tick(&mut self, at: i64, device: &str, dice: &mut Dice) {
        self.left -= TICK;
        let was_alarm = self.is_alarm;
        self.at = at;
        if self.left <= 0 {
            let before = self.state;
            self.turn(at, device, dice);
            if self.state != before {
                self.since = at;
            }
        }
        if at >= self.breaks_at && self.state != State::Fault {
            (self.state, self.since, self.left, self.is_alarm) = (State::Fault, at, i64::MAX, true);
        }
        self.alarm.0 += 1;
        if self.is_alarm && !was_alarm {
            self.alarm = (0, self.alarm.1 + 1);
        }
        if self.state == State::Run {
            self.progress += TICK;
            let made = self.progress / self.cycle;
            self.progress %= self.cycle;
            let spoilt = (0..made.min(20)).filter(|_| dice.falls(20)).count() as i64;
            let (good, bad) = (made * self.cavities - spoilt, spoilt);
            self.cycles += made;
            self.pieces += good + bad;
            self.bad += bad;
            self.job = (self.job.0 + good, self.job.1 + bad);
        }
        let watts = match self.state {
            State::Run => 25_000 + dice.between(-9_000, 9_000),
            State::Off => 100,
            State::Setup => 9_000 + dice.between(0, 4_000),
            _ => 4_000 + dice.between(0, 1_500) + if dice.falls(8) { 12_000 } else { 0 },
        };
        self.watts = watts / 10 * 10;
        self.rest += self.watts * TICK / SECOND; // Ws
        self.energy += self.rest / 36_000;
        self.rest %= 36_000;
        if self.state == State::Run && dice.falls(200) {
            self.water += dice.between(0, 9);
        }
        if dice.falls(1) && dice.falls(120) {
            match dice.between(0, 3) {
                0 => (self.cycles, self.pieces, self.bad) = (0, 0, 0), // its PLC was started anew
                1 => self.shift += 50_000,                             // and here it jumps
                _ => (self.energy, self.rest) = (dice.between(0, 3), 0),
            }
        }
    }

    fn turn(&mut self, at: i64, device: &str, dice: &mut Dice) {
        let minutes = |dice: &mut Dice, low: i64, high: i64| dice.between(low * 6, high * 6) * TICK;
        let hour = (at / HOUR) % 24; // local: the first moment is midnight
        let is_weekend = (at / DAY) % 7 == 0;
        let is_quiet = is_weekend && !device.starts_with("press") && dice.falls(700);
        let is_break = hour == 12 || hour == 4 || device.starts_with("imm") && hour == 17;
        let last = self.state;
        (self.state, self.left) = match dice.between(0, 100) {
            _ if is_quiet => (State::Off, minutes(dice, 30, 200)),
            0..=3 => (State::Off, minutes(dice, 3, 60)),
            4..=15 if !is_break => (State::Fault, minutes(dice, 0, 25)),
            16..=22 if last == State::Run => (State::Idle, dice.between(1, 12) * TICK),
            23..=30 => (State::Setup, minutes(dice, 4, 30)),
            31..=34 => (State::Maint, minutes(dice, 5, 90)),
            35..=45 => (State::Idle, minutes(dice, 0, 40)),
            46..=75 if is_break => (State::Idle, minutes(dice, 5, 30)),
            _ => (State::Run, minutes(dice, 1, 130)),
        };
        self.is_alarm = self.state == State::Fault && dice.falls(900) || dice.falls(80);
        if self.state == State::Setup {
            self.product = if dice.falls(80) { 3 } else { dice.between(1, 3) };
            self.job = (0, 0);
            if self.cavities > 1 {
                self.cavities = dice.between(2, 5);
            }
        }
    }

    /// What is said of the cause of this state: one of so many, the first of which is none; of every third it comes late, be it an hour and
    /// more.
    fn said(&self, state: State, many: i64, first: i64) -> Value {
        let nth = self.since / TICK;
        let late = match nth % 3 {
            0 if nth % 2 == 0 => 90 * 60 * SECOND,
            0 => 120 * SECOND,
            _ => 0,
        };
        let is_said = self.state == state && self.at - self.since >= late && nth % many != 0;
        Value::U64(if is_said { (first + nth % many) as u64 } else { 0 })
    }

    /// What a tag of this name reads.
    fn read(&self, tag: &str, dice: &mut Dice) -> Value {
        let is = |state: State| Value::Bool(self.state == state);
        let whole = |n: i64| Value::U64(n.rem_euclid(1 << 32) as u64);
        let scaled = |n: i64, per: f64| Value::F64((n.rem_euclid(1 << 32) as f64) / per);
        match tag {
            "run" => is(State::Run),
            // The bit of a fault may stand beside that of running.
            "fault" => is(State::Fault),
            "setup" => is(State::Setup),
            "maint" => is(State::Maint),
            "off" => is(State::Off),
            // Somebody presses the button for half a minute: at once, late, when it is gone, or not before the next.
            "ack" => {
                let (since, nth) = self.alarm;
                let from = nth * 7 % 90;
                Value::Bool((from..from + 3).contains(&since))
            }
            // A bit of its own, in every third alarm, that goes before or with the other.
            "guard" => Value::Bool(self.is_alarm && self.alarm.1 % 3 == 0 && self.alarm.0 < 40),
            "alarm" => Value::U64(u64::from(self.is_alarm) * 16),
            "word" => {
                let order = [State::Idle, State::Run, State::Fault, State::Setup, State::Maint, State::Off].into_iter();
                let word = order.into_iter().position(|state| state == self.state).unwrap_or(0) as u64;
                Value::U64(if dice.falls(1) && dice.falls(300) { 77 } else { word })
            }
            "total" => {
                let glitch = if dice.falls(1) && dice.falls(400) { 700_000 } else { 0 };
                whole(self.cycles + self.shift + glitch)
            }
            "total16" => Value::U64((self.cycles + self.shift).rem_euclid(1 << 16) as u64),
            "good" => whole(self.pieces - self.bad + self.shift),
            "bad" => whole(self.bad),
            "job_good" => Value::U64(self.job.0.rem_euclid(1 << 16) as u64),
            "job_bad" => Value::U64(self.job.1.rem_euclid(1 << 16) as u64),
            "metres" => scaled(self.pieces + self.shift, 10.0),
            "good_metres" => scaled(self.pieces - self.bad + self.shift, 10.0),
            "bad_metres" => scaled(self.bad, 10.0),
            // Some faults have no code, and some show it late; the operator takes his time too.
            "code" => self.said(State::Fault, 7, 30),
            "reason" => self.said(State::Idle, 4, 1),
            "product" => Value::U64(self.product as u64),
            "cav" => Value::U64(self.cavities as u64),
            "kwh" => scaled(self.energy / self.ratio, 100.0),
            "kw" => scaled(self.watts / 10, 100.0),
            "water" => scaled(self.water, 10.0),
            other => panic!("nobody made up what {other} reads"),
        }
    }
}

/// Scans of one device that come at the same period.
struct Scan {
    group: Arc<Group>,
    every: i64,
    phase: i64,
    /// Nothing is heard up to here.
    silent_to: i64,
    /// This tag is not heard up to here.
    tag_silent: (usize, i64),
}

/// All that is heard of a machine and of its meter in so many days, in the order of true time.
pub fn hear(config: &Config, device: &Device, times: &Times, dice: &mut Dice, days: i64) -> Vec<Heard> {
    let owners = [device.id.clone()].into_iter().chain(device.equipment.yardstick.metered_by.as_deref().map(Arc::from));
    let owners = owners.filter_map(|id: Arc<str>| config.devices.iter().find(|it| it.id == id));
    let mut scans = Vec::new();
    for owner in owners {
        for (every, tags) in owner.by_period() {
            let group = Group::new(owner.id.clone(), every, tags.into_iter().map(Tag::info).collect());
            let every = i64::try_from(every.as_millis()).unwrap();
            // The first scan of all groups is at the same moment, so that there is no doubt when the machine began.
            let phase = if scans.is_empty() { 0 } else { dice.between(0, 5) * SECOND };
            scans.push(Scan { group: Arc::new(group), every, phase, silent_to: 0, tag_silent: (0, 0) });
        }
    }
    let mut machine = Machine::new(&device.id, dice);
    if matches!(&*device.id, "imm-01" | "press-01") {
        machine.breaks_at = days * DAY - 40 * 60 * SECOND; // the month ends in the middle of it
    }
    let begins = if &*device.id == "jet-02" { 2 * DAY + 5 * HOUR } else { 0 };
    let mut heard = Vec::new();
    for at in (0..=days * DAY + 12 * HOUR).step_by(TICK as usize) {
        machine.tick(at, &device.id, dice);
        if at < begins {
            continue;
        }
        for scan in scans.iter_mut().filter(|scan| at % scan.every == 0) {
            let first = at == begins;
            let at = if first { at } else { at + scan.phase };
            if let Some(batch) = scan.take(at, first, &machine, times, dice) {
                heard.push((at, batch));
            }
        }
    }
    heard.sort_by_key(|(at, _)| *at);
    heard.into_iter().map(|(_, heard)| heard).collect()
}

impl Scan {
    fn take(&mut self, at: i64, first: bool, machine: &Machine, times: &Times, dice: &mut Dice) -> Option<Heard> {
        let (boot, since) = times.boot(at)?;
        if dice.falls(1) && dice.falls(1000 * self.every / (600 * SECOND)) {
            self.silent_to =
                at + if dice.falls(500) { dice.between(10, 200) } else { dice.between(200, 12_000) } * SECOND;
        }
        if dice.falls(1) && dice.falls(1000 * self.every / (600 * SECOND)) {
            let tag = dice.between(0, self.group.tags.len() as i64) as usize;
            self.tag_silent = (tag, at + dice.between(10, 900) * SECOND);
        }
        let is_lost = at < self.silent_to && !first;
        if is_lost && dice.falls(300) {
            return None; // whoever asks does not even try
        }
        let read = |(place, tag): (usize, &cloudward::model::TagInfo)| {
            let is_silent = place == self.tag_silent.0 && at < self.tag_silent.1 && !first;
            let value = machine.read(&tag.name, dice);
            Some(if is_lost || is_silent { Reading::Bad(Why::Timeout) } else { Reading::Good(value) })
        };
        let readings = self.group.tags.iter().enumerate().map(read).collect();
        let wall = Timestamp(MARCH + at + times.ahead(at));
        let mono_ms = u64::try_from(at - since).unwrap();
        let batch = Batch { group: self.group.clone(), at: wall, mono_ms, due_ms: None, readings, stamps: None };
        Some(Heard { boot, batch })
    }
}
