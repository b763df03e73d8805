//! Credentials for the proxy that this agent was not configured with: NuGet knows some, and lends them.

use std::hash::{BuildHasher as _, RandomState};

/// Tells credentials apart without keeping them.
pub(crate) type Mark = u64;

/// Refused ones that are remembered. Somebody who lends others all the time is not listened to.
const MOST_REFUSED: usize = 16;

/// What was lent, and what of it the proxy refused.
#[derive(Default)]
pub(crate) struct Lent {
    hasher: RandomState,
    offer: Option<Offer>,
    refused: Vec<Mark>,
}

/// Credentials to be tried.
pub(crate) struct Offer {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) mark: Mark,
}

impl Lent {
    /// The latest ones count. What HTTP Basic cannot carry (RFC 7617 §2) is not taken, and nothing that was refused.
    /// Tells whether these are others than before.
    pub(crate) fn lend(&mut self, username: &str, password: &str) -> bool {
        let is_text = |text: &str| !text.contains(char::is_control);
        let mark = self.hasher.hash_one((username, password));
        let takes = self.refused.len() < MOST_REFUSED && !self.refused.contains(&mark);
        let fits = !username.is_empty() && !username.contains(':') && is_text(username) && is_text(password);
        let new = takes && fits && self.offer.as_ref().is_none_or(|offer| offer.mark != mark);
        if new {
            self.offer = Some(Offer { username: username.to_owned(), password: password.to_owned(), mark });
        }
        new
    }

    /// What may be tried.
    pub(crate) fn offer(&self) -> Option<&Offer> {
        self.offer.as_ref()
    }

    /// The proxy does not take these.
    pub(crate) fn refuse(&mut self, mark: Mark) {
        self.refused.push(mark);
        self.offer.take_if(|offer| offer.mark == mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(lent: &Lent) -> Option<(&str, &str)> {
        lent.offer().map(|offer| (offer.username.as_str(), offer.password.as_str()))
    }

    #[test]
    fn the_latest_counts_and_nothing_that_was_refused() {
        let mut lent = Lent::default();
        assert!(lent.lend("a", "1") && lent.lend("b", "2") && !lent.lend("b", "2"));
        assert_eq!(offered(&lent), Some(("b", "2")));
        let mark = lent.offer().unwrap().mark;
        lent.refuse(mark);
        assert!(!lent.lend("b", "2"), "it was refused");
        assert_eq!(offered(&lent), None);
        lent.lend("b", "3");
        assert_eq!(offered(&lent), Some(("b", "3")));
    }

    #[test]
    fn what_basic_cannot_carry_is_not_taken() {
        let mut lent = Lent::default();
        for (username, password) in [("", "x"), ("a:b", "x"), ("a\r\nb", "x"), ("a", "x\0")] {
            lent.lend(username, password);
            assert_eq!(offered(&lent), None, "{username:?}");
        }
    }

    #[test]
    fn who_is_always_wrong_is_not_listened_to() {
        let mut lent = Lent::default();
        for number in 0..MOST_REFUSED {
            lent.lend("a", &number.to_string());
            let mark = lent.offer().unwrap().mark;
            lent.refuse(mark);
        }
        lent.lend("a", "right");
        assert_eq!(offered(&lent), None);
    }
}
