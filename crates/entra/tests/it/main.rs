//! Microsoft Entra and the platforms of machines on loopback, answering as none of them does.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod hostile;
