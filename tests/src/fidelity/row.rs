//! A row of the table that `cargo xtask fidelity` prints.

use std::{fs::OpenOptions, io::Write as _};

use crate::skip::variable;

/// What became of a flow. It is told when this is dropped, however the flow ends.
#[derive(Debug)]
pub struct Row {
    client: String,
    flow: String,
    version: String,
    outcome: &'static str,
    reason: String,
}

impl Row {
    /// The row of a flow that begins: one that has failed, unless something else is said of it.
    #[must_use]
    pub fn begin(client: &str, flow: &str) -> Self {
        let reason = "it ended before its end".to_owned();
        let (client, flow) = (client.to_owned(), flow.to_owned());
        Self { client, flow, version: String::new(), outcome: "failed", reason }
    }

    /// It was done, with that version of the client.
    pub fn passed(&mut self, version: &str) {
        self.outcome = "passed";
        version.clone_into(&mut self.version);
        self.reason.clear();
    }

    /// It could not be tried here.
    pub fn skipped(&mut self, reason: &str) {
        self.outcome = "skipped";
        reason.clone_into(&mut self.reason);
    }

    /// It was tried, and this went wrong.
    pub fn failed(&mut self, reason: &str) {
        self.outcome = "failed";
        reason.clone_into(&mut self.reason);
    }

    /// Five fields with a tab between.
    fn line(&self) -> String {
        let fields = [&self.client, &self.flow, &self.version, self.outcome, &self.reason];
        fields.map(|field| field.split_whitespace().collect::<Vec<_>>().join(" ")).join("\t")
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        let Some(path) = variable("VALETKEY_FIDELITY") else { return };
        let file = OpenOptions::new().create(true).append(true).open(path);
        let told = file.and_then(|mut file| file.write_all(format!("{}\n", self.line()).as_bytes()));
        if let Err(error) = told {
            let _ =
                writeln!(std::io::stderr(), "the row of {}, {}, is lost: {error}", self.client, self.flow);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_nobody_ended_has_failed() {
        let mut row = Row::begin("git", "PAT in\nBasic");
        assert_eq!(row.line(), "git\tPAT in Basic\t\tfailed\tit ended before its end");
        row.skipped("no git");
        assert_eq!(row.line(), "git\tPAT in Basic\t\tskipped\tno git");
        row.passed("2.39");
        assert_eq!(row.line(), "git\tPAT in Basic\t2.39\tpassed\t");
        // Nothing was seen here that belongs into the table.
        std::mem::forget(row);
    }
}
