//! Devices that refuse, in memory and in virtual time.

use super::*;
use crate::config::modbus::{DataType, Order};
use crate::source::modbus::plan::plan;
use proptest::prelude::*;
use std::collections::HashSet;

const LIMITS: ReadLimits = ReadLimits { max_registers: 125, max_bits: 2000, max_gap: 16, one_by_one: false };

const MINUTE: Duration = Duration::from_secs(60);

fn tag(address: &str, data_type: DataType) -> Register {
    let address = Address::parse(address).expect("the test writes addresses");
    Register { address, data_type, order: Order::default() }
}

fn registers(offsets: impl IntoIterator<Item = u16>) -> Vec<Register> {
    offsets.into_iter().map(|offset| tag(&format!("holding:{offset}"), DataType::U16)).collect()
}

/// What a device does with a request.
#[derive(Default)]
struct Device {
    /// Refused with exception 2.
    illegal: HashSet<u16>,
    /// No answer.
    mute: HashSet<u16>,
    /// Exception 3 beyond it.
    longest: Option<u16>,
    /// Exception 1.
    unserved: Option<Table>,
    /// This for everything.
    always: Option<Why>,
}

impl Device {
    fn illegal(offsets: impl IntoIterator<Item = u16>) -> Device {
        Device { illegal: offsets.into_iter().collect(), ..Device::default() }
    }

    fn mute(offsets: impl IntoIterator<Item = u16>) -> Device {
        Device { mute: offsets.into_iter().collect(), ..Device::default() }
    }

    fn read(&self, block: Block) -> Result<(), Why> {
        let mut asked = (0..block.count).map(|n| block.start + n);
        match () {
            () if self.always.is_some() => Err(self.always.expect("it was just seen")),
            () if self.unserved == Some(block.table) => Err(Why::IllegalFunction),
            () if self.longest.is_some_and(|longest| block.count > longest) => Err(Why::IllegalValue),
            () if asked.clone().any(|offset| self.mute.contains(&offset)) => Err(Why::Timeout),
            () if asked.any(|offset| self.illegal.contains(&offset)) => Err(Why::IllegalAddress),
            () => Ok(()),
        }
    }
}

/// A learner that is polled once a second.
struct Bench {
    tags: Vec<Register>,
    learner: Learner,
    now: Instant,
    /// Requests of the last scan.
    asked: Vec<Block>,
    /// Requests beyond the plan, in all.
    extra: usize,
    /// Those of them that halve something.
    parts: usize,
    news: Vec<News>,
}

impl Bench {
    fn new(tags: Vec<Register>, limits: ReadLimits) -> Bench {
        let now = Instant::now();
        let learner = Learner::new(&tags, limits, None, now);
        Bench { tags, learner, now, asked: Vec::new(), extra: 0, parts: 0, news: Vec::new() }
    }

    fn scan(&mut self, device: &Device) {
        self.now += Duration::from_secs(1);
        self.asked.clear();
        self.learner.begin(self.now, Learner::MAX_EXTRA);
        let before = self.extra;
        while let Some(block) = self.learner.next_request() {
            let is_extra = !matches!(self.learner.asked, Some((Job::Planned, _)));
            self.extra += usize::from(is_extra);
            self.parts += usize::from(matches!(self.learner.asked, Some((Job::Part(_), _))));
            self.asked.push(block);
            self.learner.on_result(device.read(block), self.now);
        }
        assert!(self.extra - before <= Learner::MAX_EXTRA);
        self.news.extend(self.learner.end(self.now));
    }

    /// Scans until nothing is learned any more.
    fn settle(&mut self, device: &Device) {
        const ENOUGH: usize = 4_000;
        for _ in 0..ENOUGH {
            self.scan(device);
            if self.learner.trials.is_empty()
                && self.learner.plan.is_some()
                && self.asked.iter().all(|block| device.read(*block).is_ok())
            {
                return;
            }
        }
        panic!("learning does not end");
    }

