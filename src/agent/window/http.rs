//! The port of `[metrics]`: one request for each connection, two paths, few guests at a time. What is asked and what is answered is
//! decided in [`crate::status::http`].

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::{ANSWER_WITHIN, Clerk, QUESTION_WITHIN, TRY_AGAIN, host};
use crate::model::words::status as words;
use crate::model::{Lang, Trouble};
use crate::status::http::{self, Asked, MOST_HEAD};
use crate::status::{health, open_metrics};

/// Serves until it is dropped.
pub(super) async fn serve(clerk: Clerk, address: SocketAddr) {
    let mut is_told = false;
    let listener = loop {
        match TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(error) => {
                if !std::mem::replace(&mut is_told, true) {
                    let trouble = Trouble::new(words::METRICS_UNUSABLE).with("address", address).with("error", error);
                    warn!(code = %trouble.code, "{trouble}");
                }
                sleep(TRY_AGAIN).await;
            }
        }
    };
    let lang = Lang::current();
    info!(%address, "{}", if lang == Lang::En { "metrics are served" } else { "已提供指标" });
    host(|cx| listener.poll_accept(cx).map_ok(|(stream, _)| stream), |stream| answer(clerk.clone(), stream)).await;
}

async fn answer(clerk: Clerk, mut stream: TcpStream) -> io::Result<()> {
    let mut head = Vec::with_capacity(1_024);
    let asked = timeout(QUESTION_WITHIN, async {
        loop {
            if let Some(asked) = http::asked(&head) {
                return io::Result::Ok(asked);
            }
            let mut more = (&mut stream).take((MOST_HEAD - head.len()) as u64);
            if more.read_buf(&mut head).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    });
    let (asked, is_head) = asked.await.map_err(|_| io::ErrorKind::TimedOut)??;
    let answer = match asked {
        Asked::Metrics => http::metrics(&open_metrics(&clerk.status(false).await), is_head),
        Asked::Health => {
            let (is_well, json) = health(&*clerk.status(false).await);
            http::health(is_well, &json, is_head)
        }
        other => http::refusal(other),
    };
    let tell = async {
        stream.write_all(&answer).await?;
        stream.shutdown().await
    };
    timeout(ANSWER_WITHIN, tell).await.map_err(|_| io::ErrorKind::TimedOut)?
}
