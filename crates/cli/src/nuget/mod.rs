//! What `valetkey` knows of NuGet's configuration and commands.

mod config;
mod files;

pub(crate) use config::{Source, in_force};
pub(crate) use files::Files;

/// Whether a command line pushes or deletes packages: `dotnet nuget push`, `nuget.exe push`, `mono nuget.exe delete`.
pub(crate) fn writes<'a>(words: impl IntoIterator<Item = &'a str>) -> bool {
    let mut words = words.into_iter().map(stem);
    let mut nuget = words.next().is_some_and(|word| word == "nuget");
    words.any(|word| {
        let writes = nuget && matches!(word.as_str(), "push" | "delete");
        nuget = word == "nuget";
        writes
    })
}

/// A program's name without its folder and `.exe`, in lower case.
pub(crate) fn stem(word: &str) -> String {
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    name.strip_suffix(".exe").map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::writes;

    #[test]
    fn pushing_and_deleting_are_told_from_the_rest() {
        for (line, expected) in [
            ("dotnet nuget push a.nupkg", true),
            ("/usr/bin/dotnet nuget delete A 1.0", true),
            ("mono /opt/NuGet.exe push a.nupkg", true),
            (r"C:\tools\nuget.exe push a.nupkg", true),
            ("dotnet restore push", false),
            ("dotnet build nuget", false),
            ("git push", false),
            ("nuget restore", false),
            ("dotnet nuget list source", false),
            ("", false),
        ] {
            assert_eq!(writes(line.split(' ')), expected, "{line}");
        }
    }
}
