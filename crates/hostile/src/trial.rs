//! Trying every attack.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{Attack, attacks};

/// The longest time that a client under trial is to give one answer.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// What takes longer than this hangs.
const HANGS: Duration = Duration::from_secs(90);
/// Attacks at one time: each has two listeners and a few connections.
const AT_ONCE: usize = 64;

/// Tries every attack on a question whose honest answer is this JSON, and gives what went wrong, attack by attack.
pub async fn trials<T>(honest: &str, trial: impl Fn(Attack) -> T) -> Vec<String>
where
    T: Future<Output = Result<(), String>> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for attack in attacks(honest) {
        let (name, room) = (attack.name.clone(), Arc::clone(&room));
        let trial = trial(attack);
        running.spawn(async move {
            let _place = room.acquire().await;
            let outcome = tokio::time::timeout(HANGS, trial).await;
            let wrong = outcome.unwrap_or_else(|_| Err("it hangs".to_owned())).err()?;
            Some(format!("{name}: {wrong}"))
        });
    }
    let outcomes = running.join_all().await;
    outcomes.into_iter().flatten().collect()
}
