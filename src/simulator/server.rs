//! Server: the door through which simulated machines are read, real Modbus TCP on a real port. One port may serve
//! several unit ids, as a gateway does.
//!
//! It owns the port, the clock of its machines and their `scan` counters. Rule: `scan` rises by one for each answered
//! read that covers both of its registers, and for nothing else; so the values handed out are 1, 2, 3, ... without a gap,
//! and whoever received them all has lost nothing. Reading is all that is allowed: writes get exception 1.

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_modbus::server::{Service, tcp};
use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};

use super::machine::{Glance, Machine, words_of};
use crate::config::modbus::{Address, Table};
use crate::model::Trouble;
use crate::model::words::simulator as words;

/// A running Modbus TCP server. Dropping it closes the port and all its connections.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    floor: Arc<Floor>,
    task: JoinHandle<()>,
}

/// Where one machine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The device id.
    pub machine: &'static str,
    /// Host and port.
    pub addr: SocketAddr,
    /// Modbus unit id.
    pub unit: u8,
}

/// How many values of `scan` a machine has handed out: 1 to `scans`, each exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandedOut {
    /// The device id.
    pub machine: &'static str,
    /// The last value, which is also their number.
    pub scans: u64,
}

impl Server {
    /// Serves these machines, each under its unit id. Port 0 takes any free one; [`Server::addr`] tells which.
    pub async fn start(bind: SocketAddr, machines: Vec<(u8, Machine)>) -> Result<Server, Trouble> {
        let listener = TcpListener::bind(bind).await.map_err(|error| cannot_listen(bind, &error))?;
        let addr = listener.local_addr().map_err(|error| cannot_listen(bind, &error))?;
        let stands = machines.into_iter().map(|(unit, machine)| Stand { unit, machine, scans: AtomicU32::new(0) });
        let floor = Arc::new(Floor { stands: stands.collect(), started: Instant::now() });
        let task = tokio::spawn(serve(listener, floor.clone()));
        Ok(Server { addr, floor, task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where each of its machines answers.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let endpoint = |stand: &Stand| Endpoint { machine: stand.machine.id(), addr: self.addr, unit: stand.unit };
        self.floor.stands.iter().map(endpoint).collect()
    }

    /// What every machine has handed out until now. Ask after the reader has stopped: an answer on its way counts.
    pub fn handed_out(&self) -> Vec<HandedOut> {
        let count = |stand: &Stand| HandedOut {
            machine: stand.machine.id(),
            scans: u64::from(stand.scans.load(Ordering::Relaxed)),
        };
        self.floor.stands.iter().map(count).collect()
    }

    /// What somebody walking past the machines would notice now.
    pub fn glances(&self) -> Vec<(&'static str, Glance)> {
        let elapsed = self.floor.started.elapsed();
        self.floor.stands.iter().map(|stand| (stand.machine.id(), stand.machine.glance(elapsed))).collect()
    }

    /// Closes the port and all connections; returns when the port is free.
    pub async fn stop(mut self) {
        self.task.abort();
        (&mut self.task).await.ok(); // an aborted task says that it was cancelled
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Words for a port that cannot be had.
pub(super) fn cannot_listen(address: SocketAddr, error: &io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::AddrInUse => Trouble::new(words::SIM_PORT_IN_USE).with("address", address),
        _ => Trouble::new(words::SIM_CANNOT_LISTEN).with("address", address).with("error", error),
    }
}

/// Ends only by being aborted; then the library closes its connections too.
async fn serve(listener: TcpListener, floor: Arc<Floor>) {
    let server = tcp::Server::new(listener);
    loop {
        let on_connected = |stream: TcpStream, _peer| {
            stream.set_nodelay(true).ok(); // slower, not wrong
            ready(Ok(Some((floor.clone(), stream))))
        };
        let on_process_error = |error| tracing::debug!(%error, "a reader of the simulated machines went away");
        if let Err(error) = server.serve(&on_connected, on_process_error).await {
            tracing::debug!(%error, "accept failed");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

/// After a failed accept (too many open files): long enough not to spin, short enough not to be noticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// All machines behind one port.
#[derive(Debug)]
struct Floor {
    stands: Vec<Stand>,
    started: Instant,
}

/// One machine at its unit id.
#[derive(Debug)]
struct Stand {
    unit: u8,
    machine: Machine,
    scans: AtomicU32,
}

impl Service for Floor {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: SlaveRequest<'static>) -> Self::Future {
        let stand = self.stands.iter().find(|stand| stand.unit == request.slave);
        let elapsed = self.started.elapsed();
        ready(stand.ok_or(ExceptionCode::GatewayTargetDevice).and_then(|stand| stand.answer(&request.request, elapsed)))
    }
}

impl Stand {
    fn answer(&self, request: &Request, elapsed: Duration) -> Result<Response, ExceptionCode> {
        let (table, offset, count) = match *request {
            Request::ReadCoils(offset, count) => (Table::Coil, offset, count),
            Request::ReadDiscreteInputs(offset, count) => (Table::Discrete, offset, count),
            Request::ReadHoldingRegisters(offset, count) => (Table::Holding, offset, count),
            Request::ReadInputRegisters(offset, count) => (Table::Input, offset, count),
            _ => return Err(ExceptionCode::IllegalFunction),
        };
        // Modbus Application Protocol V1.1b3, 6.1 and 6.3.
        let most = if table.is_bits() { 2000 } else { 125 };
        if count == 0 || count > most {
            return Err(ExceptionCode::IllegalDataValue);
        }
        let at = Address { table, offset };
        let image = self.machine.at(elapsed);
        if table.is_bits() {
            let bits = image.bits(at, count).ok_or(ExceptionCode::IllegalDataAddress)?.to_vec();
            return Ok(if table == Table::Coil {
                Response::ReadCoils(bits)
            } else {
                Response::ReadDiscreteInputs(bits)
            });
        }
        let mut registers = image.registers(at, count).ok_or(ExceptionCode::IllegalDataAddress)?.to_vec();
        self.stamp(at, &mut registers);
        Ok(match table {
            Table::Holding => Response::ReadHoldingRegisters(registers),
            _ => Response::ReadInputRegisters(registers),
        })
    }

    /// Writes the next value of `scan` where the answer covers both of its registers. Half of it counts nothing and
    /// shows zero: a reader that tears it apart could not know which value it saw.
    fn stamp(&self, at: Address, registers: &mut [u16]) {
        let (place, order) = self.machine.scan_place();
        let Some(from) = place.offset.checked_sub(at.offset).map(usize::from) else { return };
        if place.table != at.table {
            return;
        }
        if let Some(both) = registers.get_mut(from..from + 2) {
            let scan = self.scans.fetch_add(1, Ordering::Relaxed) + 1;
            both.copy_from_slice(&words_of(scan, order));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_modbus::client::{Context, Reader as _, Writer as _, tcp::connect_slave};
    use tokio_modbus::slave::Slave;

    use super::*;

    async fn workshop() -> Server {
        let machines = (1..).zip(Machine::workshop(7)).collect();
        Server::start("127.0.0.1:0".parse().unwrap(), machines).await.expect("a free port")
    }

    async fn connect(server: &Server, unit: u8) -> Context {
        connect_slave(server.addr(), Slave(unit)).await.expect("the server listens")
    }

    fn scans(server: &Server) -> Vec<u64> {
        server.handed_out().iter().map(|out| out.scans).collect()
    }

    #[tokio::test]
    async fn each_answered_read_that_covers_scan_raises_it_by_one() {
        let server = workshop().await;
        let mut imm = connect(&server, 1).await;
        for expected in 1..=3 {
            assert_eq!(imm.read_holding_registers(0, 32).await.unwrap().unwrap()[30..], [0, expected]);
        }
        assert_eq!(imm.read_holding_registers(0, 31).await.unwrap().unwrap()[30], 0, "half of it counts nothing");
        imm.read_holding_registers(31, 1).await.unwrap().unwrap();
        imm.read_holding_registers(0, 30).await.unwrap().unwrap();
        imm.read_holding_registers(30, 125).await.unwrap().unwrap_err();
        assert_eq!(scans(&server), [3, 0, 0]);

        let mut meter = connect(&server, 2).await;
        assert_eq!(meter.read_input_registers(0x5A, 2).await.unwrap().unwrap(), [0, 1]);
        let mut press = connect(&server, 3).await;
        assert_eq!(press.read_holding_registers(100, 16).await.unwrap().unwrap()[14..], [1, 0], "low word first");
        assert_eq!(scans(&server), [3, 1, 1]);
    }

    #[tokio::test]
    async fn two_readers_at_once_get_every_value_exactly_once() {
        let server = workshop().await;
        let read = |mut reader: Context| async move {
            let mut seen = Vec::new();
            for _ in 0..200 {
                seen.push(reader.read_holding_registers(30, 2).await.unwrap().unwrap()[1]);
            }
            seen
        };
        let (one, other) = tokio::join!(read(connect(&server, 1).await), read(connect(&server, 1).await));
        let mut all = [one, other].concat();
        all.sort_unstable();
        assert_eq!(all, (1..=400).collect::<Vec<u16>>());
    }

    #[tokio::test]
    async fn all_four_tables_answer_and_what_is_not_there_is_exception_2() {
        let server = workshop().await;
        let mut imm = connect(&server, 1).await;
        assert_eq!(imm.read_coils(0, 16).await.unwrap().unwrap().len(), 16);
        assert_eq!(imm.read_discrete_inputs(0, 2).await.unwrap().unwrap().len(), 2);
        assert_eq!(imm.read_holding_registers(0, 40).await.unwrap().unwrap().len(), 40);
        for refused in [
            imm.read_input_registers(0, 1).await.unwrap().unwrap_err(),
            imm.read_holding_registers(39, 2).await.unwrap().unwrap_err(),
            imm.read_holding_registers(65_535, 1).await.unwrap().unwrap_err(),
            imm.read_coils(16, 1).await.unwrap().unwrap_err(),
        ] {
            assert_eq!(refused, ExceptionCode::IllegalDataAddress);
        }
        let mut meter = connect(&server, 2).await;
        let volts = meter.read_input_registers(0, 2).await.unwrap().unwrap();
        let volts = f32::from_bits(u32::from(volts[0]) << 16 | u32::from(volts[1]));
        assert!((225.0..235.0).contains(&volts), "{volts}");
        assert_eq!(meter.read_input_registers(0x100, 2).await.unwrap(), Err(ExceptionCode::IllegalDataAddress));
    }

    #[tokio::test]
    async fn writes_are_refused_and_an_unknown_unit_does_not_answer_for_another() {
        let server = workshop().await;
        let mut imm = connect(&server, 1).await;
        assert_eq!(imm.write_single_register(0, 1).await.unwrap(), Err(ExceptionCode::IllegalFunction));
        assert_eq!(imm.write_multiple_coils(0, &[true]).await.unwrap(), Err(ExceptionCode::IllegalFunction));
        let mut nobody = connect(&server, 9).await;
        assert_eq!(nobody.read_coils(0, 1).await.unwrap(), Err(ExceptionCode::GatewayTargetDevice));
    }

    #[tokio::test]
    async fn a_stopped_server_frees_its_port_and_closes_its_connections() {
        let server = workshop().await;
        let addr = server.addr();
        let mut reader = connect(&server, 1).await;
        reader.read_coils(0, 1).await.unwrap().unwrap();
        server.stop().await;
        reader.read_coils(0, 1).await.unwrap_err();
        Server::start(addr, Vec::new()).await.expect("the port is free again");
    }

    #[tokio::test]
    async fn a_port_in_use_has_its_own_words() {
        let server = workshop().await;
        let trouble = Server::start(server.addr(), Vec::new()).await.expect_err("the port is taken");
        assert_eq!(trouble.code, words::SIM_PORT_IN_USE);
        assert!(trouble.to_string().contains(&server.addr().to_string()), "{trouble}");
    }
}
