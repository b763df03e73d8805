//! The helper under every git that is found, with an agent made up by the test.

#[cfg(test)]
mod git;
#[cfg(test)]
mod sandbox;
