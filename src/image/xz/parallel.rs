//! The same work for many blocks, on several threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::RAW_WINDOW;
use crate::error::Result;

/// Does `work` for every item on up to `threads` threads, in about the items' order, each thread with a buffer of
/// [`RAW_WINDOW`]. The first error stops it.
pub(super) fn on_threads<T: Sync>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T, &mut [u8]) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let run = || {
        let mut buffer = vec![0; RAW_WINDOW];
        while !stop.load(Ordering::Relaxed) {
            let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            if let Err(error) = work(item, &mut buffer) {
                stop.store(true, Ordering::Relaxed);
                if let Ok(mut failure) = failure.lock() {
                    failure.get_or_insert(error);
                }
            }
        }
    };
    let threads = threads.clamp(1, items.len().max(1));
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(run);
        }
        run();
    });
    match failure.into_inner() {
        Ok(Some(error)) => Err(error),
        Ok(None) => Ok(()),
        // A panic in a thread is passed on by the scope, so nothing is left to be poisoned.
        Err(poisoned) => poisoned.into_inner().map_or(Ok(()), Err),
    }
}