    fn shown(&self) -> Vec<String> {
        self.asked.iter().map(|b| format!("{} {}+{}", b.table.as_str(), b.start, b.count)).collect()
    }

    /// Offsets of what is left out.
    fn out(&self) -> Vec<u16> {
        let mut out: Vec<u16> = self.learner.quarantined().map(|(tag, _)| self.tags[tag].address.offset).collect();
        out.sort_unstable();
        out
    }

    /// What each tag reads: where it stands in the answers, checked against the tag's address.
    #[track_caller]
    fn check_spots(&self, device: &Device) {
        for (index, tag) in self.tags.iter().enumerate() {
            let (offset, width) = (tag.address.offset, tag.data_type.width());
            let alone = device.read(Block { table: tag.address.table, start: offset, count: width });
            match self.learner.spot(index) {
                Ok(spot) => {
                    assert_eq!(alone, Ok(()), "{}", tag.address);
                    let block = self.asked[spot.block];
                    assert_eq!((block.table, block.start + spot.offset), (tag.address.table, offset));
                    assert!(spot.offset + width <= block.count);
                    assert_eq!(device.read(block), Ok(()), "its request was answered");
                }
                Err(_) => assert!(alone.is_err(), "{} could be read", tag.address),
            }
        }
    }
}

#[test]
fn a_device_that_refuses_nothing_is_read_as_planned() {
    let tags = registers([7, 0, 40, 41, 300]);
    let mut bench = Bench::new(tags.clone(), LIMITS);
    bench.scan(&Device::default());
    assert_eq!(bench.asked, plan(&tags, LIMITS).blocks);
    bench.check_spots(&Device::default());
    assert_eq!((bench.extra, bench.news), (0, vec![]));
}

#[test]
fn one_illegal_address_costs_its_tag_and_no_other() {
    let device = Device::illegal([37]);
    let mut bench = Bench::new(registers(0..100), LIMITS);
    bench.settle(&device);
    assert_eq!(bench.shown(), ["holding 0+37", "holding 38+62"]);
    assert_eq!(bench.news, [News::Quarantined { tags: vec![37] }]);
    assert_eq!(bench.learner.spot(37), Err(Why::IllegalAddress));
    bench.check_spots(&device);
    assert!(bench.extra <= 2 * 7, "{}", bench.extra);
}

#[test]
fn while_the_search_goes_on_what_is_settled_is_read() {
    let device = Device::illegal([37]);
    let mut bench = Bench::new(registers(0..100), LIMITS);
    bench.scan(&device);
    assert_eq!(bench.shown()[..3], ["holding 0+100", "holding 0+50", "holding 50+50"]);
    assert_eq!(bench.learner.spot(60), Ok(Spot { block: 2, offset: 10 }), "with the very first scan");
    assert_eq!(bench.learner.spot(37), Err(Why::IllegalAddress));
    bench.scan(&device);
    assert!(bench.shown().contains(&"holding 50+50".into()));
    assert!(bench.learner.spot(60).is_ok());
}

#[test]
fn a_hole_that_cannot_be_read_splits_the_block_and_quarantines_nobody() {
    let device = Device::illegal([4]);
    let mut bench = Bench::new(registers([0, 1, 2, 3, 6, 7, 8]), LIMITS);
    bench.settle(&device);
    assert_eq!(bench.out(), [0_u16; 0]);
    bench.check_spots(&device);
    assert_eq!(bench.shown(), ["holding 0+4", "holding 6+3"]);
    let at = Address::parse("holding:6").expect("it is an address");
    assert_eq!(bench.news, [News::Split { at, count: 1 }]);
}

#[test]
fn tags_of_one_address_are_not_halved_between_two_requests() {
    let device = Device::illegal([3]);
    let mut bench = Bench::new(registers([0, 5, 5, 9]), LIMITS);
    bench.settle(&device);
    assert_eq!(bench.shown(), ["holding 0+1", "holding 5+5"]);
    assert_eq!(bench.parts, 4);
    bench.check_spots(&device);
}

