//! The other direction: the shipped programs against servers that other people wrote.
