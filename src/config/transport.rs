//! Transport: what carries a link, a socket, a serial line or the sessions of an OPC UA server.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::opcua::OpcUaServer;

/// What carries a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// `modbus_tcp`: MBAP frames on a socket.
    ModbusTcp {
        /// Host.
        host: String,
        /// Port.
        port: u16,
    },
    /// `modbus_rtu_tcp`: serial frames on a socket, as transparent serial servers and DTUs send them.
    RtuOverTcp {
        /// Host.
        host: String,
        /// Port.
        port: u16,
    },
    /// `modbus_rtu_listen`: serial frames on a socket that the data-terminal unit opens.
    RtuListen {
        /// Address to listen on.
        listen: String,
        /// What the unit sends first; `None`: whoever dials in.
        registration: Option<Vec<u8>>,
        /// What the unit sends now and then by itself.
        heartbeat: Option<Vec<u8>>,
    },
    /// `modbus_rtu` or `modbus_ascii`: a serial line.
    Serial(SerialLine),
    /// `opcua`: sessions with a server.
    OpcUa(Box<OpcUaServer>),
}

/// A serial line: RS-232 or RS-485.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialLine {
    /// The port: `/dev/ttyS1`.
    pub path: PathBuf,
    /// ASCII frames rather than RTU.
    pub is_ascii: bool,
    /// Bits per second.
    pub baud: u32,
    /// 7 or 8.
    pub data_bits: u8,
    /// Parity bit.
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
    /// Let the kernel's driver switch the direction of an RS-485 transceiver.
    pub rs485: bool,
}

/// The parity bit of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parity {
    /// None.
    None,
    /// Even.
    Even,
    /// Odd.
    Odd,
}

impl SerialLine {
    /// How long one character takes: start bit, data, parity, stop bits.
    pub fn character(&self) -> Duration {
        let bits = 1 + u32::from(self.data_bits) + u32::from(self.parity != Parity::None) + u32::from(self.stop_bits);
        Duration::from_secs(1) * bits / self.baud
    }
}

impl Transport {
    /// Whether the agent opens a connection that it can close again.
    pub fn is_dialled(&self) -> bool {
        matches!(self, Transport::ModbusTcp { .. } | Transport::RtuOverTcp { .. })
    }

    /// Whether an OPC UA server is behind it.
    pub fn is_opcua(&self) -> bool {
        matches!(self, Transport::OpcUa(_))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Transport::ModbusTcp { host, port } | Transport::RtuOverTcp { host, port } => write!(f, "{host}:{port}"),
            Transport::RtuListen { listen, registration, .. } => match registration {
                Some(registration) => write!(f, "{listen} ({})", registration.escape_ascii()),
                None => f.write_str(listen),
            },
            Transport::Serial(line) => {
                let parity = match line.parity {
                    Parity::None => 'N',
                    Parity::Even => 'E',
                    Parity::Odd => 'O',
                };
                write!(f, "{} {} {}{parity}{}", line.path.display(), line.baud, line.data_bits, line.stop_bits)
            }
            Transport::OpcUa(server) => f.write_str(&server.url),
        }
    }
}
