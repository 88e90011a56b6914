//! Hold: keeps other processes of ours off a serial port, since two talkers on one line take each other's answers.
//!
//! The rule: who talks holds. The lock is advisory (flock(2)): it keeps a second agent and `cloudward write` off, not the
//! programs of others. It ends with its owner, however that ends.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};

/// A port that is held.
#[derive(Debug)]
pub struct Hold {
    _port: OwnedFd,
}

impl Hold {
    /// Holds the port at this path, or says that another one does.
    pub fn take(path: &Path) -> io::Result<Hold> {
        // Neither the terminal of this process, nor waiting for a modem to lift.
        let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let port = open(path, flags, Mode::empty())?;
        flock(&port, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
            rustix::io::Errno::WOULDBLOCK => {
                io::Error::new(io::ErrorKind::ResourceBusy, "another cloudward holds the port")
            }
            error => error.into(),
        })?;
        Ok(Hold { _port: port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_held_once_and_free_again_when_its_holder_is_gone() {
        let file = tempfile::NamedTempFile::new().expect("there is room");
        let first = Hold::take(file.path()).expect("nobody holds it");
        let second = Hold::take(file.path()).map_err(|error| error.kind());
        assert_eq!(second.err(), Some(io::ErrorKind::ResourceBusy));
        drop(first);
        Hold::take(file.path()).expect("it is free again");
    }
}