#[test]
fn a_device_of_short_requests_is_asked_shorter_ones_and_quarantines_nobody() {
    let device = Device { longest: Some(40), ..Device::default() };
    let mut bench = Bench::new(registers(0..500), LIMITS);
    bench.settle(&device);
    assert_eq!(bench.out(), [0_u16; 0]);
    bench.check_spots(&device);
    assert_eq!(bench.news, [News::Shortened { max_registers: 32 }], "one lesson for all blocks");
    assert_eq!(bench.asked.len(), 500_usize.div_ceil(32));
}

#[test]
fn a_table_that_is_not_served_is_left_out_with_one_request_and_found_when_it_is() {
    let mut tags = registers(0..3);
    tags.extend([0, 200].map(|offset| tag(&format!("input:{offset}"), DataType::U16)));
    let device = Device { unserved: Some(Table::Input), ..Device::default() };
    let mut bench = Bench::new(tags, LIMITS);
    bench.scan(&device);
    assert_eq!(bench.shown(), ["holding 0+3", "input 0+1"]);
    assert_eq!(bench.learner.spot(4), Err(Why::IllegalFunction));
    bench.scan(&device);
    assert_eq!(bench.shown(), ["holding 0+3"]);
    bench.now += MINUTE;
    bench.scan(&device);
    assert_eq!(bench.shown(), ["holding 0+3", "input 0+1"]);
    bench.now += MINUTE;
    bench.scan(&device);
    assert_eq!(bench.shown(), ["holding 0+3"], "the pause has doubled");
    bench.now += MINUTE;
    bench.scan(&Device::default());
    bench.scan(&Device::default());
    assert_eq!(bench.shown(), ["holding 0+3", "input 0+1", "input 200+1"]);
    assert_eq!(
        bench.news,
        [News::Unserved { table: Table::Input, tags: vec![3, 4] }, News::Freed { tags: vec![3, 4] }]
    );
}

#[test]
fn a_quarantined_tag_is_asked_after_a_minute_then_more_and_more_seldom() {
    let device = Device::illegal([5]);
    let mut bench = Bench::new(registers(0..10), LIMITS);
    bench.settle(&device);
    let mut asked_at = Vec::new();
    for second in 1..=4 * 3_600_u64 {
        bench.scan(&device);
        if bench.shown().contains(&"holding 5+1".into()) {
            asked_at.push(second);
        }
    }
    let pauses: Vec<u64> = asked_at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((58..=61).contains(&asked_at[0]), "{asked_at:?}");
    assert_eq!(pauses, [120, 240, 480, 960, 1_920, 3_600, 3_600]);
    assert_eq!(bench.news.len(), 1, "it is told once");
}

