//! The column `ahead` of a cursor: what a sink has beyond it, in a few bytes. Pure.
//!
//! The rule: what cannot be read is as if it were not there: then some messages are sent twice, and none is missing.

use super::bytes::{Bytes, Damaged, put_varint};
use crate::model::ahead::{MAX_RUNS, MAX_SEAMS};
use crate::model::{Ahead, Run, Seam};

/// The only form so far.
const FORM: u8 = 1;

/// The bytes; `None` where there is nothing.
pub(super) fn encode(ahead: &Ahead) -> Option<Vec<u8>> {
    if ahead.is_empty() {
        return None;
    }
    let mut out = vec![FORM];
    put_varint(&mut out, ahead.runs().len() as u64);
    for Run { first, last, first_sent, last_sent } in ahead.runs() {
        for n in [*first, last - first, first_sent - first, last_sent - first] {
            put_varint(&mut out, n);
        }
    }
    put_varint(&mut out, ahead.seams().len() as u64);
    for Seam { before, after } in ahead.seams() {
        put_varint(&mut out, *before);
        put_varint(&mut out, *after);
    }
    Some(out)
}

/// What the bytes say.
pub(super) fn decode(bytes: &[u8]) -> Ahead {
    read(Bytes(bytes)).unwrap_or_default()
}

fn read(mut from: Bytes) -> Result<Ahead, Damaged> {
    let mut ahead = Ahead::default();
    if from.array()? != [FORM] {
        return Err(Damaged);
    }
    for _ in 0..count(&mut from, MAX_RUNS)? {
        let first = from.varint()?;
        let mut behind = || first.checked_add(from.varint()?).filter(|seq| *seq <= i64::MAX as u64).ok_or(Damaged);
        let run = Run { first, last: behind()?, first_sent: behind()?, last_sent: behind()? };
        if !run.is_sound() {
            return Err(Damaged);
        }
        ahead.enter(run);
    }
    for _ in 0..count(&mut from, MAX_SEAMS)? {
        let seam = Seam { before: from.varint()?, after: from.varint()? };
        if seam.before >= seam.after {
            return Err(Damaged);
        }
        ahead.owe(seam);
    }
    if from.0.is_empty() { Ok(ahead) } else { Err(Damaged) }
}

fn count(from: &mut Bytes, most: usize) -> Result<u64, Damaged> {
    from.varint().and_then(|n| if n <= most as u64 { Ok(n) } else { Err(Damaged) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_ahead() -> impl Strategy<Value = Ahead> {
        let runs = prop::collection::vec((2u64..1 << 40, 0u64..1 << 40, 0u64..100, 0u64..100), 0..20);
        (runs, prop::collection::vec((0u64..1 << 50, 1u64..100), 0..20)).prop_map(|(runs, seams)| {
            let (mut ahead, mut at) = (Ahead::default(), 0);
            for (gap, length, skipped, silent) in runs {
                let first = at + gap;
                let last = first + length + skipped + silent;
                ahead.enter(Run { first, last, first_sent: first + skipped, last_sent: last - silent });
                at = last;
            }
            seams.into_iter().for_each(|(before, gap)| ahead.owe(Seam { before, after: before + gap }));
            ahead
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(ahead in any_ahead()) {
            prop_assert_eq!(decode(&encode(&ahead).unwrap_or_default()), ahead);
        }

        #[test]
        fn any_bytes_give_something_sound_or_nothing(
            ahead in any_ahead(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
            bytes in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let mut damaged = encode(&ahead).unwrap_or_else(|| vec![FORM]);
            let place = place.index(damaged.len());
            damaged[place] = byte;
            for bytes in [damaged, bytes] {
                let read = decode(&bytes);
                prop_assert!(read.runs().iter().all(Run::is_sound));
                prop_assert!(read.runs().windows(2).all(|pair| pair[0].last < pair[1].first));
            }
        }
    }

    #[test]
    fn nothing_takes_no_bytes() {
        assert_eq!(encode(&Ahead::default()), None);
        assert_eq!(decode(&[]), Ahead::default());
    }
}
