//! Writing and reading nuspec files (Microsoft: ".nuspec reference"), as far as a feed needs it.

use super::version::{is_version, normalised};
use crate::answer::escape;

/// What a feed takes from a nuspec.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nuspec {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) dependencies: Vec<(String, String)>,
}

/// The nuspec of a package for .NET Standard 2.0.
pub(super) fn write(id: &str, version: &str, dependencies: &[(&str, &str)]) -> String {
    let element = |(id, range): &(&str, &str)| {
        format!("<dependency id=\"{}\" version=\"{}\" />", escape(id), escape(range))
    };
    let dependencies = dependencies.iter().map(element).collect::<Vec<_>>().concat();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <package xmlns=\"http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd\"><metadata>\
         <id>{}</id><version>{}</version><authors>Emulator</authors><description>For tests.</description>\
         <dependencies><group targetFramework=\".NETStandard2.0\">{dependencies}</group></dependencies>\
         </metadata></package>\n",
        escape(id),
        escape(version)
    )
}

/// Reads identifier, version and dependencies, the latter of all target frameworks together.
pub(super) fn read(text: &str) -> Result<Nuspec, String> {
    let metadata = inner(text, "metadata").ok_or("The package manifest has no metadata element.")?;
    let field = |name: &str| {
        let value = inner(metadata, name).map(|value| unescape(value.trim()));
        value.filter(|value| !value.is_empty()).ok_or(format!("The package manifest has no {name} element."))
    };
    let (id, version) = (field("id")?, field("version")?);
    if !is_identifier(&id) {
        return Err(format!("The package ID '{id}' contains invalid characters."));
    }
    if !is_version(&version) {
        return Err(format!("The package manifest contains an invalid Version: '{version}'"));
    }
    let mut dependencies = Vec::new();
    for element in inner(metadata, "dependencies").unwrap_or_default().split("<dependency ").skip(1) {
        let element = element.split('>').next().unwrap_or_default();
        let Some(id) = attribute(element, "id") else { continue };
        let dependency = (id, attribute(element, "version").unwrap_or_default());
        if !dependencies.contains(&dependency) {
            dependencies.push(dependency);
        }
    }
    Ok(Nuspec { id, version: normalised(&version), dependencies })
}

fn is_identifier(id: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty() && part.chars().all(|character| character.is_alphanumeric() || character == '_')
    };
    id.len() <= 100 && id.split(['.', '-']).all(word)
}

/// The text between an element's tags; attributes and self-closing forms are understood.
fn inner<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let open = format!("<{name}");
    let mut rest = text;
    loop {
        let at = rest.find(&open)?;
        rest = &rest[at + open.len()..];
        if rest.starts_with(['>', ' ', '\n', '\r', '\t']) {
            break;
        }
    }
    let (tag, content) = rest.split_once('>')?;
    if tag.ends_with('/') {
        return None;
    }
    content.split_once(&format!("</{name}>")).map(|(content, _)| content)
}

fn attribute(element: &str, name: &str) -> Option<String> {
    let (_, rest) = element.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| unescape(value))
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let text = write("Contoso.Text", "1.2.0.0", &[("Contoso.Core", "[1.0.0, 2.0)"), ("x", "1")]);
        let nuspec = read(&text).expect("nuspec");
        assert_eq!((nuspec.id.as_str(), nuspec.version.as_str()), ("Contoso.Text", "1.2.0"));
        let range = |id: &str, range: &str| (id.to_owned(), range.to_owned());
        assert_eq!(nuspec.dependencies, [range("Contoso.Core", "[1.0.0, 2.0)"), range("x", "1")]);
    }

    #[test]
    fn what_is_no_nuspec_is_refused() {
        for bad in [
            "",
            "<package><metadata /></package>",
            "<metadata><id>a</id></metadata>",
            "<metadata><id>../a</id><version>1.0</version></metadata>",
            "<metadata><id>a</id><version>one</version></metadata>",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
