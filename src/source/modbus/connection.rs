//! One Modbus TCP connection. A connection that saw a timeout, a foreign header or an answer of the wrong length is
//! thrown away: nothing that arrives late can be taken for the answer to another question.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_modbus::client::{Client, Context, tcp};
use tokio_modbus::slave::{Slave, SlaveContext};
use tokio_modbus::{Error, ExceptionCode, Request, Response};

use super::decode::Answer;
use super::plan::Block;
use crate::config::Link;
use crate::config::modbus::Table;
use crate::model::Why;

/// An open connection.
pub struct Connection {
    context: Context,
    timeout: Duration,
}

/// Why a block could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFault {
    /// The device said no; the connection is fine.
    Exception(Why),
    /// The connection must not be used again.
    Lost(Why),
}

impl Connection {
    /// Connects within the link's deadline.
    pub async fn open(link: &Link) -> Result<Connection, Why> {
        let dial = TcpStream::connect((link.host.as_str(), link.port));
        let stream = match timeout(link.connect_timeout, dial).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => return Err(Why::Refused),
            Ok(Err(_)) | Err(_) => return Err(Why::Unreachable),
        };
        stream.set_nodelay(true).ok(); // without it requests are slower, not wrong
        Ok(Connection { context: tcp::attach(stream), timeout: link.timeout })
    }

    /// Reads one block from one unit.
    pub async fn read(&mut self, unit: u8, block: Block) -> Result<Answer, ReadFault> {
        self.context.set_slave(Slave(unit));
        let request = match block.table {
            Table::Coil => Request::ReadCoils(block.start, block.count),
            Table::Discrete => Request::ReadDiscreteInputs(block.start, block.count),
            Table::Holding => Request::ReadHoldingRegisters(block.start, block.count),
            Table::Input => Request::ReadInputRegisters(block.start, block.count),
        };
        // `call` rather than the typed readers: those only `debug_assert` the length of the answer.
        match timeout(self.timeout, self.context.call(request)).await {
            Err(_) => Err(ReadFault::Lost(Why::Timeout)),
            Ok(Err(error)) => Err(ReadFault::Lost(cause(&error))),
            Ok(Ok(Err(exception))) => Err(ReadFault::Exception(meaning(exception))),
            Ok(Ok(Ok(response))) => answer(response, block).ok_or(ReadFault::Lost(Why::Malformed)),
        }
    }
}

/// The data of a response that has exactly the length that was asked for.
fn answer(response: Response, block: Block) -> Option<Answer> {
    let count = usize::from(block.count);
    match response {
        Response::ReadCoils(bits) | Response::ReadDiscreteInputs(bits) => {
            // Bits travel in whole bytes; the rest of the last one is padding.
            (bits.len() == count.next_multiple_of(8)).then(|| Answer::Bits(bits.into_iter().take(count).collect()))
        }
        Response::ReadHoldingRegisters(words) | Response::ReadInputRegisters(words) => {
            (words.len() == count).then_some(Answer::Registers(words))
        }
        _ => None,
    }
}

fn cause(error: &Error) -> Why {
    match error {
        Error::Transport(io) if matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => {
            Why::Malformed
        }
        // tokio-modbus 0.17 reports the end of the stream with whatever the last system call left behind, so no other
        // kind may be trusted.
        Error::Transport(_) => Why::Closed,
        Error::Protocol(_) => Why::Malformed,
    }
}

/// Exception codes by their meaning (Modbus Application Protocol V1.1b3, 7).
fn meaning(exception: ExceptionCode) -> Why {
    match exception {
        ExceptionCode::IllegalFunction => Why::IllegalFunction,
        ExceptionCode::IllegalDataAddress => Why::IllegalAddress,
        ExceptionCode::IllegalDataValue => Why::IllegalValue,
        ExceptionCode::ServerDeviceFailure => Why::DeviceFailure,
        ExceptionCode::Acknowledge => Why::Acknowledge,
        ExceptionCode::ServerDeviceBusy => Why::DeviceBusy,
        ExceptionCode::MemoryParityError => Why::MemoryParity,
        ExceptionCode::GatewayPathUnavailable => Why::GatewayPath,
        ExceptionCode::GatewayTargetDevice => Why::GatewayTarget,
        ExceptionCode::Custom(_) => Why::UnknownException,
    }
}
