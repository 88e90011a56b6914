//! Plots as SVG, to stand within the page: no fonts, no scripts, nothing fetched.

use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::document::DeviceReport;
use super::strip;
use crate::indicator::Interval;
use crate::model::{Lang, State, Timestamp};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const INK: RGBColor = RGBColor(38, 50, 56);
const FAINT: RGBColor = RGBColor(207, 216, 220);
const GOOD: RGBColor = RGBColor(46, 125, 50);
const LOSS: RGBColor = RGBColor(198, 120, 40);
const WHOLE: RGBColor = RGBColor(69, 90, 100);

/// Pixels across: what fits on A4 with its margins.
const WIDTH: u32 = 720;

/// The colour of a state, the same in all plots; they differ in brightness too, for who prints in grey.
pub(super) fn colour(state: State) -> RGBColor {
    match state {
        State::Run => RGBColor(67, 160, 71),
        State::Idle => RGBColor(255, 213, 79),
        State::Setup => RGBColor(79, 145, 205),
        State::Fault => RGBColor(198, 40, 40),
        State::Maint => RGBColor(126, 87, 194),
        State::Off => RGBColor(144, 164, 174),
        State::Unknown => RGBColor(236, 239, 241),
    }
}

/// The same for the page around the plots.
pub(super) fn css(state: State) -> String {
    let RGBColor(r, g, b) = colour(state);
    format!("rgb({r},{g},{b})")
}

pub(super) fn word(state: State, lang: Lang) -> &'static str {
    match lang {
        Lang::En => state.as_str(),
        Lang::Zh => state.zh(),
    }
}

/// A picture; drawing into a text cannot fail, and a plot that did would be left out.
fn picture(height: u32, draw: impl FnOnce(&Area<'_>)) -> String {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        draw(&area);
        area.present().ok(); // as above
    }
    // Its size follows the paper's.
    svg.replacen(&format!("width=\"{WIDTH}\" height=\"{height}\""), "width=\"100%\"", 1)
}

fn bar(area: &Area<'_>, (x0, y0): (i32, i32), (x1, y1): (i32, i32), colour: RGBColor) {
    area.draw(&Rectangle::new([(x0, y0), (x1, y1)], colour.filled())).ok(); // as `picture` says
}

fn frame(area: &Area<'_>, from: (i32, i32), to: (i32, i32)) {
    area.draw(&Rectangle::new([from, to], FAINT.stroke_width(1))).ok(); // likewise
}

fn line(area: &Area<'_>, from: (i32, i32), to: (i32, i32)) {
    area.draw(&PathElement::new(vec![from, to], FAINT.stroke_width(1))).ok(); // likewise
}

fn text(area: &Area<'_>, words: &str, at: (i32, i32), size: u32, across: HPos) {
    let style = TextStyle::from(("sans-serif", size).into_font()).color(&INK).pos(Pos::new(across, VPos::Center));
    area.draw(&Text::new(words.to_owned(), at, style)).ok(); // likewise
}

/// From the scheduled time down to the time of good pieces at the standard cycle.
pub(super) fn waterfall(report: &DeviceReport, lang: Lang) -> String {
    let time = &report.time_min;
    let [scheduled, pbt, run] = [time.scheduled, time.pbt, time.run].map(|it| it.get());
    if scheduled <= 0.0 {
        return String::new();
    }
    let ideal = |factor: Option<super::Num>, of: f64| factor.map(|it| it.get() * of);
    let net = ideal(report.oee.effectiveness, run);
    let good = ideal(report.oee.oee, pbt);
    let pick = |en, zh| if lang == Lang::Zh { zh } else { en };
    // Label, from, to, colour; what is whole begins at zero.
    let mut bars: Vec<(&str, f64, f64, RGBColor)> = vec![(pick("scheduled", "计划时间"), 0.0, scheduled, WHOLE)];
    let mut left = scheduled;
    let fall = |bars: &mut Vec<_>, label, by: f64, left: &mut f64, colour| {
        bars.push((label, *left - by, *left, colour));
        *left -= by;
    };
    fall(&mut bars, pick("planned stops", "计划停机"), scheduled - pbt, &mut left, LOSS);
    bars.push((pick("PBT", "负荷时间"), 0.0, pbt, WHOLE));
    let of_state = [
        (State::Fault, time.fault),
        (State::Setup, time.setup),
        (State::Idle, time.idle),
        (State::Off, time.off),
        (State::Unknown, time.unknown),
    ];
    for (state, minutes) in of_state.into_iter().filter(|(_, minutes)| minutes.get() > 0.0) {
        fall(&mut bars, word(state, lang), minutes.get(), &mut left, colour(state));
    }
    bars.push((pick("run (APT)", "运行 APT"), 0.0, run, colour(State::Run)));
    if let Some(net) = net {
        bars.push((pick("speed", "速度损失"), net.min(run), net.max(run), LOSS));
        if let Some(good) = good {
            bars.push((pick("rejects", "不良损失"), good.min(net), net.max(good), LOSS));
            bars.push((pick("good (OEE)", "有效 OEE"), 0.0, good, GOOD));
        }
    }
    let (top, bottom, height) = (22, 190, 228);
    let most = bars.iter().map(|bar| bar.2).fold(scheduled, f64::max);
    let y = |minutes: f64| bottom - (minutes / most * f64::from(bottom - top)) as i32;
    let step = (WIDTH as i32 - 10) / i32::try_from(bars.len()).unwrap_or(1).max(1);
    picture(height, |area| {
        line(area, (0, bottom), (WIDTH as i32, bottom));
        for (at, (label, from, to, colour)) in bars.iter().enumerate() {
            let x = 5 + step * i32::try_from(at).unwrap_or(0);
            let (from_y, to_y) = (y(*from), y(*to));
            bar(area, (x + 4, to_y), (x + step - 4, from_y.max(to_y + 1)), *colour);
            frame(area, (x + 4, to_y), (x + step - 4, from_y.max(to_y + 1)));
            text(area, &format!("{:.0}", to - from), (x + step / 2, to_y - 8), 11, HPos::Center);
            // Two heights, so that long words do not run into each other.
            let down = if at % 2 == 0 { 12 } else { 26 };
            text(area, label, (x + step / 2, bottom + down), 11, HPos::Center);
        }
    })
}

