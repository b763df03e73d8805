//! Programs that ask again: git knows no bound of its own once it was told that it may retry.

use std::collections::{HashMap, VecDeque};

use valetkey_protocol::{Caller, Reason, Refusal};

/// Processes remembered; the oldest is forgotten first.
const REMEMBERED: usize = 4096;
/// Answers one process gets for one organisation in its life.
const ANSWERS: u8 = 3;

type Asker = (Caller, String);

/// How often each process was answered.
#[derive(Debug, Default)]
pub(crate) struct Callers {
    answered: HashMap<Asker, u8>,
    order: VecDeque<Asker>,
}

impl Callers {
    /// Counts an answer, and says whether the program may be told to retry: with its first answer only.
    ///
    /// Only programs that can retry are counted. One that cannot stops by itself after a refusal, and may be a program
    /// that lives for days and asks many times.
    pub(crate) fn answer(
        &mut self,
        caller: Option<Caller>,
        organisation: &str,
        can_retry: bool,
    ) -> Result<bool, Refusal> {
        let Some(caller) = caller.filter(|_| can_retry) else { return Ok(false) };
        let asker = (caller, organisation.to_owned());
        match self.answered.get_mut(&asker) {
            Some(answers) if *answers >= ANSWERS => Err(Refusal::new(
                Reason::AccessDenied,
                format!("Azure DevOps refused {ANSWERS} keys in a row for organisation `{organisation}`"),
                "check that your account may use this repository",
            )),
            Some(answers) => {
                *answers += 1;
                Ok(false)
            }
            None => {
                if self.order.len() >= REMEMBERED
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.answered.remove(&oldest);
                }
                self.order.push_back(asker.clone());
                self.answered.insert(asker, 1);
                Ok(true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_retry_three_answers_then_an_end() {
        let mut callers = Callers::default();
        let caller = Some(Caller { pid: 7, started: 1 });
        let mut ask = |caller, organisation| callers.answer(caller, organisation, true);
        assert!(ask(caller, "contoso").unwrap());
        assert!(!ask(caller, "contoso").unwrap());
        assert!(!ask(caller, "contoso").unwrap());
        assert_eq!(ask(caller, "contoso").unwrap_err().reason, Reason::AccessDenied);
        assert!(ask(caller, "fabrikam").unwrap());
        assert!(
            ask(Some(Caller { pid: 7, started: 2 }), "contoso").unwrap(),
            "a reused id is another process"
        );
        assert!(!ask(None, "contoso").unwrap());
    }

    #[test]
    fn memory_is_bounded() {
        let mut callers = Callers::default();
        for pid in 0..10_000 {
            callers.answer(Some(Caller { pid, started: 0 }), "contoso", true).unwrap();
        }
        assert_eq!((callers.answered.len(), callers.order.len()), (REMEMBERED, REMEMBERED));
    }

    #[test]
    fn a_program_that_cannot_retry_is_not_counted() {
        let mut callers = Callers::default();
        for _ in 0..9 {
            assert!(!callers.answer(Some(Caller { pid: 1, started: 0 }), "contoso", false).unwrap());
        }
    }
}
