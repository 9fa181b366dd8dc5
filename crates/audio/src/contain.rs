//! Keeps a panic inside a foreign decoder from ending the batch.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`; a panic becomes `Err` with its message. The decoder must not be used again afterwards.
pub(crate) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Unwind safety: every caller drops the decoder that panicked, so no broken state is ever seen.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("the decoder panicked: {}", text.unwrap_or_else(|| "no message".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::contained;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        assert_eq!(contained(|| 7), Ok(7));
        let error = contained(|| -> i32 { panic!("index {} out of range", 9) }).unwrap_err();
        assert!(error.contains("index 9 out of range"));
    }
}
