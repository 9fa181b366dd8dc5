//! Who waits for whom: work that takes much memory or time is done a few at a time, and nobody takes all the places.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::page_error::PageError;

/// Passwords that are looked at, or made, at a time: each takes 19 MB and a core.
const PASSWORDS: usize = 2;
/// Recordings that are read at a time.
const SOUNDS: usize = 8;
/// Of these for one person: a call's sound, its waveform, and a clip.
const SOUNDS_OF_ONE: usize = 3;
/// Whoever waited so long is told to come again.
const PATIENCE: Duration = Duration::from_secs(20);
/// People that are remembered while nobody of them waits.
const MOST: usize = 1_000;

/// Places for work.
pub(crate) struct Turns {
    passwords: Arc<Semaphore>,
    sounds: Arc<Semaphore>,
    people: Mutex<HashMap<i64, Arc<Semaphore>>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            passwords: Arc::new(Semaphore::new(PASSWORDS)),
            sounds: Arc::new(Semaphore::new(SOUNDS)),
            people: Mutex::default(),
        }
    }
}

/// A place, until it is dropped.
pub(crate) struct Turn(#[expect(dead_code, reason = "held")] Vec<OwnedSemaphorePermit>);

impl Turns {
    /// Waits until a password may be looked at.
    ///
    /// # Errors
    /// [`PageError::Slow`]: too many others wait.
    pub(crate) async fn password(&self) -> Result<Turn, PageError> {
        Ok(Turn(vec![wait(&self.passwords, PATIENCE).await?]))
    }

    /// Waits until this person may have a recording read. The own place comes first: who waits for it keeps none from others.
    ///
    /// # Errors
    /// [`PageError::Slow`]: too many others wait, or this person asks for too much at once.
    pub(crate) async fn sound(&self, person: i64) -> Result<Turn, PageError> {
        let own = {
            let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
            if people.len() >= MOST {
                people.retain(|_, places| Arc::strong_count(places) > 1);
            }
            Arc::clone(people.entry(person).or_insert_with(|| Arc::new(Semaphore::new(SOUNDS_OF_ONE))))
        };
        let own = wait(&own, PATIENCE).await?;
        Ok(Turn(vec![own, wait(&self.sounds, PATIENCE).await?]))
    }
}

async fn wait(places: &Arc<Semaphore>, patience: Duration) -> Result<OwnedSemaphorePermit, PageError> {
    match tokio::time::timeout(patience, Arc::clone(places).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(PageError::Slow(5)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{SOUNDS_OF_ONE, Turns, wait};

    #[tokio::test]
    async fn one_person_takes_not_all_places() {
        let turns = Turns::default();
        let mut held = Vec::new();
        for _ in 0..SOUNDS_OF_ONE {
            held.push(turns.sound(1).await.unwrap());
        }
        let own = turns.people.lock().unwrap()[&1].clone();
        assert!(wait(&own, Duration::from_millis(5)).await.is_err(), "the fourth waits");
        assert!(turns.sound(2).await.is_ok(), "another person does not");
        held.pop();
        assert!(turns.sound(1).await.is_ok());
        let (one, two) = (turns.password().await.unwrap(), turns.password().await.unwrap());
        assert!(wait(&turns.passwords, Duration::from_millis(5)).await.is_err());
        drop((one, two));
        assert!(turns.password().await.is_ok());
    }
}
