//! What a client says when nuget.org refuses a key.

/// Listens to `dotnet nuget push` or `nuget.exe push`.
#[derive(Debug, Default)]
pub(super) struct Ear {
    forbidden: bool,
    locked: bool,
}

impl Ear {
    /// Takes what is the same in every language: the line that tells how the upload ended, and nuget.org's own words.
    pub(super) fn hear(&mut self, line: &str) {
        let mut words = line.split_whitespace().skip_while(|word| *word != "Forbidden").skip(1);
        self.forbidden |= words.next().is_some_and(is_upload);
        self.locked |= line.contains("403 (") && line.contains("is locked");
    }

    /// Whether nuget.org refused the package for the key it came with. A locked package is refused whatever the key.
    pub(super) fn heard_a_refused_key(&self) -> bool {
        self.forbidden && !self.locked
    }
}

fn is_upload(url: &str) -> bool {
    url.starts_with("https://") && url.trim_end_matches('/').ends_with("/api/v2/package")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hears(text: &str) -> bool {
        let mut ear = Ear::default();
        text.lines().for_each(|line| ear.hear(line));
        ear.heard_a_refused_key()
    }

    #[test]
    fn a_refused_key_in_the_words_of_every_client() {
        for before in ["  ", "info :   "] {
            assert!(
                hears(&format!("{before}Forbidden https://www.nuget.org/api/v2/package/ 308ms")),
                "{before}"
            );
        }
        assert!(hears(
            "  PUT https://www.nuget.org/api/v2/package/\n  Forbidden https://www.nuget.org/api/v2/package/ 9ms\n\
             error: Der Antwortstatuscode gibt keinen Erfolg an: 403 (Forbidden)."
        ));
    }

    #[test]
    fn no_other_failure_is_one() {
        for text in [
            "",
            "  Conflict https://www.nuget.org/api/v2/package/ 266ms",
            "error: Response status code does not indicate success: 403 (Forbidden).",
            // A proxy that lets nobody through.
            "  Forbidden https://api.nuget.org/v3/index.json 12ms",
            "  OK https://www.nuget.org/api/v2/package/ 12ms",
            "Pushing Forbidden.1.0.0.nupkg to 'https://www.nuget.org/api/v2/package'...",
            "  Forbidden https://www.nuget.org/api/v2/package/ 12ms\n\
             error: Response status code does not indicate success: 403 (The package 'A' is locked and cannot be modified.).",
        ] {
            assert!(!hears(text), "{text}");
        }
    }
}
