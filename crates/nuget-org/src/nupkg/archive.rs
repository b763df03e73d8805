//! One file out of a zip archive (PKWARE: APPNOTE 6.3.10, §4.3), without believing the archive.
//!
//! The central directory is what .NET reads, so it is what counts here. It is walked once and not kept.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::{Crc, read::DeflateDecoder};

use super::NupkgError;

/// The longest nuspec that is read, in bytes.
pub const MAX_NUSPEC: u32 = 1024 * 1024;

/// Length of the end record without its comment, and of the longest comment.
const END: usize = 22;
const MAX_COMMENT: u64 = 0xffff;

/// Where the list of files is.
struct Directory {
    at: u64,
    length: u64,
    entries: u16,
}

/// What the list says of the nuspec.
struct Entry {
    name: Vec<u8>,
    encrypted: bool,
    method: u16,
    crc: u32,
    packed: u32,
    length: u32,
    at: u64,
}

/// The bytes of the one nuspec at the top.
pub(super) fn nuspec(file: &mut (impl Read + Seek)) -> Result<Vec<u8>, NupkgError> {
    let directory = find_directory(file)?;
    file.seek(SeekFrom::Start(directory.at))?;
    let mut list = BufReader::new(file.by_ref().take(directory.length));
    let mut found = None;
    for _ in 0..directory.entries {
        let entry = next_entry(&mut list)?;
        if is_nuspec(&entry.name) && found.replace(entry).is_some() {
            return Err(NupkgError::ManyNuspecs);
        }
    }
    drop(list);
    extract(file, &found.ok_or(NupkgError::NoNuspec)?, directory.at)
}

/// The last end record, as .NET finds it; it must reach exactly to the end of the file.
fn find_directory(file: &mut (impl Read + Seek)) -> Result<Directory, NupkgError> {
    let length = file.seek(SeekFrom::End(0))?;
    let tail_length = length.min(END as u64 + MAX_COMMENT);
    let tail_at = length - tail_length;
    file.seek(SeekFrom::Start(tail_at))?;
    let mut tail = Vec::new();
    file.by_ref().take(tail_length).read_to_end(&mut tail)?;
    let at = tail.windows(4).rposition(|window| window == b"PK\x05\x06").ok_or(NupkgError::NotAZip)?;
    let record: &[u8; END] = tail[at..].first_chunk().ok_or(NupkgError::NotAZip)?;
    if tail.len() - at - END != usize::from(u16_at(record, 20)) {
        return Err(NupkgError::Damaged("something follows its end"));
    }
    if u16_at(record, 4) != 0 || u16_at(record, 6) != 0 || u16_at(record, 8) != u16_at(record, 10) {
        return Err(NupkgError::Unsupported("several volumes"));
    }
    let directory = Directory {
        at: u64::from(u32_at(record, 16)),
        length: u64::from(u32_at(record, 12)),
        entries: u16_at(record, 10),
    };
    if directory.entries == u16::MAX || directory.at == u64::from(u32::MAX) {
        return Err(NupkgError::Unsupported("zip64"));
    }
    if directory.at + directory.length > tail_at + at as u64 {
        return Err(NupkgError::Damaged("its list of files reaches beyond its end"));
    }
    Ok(directory)
}

fn next_entry(list: &mut impl Read) -> Result<Entry, NupkgError> {
    let mut header = [0_u8; 46];
    list.read_exact(&mut header)?;
    if &header[..4] != b"PK\x01\x02" {
        return Err(NupkgError::Damaged("its list of files is wrong"));
    }
    let mut name = vec![0; usize::from(u16_at(&header, 28))];
    list.read_exact(&mut name)?;
    let rest = u64::from(u16_at(&header, 30)) + u64::from(u16_at(&header, 32));
    if io::copy(&mut list.take(rest), &mut io::sink())? != rest {
        return Err(NupkgError::Damaged("it ends too early"));
    }
    Ok(Entry {
        name,
        encrypted: u16_at(&header, 8) & 1 != 0,
        method: u16_at(&header, 10),
        crc: u32_at(&header, 16),
        packed: u32_at(&header, 20),
        length: u32_at(&header, 24),
        at: u64::from(u32_at(&header, 42)),
    })
}

/// At the top of the archive, and named as NuGet looks for it.
fn is_nuspec(name: &[u8]) -> bool {
    const SUFFIX: &[u8] = b".nuspec";
    let at_top = !name.iter().any(|byte| matches!(byte, b'/' | b'\\'));
    at_top && name.len() >= SUFFIX.len() && name[name.len() - SUFFIX.len()..].eq_ignore_ascii_case(SUFFIX)
}

fn extract(file: &mut (impl Read + Seek), entry: &Entry, end: u64) -> Result<Vec<u8>, NupkgError> {
    if entry.encrypted {
        return Err(NupkgError::Unsupported("encryption"));
    }
    if entry.length > MAX_NUSPEC || entry.packed > 2 * MAX_NUSPEC {
        return Err(NupkgError::NuspecTooLarge);
    }
    let data_at = find_data(file, entry)?;
    if data_at + u64::from(entry.packed) > end {
        return Err(NupkgError::Damaged("its files overlap its list of files"));
    }
    let packed = file.take(u64::from(entry.packed));
    let mut bytes = Vec::new();
    let most = u64::from(entry.length) + 1;
    match entry.method {
        0 => packed.take(most).read_to_end(&mut bytes)?,
        8 => DeflateDecoder::new(packed).take(most).read_to_end(&mut bytes)?,
        _ => return Err(NupkgError::Unsupported("another compression than deflate")),
    };
    let mut crc = Crc::new();
    crc.update(&bytes);
    if bytes.len() as u64 != u64::from(entry.length) || crc.sum() != entry.crc {
        return Err(NupkgError::Damaged("its .nuspec is not what its list of files says"));
    }
    Ok(bytes)
}

/// Goes to the first byte of the file's data. The file's own header must name the same file as the list.
fn find_data(file: &mut (impl Read + Seek), entry: &Entry) -> Result<u64, NupkgError> {
    file.seek(SeekFrom::Start(entry.at))?;
    let mut header = [0_u8; 30];
    file.read_exact(&mut header)?;
    let mut name = vec![0; usize::from(u16_at(&header, 26))];
    file.read_exact(&mut name)?;
    if &header[..4] != b"PK\x03\x04" || name != entry.name {
        return Err(NupkgError::Damaged("its .nuspec is not where its list of files says"));
    }
    let data_at = entry.at + 30 + name.len() as u64 + u64::from(u16_at(&header, 28));
    Ok(file.seek(SeekFrom::Start(data_at))?)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}
