//! NuGet's credential plugin, protocol version 2 (Microsoft: "NuGet cross platform plugins").
//!
//! dotnet, nuget.exe and Visual Studio start it with `-Plugin`, speak one JSON object a line, and ask it for a user
//! name and a password whenever a source wants them. The main thread reads and answers, a second looks at what calls
//! and keeps time, and a third begins with the first question that has to be waited for.

mod agent;
mod clerk;
mod desk;
mod given;
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
    io::{self, BufReader, Read, Write},
    process::ExitCode,
    sync::Arc,
    thread,
};

use valetkey_client::{Processes, SystemProcesses};
use valetkey_paths::env;

pub use agent::{Ask, LocalAgent, Reach};
pub use lines::{Lines, MAX_LINE};
pub use person::{Person, Terminal};
pub use source::{Source, Whose};
pub use time::{Heart, SystemTime, Time, Wake};
pub use wire::{Kind, Message, Method};

use crate::{clerk::Clerk, desk::Desk, operation::Above, reader::Reader, staff::Staff, trace::Trace};

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
        run(io::stdin().lock(), io::stdout(), world, Heart::new());
    } else {
        // Nobody to tell.
        let _ = io::stdout().lock().write_all(HELP.as_bytes());
    }
    ExitCode::SUCCESS
}

const HELP: &str = concat!(
    "nuget-plugin-valetkey ",
    env!("CARGO_PKG_VERSION"),
    ": gives dotnet and nuget.exe keys for Azure Artifacts; they start it themselves\n",
    "run `valetkey setup nuget` to put it where they look, and `valetkey login <organisation>` to sign in\n",
);

/// Holds one conversation: until NuGet closes it or its end of the pipe. Where NuGet itself ends, or does not read any
/// more, `heart` leaves. What is being asked of the agent then is not waited for.
pub fn run(stdin: impl Read, stdout: impl Write + Send + 'static, world: World, heart: Heart) {
    let World { agent, processes, person, time, trace } = world;
    let trace = Trace { on: trace };
    let over = heart.sender();
    let desk = Arc::new(Desk::new(Box::new(stdout), heart.sender()));
    desk.greet();
    let (watched, lent) = (reader::Watched::default(), reader::Lent::default());
    let above = Above::new(Arc::clone(&processes));
    let clerk =
        Clerk::new(Arc::clone(&desk), (agent, person, time), (above.clone(), Arc::clone(&lent)), trace);
    let (outside, inside) = (Arc::clone(&processes), Arc::clone(&desk));
    let seen = Arc::clone(&watched);
    thread::spawn(move || {
        // While the other thread shakes hands.
        above.look();
        heart.beat(&inside, &*outside, &seen);
    });
    let staff = Staff::new(Arc::clone(&desk), clerk);
    Reader { desk, staff, processes, watched, lent, trace }.listen(BufReader::new(stdin));
    // It may have left already.
    let _ = over.send(Wake::Over);
}
