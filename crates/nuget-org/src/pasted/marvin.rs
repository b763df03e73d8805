//! Marvin32, the checksum in Microsoft's identifiable secrets.

/// The hash of `bytes` from a seed (Microsoft: security-utilities, `Marvin.ComputeHash32`).
pub(super) fn hash(bytes: &[u8], seed: u64) -> u32 {
    let halves = seed.to_le_bytes();
    let (halves, _) = halves.as_chunks::<4>();
    let mut state = State(u32::from_le_bytes(halves[0]), u32::from_le_bytes(halves[1]));
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        state.take(u32::from_le_bytes(*word));
    }
    let mut last = [0_u8; 4];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    state.take(u32::from_le_bytes(last));
    state.mix();
    state.0 ^ state.1
}

struct State(u32, u32);

impl State {
    fn take(&mut self, word: u32) {
        self.0 = self.0.wrapping_add(word);
        self.mix();
    }

    fn mix(&mut self) {
        self.1 ^= self.0;
        self.0 = self.0.rotate_left(20).wrapping_add(self.1);
        self.1 = self.1.rotate_left(9) ^ self.0;
        self.0 = self.0.rotate_left(27).wrapping_add(self.1);
        self.1 = self.1.rotate_left(19);
    }
}
