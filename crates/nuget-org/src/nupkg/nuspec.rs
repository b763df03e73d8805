//! Id and version out of a nuspec (Microsoft: .nuspec reference): `package/metadata/id` and `…/version`, in whatever
//! namespace. Nothing is ever expanded but `&amp;` and its like.

use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesRef, Event},
};

use super::{NupkgError, Package};
use crate::{PackageId, PackageVersion};

pub(super) fn parse(bytes: &[u8]) -> Result<Package, NupkgError> {
    let text = decode(bytes)?;
    let mut found = Found::default();
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text));
    loop {
        let event = reader.read_event().map_err(|_| NupkgError::NotXml("a tag is wrong"))?;
        if found.take(&event)? {
            break;
        }
    }
    found.package()
}

/// UTF-8, or UTF-16 with a byte order mark: what tools on Windows write.
fn decode(bytes: &[u8]) -> Result<String, NupkgError> {
    let (text, wide): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => {
            let text = std::str::from_utf8(bytes).map_err(|_| NupkgError::NotXml("it is not UTF-8"))?;
            return Ok(text.to_owned());
        }
    };
    let (pairs, odd) = text.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(NupkgError::NotXml("it is not UTF-16"));
    }
    char::decode_utf16(pairs.iter().map(|pair| wide(*pair)))
        .collect::<Result<_, _>>()
        .map_err(|_| NupkgError::NotXml("it is not UTF-16"))
}

/// The place in the tree, and what was found so far.
#[derive(Default)]
struct Found {
    /// Depth of the element we are in; the root's is 1.
    depth: usize,
    /// Whether the root has been left.
    over: bool,
    in_metadata: bool,
    /// The element that is being read.
    open: Option<Field>,
    id: Option<String>,
    version: Option<String>,
}

#[derive(Clone, Copy)]
enum Field {
    Id,
    Version,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Version => "version",
        }
    }
}

impl Found {
    /// Goes on by one event; whether it was the last.
    fn take(&mut self, event: &Event<'_>) -> Result<bool, NupkgError> {
        match event {
            Event::Start(tag) => self.enter(tag.local_name().as_ref())?,
            Event::Empty(tag) => {
                self.enter(tag.local_name().as_ref())?;
                self.leave();
            }
            Event::End(_) => self.leave(),
            Event::Text(text) => self.say(text)?,
            Event::CData(text) => self.say(text)?,
            Event::GeneralRef(reference) => self.refer(reference)?,
            Event::DocType(_) => return Err(NupkgError::DocumentType),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof if self.over => return Ok(true),
            Event::Eof => return Err(NupkgError::NotXml("it ends too early")),
        }
        Ok(false)
    }

    fn enter(&mut self, name: &str) -> Result<(), NupkgError> {
        if self.over {
            return Err(NupkgError::NotXml("it has two roots"));
        }
        if let Some(field) = self.open {
            return Err(NupkgError::NotXml(match field {
                Field::Id => "its id has elements in it",
                Field::Version => "its version has elements in it",
            }));
        }
        self.depth += 1;
        match (self.depth, name) {
            (1, "package") => {}
            (1, _) => return Err(NupkgError::Missing("package")),
            (2, "metadata") => self.in_metadata = true,
            (3, "id") if self.in_metadata => self.begin(Field::Id)?,
            (3, "version") if self.in_metadata => self.begin(Field::Version)?,
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, field: Field) -> Result<(), NupkgError> {
        self.open = Some(field);
        match self.slot(field).replace(String::new()) {
            Some(_) => Err(NupkgError::Twice(field.name())),
            None => Ok(()),
        }
    }

    fn slot(&mut self, field: Field) -> &mut Option<String> {
        match field {
            Field::Id => &mut self.id,
            Field::Version => &mut self.version,
        }
    }

    fn leave(&mut self) {
        self.open = None;
        self.in_metadata &= self.depth != 2;
        self.depth = self.depth.saturating_sub(1);
        self.over |= self.depth == 0;
    }

    fn say(&mut self, text: &str) -> Result<(), NupkgError> {
        if let Some(field) = self.open {
            self.slot(field).get_or_insert_default().push_str(text);
        } else if self.depth == 0 && !text.trim().is_empty() {
            return Err(NupkgError::NotXml("it has text outside its root"));
        }
        Ok(())
    }

    /// `&amp;`, `&#65;`. An entity of the document's own making cannot be, since document types are refused.
    fn refer(&mut self, reference: &BytesRef<'_>) -> Result<(), NupkgError> {
        const UNKNOWN: NupkgError = NupkgError::NotXml("it has an unknown entity");
        if let Some(letter) = reference.resolve_char_ref().map_err(|_| UNKNOWN)? {
            return self.say(letter.encode_utf8(&mut [0; 4]));
        }
        self.say(resolve_predefined_entity(reference).ok_or(UNKNOWN)?)
    }

    fn package(self) -> Result<Package, NupkgError> {
        let id = self.id.ok_or(NupkgError::Missing("id"))?;
        let version = self.version.ok_or(NupkgError::Missing("version"))?;
        let shown = |text: &str| valetkey_protocol::shown(text.trim());
        Ok(Package {
            id: PackageId::parse(id.trim()).ok_or_else(|| NupkgError::BadId(shown(&id)))?,
            version: PackageVersion::parse(&version)
                .ok_or_else(|| NupkgError::BadVersion(shown(&version)))?,
        })
    }
}
