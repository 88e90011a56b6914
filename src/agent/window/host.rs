//! Both doors let in a few guests at a time; one who says nothing holds up nobody.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::debug;

/// Who asks at the same time, at each of both doors; others wait.
const MOST_GUESTS: usize = 8;

/// Without open files nobody can be let in: those of others are waited for.
const NO_FILES_PAUSE: Duration = Duration::from_secs(5);

/// Lets guests in and has each answered, until it is dropped.
pub(super) async fn host<Guest, Answered>(
    mut accept: impl FnMut(&mut Context<'_>) -> Poll<io::Result<Guest>>,
    answer: impl Fn(Guest) -> Answered,
) where
    Answered: Future<Output = io::Result<()>> + Send + 'static,
{
    let mut guests = JoinSet::new();
    loop {
        while guests.try_join_next().is_some() {}
        if guests.len() >= MOST_GUESTS {
            guests.join_next().await;
        }
        let Ok(guest) = poll_fn(&mut accept).await else {
            sleep(NO_FILES_PAUSE).await;
            continue;
        };
        let answered = answer(guest);
        guests.spawn(async {
            if let Err(error) = answered.await {
                debug!(%error, "a guest who asked how the agent is went away");
            }
        });
    }
}
