//! What NuGet is doing: read off the process it says it is, or else off those above this one. It is a hint that chooses
//! the smaller key, never a right.

use std::sync::{Arc, OnceLock, PoisonError};

use valetkey_client::Processes;
use valetkey_protocol::Operation;

use crate::reader::Watched;

/// The client is this program's parent; a shell or a wrapper may stand between the two.
const MAX_DEPTH: usize = 4;

/// What a process does that says of itself that it is NuGet. One whose command line is none of NuGet's says nothing:
/// NuGet may count processes otherwise, from within a container.
fn of(processes: &dyn Processes, client: u32) -> Option<Operation> {
    operation(&processes.arguments(client)?)
}

/// Walks up until a process says what it does. Reading is what most do; where no process can be seen, it is open.
fn above(processes: &dyn Processes) -> Option<Operation> {
    let (mut next, mut seen) = (processes.parent(), None);
    for _ in 0..MAX_DEPTH {
        let Some(process) = next.and_then(|id| processes.process(id)) else { break };
        if let Some(operation) = operation(&process.arguments) {
            return Some(operation);
        }
        seen = Some(Operation::Read);
        next = Some(process.parent);
    }
    seen
}

/// What NuGet is doing, found out once, with the first question.
pub(crate) struct Above {
    processes: Arc<dyn Processes + Send + Sync>,
    watched: Watched,
    found: OnceLock<Option<Operation>>,
}

impl Above {
    pub(crate) fn new(processes: Arc<dyn Processes + Send + Sync>, watched: Watched) -> Self {
        Self { processes, watched, found: OnceLock::new() }
    }

    pub(crate) fn look(&self) -> Option<Operation> {
        *self.found.get_or_init(|| {
            let client = *self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            let said = client.and_then(|(client, _)| of(&*self.processes, client));
            said.or_else(|| above(&*self.processes))
        })
    }
}

/// What a process does with packages, if it is a NuGet at all.
fn operation(command_line: &[String]) -> Option<Operation> {
    // The managed shim of older SDKs, which NuGet starts with the same word as this program.
    if command_line.iter().any(|argument| argument == "-Plugin") {
        return None;
    }
    let mut arguments = command_line.iter().map(String::as_str);
    match name(arguments.next()?).as_str() {
        program if is_nuget(program) => Some(nuget(arguments)),
        // Debian runs what is called by its own name with `cli`.
        "mono" | "mono-sgen" | "cli" => {
            let program = arguments.find(|argument| is_file(argument, ".exe"))?;
            is_nuget(&name(program)).then(|| nuget(arguments))
        }
        "dotnet" => Some(dotnet(arguments)),
        "msbuild" | "devenv" => Some(Operation::Read),
        _ => None,
    }
}

/// `dotnet nuget push`, `dotnet exec [options] NuGet.CommandLine.XPlat.dll push`, `dotnet dotnet.dll nuget push`.
fn dotnet<'a>(mut arguments: impl Iterator<Item = &'a str>) -> Operation {
    let first = arguments.next().unwrap_or_default();
    let program = match first {
        "exec" => arguments.find(|argument| is_file(argument, ".dll")),
        file if is_file(file, ".dll") => Some(file),
        "nuget" => return nuget(arguments),
        _ => None,
    };
    match program.map(name).as_deref() {
        Some("nuget.commandline.xplat.dll") => nuget(arguments),
        Some("dotnet.dll") if arguments.next() == Some("nuget") => nuget(arguments),
        _ => Operation::Read,
    }
}

fn nuget<'a>(arguments: impl Iterator<Item = &'a str>) -> Operation {
    // Words are told from options and what belongs to them by being first.
    match arguments.filter(|argument| *argument != "nuget").find(|argument| !argument.starts_with('-')) {
        Some(word) if word.eq_ignore_ascii_case("push") || word.eq_ignore_ascii_case("delete") => {
            Operation::Write
        }
        _ => Operation::Read,
    }
}

