//! Package sources out of `NuGet.Config` files (Microsoft: "nuget.config reference", "Common NuGet configurations").

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

/// A package source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its name.
    pub(crate) name: String,
    /// Its address as it is written.
    pub(crate) address: String,
}

/// A file that is no configuration: what the reader says.
#[derive(Debug)]
pub(crate) struct ConfigError(pub(crate) String);

/// A section of one file.
#[derive(Debug, Default)]
struct Section {
    /// Whether it drops what files farther away say.
    clears: bool,
    entries: Vec<Source>,
}

impl Section {
    fn take(&mut self, entry: &BytesStart<'_>) -> Result<(), quick_xml::Error> {
        match entry.local_name().as_ref() {
            "clear" => *self = Self { clears: true, entries: Vec::new() },
            "add" => {
                let value = |name: &str| -> Result<Option<String>, quick_xml::Error> {
                    let attribute = entry.try_get_attribute(name)?;
                    Ok(match attribute {
                        Some(attribute) => {
                            Some(attribute.normalized_value(XmlVersion::Implicit1_0)?.into_owned())
                        }
                        None => None,
                    })
                };
                if let Some(name) = value("key")? {
                    // The last one of a name holds.
                    self.entries.retain(|entry| !same(&entry.name, &name));
                    self.entries.push(Source { name, address: value("value")?.unwrap_or_default() });
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The enabled sources of these files, the closest file first: what it says of a name holds, and its `<clear />` drops
/// everything that files farther away say.
pub(crate) fn in_force(texts: &[String]) -> Result<Vec<Source>, (usize, ConfigError)> {
    let (mut sources, mut disabled) = (Merged::default(), Merged::default());
    for (at, text) in texts.iter().enumerate() {
        let [of_sources, of_disabled] =
            sections(text).map_err(|error| (at, ConfigError(error.to_string())))?;
        sources.add(of_sources);
        disabled.add(of_disabled);
    }
    // NuGet goes by the name alone: `value="false"` disables as well.
    let enabled = |source: &Source| !disabled.entries.iter().any(|entry| same(&entry.name, &source.name));
    Ok(sources.entries.into_iter().filter(enabled).collect())
}

#[derive(Default)]
struct Merged {
    closed: bool,
    entries: Vec<Source>,
}

impl Merged {
    fn add(&mut self, section: Section) {
        if self.closed {
            return;
        }
        for entry in section.entries {
            if !self.entries.iter().any(|closer| same(&closer.name, &entry.name)) {
                self.entries.push(entry);
            }
        }
        self.closed = section.clears;
    }
}

/// `packageSources` and `disabledPackageSources` of one file.
fn sections(text: &str) -> Result<[Section; 2], quick_xml::Error> {
    const NAMES: [&str; 2] = ["packageSources", "disabledPackageSources"];
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut found = <[Section; 2]>::default();
    let (mut depth, mut section) = (0_usize, None);
    loop {
        match reader.read_event()? {
            Event::Start(element) => {
                match (depth, section) {
                    (1, _) => section = NAMES.iter().position(|name| *name == element.local_name().as_ref()),
                    (2, Some(at)) => found[at].take(&element)?,
                    _ => {}
                }
                depth += 1;
            }
            Event::Empty(element) => {
                if let (2, Some(at)) = (depth, section) {
                    found[at].take(&element)?;
                }
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

/// NuGet compares names without regard to case.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(sections: &str) -> String {
        format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<configuration>{sections}</configuration>"
        )
    }

    fn names(files: &[&str]) -> Vec<String> {
        let texts: Vec<_> = files.iter().map(|sections| config(sections)).collect();
        let sources = in_force(&texts).unwrap();
        sources.into_iter().map(|source| format!("{}={}", source.name, source.address)).collect()
    }

    #[test]
    fn the_closest_file_wins_and_the_rest_add_up() {
        let near = "<packageSources><add key='A' value='near'/></packageSources>";
        let far =
            "<packageSources><add key='a' value='far'/><add key='b' value='far'></add></packageSources>";
        assert_eq!(names(&[near, far]), ["A=near", "b=far"]);
    }

    #[test]
    fn clear_drops_what_stands_before_it_and_farther_away() {
        let near =
            "<packageSources><add key='x' value='1'/><clear/><add key='a' value='2'/></packageSources>";
        let far = "<packageSources><add key='b' value='3'/></packageSources>";
        assert_eq!(names(&[near, far]), ["a=2"]);
        assert_eq!(names(&["<packageSources><clear /></packageSources>", far]), Vec::<String>::new());
    }

    #[test]
    fn disabled_sources_are_left_out() {
        let sources = "<packageSources><add key='a b' value='1'/><add key='c' value='2'/></packageSources>";
        let disabled = "<disabledPackageSources><add key='A B' value='true'/></disabledPackageSources>";
        assert_eq!(names(&[disabled, sources]), ["c=2"]);
        let cleared = "<disabledPackageSources><clear/></disabledPackageSources>";
        assert_eq!(names(&[cleared, &format!("{sources}{disabled}")]), ["a b=1", "c=2"]);
    }

    #[test]
    fn only_the_sections_themselves_count() {
        let elsewhere = "<other><packageSources><add key='a' value='1'/></packageSources></other>\
                         <!-- <packageSources><add key='b' value='1'/></packageSources> -->\
                         <packageSources><deeper><add key='c' value='1'/></deeper></packageSources>\
                         <auditSources><add key='d' value='1'/></auditSources>";
        assert_eq!(names(&[elsewhere]), Vec::<String>::new());
    }

    #[test]
    fn names_and_addresses_are_unescaped() {
        let escaped =
            "<packageSources><add value='https://a/?x=1&amp;y' key='&lt;&#233;&gt;'/></packageSources>";
        assert_eq!(names(&[escaped]), ["<é>=https://a/?x=1&y"]);
    }

    #[test]
    fn what_is_no_xml_is_told_with_its_place() {
        let texts = [config(""), "<configuration><packageSources></configuration>".to_owned()];
        assert_eq!(in_force(&texts).unwrap_err().0, 1);
        let texts = [config("<packageSources><add key='&evil;' value='1'/></packageSources>")];
        assert_eq!(in_force(&texts).unwrap_err().0, 0);
    }

    proptest! {
        #[test]
        fn nothing_breaks_the_reader(text in "(<[a-zA-Z/ ='\"&;!\\-]{0,20}>?){0,12}") {
            let _ = in_force(&[text]);
        }

        #[test]
        fn every_name_and_address_is_read_as_written(name in "[^\\x00-\\x1f\\x7f-\\x9f\\ufffe\\uffff]{1,20}", address in "[ -~]{0,20}") {
            let escape = |text: &str| quick_xml::escape::escape(text).into_owned();
            let line = format!("<packageSources><add key=\"{}\" value=\"{}\"/></packageSources>", escape(&name), escape(&address));
            prop_assert_eq!(in_force(&[config(&line)]).unwrap(), [Source { name, address }]);
        }
    }
}
