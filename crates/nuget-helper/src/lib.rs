//! NuGet's credential plugin, protocol version 2 (Microsoft: "NuGet cross platform plugins").
//!
//! dotnet, nuget.exe and Visual Studio start it with `-Plugin`, speak one JSON object a line, and ask it for a user
//! name and a password whenever a source wants them. The main thread reads and answers. A second keeps time from the
//! moment on when something may take long, and a third begins with the first question that has to be waited for.

mod agent;
mod clerk;
mod clock;
mod desk;
mod given;
mod input;
mod lines;
mod operation;
mod person;
mod reader;
mod signin;
mod source;
mod staff;
mod time;
mod trace;
mod wire;

use std::{
    fmt,
    io::{self, BufReader, Write},
    process::ExitCode,
    sync::Arc,
    thread,
};

use valetkey_client::{Processes, SystemProcesses};
use valetkey_paths::env;

pub use agent::{Ask, LocalAgent, Reach};
pub use clock::Input;
pub use input::StandardInput;
pub use lines::{Lines, MAX_LINE};
pub use person::{Person, Terminal};
pub use source::{Source, Whose};
pub use time::{Heart, SystemTime, Time, Wake};
pub use wire::{Kind, Message, Method};

use crate::{
    clerk::Clerk,
    clock::{Clock, Ear, Mouth},
    desk::Desk,
    operation::Above,
    reader::Reader,
    staff::Staff,
    trace::Trace,
};

/// What the plugin sees of the world besides its streams.
pub struct World {
    /// The way to the agent.
    pub agent: Box<dyn Ask>,
    /// The running processes, of which only those above this one are looked at.
    pub processes: Arc<dyn Processes + Send + Sync>,
    /// Who may be asked to sign in.
    pub person: Box<dyn Person>,
    /// What time it is.
    pub time: Box<dyn Time>,
    /// Whether to mirror the conversation to standard error.
    pub trace: bool,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("agent", &self.agent)
            .field("person", &self.person)
            .finish_non_exhaustive()
    }
}

/// Answers NuGet over this process's streams, or tells a person what this program is.
pub fn main() -> ExitCode {
    if std::env::args_os().skip(1).any(|argument| argument == "-Plugin") {
        let world = World {
            agent: Box::new(LocalAgent::default()),
            processes: Arc::new(SystemProcesses),
            person: Box::new(Terminal),
            time: Box::new(SystemTime::start()),
            trace: env::TRACE.is_on(),
        };
        run(StandardInput::take(), io::stdout(), world, Heart::new());
    } else {
        // Nobody to tell.
        let _ = io::stdout().lock().write_all(HELP.as_bytes());
    }
    ExitCode::SUCCESS
}

/// What NuGet says at once fits mostly, in bytes.
const USUAL: usize = 1024;

const HELP: &str = concat!(
    "nuget-plugin-valetkey ",
    env!("CARGO_PKG_VERSION"),
    ": gives dotnet and nuget.exe keys for Azure Artifacts; they start it themselves\n",
    "run `valetkey setup nuget` to put it where they look, and `valetkey login <organisation>` to sign in\n",
);

/// Holds one conversation: until NuGet closes it or its end of the pipe. Where NuGet itself ends, or does not read any
/// more, `heart` leaves. What is being asked of the agent then is not waited for.
pub fn run(stdin: impl Input, stdout: impl Write + Send + 'static, world: World, heart: Heart) {
    let World { agent, processes, person, time, trace } = world;
    let trace = Trace { on: trace };
    let over = heart.sender();
    let clock = Clock::default();
    let desk = Arc::new(Desk::new(Box::new(Mouth::new(stdout, clock.clone())), heart.sender()));
    let (watched, lent) = (reader::Watched::default(), reader::Lent::default());
    let (outside, inside, seen) = (Arc::clone(&processes), Arc::clone(&desk), Arc::clone(&watched));
    clock.is_started_by(move || {
        thread::spawn(move || heart.beat(&inside, &*outside, &seen));
    });
    desk.greet();
    let above = Above::new(Arc::clone(&processes), Arc::clone(&watched));
    let clerk = Clerk::new(Arc::clone(&desk), (agent, person, time), (above, Arc::clone(&lent)), trace);
    let staff = Staff::new(Arc::clone(&desk), clerk, clock.clone());
    let ear = Ear { from: stdin, clock: clock.clone() };
    Reader { desk, staff, processes, watched, lent, trace }.listen(BufReader::with_capacity(USUAL, ear));
    clock.spare();
    // It may have left already.
    let _ = over.send(Wake::Over);
}
