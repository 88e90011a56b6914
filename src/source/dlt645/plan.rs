//! Which identifiers are asked for: one request each, or one for a whole block where the standard has one and several of its
//! values are wanted. At 2400 baud a request costs a quarter of a second, whatever it brings. Pure.

use crate::config::dlt645::{DataId, Item, Known};

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What to ask for.
    pub id: DataId,
    /// Which of the items it brings, and where each of them begins in the answer.
    pub parts: Vec<(usize, usize)>,
    shape: Shape,
}

/// What an answer looks like behind its identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Exactly so many bytes.
    Whole(usize),
    /// A block: values of so many bytes, of which so many are needed; so many are usual.
    Block { width: usize, needed: usize, usual: usize },
}

impl Request {
    /// Whether it asks for several values at once.
    pub fn is_block(&self) -> bool {
        matches!(self.shape, Shape::Block { .. })
    }

    /// Whether an answer of this length has what was asked for.
    pub fn fits(&self, length: usize) -> bool {
        match self.shape {
            Shape::Whole(whole) => length == whole,
            Shape::Block { width, needed, .. } => length.is_multiple_of(width) && length >= needed * width,
        }
    }

    /// How long the answer is, as far as one can tell: a block of energies has as many tariffs as the meter.
    pub fn usual_bytes(&self) -> usize {
        match self.shape {
            Shape::Whole(whole) => whole,
            Shape::Block { width, usual, .. } => width * usual,
        }
    }
}

/// The requests for `items`; blocks unless each identifier is to be asked for by itself.
pub fn plan(items: &[Item], one_by_one: bool) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    let mut places: Vec<usize> = (0..items.len()).collect();
    while let Some(place) = places.first().copied() {
        let block = Membership::of(&items[place]).filter(|_| !one_by_one);
        let members = |block: &Membership| -> Vec<(usize, Membership)> {
            let membership = |place: &usize| Some((*place, Membership::of(&items[*place])?));
            places.iter().filter_map(membership).filter(|(_, other)| other.block == block.block).collect()
        };
        let request = match block.map(|block| (block, members(&block))) {
            Some((block, members)) if members.iter().any(|(_, other)| other.index != block.index) => {
                let needed = members.iter().map(|(_, member)| member.index + 1).max().unwrap_or_default();
                Request {
                    id: block.block,
                    parts: members.iter().map(|(place, member)| (*place, member.index * block.width)).collect(),
                    shape: Shape::Block { width: block.width, needed, usual: block.usual.max(needed) },
                }
            }
            _ => single(items, &places),
        };
        places.retain(|place| request.parts.iter().all(|(taken, _)| taken != place));
        requests.push(request);
    }
    requests
}

/// What a block was to bring, asked for value by value: not every meter has every block.
pub fn without_block(items: &[Item], block: &Request) -> Vec<Request> {
    let mut places: Vec<usize> = block.parts.iter().map(|(place, _)| *place).collect();
    let mut requests = Vec::new();
    while !places.is_empty() {
        let request = single(items, &places);
        places.retain(|place| request.parts.iter().all(|(taken, _)| taken != place));
        requests.push(request);
    }
    requests
}

/// The first of these places, and the others that the same answer brings.
fn single(items: &[Item], places: &[usize]) -> Request {
    let first = &items[places[0]];
    let same = places.iter().filter(|place| items[**place].id == first.id && items[**place].whole == first.whole);
    Request {
        id: first.id,
        parts: same.map(|place| (*place, usize::from(items[*place].skip))).collect(),
        shape: Shape::Whole(usize::from(first.whole)),
    }
}

/// An item as one of a block: DI1 is FF instead of the phase or tariff.
#[derive(Debug, Clone, Copy)]
struct Membership {
    block: DataId,
    index: usize,
    width: usize,
    /// How many values meters have there.
    usual: usize,
}

impl Membership {
    fn of(item: &Item) -> Option<Membership> {
        let DataId([di3, di2, di1, di0]) = item.id;
        // Whoever names a format of his own has a meter that differs: its blocks will too.
        if Known::of(item.id)?.item(None)? != *item {
            return None;
        }
        let (index, usual) = match (di3, di2) {
            (0x00, 0x00..=0x0A) => (di1, 5), // the total and four tariffs
            (0x02, 0x01 | 0x02) => (di1.checked_sub(1)?, 3),
            (0x02, 0x03..=0x06) => (di1, 4),
            _ => return None,
        };
        let block = DataId([di3, di2, 0xFF, di0]);
        Some(Membership { block, index: usize::from(index), width: usize::from(item.whole), usual })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::dlt645::Format;

    fn item(address: &str) -> Item {
        let (id, part) = DataId::parse_with_part(address).unwrap();
        Known::of(id).unwrap().item(part).unwrap()
    }

    fn shown(requests: &[Request]) -> Vec<String> {
        requests.iter().map(|r| format!("{} {:?}", r.id, r.parts)).collect()
    }

    #[test]
    fn several_values_of_a_block_are_asked_for_at_once_and_a_single_one_by_itself() {
        let items =
            ["02-01-01-00", "02-01-03-00", "02-03-00-00", "00-01-00-00", "02-01-02-00", "00-02-00-00", "00-01-02-00"];
        let requests = plan(&items.map(item), false);
        assert_eq!(
            shown(&requests),
            [
                "02-01-FF-00 [(0, 0), (1, 4), (4, 2)]",
                "02-03-00-00 [(2, 0)]",
                "00-01-FF-00 [(3, 0), (6, 8)]",
                "00-02-00-00 [(5, 0)]"
            ]
        );
        assert!(requests[0].fits(6) && requests[0].usual_bytes() == 6);
        assert!(!requests[0].fits(4) && !requests[0].fits(7), "a single-phase meter has no phase C");
        assert!(
            requests[2].fits(12) && requests[2].fits(20) && !requests[2].fits(8),
            "as many tariffs as the meter has"
        );
        assert!(requests[3].fits(4) && !requests[3].fits(5));
    }

    #[test]
    fn nothing_is_joined_where_each_is_to_be_asked_for_by_itself_or_has_a_format_of_its_own() {
        let items = ["02-01-01-00", "02-01-02-00"].map(item);
        assert_eq!(shown(&plan(&items, true)), ["02-01-01-00 [(0, 0)]", "02-01-02-00 [(1, 0)]"]);
        let own = [items[0], Item::of(items[1].id, Format::parse("bcd3.1").unwrap())];
        assert_eq!(shown(&plan(&own, false)), ["02-01-01-00 [(0, 0)]", "02-01-02-00 [(1, 0)]"]);
        let blocks = plan(&items, false);
        assert_eq!(without_block(&items, &blocks[0]), plan(&items, true));
    }

    #[test]
    fn what_one_answer_brings_is_asked_for_once() {
        let items =
            ["01-01-00-00", "01-01-00-00.time", "04-00-05-03.4", "04-00-05-03", "02-01-01-00", "02-01-01-00"].map(item);
        assert_eq!(
            shown(&plan(&items, false)),
            ["01-01-00-00 [(0, 0), (1, 3)]", "04-00-05-03 [(2, 0), (3, 0)]", "02-01-01-00 [(4, 0), (5, 0)]"]
        );
    }
}
