//! Two serial ports joined by a wire (pseudo-terminals made by socat), and at its far end scripted units that do with each
//! request what a test wants: no proper stack can be made to answer late, short or damaged.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cloudward::source::modbus::frame::crc;

use super::{program, wait_for};

/// Two ports joined by a wire.
pub struct Wire {
    socat: Child,
    pub ours: PathBuf,
    pub theirs: PathBuf,
}

impl Wire {
    pub fn new(dir: &Path) -> Wire {
        let (ours, theirs) = (dir.join("ours"), dir.join("theirs"));
        let end = |path: &Path| format!("pty,raw,echo=0,link={}", path.display());
        let socat =
            Command::new(program("socat")).args([end(&ours), end(&theirs)]).stderr(Stdio::null()).spawn().unwrap();
        wait_for("the two ports", || (ours.exists() && theirs.exists()).then_some(()));
        Wire { socat, ours, theirs }
    }

    /// The keys of a link on it.
    pub fn rtu(&self) -> String {
        format!("modbus_rtu = \"{}\"\nbaud = 19200", self.ours.display())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.socat.kill().ok(); // it may have ended with a port
        self.socat.wait().ok();
    }
}

/// What happens at the far end.
pub enum Played {
    Bytes(Vec<u8>),
    Pause(Duration),
}

/// A device at the other end of the wire that does with each request (by unit and number) what the script says.
pub fn play(theirs: &Path, mut script: impl FnMut(u8, usize, &[u8]) -> Vec<Played> + Send + 'static) {
    let port = serial2_tokio::SerialPort::open(theirs, 19_200).unwrap();
    tokio::spawn(async move {
        let mut number = 0;
        let mut request = Vec::new();
        let mut byte = [0];
        while matches!(port.read(&mut byte).await, Ok(1)) {
            request.push(byte[0]);
            let Some(body) = request.len().checked_sub(2).map(|end| &request[..end]) else { continue };
            if request.len() < 8 || request[request.len() - 2..] != crc(body) {
                continue;
            }
            for played in script(request[0], number, &request) {
                match played {
                    Played::Bytes(bytes) => port.write_all(&bytes).await.unwrap(),
                    Played::Pause(pause) => tokio::time::sleep(pause).await,
                }
            }
            number += 1;
            request.clear();
        }
    });
}

/// The answer of function code 3 to an RTU request: all registers hold this number.
pub fn answer(request: &[u8], number: u16) -> Vec<u8> {
    let count = u16::from_be_bytes([request[4], request[5]]);
    let mut body = vec![request[0], request[1], (2 * count) as u8];
    (0..count).for_each(|_| body.extend(number.to_be_bytes()));
    sealed(&body)
}

/// An exception.
pub fn exception(request: &[u8], code: u8) -> Vec<u8> {
    sealed(&[request[0], request[1] | 0x80, code])
}

/// With its checksum.
pub fn sealed(body: &[u8]) -> Vec<u8> {
    [body, &crc(body)].concat()
}
