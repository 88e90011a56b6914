//! One Modbus connection: a TCP socket with MBAP frames, a TCP socket with RTU frames, or a serial line. It knows one
//! question at a time and gives its answer or says why there is none.
//!
//! The rule: nothing that arrives late is taken for the answer to another question. A socket that saw a timeout or a
//! foreign frame is thrown away. A serial line cannot be: there the unit that was late is not asked again before the line
//! has had time to bring what is still under way.

use std::io;
use std::time::{Duration, Instant};

use serial2_tokio::rs4xx::Rs485Config;
use serial2_tokio::{CharSize, FlowControl, Parity, SerialPort, Settings, StopBits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, sleep_until, timeout, timeout_at};

use super::hold::Hold;
use super::listener::Seat;
use super::modbus::decode::Answer;
use super::modbus::frame::{Envelope, Found, MAX_WAITING, Query};
use super::modbus::plan::Block;
use crate::config::{self, Link, SerialLine, Station, Transport};
use crate::model::Why;

/// An open connection.
pub struct Connection {
    stream: Stream,
    envelope: Envelope,
    timeout: Duration,
    /// Between an answer and the next question.
    pause: Duration,
    /// Time of one character on a serial line; zero on a socket.
    character: Duration,
    /// When the last byte went or came.
    moved: Instant,
    transaction: u16,
    received: Vec<u8>,
    /// Units whose answers may still come, and until when: at most one entry for each unit.
    late: Vec<(Station, Instant)>,
    /// What a unit that dialled in sends by itself.
    heartbeat: Option<Vec<u8>>,
    /// Where such a unit would dial in again.
    seat: Option<Seat>,
    /// Questions in a row without an answer.
    unanswered: u32,
    /// A serial port is held against other processes of ours.
    _hold: Option<Hold>,
}

enum Stream {
    Socket(TcpStream),
    Serial(SerialPort),
}

/// Why a connection could not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFault {
    /// For the readings.
    pub why: Why,
    /// What the system said, for people.
    pub error: String,
}

/// Why a block could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFault {
    /// The device said no; the connection is fine.
    Exception(Why),
    /// This unit did not answer properly; the line is fine, and the others behind it can be asked.
    Silent(Why),
    /// The connection must not be used again.
    Lost(Why),
}

impl Connection {
    /// Connects within the link's deadline, or opens the serial port.
    pub async fn open(link: &Link, seat: Option<&Seat>) -> Result<Connection, OpenFault> {
        let connection = Connection::reach(link, seat).await?;
        if !link.pause_after_connect.is_zero() {
            sleep(link.pause_after_connect).await;
        }
        Ok(connection)
    }

    async fn reach(link: &Link, seat: Option<&Seat>) -> Result<Connection, OpenFault> {
        match &link.transport {
            Transport::RtuListen { heartbeat, .. } => {
                let nobody = || OpenFault { why: Why::Unreachable, error: String::new() };
                let seat = seat.ok_or_else(nobody)?;
                let arrived = timeout(link.connect_timeout, seat.take()).await;
                let socket = arrived.ok().flatten().ok_or_else(nobody)?;
                let connection = Connection::new(Stream::Socket(socket), link, Duration::ZERO);
                Ok(Connection { heartbeat: heartbeat.clone(), seat: Some(seat.clone()), ..connection })
            }
            Transport::ModbusTcp { host, port } | Transport::RtuOverTcp { host, port } => {
                Connection::dial(link, host, *port).await
            }
            Transport::Serial(line) => {
                let fault = |error: io::Error| OpenFault { why: Why::Unreachable, error: error.to_string() };
                let hold = Hold::take(&line.path).map_err(fault)?;
                let port = open_serial(line).map_err(fault)?;
                let connection = Connection::new(Stream::Serial(port), link, line.character());
                Ok(Connection { _hold: Some(hold), ..connection })
            }
            Transport::OpcUa(_) => {
                let error = "OPC UA has sessions, not frames".to_owned();
                Err(OpenFault { why: Why::Unreachable, error })
            }
        }
    }

