//! A broker by script: it accepts connections, and does with each message what the script says.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a broker does with a message.
#[derive(Debug, Clone)]
pub enum Act {
    /// Takes and acknowledges it.
    Ack,
    /// The same after a while.
    AckLater(Duration),
    /// Takes it, and says nothing.
    Nothing,
    /// Hangs up without having taken it.
    HangUp,
    /// Says this instead, and hangs up a little later.
    Say(Vec<u8>),
    /// Says this, and then acknowledges it as it should.
    SayAndAck(Vec<u8>),
    /// Acknowledges it when the connection is gone, which comes to nothing.
    AckTooLate,
}

/// One message as it came.
#[derive(Debug, Clone)]
pub struct Came {
    /// Which connection, from 0.
    pub connection: usize,
    pub at: Instant,
    pub topic: String,
    pub payload: Vec<u8>,
    pub packet_id: u16,
    /// Whether it was acknowledged.
    pub is_acked: bool,
}

impl Came {
    /// The position of a data message.
    pub fn seq(&self) -> Option<u64> {
        let message: serde_json::Value = serde_json::from_slice(&self.payload).ok()?;
        let (stream, seq) = message["id"].as_str()?.rsplit_once('-')?;
        seq.parse().ok().filter(|_| stream.ends_with("-data"))
    }
}

pub struct Script {
    pub port: u16,
    came: Arc<Mutex<Vec<Came>>>,
    task: JoinHandle<()>,
}

type Decide = Arc<dyn Fn(&Came) -> Act + Send + Sync>;

impl Script {
    pub async fn start(decide: impl Fn(&Came) -> Act + Send + Sync + 'static) -> Script {
        Script::at(0, decide).await
    }

    /// On a port that is known before.
    pub async fn at(port: u16, decide: impl Fn(&Came) -> Act + Send + Sync + 'static) -> Script {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let came: Arc<Mutex<Vec<Came>>> = Arc::default();
        let (log, decide): (_, Decide) = (came.clone(), Arc::new(decide));
        let task = tokio::spawn(async move {
            let mut talks = tokio::task::JoinSet::new(); // dropped with the task
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                talks.spawn(talk(stream, connection, log.clone(), decide.clone()));
            }
        });
        Script { port, came, task }
    }

    /// Everything that came so far.
    pub fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    /// Positions of the data messages that were acknowledged.
    pub fn acked(&self) -> std::collections::BTreeSet<u64> {
        self.came().iter().filter(|came| came.is_acked).filter_map(Came::seq).collect()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection, until somebody hangs up.
async fn talk(mut stream: TcpStream, connection: usize, log: Arc<Mutex<Vec<Came>>>, decide: Decide) -> Option<()> {
    assert_eq!(packet(&mut stream).await?.0 >> 4, 1, "a CONNECT");
    stream.write_all(&[0x20, 2, 0, 0]).await.ok()?;
    loop {
        let (first, body) = packet(&mut stream).await?;
        if first >> 4 == 12 {
            stream.write_all(&[0xd0, 0]).await.ok()?;
        }
        if first >> 4 != 3 {
            continue;
        }
        let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
        let mut came = Came {
            connection,
            at: Instant::now(),
            topic: String::from_utf8(body[2..2 + length].to_vec()).unwrap(),
            payload: body[4 + length..].to_vec(),
            packet_id: u16::from_be_bytes([body[2 + length], body[3 + length]]),
            is_acked: false,
        };
        let act = decide(&came);
        came.is_acked = matches!(act, Act::Ack | Act::AckLater(_) | Act::SayAndAck(_));
        let [high, low] = came.packet_id.to_be_bytes();
        let ack = [0x40, 2, high, low];
        if !matches!(act, Act::HangUp) {
            log.lock().unwrap().push(came);
        }
        match act {
            Act::Ack => stream.write_all(&ack).await.ok()?,
            Act::AckLater(pause) => {
                tokio::time::sleep(pause).await;
                stream.write_all(&ack).await.ok()?;
            }
            Act::Nothing => {}
            Act::HangUp => return None,
            Act::Say(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                tokio::time::sleep(Duration::from_millis(200)).await;
                return None;
            }
            Act::SayAndAck(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                stream.write_all(&ack).await.ok()?;
            }
            Act::AckTooLate => {
                while packet(&mut stream).await.is_some() {}
                stream.write_all(&ack).await.ok(); // there is nobody any more
                return None;
            }
        }
    }
}

async fn packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let (mut length, mut shift) = (0, 0);
    loop {
        let byte = stream.read_u8().await.ok()?;
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((first, body))
}
