//! The live view: owns the terminal for as long as it is watched, and gives it back whatever happens. Ends with a key, a signal, or the
//! agent.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use tokio::signal::unix::{SignalKind, signal};

use super::super::run::runtime;
use super::super::{EXIT_UNAVAILABLE, fail};
use super::ask::Place;
use super::{EVERY, again_and_again, code_of};
use crate::model::{Lang, Trouble};
use crate::status::{Status, view};

/// Signals are looked at so often; keys wake it at once.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Lines of a page, less one to find one's place.
const PAGE: usize = 20;

/// How it ended.
enum End {
    Told(Box<Status>),
    Gone(Trouble),
}

pub(super) fn watch(place: &Place) -> ExitCode {
    // Before the terminal is taken: most troubles are at the beginning.
    let first = match place.ask() {
        Ok((status, _)) => status,
        Err(trouble) => return fail(&trouble, EXIT_UNAVAILABLE),
    };
    let is_told = told_to_end();
    let Ok(mut terminal) = ratatui::try_init() else { return again_and_again(place) };
    let end = run(&mut terminal, place, first, &is_told);
    ratatui::restore();
    match end {
        Ok(End::Told(status)) => code_of(&status),
        Ok(End::Gone(trouble)) => fail(&trouble, EXIT_UNAVAILABLE),
        Err(_) => EXIT_UNAVAILABLE.into(), // the terminal is gone, and whoever read it
    }
}

fn run(terminal: &mut ratatui::DefaultTerminal, place: &Place, first: Status, is_told: &AtomicBool) -> io::Result<End> {
    let (mut status, mut asked, mut scroll) = (first, Instant::now(), 0);
    loop {
        terminal.draw(|frame| view::draw(frame, &status, Lang::current(), &mut scroll))?;
        let left = EVERY.saturating_sub(asked.elapsed());
        if event::poll(left.min(LOOK_EVERY))?
            && let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
        {
            match key.code {
                KeyCode::Char('q') | KeyCode::Esc => return Ok(End::Told(Box::new(status))),
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                    return Ok(End::Told(Box::new(status)));
                }
                KeyCode::Up | KeyCode::Char('k') => scroll = scroll.saturating_sub(1),
                KeyCode::Down | KeyCode::Char('j') => scroll += 1,
                KeyCode::PageUp => scroll = scroll.saturating_sub(PAGE),
                KeyCode::PageDown | KeyCode::Char(' ') => scroll += PAGE,
                KeyCode::Home => scroll = 0,
                KeyCode::End => scroll = usize::MAX,
                _ => {}
            }
        }
        if is_told.load(Ordering::Relaxed) {
            return Ok(End::Told(Box::new(status)));
        }
        if asked.elapsed() >= EVERY {
            match place.ask() {
                Ok((newer, _)) => status = newer,
                Err(trouble) => return Ok(End::Gone(trouble)),
            }
            asked = Instant::now();
        }
    }
}

/// A signal must not leave the terminal as it is.
fn told_to_end() -> Arc<AtomicBool> {
    let is_told = Arc::new(AtomicBool::new(false));
    let told = is_told.clone();
    std::thread::spawn(move || {
        runtime().block_on(async {
            let (Ok(mut terminate), Ok(mut hang_up)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
            else {
                return; // the system's own way of ending is left
            };
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            told.store(true, Ordering::Relaxed);
        });
    });
    is_told
}