#[test]
fn what_is_mended_is_freed_at_once_and_told_once() {
    let mut bench = Bench::new(registers(0..40), LIMITS);
    bench.settle(&Device::illegal(10..20));
    assert_eq!(bench.out(), (10..20).collect::<Vec<_>>());
    bench.news.clear();
    bench.now += MINUTE;
    for _ in 0..4 {
        bench.scan(&Device::default());
    }
    assert_eq!(bench.out(), [0_u16; 0]);
    assert_eq!(bench.shown(), ["holding 0+40"]);
    let freed = bench.news.iter().map(|news| match news {
        News::Freed { tags } => tags.len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(freed.sum::<usize>(), 10);
}

#[test]
fn a_block_without_an_answer_goes_last_and_then_out_and_its_healthy_half_comes_back() {
    let device = Device::mute([1]);
    let mut bench = Bench::new(registers([0, 1, 2, 3, 100, 200]), LIMITS);
    bench.scan(&device);
    assert_eq!(bench.shown(), ["holding 0+4", "holding 100+1", "holding 200+1"]);
    bench.scan(&device);
    assert_eq!(bench.shown(), ["holding 100+1", "holding 200+1", "holding 0+4"], "others do not wait for it");
    bench.scan(&device);
    bench.scan(&device);
    assert_eq!(bench.shown(), ["holding 100+1", "holding 200+1"]);
    assert_eq!(bench.learner.spot(0), Err(Why::Timeout));
    assert_eq!(bench.news, [News::SetAside { tags: vec![0, 1, 2, 3] }]);
    let mut timeouts = 0;
    for _ in 0..1_000 {
        bench.scan(&device);
        timeouts += bench.asked.iter().filter(|block| device.read(**block).is_err()).count();
    }
    assert_eq!(bench.out(), [1]);
    bench.check_spots(&device);
    assert!(timeouts <= 8, "{timeouts} in a thousand scans");
    assert_eq!(bench.shown(), ["holding 0+1", "holding 2+2", "holding 100+1", "holding 200+1"]);
}

#[test]
fn a_hole_without_an_answer_is_found_once_and_read_around() {
    let device = Device::mute([2]);
    let mut bench = Bench::new(registers([0, 1, 3, 4, 100]), LIMITS);
    for _ in 0..1_000 {
        bench.scan(&device);
    }
    assert_eq!(bench.shown(), ["holding 0+2", "holding 3+2", "holding 100+1"]);
    let set_aside = bench.news.iter().filter(|news| matches!(news, News::SetAside { .. })).count();
    assert_eq!(set_aside, 1, "{:?}", bench.news);
}

#[test]
fn when_one_value_is_mended_the_others_are_asked_before_their_time() {
    let mut bench = Bench::new(registers([10, 100]), LIMITS);
    bench.scan(&Device::illegal([10]));
    bench.now += MINUTE / 2;
    bench.scan(&Device::illegal([10, 100]));
    assert_eq!(bench.out(), [10, 100]);
    bench.now += MINUTE / 2;
    bench.scan(&Device::default());
    bench.scan(&Device::default());
    assert_eq!(bench.out(), [0_u16; 0], "the second was captured half a minute later, and is free all the same");
}

#[test]
fn a_unit_that_is_silent_altogether_teaches_nothing() {
    let mut bench = Bench::new(registers([0, 100, 200]), LIMITS);
    for why in [Why::Timeout, Why::Closed, Why::DeviceBusy, Why::DeviceFailure, Why::GatewayTarget] {
        let device = Device { always: Some(why), ..Device::default() };
        for _ in 0..10 {
            bench.scan(&device);
            assert_eq!(bench.asked.len(), 3);
            assert_eq!(bench.learner.spot(1), Err(why));
        }
    }
    assert_eq!((bench.news.len(), bench.out().len(), bench.extra), (0, 0, 0));
}

#[test]
fn a_search_that_is_interrupted_goes_on_with_the_next_scan() {
    let device = Device::illegal([3]);
    let mut bench = Bench::new(registers(0..100), LIMITS);
    bench.scan(&device);
    bench.scan(&Device { always: Some(Why::Closed), ..Device::default() });
    bench.learner.begin(bench.now, 0);
    while bench.learner.next_request().is_some() {} // a poller that drops every result
    bench.learner.end(bench.now);
    bench.settle(&device);
    assert_eq!(bench.out(), [3]);
    bench.check_spots(&device);
}

#[test]
fn without_leave_for_more_a_scan_makes_only_the_requests_of_the_plan() {
    let mut bench = Bench::new(registers(0..100), LIMITS);
    bench.learner.begin(bench.now, 0);
    let block = bench.learner.next_request().expect("the plan has one");
    bench.learner.on_result(Device::illegal([3]).read(block), bench.now);
    assert_eq!(bench.learner.next_request(), None);
}

#[test]
fn what_was_learned_survives_a_restart_and_not_a_change() {
    let device = Device { longest: Some(40), ..Device::illegal([37, 81, 300]) };
    let tags = registers((0..100).chain([299, 302, 400]));
    let mut bench = Bench::new(tags.clone(), LIMITS);
    bench.settle(&device);
    let before = bench.shown();
    let kept = serde_json::to_string(&bench.learner.learned()).expect("it is plain data");
    let kept: Learned = serde_json::from_str(&kept).expect("it was just written");
    assert_eq!(kept, bench.learner.learned());

    let restarted = |tags: Vec<Register>, limits| {
        let mut again = Bench::new(tags.clone(), limits);
        again.learner = Learner::new(&tags, limits, Some(&kept), again.now);
        again.scan(&device);
        (again.shown(), again.news.len(), again.learner.learned() == kept)
    };
    assert_eq!(restarted(tags.clone(), LIMITS), (before.clone(), 0, true));
    let mut reversed = tags.clone();
    reversed.reverse();
    assert_eq!(restarted(reversed, LIMITS).0, before, "the order in the file does not matter");

    let mut moved = tags.clone();
    moved[37].address.offset = 500;
    assert!(!restarted(moved, LIMITS).2, "an address does");
    let mut wider = tags.clone();
    wider[37].data_type = DataType::U32;
    assert!(!restarted(wider, LIMITS).2, "a type does");
    assert!(!restarted(tags, ReadLimits { max_gap: 0, ..LIMITS }).2, "and so does a limit");
}

#[test]
fn words_that_nobody_knows_are_passed_over() {
    let tags = registers(0..3);
    let key = Learner::new(&tags, LIMITS, None, Instant::now()).learned().key;
    let text = format!(
        r#"{{"key":{key},"quarantined":[{{"address":"moon:1","width":1,"why":"illegal_address"}},
        {{"address":"holding:1","width":1,"why":"full_moon"}},{{"address":"holding:2","width":1,"why":"timeout"}}],
        "splits":["x"],"max_registers":0,"unserved":["cheese"]}}"#
    );
    let learned: Learned = serde_json::from_str(&text).expect("the form is right");
    let learner = Learner::new(&tags, LIMITS, Some(&learned), Instant::now());
    assert_eq!(learner.quarantined().collect::<Vec<_>>(), [(2, Why::Timeout)]);
}

