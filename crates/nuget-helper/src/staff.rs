//! Who works on a question for a key. Most are answered by an agent that has the key, sooner than a thread starts: so
//! nobody is hired before a question has to be waited for.

use std::{
    fmt,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread,
};

use crate::{
    clerk::{Clerk, Question},
    clock::Clock,
    desk::Desk,
    wire,
};

pub(crate) struct Staff {
    desk: Arc<Desk>,
    clerk: Seat,
    clock: Clock,
}

enum Seat {
    /// In this thread.
    Here(Box<Clerk>),
    /// In a thread of its own.
    Away(Sender<Question>),
}

impl fmt::Debug for Staff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staff").finish_non_exhaustive()
    }
}

impl Staff {
    pub(crate) fn new(desk: Arc<Desk>, clerk: Clerk, clock: Clock) -> Self {
        Self { desk, clerk: Seat::Here(Box::new(clerk)), clock }
    }

    /// Takes a question: it is answered now, or in a while.
    pub(crate) fn take(&mut self, question: Question) {
        if !self.desk.open(&question.id) {
            return;
        }
        if let Seat::Here(clerk) = &mut self.clerk
            && let Some(credential) = clerk.at_once(&question)
        {
            if credential.notice.is_some() {
                // A terminal that was stopped takes nothing until it is let go on.
                self.clock.start();
                clerk.tell(&credential);
            }
            self.desk.close(&question.id, &wire::credential(&credential));
            return;
        }
        self.clock.start();
        self.pass_on(question);
    }

    fn pass_on(&mut self, question: Question) {
        if let Seat::Away(questions) = &self.clerk {
            // It is there as long as this process is.
            let _ = questions.send(question);
            return;
        }
        let (questions, asked) = mpsc::channel();
        let _ = questions.send(question);
        if let Seat::Here(mut clerk) = std::mem::replace(&mut self.clerk, Seat::Away(questions)) {
            thread::spawn(move || clerk.serve(&asked));
        }
    }
}
