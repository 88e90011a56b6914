//! Runs a task for as long as it is wanted. A panic is a bug: it is logged, counted, and the task is made anew after a
//! pause, so that one bad device driver does not take the workshop offline.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tracing::error;

use crate::model::words::agent as words;
use crate::model::{Backoff, Trouble};

/// Runs what `make` makes until it ends by itself. Aborting the handle ends the task too.
pub(super) fn supervised<F>(name: String, make: impl Fn() -> F + Send + Sync + 'static) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let make = Arc::new(make);
    tokio::spawn(async move {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        let mut crashes = 0_u64;
        loop {
            // A set of one: dropping it aborts the task, which a bare handle would not.
            let mut inner = JoinSet::new();
            let make = make.clone();
            inner.spawn(async move { make().await }); // made within the task: making it may panic too
            match inner.join_next().await {
                Some(Err(error)) if error.is_panic() => {
                    crashes += 1;
                    let trouble = Trouble::new(words::CRASHED).with("task", &name).with("count", crashes);
                    error!(code = %trouble.code, crashes, "{trouble}");
                    tokio::time::sleep(backoff.next(1.0)).await;
                }
                _ => return,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_made_anew_and_one_that_ends_is_left_alone() {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        let task = supervised("test".into(), move || {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            async move { assert!(run >= 2, "the first two runs panic, as the test wants") }
        });
        task.await.expect("the supervisor itself does not panic");
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_whose_making_panics_is_made_anew_too() {
        let makings = Arc::new(AtomicU32::new(0));
        let counted = makings.clone();
        let task = supervised("test".into(), move || {
            assert!(counted.fetch_add(1, Ordering::SeqCst) >= 1, "the first making panics, as the test wants");
            async {}
        });
        task.await.expect("the supervisor itself does not panic");
        assert_eq!(makings.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn aborting_the_supervisor_ends_its_task() {
        let (alive, mut gone) = tokio::sync::mpsc::channel::<()>(1);
        let task = supervised("test".into(), move || {
            let alive = alive.clone();
            async move {
                let _alive = alive;
                std::future::pending::<()>().await;
            }
        });
        tokio::task::yield_now().await;
        task.abort();
        assert_eq!(gone.recv().await, None, "every sender is dropped with the task");
    }
}
