//! Delivering a file: message by message with QoS 1, in the order of the file; a connection that breaks is made again, and goes on
//! behind what was acknowledged.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::{Ended, pick};
use super::Source;
use crate::cli::progress::{Progress, bar};
use crate::cli::run::runtime;
use crate::cli::{EXIT_UNAVAILABLE, fail, say};
use crate::config::Sink;
use crate::journal::parcel::{Fault, Manifest, Message, Parts, manifest_hash};
use crate::model::words::transfer as words;
use crate::model::{Backoff, Cursor, Stream, Trouble};
use crate::sink::{Note, Token, Uplink, Window, cause};

/// Connections in a row that brought nothing forward, after which a person is told.
const ATTEMPTS: u32 = 5;

const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(15);

/// How far it has come is written down after so many messages: a power cut sends at most so many again.
const NOTE_EVERY: u64 = 1_000;

/// Some messages could not be delivered.
const EXIT_INCOMPLETE: u8 = 2;

/// Why a connection ended before the file did.
enum Stopped {
    Lost(Trouble),
    File(Fault),
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Stopped {
        Stopped::File(fault)
    }
}

/// One delivery.
struct Delivery<'a> {
    source: &'a Source<'a>,
    manifest: &'a Manifest,
    sink: Sink,
    note: PathBuf,
    /// Messages in the file, births included.
    total: u64,
    /// So many of the first ones are acknowledged or given up.
    done: u64,
    refused: u64,
    progress: Progress,
}

pub(super) fn deliver(
    source: &Source<'_>,
    manifest: &Manifest,
    sink: Sink,
    state_dir: &Path,
    is_again: bool,
) -> Result<(), Ended> {
    let dir = state_dir.join("couriers");
    fs::create_dir_all(&dir).map_err(|error| Ended::file(&dir, error))?;
    let note = dir.join(format!("{}-{}", manifest_hash(manifest), sink.name));
    let total = manifest.parts.iter().map(|part| part.messages).sum();
    let done = if is_again { 0 } else { noted(&note).min(total) };
    let (name, path) = (sink.name.clone(), source.path.display());
    if done == total && total > 0 {
        let trouble = Trouble::new(words::ALREADY_DELIVERED).with("path", path).with("sink", name);
        say(trouble.line(crate::model::Lang::current()));
        return Ok(());
    }
    // Under its own name the agent of this machine would be thrown out.
    let client_id = format!("{}-import-{}", sink.client_id, std::process::id());
    let sink = Sink { client_id, ..sink };
    let mut delivery = Delivery { source, manifest, sink, note, total, done, refused: 0, progress: Progress::new() };
    runtime().block_on(delivery.run())?;
    delivery.progress.clear();
    let delivered = delivery.total - delivery.refused;
    say(pick(
        format!("Delivered: {delivered} messages to sink {name}."),
        format!("已送出 {delivered} 条消息到去向 {name}。"),
    ));
    if delivery.refused > 0 {
        let trouble = Trouble::new(words::MESSAGES_REFUSED).with("count", delivery.refused).with("path", path);
        return Err(Ended::Trouble(trouble, EXIT_INCOMPLETE));
    }
    Ok(())
}

/// How far an earlier run came.
fn noted(note: &Path) -> u64 {
    fs::read_to_string(note).ok().and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

impl Delivery<'_> {
    async fn run(&mut self) -> Result<(), Ended> {
        let mut backoff = Backoff::new(RETRY, RETRY_MAX);
        let mut in_vain = 0;
        loop {
            let before = self.done;
            let trouble = match self.connection().await {
                Ok(()) => return Ok(()),
                Err(Stopped::File(fault)) => return Err(self.source.ended(fault)),
                Err(Stopped::Lost(trouble)) => trouble,
            };
            self.write_down();
            if self.done > before {
                in_vain = 0;
                backoff.reset();
            } else {
                in_vain += 1;
            }
            if in_vain == ATTEMPTS {
                self.progress.clear();
                fail(&trouble, EXIT_UNAVAILABLE);
                let stopped = Trouble::new(words::IMPORT_STOPPED).with("done", self.done).with("total", self.total);
                return Err(Ended::Trouble(stopped.with("path", self.source.path.display()), EXIT_UNAVAILABLE));
            }
            tokio::time::sleep(backoff.next(0.5)).await;
        }
    }

    /// One connection, until everything is acknowledged or it breaks.
    async fn connection(&mut self) -> Result<(), Stopped> {
        let mut parts = Parts::open(self.source.open()?, self.manifest)?;
        let mut uplink = Uplink::connect_without_will(&self.sink).await.map_err(Stopped::Lost)?;
        let start = Cursor { position: self.done, last_sent: self.done };
        let mut window = Window::new(start, self.sink.window);
        let mut nth = 0;
        while let Some(messages) = parts.next_part()? {
            for message in messages {
                nth += 1;
                if nth > window.cursor().position.max(start.position) && nth > start.position {
                    self.send(nth, message, &mut window, &mut uplink).await?;
                }
            }
        }
        while window.in_flight() > 0 {
            self.hear(&mut window, &mut uplink).await?;
        }
        self.done = window.cursor().position;
        self.write_down();
        uplink.close().await;
        Ok(())
    }

    async fn send(
        &mut self,
        nth: u64,
        message: Message,
        window: &mut Window,
        uplink: &mut Uplink,
    ) -> Result<(), Stopped> {
        while !(window.has_room() && uplink.has_room()) {
            self.hear(window, uplink).await?;
        }
        // A signed file speaks for its own workshop only.
        let of_workshop = format!("{}/{}/", self.manifest.enterprise, self.manifest.workshop);
        if !message.topic.starts_with(&of_workshop) {
            return Err(Stopped::File(Fault::Damaged));
        }
        let topic = format!("{}/{}", self.sink.prefix, message.topic);
        match uplink.publish(Token::Record(Stream::Data, nth), &topic, message.payload, message.is_retained) {
            Ok(()) => window.sent(nth, Instant::now()),
            Err(refused) => match refused.trouble(&topic) {
                Some(trouble) => {
                    self.progress.clear();
                    fail(&trouble, EXIT_INCOMPLETE);
                    self.refused += 1;
                    window.gave_up(nth);
                }
                None => loop {
                    self.hear(window, uplink).await?; // it says why the connection is gone
                },
            },
        }
        Ok(())
    }

    async fn hear(&mut self, window: &mut Window, uplink: &mut Uplink) -> Result<(), Stopped> {
        let Ok(note) = tokio::time::timeout(self.sink.ack_timeout, uplink.note()).await else {
            return Err(Stopped::Lost(cause::ack_timeout(&self.sink)));
        };
        match note {
            Note::Acked(Token::Record(_, nth)) => drop(window.acked(nth, Instant::now())),
            Note::Acked(Token::Other) => {}
            Note::Lost(trouble) => return Err(Stopped::Lost(trouble)),
        }
        let before = self.done;
        self.done = window.cursor().position;
        if before / NOTE_EVERY != self.done / NOTE_EVERY {
            self.write_down();
        }
        let (done, total) = (self.done, self.total);
        self.progress.show(|| format!("{} {done} / {total}", bar(done as f64 / total.max(1) as f64)));
        Ok(())
    }

    /// A note that cannot be written costs repetition, not data.
    fn write_down(&self) {
        let draft = self.note.with_extension("new");
        let write = || {
            let mut file = File::create(&draft)?;
            writeln!(file, "{} {}", self.done, self.total)?;
            file.sync_all()?;
            fs::rename(&draft, &self.note)
        };
        write().ok(); // as above
    }
}
