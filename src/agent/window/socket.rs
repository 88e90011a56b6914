//! The local socket. Who may open it is a matter of the file's permissions: the agent's own user and group.
//!
//! The rule: at its name there is never a socket with other permissions, nor a moment without one once it is there.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::{ANSWER_WITHIN, Clerk, QUESTION_WITHIN, TRY_AGAIN, host};
use crate::model::Trouble;
use crate::model::words::status as words;
use crate::status::wire::{self, MOST_QUESTION, QUESTION};

/// User and group may ask.
const MODE: u32 = 0o660;

/// Serves until it is dropped.
pub(super) async fn serve(clerk: Clerk, path: PathBuf) {
    let mut is_told = false;
    let listener = loop {
        match listen(&path) {
            Ok(listener) => break listener,
            Err(error) => {
                if !std::mem::replace(&mut is_told, true) {
                    let trouble =
                        Trouble::new(words::SOCKET_UNUSABLE).with("path", path.display()).with("error", error);
                    warn!(code = %trouble.code, "{trouble}");
                }
                sleep(TRY_AGAIN).await;
            }
        }
    };
    host(|cx| listener.poll_accept(cx).map_ok(|(stream, _)| stream), |stream| answer(clerk.clone(), stream)).await;
}

/// A socket beside the place gets its permissions and then the name, in the place of whatever an earlier run left there. The journal's
/// lock sees to it that there is no other agent.
fn listen(path: &Path) -> io::Result<UnixListener> {
    const BESIDE: &str = ".new.sock"; // shorter than the name that it gets
    let beside = path.with_file_name(BESIDE);
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&beside)?;
    let named = fs::set_permissions(&beside, Permissions::from_mode(MODE)).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = named {
        fs::remove_file(&beside).ok(); // what is told is why it was not named
        return Err(error);
    }
    Ok(listener)
}

/// One line, one answer.
async fn answer(clerk: Clerk, mut stream: UnixStream) -> io::Result<()> {
    let mut line = Vec::with_capacity(MOST_QUESTION);
    let question = timeout(QUESTION_WITHIN, async {
        while !line.contains(&b'\n') && line.len() < MOST_QUESTION {
            if stream.read_buf(&mut line).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    });
    question.await.map_err(|_| io::ErrorKind::TimedOut)??;
    let question = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let answer = if question.trim_ascii() == QUESTION.as_bytes() {
        let status = clerk.status(true).await;
        serde_json::to_string(&wire::answer(&status)).map_err(io::Error::other)?
    } else {
        format!("{{\"schema\":\"{}\",\"error\":\"the question is not known here\"}}", crate::status::SCHEMA)
    };
    let tell = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.write_all(b"\n").await?;
        stream.shutdown().await
    };
    timeout(ANSWER_WITHIN, tell).await.map_err(|_| io::ErrorKind::TimedOut)?
}