#[test]
fn news_names_a_few_tags_and_counts_the_rest() {
    let names: Vec<String> = (0..20).map(|n| format!("holding-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let news = News::Quarantined { tags: (0..11).collect() };
    let text = news.trouble("press", crate::config::Station::Unit(3), &names).what(crate::model::Lang::En);
    assert!(text.contains("`press` (unit 3)") && text.contains("11 tags"), "{text}");
    assert!(text.contains("holding-7, +3") && !text.contains("holding-8"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn exactly_the_guilty_are_quarantined_and_all_others_read_within_the_limits(
        places in proptest::collection::vec((0_u16..300, 0_usize..9), 1..100),
        illegal in proptest::collection::hash_set(0_u16..304, 0..25),
        max_registers in 4_u16..=125,
        max_gap in 0_u16..40,
    ) {
        let limits = ReadLimits { max_registers, max_bits: 100, max_gap, one_by_one: false };
        let tags: Vec<_> = places.iter().map(|(offset, kind)| {
            let data_type = DataType::ALL[*kind];
            let table = if data_type == DataType::Bool { "coil" } else { "holding" };
            tag(&format!("{table}:{offset}"), data_type)
        }).collect();
        let device = Device { illegal, ..Device::default() };
        let mut bench = Bench::new(tags.clone(), limits);
        bench.settle(&device);
        bench.check_spots(&device);
        for block in &bench.asked {
            let max = if block.table.is_bits() { 100 } else { max_registers };
            prop_assert!(block.count <= max);
        }
        let guilty = bench.learner.quarantined().count();
        let splits = bench.learner.splits.len();
        let levels = |n: usize| usize::try_from(n.next_power_of_two().ilog2()).expect("small");
        let alike = tags.iter().map(|tag| tags.iter().filter(|other| other.address == tag.address).count()).max();
        let levels = levels(tags.len()) + levels(alike.unwrap_or(1));
        prop_assert!(
            bench.parts <= 2 * (guilty + splits) * levels,
            "{} requests for {guilty} guilty of {} and {splits} splits", bench.parts, tags.len()
        );
    }

    #[test]
    fn whatever_a_damaged_memory_says_the_requests_keep_the_limits(
        offsets in proptest::collection::btree_set(prop_oneof![0_u16..300, 65_400_u16..=65_535], 1..60),
        quarantined in proptest::collection::vec(("(holding|coil|input|x):[0-9]{1,5}", any::<u16>(), "illegal_address|timeout|busy|"), 0..6),
        splits in proptest::collection::vec("(holding|coil|input|):[0-9]{1,5}|\\PC{0,6}", 0..6),
        max_registers in proptest::option::of(any::<u16>()),
        unserved in proptest::collection::vec("holding|coil|input|\\PC{0,4}", 0..3),
    ) {
        let tags = registers(offsets);
        let key = Learner::new(&tags, LIMITS, None, Instant::now()).learned().key;
        let quarantined = quarantined.into_iter().map(|(address, width, why)| Quarantined { address, width, why }).collect();
        let learned = Learned { key, quarantined, splits, max_registers, unserved };
        let mut now = Instant::now();
        let mut learner = Learner::new(&tags, LIMITS, Some(&learned), now);
        for _ in 0..40 {
            learner.begin(now, Learner::MAX_EXTRA);
            while let Some(block) = learner.next_request() {
                prop_assert!((1..=125).contains(&block.count), "{block:?}");
                prop_assert!(u32::from(block.start) + u32::from(block.count) <= 65_536, "{block:?}");
                learner.on_result(Ok(()), now);
            }
            learner.end(now);
            now += MINUTE;
        }
        for index in 0..tags.len() {
            prop_assert!(learner.spot(index).is_ok(), "{index} is never read again");
        }
    }

    #[test]
    fn a_short_device_with_illegal_addresses_is_learned_too(
        offsets in proptest::collection::btree_set(0_u16..600, 1..200),
        illegal in proptest::collection::hash_set(0_u16..600, 0..20),
        longest in 1_u16..60,
    ) {
        let device = Device { illegal, longest: Some(longest), ..Device::default() };
        let mut bench = Bench::new(registers(offsets), LIMITS);
        bench.settle(&device);
        bench.check_spots(&device);
    }

    #[test]
    fn whatever_a_device_does_no_scan_runs_away(
        whys in proptest::collection::vec(proptest::option::of(0..Why::ALL.len()), 1..400),
        offsets in proptest::collection::btree_set(0_u16..600, 1..60),
    ) {
        let mut bench = Bench::new(registers(offsets), LIMITS);
        let mut whys = whys.into_iter().cycle();
        for _ in 0..50 {
            bench.now += Duration::from_secs(20);
            bench.learner.begin(bench.now, usize::MAX);
            let planned = bench.learner.queue.len();
            let mut requests = 0;
            while bench.learner.next_request().is_some() {
                requests += 1;
                let why = whys.next().flatten().map(|n| Why::ALL[n]);
                bench.learner.on_result(why.map_or(Ok(()), Err), bench.now);
            }
            prop_assert!(requests <= planned + Learner::MAX_EXTRA);
            bench.learner.end(bench.now);
        }
        bench.now += MINUTE * 60;
        let healthy = Device::default();
        for _ in 0..200 {
            bench.scan(&healthy);
        }
        bench.check_spots(&healthy);
        prop_assert_eq!(bench.out().len(), 0, "a device that recovers is read whole");
    }
}