    async fn dial(link: &Link, host: &str, port: u16) -> Result<Connection, OpenFault> {
        let fault = |why, error: &dyn std::fmt::Display| OpenFault { why, error: error.to_string() };
        let stream = match timeout(link.connect_timeout, TcpStream::connect((host, port))).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                return Err(fault(Why::Refused, &error));
            }
            Ok(Err(error)) => return Err(fault(Why::Unreachable, &error)),
            Err(elapsed) => return Err(fault(Why::Unreachable, &elapsed)),
        };
        stream.set_nodelay(true).ok(); // without it requests are slower, not wrong
        Ok(Connection::new(Stream::Socket(stream), link, Duration::ZERO))
    }

    fn new(stream: Stream, link: &Link, character: Duration) -> Connection {
        let moved = Instant::now();
        Connection {
            stream,
            envelope: link.transport.envelope(),
            timeout: link.timeout,
            pause: link.manners.pause,
            character,
            moved,
            // From anywhere: a gateway may hand a late answer of the last connection to this one.
            transaction: getrandom::u32().map_or(0, |n| n as u16),
            received: Vec::new(),
            late: Vec::new(),
            heartbeat: None,
            seat: None,
            unanswered: 0,
            _hold: None,
        }
    }

    /// How long a device has to answer.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Keeps this pause between an answer and the next question.
    pub fn keep_pause(&mut self, pause: Duration) {
        self.pause = pause;
    }

    /// Reads one block from one unit, which has the link's timeout to answer.
    pub async fn read(&mut self, unit: u8, block: Block) -> Result<Answer, ReadFault> {
        self.read_within(unit, block, self.timeout).await
    }

    /// Reads one block from one unit, which has so long to answer.
    pub async fn read_within(&mut self, unit: u8, block: Block, timeout: Duration) -> Result<Answer, ReadFault> {
        let query = Query { transaction: self.next_transaction(), unit, block };
        let envelope = self.envelope;
        let (request, answer_bytes) = (query.encode(envelope), query.answer_bytes(envelope));
        let find = |received: &[u8]| query.find(envelope, received);
        self.exchange(Station::Unit(unit), &request, answer_bytes, timeout, find).await
    }

    /// How frames are wrapped here.
    pub fn envelope(&self) -> Envelope {
        self.envelope
    }

    /// A number for the next request.
    pub fn next_transaction(&mut self) -> u16 {
        self.transaction = self.transaction.wrapping_add(1);
        self.transaction
    }

    /// Sends a request and receives until `find` has found its answer, which has `answer_bytes` on the wire.
    pub async fn exchange<A>(
        &mut self,
        station: Station,
        request: &[u8],
        answer_bytes: usize,
        timeout: Duration,
        find: impl Fn(&[u8]) -> Found<A>,
    ) -> Result<A, ReadFault> {
        self.quieten(station).await?;
        self.send(request).await?;
        // The characters of question and answer take their time on a serial line; the device's time is `timeout`.
        let on_the_wire = self.character * (request.len() + answer_bytes) as u32;
        let deadline = Instant::now() + timeout + on_the_wire;
        loop {
            match self.receive(deadline).await? {
                false => return Err(self.unanswered(station)),
                true => match self.look(&find) {
                    // A peer that never pauses must not keep us here beyond the deadline.
                    Found::Nothing if Instant::now() >= deadline => return Err(self.unanswered(station)),
                    Found::Nothing => {}
                    Found::Answer(answer) => {
                        self.unanswered = 0;
                        return Ok(answer);
                    }
                    Found::Exception(why) => {
                        self.unanswered = 0;
                        return Err(ReadFault::Exception(why));
                    }
                    Found::Broken => return Err(self.broken(station)),
                },
            }
        }
    }

    /// Throws away what nobody asked for, waits for a late unit, and keeps the silence between two frames.
    async fn quieten(&mut self, station: Station) -> Result<(), ReadFault> {
        let now = Instant::now();
        self.late.retain(|(_, until)| *until > now);
        // Whoever else is late stays so: a neighbour's question in between does not bring its answer any sooner.
        let late = self.late.iter().position(|(late, _)| *late == station);
        if let Some((_, until)) = late.map(|at| self.late.swap_remove(at)) {
            while Instant::now() < until && self.receive(until).await? {
                self.received.clear();
            }
        }
        let mut chunks = 0;
        while self.receive(Instant::now()).await? {
            chunks += 1;
            if chunks > MAX_STALE_CHUNKS {
                return Err(self.broken(station));
            }
            self.received.clear();
        }
        let frame_gap = if self.character.is_zero() { Duration::ZERO } else { silence(self.character) };
        let quiet = frame_gap.max(self.pause);
        if !quiet.is_zero() {
            sleep_until((self.moved + quiet).into()).await;
        }
        self.received.clear();
        Ok(())
    }

    async fn send(&mut self, request: &[u8]) -> Result<(), ReadFault> {
        let write = async {
            match &mut self.stream {
                Stream::Socket(socket) => socket.write_all(request).await,
                Stream::Serial(port) => port.write_all(request).await,
            }
        };
        match timeout(self.timeout, write).await {
            Ok(Ok(())) => {
                self.moved = Instant::now() + self.character * request.len() as u32;
                Ok(())
            }
            Ok(Err(_)) => Err(ReadFault::Lost(Why::Closed)),
            Err(_) => Err(ReadFault::Lost(Why::Timeout)),
        }
    }

    /// Some more bytes into `received`; `false` when none came until the deadline.
    async fn receive(&mut self, deadline: Instant) -> Result<bool, ReadFault> {
        let mut chunk = [0_u8; 512];
        let read = async {
            match &mut self.stream {
                Stream::Socket(socket) => socket.read(&mut chunk).await,
                Stream::Serial(port) => port.read(&mut chunk).await,
            }
        };
        match timeout_at(deadline.into(), read).await {
            Err(_) => Ok(false),
            Ok(Ok(0) | Err(_)) => Err(ReadFault::Lost(Why::Closed)),
            Ok(Ok(length)) => {
                self.moved = Instant::now();
                if self.received.len() > MAX_WAITING {
                    self.received = self.without_heartbeats();
                }
                if self.received.len() > MAX_WAITING {
                    self.received.clear(); // a flood: what was in it cannot be the answer
                }
                self.received.extend_from_slice(&chunk[..length]);
                Ok(true)
            }
        }
    }

    /// The answer in what was received: as it came, since values may look like a heartbeat; else without heartbeats, since
    /// one may stand in the middle of an answer.
    fn look<A>(&self, find: impl Fn(&[u8]) -> Found<A>) -> Found<A> {
        match find(&self.received) {
            Found::Nothing | Found::Broken if self.heartbeat.is_some() => find(&self.without_heartbeats()),
            found => found,
        }
    }

    fn without_heartbeats(&self) -> Vec<u8> {
        let mut bytes = self.received.clone();
        if let Some(heartbeat) = &self.heartbeat {
            strip(&mut bytes, heartbeat);
        }
        bytes
    }

    /// The deadline has passed, or a line that is kept brought nothing that can become the answer.
    fn unanswered(&mut self, station: Station) -> ReadFault {
        // On a serial line something did come, but never with a correct checksum: wrong speed or parity, or noise.
        let why = if self.without_heartbeats().is_empty() { Why::Timeout } else { Why::Malformed };
        self.unanswered += 1;
        if self.is_expendable() {
            return ReadFault::Lost(Why::Timeout);
        }
        // A unit that dialled in takes long to do so again, so its socket is kept; unless it has, or it seems dead.
        let is_dead = self.seat.as_ref().is_some_and(|seat| seat.is_taken_again() || self.unanswered >= DEAD_AFTER);
        if is_dead {
            return ReadFault::Lost(why);
        }
        self.late.push((station, Instant::now() + self.timeout.max(LATE_AT_LEAST))); // its last one went with the question
        ReadFault::Silent(why)
    }

    /// What comes can never become the answer.
    fn broken(&mut self, station: Station) -> ReadFault {
        if self.is_expendable() { ReadFault::Lost(Why::Malformed) } else { self.unanswered(station) }
    }

    /// Whether it is simply thrown away when in doubt.
    fn is_expendable(&self) -> bool {
        matches!(self.stream, Stream::Socket(_)) && self.seat.is_none()
    }
}