/// Several versions lie side by side as `nuget-5.8.0.exe`.
fn is_nuget(program: &str) -> bool {
    program.starts_with("nuget")
}

fn is_file(argument: &str, extension: &str) -> bool {
    !argument.starts_with('-') && argument.to_ascii_lowercase().ends_with(extension)
}

fn name(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use valetkey_client::Process;

    use super::*;

    /// Command lines from this program's parent upwards.
    struct Lines(&'static [&'static str]);

    impl Processes for Lines {
        fn parent(&self) -> Option<u32> {
            Some(100)
        }

        fn process(&self, id: u32) -> Option<Process> {
            let line = self.0.get(usize::try_from(id - 100).ok()?)?;
            let arguments = line.split(' ').map(str::to_owned).collect();
            Some(Process { parent: id + 1, started: 7, arguments })
        }
    }

    #[test]
    fn pushing_is_told_from_everything_else() {
        for writes in [
            &["dotnet nuget push a.nupkg -s feed"] as &[_],
            &["/usr/bin/dotnet nuget delete a 1.0.0"],
            &["/d/dotnet exec /d/sdk/10.0.401/NuGet.CommandLine.XPlat.dll push a.nupkg"],
            &[
                "/d/dotnet exec --depsfile x.json --runtimeconfig y.json /d/NuGet.CommandLine.XPlat.dll nuget push a",
            ],
            &["/d/dotnet /d/sdk/3.1.102/NuGet.CommandLine.XPlat.dll push a.nupkg"],
            &["dotnet /d/sdk/3.1.102/dotnet.dll nuget push a.nupkg"],
            &["C:\\tools\\NuGet.exe PUSH a.nupkg"],
            &["mono --debug /opt/nuget.exe push a.nupkg", "bash build.sh"],
            &["/usr/bin/mono-sgen /usr/lib/nuget/NuGet.exe delete a"],
            &["mono nuget-5.8.0.exe push a.nupkg"],
            &["/usr/bin/cli /opt/nuget.exe push a.nupkg"],
            &["nuget-6.12.exe push a.nupkg"],
            &[
                "dotnet /h/.nuget/plugins/netcore/v/v.dll -Plugin",
                "dotnet exec /d/NuGet.CommandLine.XPlat.dll push a",
            ],
            &["sh -c x", "nuget push a"],
        ] {
            assert_eq!(above(&Lines(writes)), Some(Operation::Write), "{writes:?}");
        }
        for reads in [
            &["dotnet restore"] as &[_],
            &["dotnet"],
            &["dotnet build push"],
            &["dotnet nuget list push"],
            &["dotnet exec push.dll push"],
            &["/d/dotnet exec /d/sdk/MSBuild.dll -restore", "dotnet nuget push a"],
            &["/d/dotnet /d/sdk/MSBuild.dll /nodemode:1"],
            &["nuget.exe restore push"],
            &["mono /opt/other.exe push"],
            &["sh", "sh", "sh", "sh", "nuget push a"],
        ] {
            assert_eq!(above(&Lines(reads)), Some(Operation::Read), "{reads:?}");
        }
    }

    #[test]
    fn who_says_that_it_is_nuget_is_looked_at_first() {
        let look_at = |lines, watched: Option<(u32, u64)>| {
            let watched = Arc::new(std::sync::Mutex::new(watched));
            Above::new(Arc::new(Lines(lines)), watched).look()
        };
        let look = |watched| look_at(&["sh -c x", "dotnet nuget push a", "dotnet restore", "make"], watched);
        assert_eq!(look(Some((101, 7))), Some(Operation::Write));
        assert_eq!(look(Some((102, 7))), Some(Operation::Read));
        // It is gone, cannot be seen, or is something else.
        for client in [Some((103, 7)), Some((100, 6)), Some((999, 7)), None] {
            assert_eq!(look(client), Some(Operation::Write), "{client:?}");
        }
        assert_eq!(look_at(&[], None), None, "nothing can be seen");
    }
}
