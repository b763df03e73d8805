//! Values nobody can guess.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{SignInError, SignInErrorKind};

/// 256 random bits as 43 characters that need no escaping.
pub(crate) fn secret() -> Result<String, SignInError> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// A random UUID (RFC 9562 §5.4), to find one request in Microsoft's logs.
pub(crate) fn correlation_id() -> Result<String, SignInError> {
    let mut bytes = bytes::<16>()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = u128::from_be_bytes(bytes);
    let hex = format!("{hex:032x}");
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

fn bytes<const N: usize>() -> Result<[u8; N], SignInError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| {
        SignInError::new(SignInErrorKind::Misconfigured, "this machine gives no random numbers", "")
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_correlation_id_is_a_uuid_of_version_four() {
        let id = super::correlation_id().unwrap();
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&id.as_bytes()[19]));
    }
}