/// What nobody asked for is thrown away before a question, up to so many chunks of 512 bytes: a serial port keeps 4 kB, and
/// an hour of heartbeats is less. A peer that has sent more and goes on would keep the link from everybody else for ever.
const MAX_STALE_CHUNKS: u32 = 128;

/// A socket of a unit that dialled in is given up after so many questions in a row without an answer: a mobile network
/// drops connections without a word.
const DEAD_AFTER: u32 = 10;

/// Takes every whole `pattern` out of `bytes`.
fn strip(bytes: &mut Vec<u8>, pattern: &[u8]) {
    while let Some(at) = bytes.windows(pattern.len()).position(|part| part == pattern) {
        bytes.drain(at..at + pattern.len());
    }
}

/// An answer that is late may come so much later still.
const LATE_AT_LEAST: Duration = Duration::from_millis(50);

/// Frames are told apart by a silence of 3.5 characters, and of 1.75 ms above 19,200 baud (Modbus over Serial Line V1.02,
/// 2.5.1.1).
pub fn silence(character: Duration) -> Duration {
    const SHORTEST: Duration = Duration::from_micros(1_750);
    (character * 7 / 2).max(SHORTEST)
}

fn open_serial(line: &SerialLine) -> io::Result<SerialPort> {
    let port = SerialPort::open(&line.path, |mut settings: Settings| {
        settings.set_raw();
        settings.set_baud_rate(line.baud)?;
        settings.set_char_size(if line.data_bits == 7 { CharSize::Bits7 } else { CharSize::Bits8 });
        settings.set_parity(match line.parity {
            config::Parity::None => Parity::None,
            config::Parity::Even => Parity::Even,
            config::Parity::Odd => Parity::Odd,
        });
        settings.set_stop_bits(if line.stop_bits == 2 { StopBits::Two } else { StopBits::One });
        settings.set_flow_control(FlowControl::None);
        Ok(settings)
    })?;
    if line.rs485 {
        port.set_rs4xx_mode(Rs485Config::new())?;
    }
    port.discard_buffers()?;
    Ok(port)
}