/// Pixels of a strip, of so many.
pub(super) fn pixels(strips: usize) -> i32 {
    let (left, right) = ends(strips);
    right - left
}

/// From where to where a strip goes, of so many: beside several stand their dates.
fn ends(strips: usize) -> (i32, i32) {
    (if strips > 1 { 46 } else { 6 }, WIDTH as i32 - 6)
}

/// What the machine did when: a strip for the period, or one for each day of a month. All parts of a state are one path, since a month of a busy
/// machine has thousands.
pub(super) fn timeline(log: &[Interval], days: &[(String, Timestamp, Timestamp)], hours: &[(String, f64)]) -> String {
    let ((left, right), row) = (ends(days.len()), if days.len() > 1 { 13 } else { 30 });
    let rows = i32::try_from(days.len()).unwrap_or(0);
    let bottom = rows * (row + 2) + 4;
    let width = f64::from(right - left);
    let mut paths = State::ALL.map(|_| String::new());
    for (nth, (_, start, end)) in days.iter().enumerate() {
        let top = 4 + i32::try_from(nth).unwrap_or(0) * (row + 2);
        for strip::Part { from, to, state } in strip::parts(log, (*start, *end), right - left) {
            let (x, width) = (left + from, to - from);
            write!(paths[state as usize], "M{x} {top}h{width}v{row}h-{width}z").ok(); // into a text
        }
    }
    let strips = State::ALL.into_iter().filter(|state| !paths[*state as usize].is_empty());
    let strips = strips.map(|state| format!("<path fill=\"{}\" d=\"{}\"/>\n", css(state), paths[state as usize]));
    let strips: String = strips.collect();
    let around = picture(u32::try_from(bottom + 20).unwrap_or(60), |area| {
        let mut top = 4;
        for (label, ..) in days {
            if days.len() > 1 {
                text(area, label, (left - 6, top + row / 2), 10, HPos::Right);
            }
            frame(area, (left, top), (right, top + row));
            top += row + 2;
        }
        for (label, share) in hours {
            let x = left + (share * width).round() as i32;
            line(area, (x, top), (x, top + 4));
            let across = if *share < 0.01 {
                HPos::Left
            } else if *share > 0.99 {
                HPos::Right
            } else {
                HPos::Center
            };
            text(area, label, (x, top + 12), 10, across);
        }
    });
    // Below what is drawn around them.
    let inside = around.find('>').map_or(0, |at| at + 1);
    format!("{}\n{strips}{}", &around[..inside], &around[inside..])
}

/// Bars with their words to the left and their numbers to the right, as many as there are; the longest is the largest of them, and at
/// least `whole`.
pub(super) fn bars(rows: &[(String, f64, String, RGBColor)], whole: f64) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let most = rows.iter().map(|row| row.1).fold(whole, f64::max);
    if most <= 0.0 {
        return String::new();
    }
    let (left, right, row) = (190, WIDTH as i32 - 130, 20);
    picture(u32::try_from(rows.len()).unwrap_or(0) * row + 6, |area| {
        for (at, (label, value, said, colour)) in rows.iter().enumerate() {
            let top = i32::try_from(at).unwrap_or(0) * row as i32 + 3;
            let end = left + (value / most * f64::from(right - left)).round() as i32;
            text(area, &shortened(label), (left - 8, top + 8), 12, HPos::Right);
            bar(area, (left, top + 1), (end.max(left + 1), top + 16), *colour);
            frame(area, (left, top + 1), (end.max(left + 1), top + 16));
            text(area, said, (end.max(left + 1) + 6, top + 8), 12, HPos::Left);
        }
    })
}

/// A word that fits beside its bar; a Chinese character takes two places.
fn shortened(label: &str) -> String {
    const PLACES: usize = 28;
    let mut used = 0;
    let mut short = String::new();
    for c in label.chars() {
        used += if c > '\u{2e7f}' { 2 } else { 1 };
        if used > PLACES {
            short.push('…');
            break;
        }
        short.push(c);
    }
    short
}
