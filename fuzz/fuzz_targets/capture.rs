//! Any lines as a capture of messages. Held: the verdict is that of its streams, and gaps lie between the first and the last position.

#![no_main]

use cloudward::verify::{Checker, Line, Verdict, line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut checker = Checker::default();
    for text in String::from_utf8_lossy(bytes).lines() {
        match line(text) {
            Line::Message(kind) => checker.take(kind),
            Line::Unreadable => checker.unreadable(),
            Line::Empty => {}
        }
    }
    let report = checker.report();
    assert_eq!(report.streams.is_empty(), report.verdict == Verdict::Nothing);
    for stream in &report.streams {
        let is_broken = stream.gap_count + stream.disorder_count + stream.conflict_count > 0;
        assert_eq!(is_broken || stream.messages == 0, stream.verdict == Verdict::Broken);
        for gap in stream.gaps.iter().chain(&stream.open) {
            assert!(stream.begin <= gap.first && gap.first <= gap.last);
        }
    }
});
