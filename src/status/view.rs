//! The live view: the page between a head line and a foot line, as far as the terminal has room, and the rest by scrolling. Pure: it
//! draws into a frame; who owns the terminal stands above. Owns `ratatui` together with that one.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line as Drawn;
use ratatui::widgets::Paragraph;

use super::document::Status;
use super::page::{Line, Tone, page};
use super::show::width;
use crate::model::Lang;

/// Entries of a list: who watches scrolls.
const MOST: usize = 1_000;

/// A terminal narrower than this shows the beginnings of lines.
const LEAST_COLUMNS: usize = 20;

/// Draws what is known of the agent. `scroll` is brought back to where there is something.
pub fn draw(frame: &mut Frame, status: &Status, lang: Lang, scroll: &mut usize) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
    let columns = usize::from(body.width).max(LEAST_COLUMNS);
    let mut lines = page(status, lang, MOST).into_iter();
    let title = lines.next().unwrap_or(Line { tone: Tone::Plain, text: String::new() });
    let wrapped: Vec<(Tone, String)> =
        lines.flat_map(|line| wrap(&line.text, columns).into_iter().map(move |text| (line.tone, text))).collect();
    let room = usize::from(body.height);
    *scroll = (*scroll).min(wrapped.len().saturating_sub(room));
    let shown = wrapped.iter().skip(*scroll).take(room);
    let drawn: Vec<Drawn<'_>> = shown.map(|(tone, text)| Drawn::styled(text.as_str(), style(*tone))).collect();
    let bar = style(title.tone).add_modifier(Modifier::REVERSED);
    frame.render_widget(Paragraph::new(title.text.as_str()).style(bar), head);
    frame.render_widget(Paragraph::new(drawn), body);
    let (first, last) = (*scroll + 1, (*scroll + room).min(wrapped.len()));
    let keys = match lang {
        Lang::En => format!("q quit   arrows, PgUp, PgDn scroll   lines {first}-{last} of {}", wrapped.len()),
        Lang::Zh => format!("q 退出   方向键、PgUp、PgDn 滚动   第 {first}-{last} 行，共 {} 行", wrapped.len()),
    };
    frame.render_widget(Paragraph::new(keys).style(Style::new().add_modifier(Modifier::DIM)), foot);
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Head => Style::new().add_modifier(Modifier::BOLD),
        Tone::Plain => Style::new(),
        Tone::Warn => Style::new().fg(Color::Yellow),
        Tone::Bad => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
    }
}

/// Lines of so many cells: broken at a blank, or before a Chinese character; what follows is indented like the line itself.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let indent: String = text.chars().take_while(|c| *c == ' ').take(columns / 2).collect();
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    let mut breakable: Option<usize> = None;
    for c in text.chars() {
        let cells = width(c.encode_utf8(&mut [0; 4]));
        if used + cells > columns {
            let at = if cells == 2 && !closes(c) { line.len() } else { breakable.unwrap_or(line.len()) };
            let rest = line.split_off(at);
            lines.push(line.trim_end().to_owned());
            line = format!("{indent}{}", rest.trim_start());
            used = width(&line);
            breakable = None;
        }
        if cells == 2 && !closes(c) && !line.trim_start().is_empty() {
            breakable = Some(line.len());
        }
        line.push(c);
        used += cells;
        if c == ' ' && line.len() > indent.len() + 1 {
            breakable = Some(line.len());
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// Punctuation that never begins a line.
fn closes(c: char) -> bool {
    matches!(c, '，' | '。' | '；' | '：' | '）' | '、' | '！' | '？')
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::sample;
    use super::*;

    fn drawn(status: &Status, lang: Lang, (columns, rows): (u16, u16), scroll: &mut usize) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| draw(frame, status, lang, scroll)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let row = |y: u16| {
            let (mut text, mut x) = (String::new(), 0);
            while x < columns {
                let symbol = buffer[(x, y)].symbol();
                text.push_str(symbol);
                x += width(symbol).max(1) as u16;
            }
            text.trim_end().to_owned() + "\n"
        };
        (0..rows).map(row).collect()
    }

    #[track_caller]
    fn check(status: &Status, lang: Lang, size: (u16, u16), golden: &str) {
        let text = drawn(status, lang, size, &mut 0);
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/status").join(golden);
        if std::env::var_os("CLOUDWARD_BLESS").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(&file).unwrap_or_default(), "{golden}");
        assert!(text.lines().all(|line| width(line) <= usize::from(size.0)), "{text}");
    }

    #[test]
    fn the_view_fits_terminals_of_several_sizes() {
        let (well, trouble) = (sample::well(), sample::in_trouble());
        check(&well, Lang::En, (80, 24), "view_80x24.en.txt");
        check(&trouble, Lang::Zh, (80, 24), "view_80x24.zh.txt");
        check(&trouble, Lang::En, (120, 40), "view_120x40.en.txt");
        check(&trouble, Lang::En, (40, 12), "view_40x12.en.txt");
    }

    #[test]
    fn a_terminal_of_no_size_is_no_panic() {
        for size in [(1, 1), (2, 1), (5, 2), (19, 3)] {
            drawn(&sample::in_trouble(), Lang::Zh, size, &mut 99);
        }
    }

    #[test]
    fn scrolling_ends_with_the_last_line() {
        let mut scroll = usize::MAX;
        let text = drawn(&sample::in_trouble(), Lang::En, (80, 12), &mut scroll);
        assert!(text.contains("press-01  fault (E-STOP)") && text.contains("kWh"), "{text}");
        assert!(scroll > 0 && scroll < 100);
        let mut scroll = usize::MAX;
        drawn(&sample::well(), Lang::En, (200, 100), &mut scroll);
        assert_eq!(scroll, 0, "everything has room");
    }

    #[test]
    fn long_lines_are_broken_between_words_and_chinese_anywhere() {
        assert_eq!(wrap("  one two three four", 12), ["  one two", "  three four"]);
        assert_eq!(wrap("  一二三四五六七", 10), ["  一二三四", "  五六七"]);
        assert_eq!(wrap("一二三四，五", 8), ["一二三", "四，五"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 10), [""]);
    }
}
