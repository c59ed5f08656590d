//! Mutations that keep the outer form of a component: its sections, each with
//! its size, and the modules and components inside of it. Without that nearly
//! every mutation would end at the first wrong size.

use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// The preamble: magic number, version, layer.
const PREAMBLE: usize = 8;
/// The layer of a component, where a module has 0.
const COMPONENT: [u8; 2] = [1, 0];
/// The sections of a component that hold a module or a component.
const NESTING: [u8; 2] = [1, 4];
/// How deep modules and components in components are looked into.
const DEPTH: usize = 8;
/// Bytes that often mean something: small numbers, the largest ones, and the
/// ends of what one byte of a LEB128 number can say.
const TELLING: [u8; 8] = [0x00, 0x01, 0x02, 0x40, 0x7f, 0x80, 0xfe, 0xff];

/// A module or a component.
struct Binary {
    preamble: Vec<u8>,
    sections: Vec<Section>,
}

/// A section: its number, and what it holds.
#[derive(Clone)]
struct Section {
    id: u8,
    body: Vec<u8>,
}

/// Mutates a component a few times. The same seed gives the same mutations.
/// What is not a component gets its bytes changed.
pub fn mutate(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..=2) {
        bytes = mutated(&bytes, &mut random, DEPTH);
    }
    bytes
}

fn mutated(bytes: &[u8], random: &mut ChaCha8Rng, depth: usize) -> Vec<u8> {
    let Some(mut binary) = Binary::read(bytes) else {
        return scribbled(bytes, random);
    };
    let count = binary.sections.len();
    if count == 0 {
        return scribbled(bytes, random);
    }
    let (one, other) = (random.random_range(0..count), random.random_range(0..count));
    match random.random_range(0..12) {
        0 => {
            binary.sections.remove(one);
        }
        1 => binary.sections.swap(one, other),
        2 => {
            if let Some(section) = binary.sections.get(other).cloned() {
                binary.sections.insert(one, section);
            }
        }
        3 => {
            if let Some(section) = binary.sections.get_mut(one) {
                section.id = random.random_range(0..14);
            }
        }
        _ => {
            let is_component = binary.is_component();
            if let Some(section) = binary.sections.get_mut(one) {
                let nested = is_component && NESTING.contains(&section.id) && depth > 0;
                section.body = if nested {
                    mutated(&section.body, random, depth - 1)
                } else {
                    scribbled(&section.body, random)
                };
            }
        }
    }
    binary.write()
}

/// Changes a few bytes, without regard for what they mean.
fn scribbled(bytes: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..=2) {
        let at = random.random_range(0..=bytes.len());
        let telling = *TELLING.choose(random).unwrap_or(&0);
        match random.random_range(0..12) {
            0 => bytes.insert(at, telling),
            1 => bytes.truncate(at),
            2 => {
                let end = (at + random.random_range(1..=8)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let end = (at + random.random_range(1..=64)).min(bytes.len());
                let copy = bytes.get(at..end).unwrap_or_default().to_vec();
                bytes.splice(at..at, copy);
            }
            kind => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = if kind == 4 {
                        telling
                    } else {
                        *byte ^ (1 << (kind % 7))
                    };
                }
            }
        }
    }
    bytes
}

impl Binary {
    /// Takes it apart, if its sections fill it exactly.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (preamble, mut rest) = bytes.split_at_checked(PREAMBLE)?;
        if !preamble.starts_with(b"\0asm") {
            return None;
        }
        let mut sections = Vec::new();
        while let Some((id, after)) = rest.split_first() {
            let (size, after) = read_size(after)?;
            let (body, after) = after.split_at_checked(size)?;
            sections.push(Section {
                id: *id,
                body: body.to_vec(),
            });
            rest = after;
        }
        Some(Self {
            preamble: preamble.to_vec(),
            sections,
        })
    }

    fn is_component(&self) -> bool {
        self.preamble.ends_with(&COMPONENT)
    }

    fn write(&self) -> Vec<u8> {
        let mut bytes = self.preamble.clone();
        for section in &self.sections {
            bytes.push(section.id);
            write_size(section.body.len(), &mut bytes);
            bytes.extend_from_slice(&section.body);
        }
        bytes
    }
}

/// Reads an unsigned LEB128 number of at most 32 bits.
fn read_size(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut size = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        size |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((size, bytes.get(index + 1..)?));
        }
    }
    None
}

fn write_size(mut size: usize, bytes: &mut Vec<u8>) {
    loop {
        let low = size.to_le_bytes().first().copied().unwrap_or(0) & 0x7f;
        size >>= 7;
        if size == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a failed expectation fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_put_together_as_it_was() {
        for (name, seed) in crate::corpus::loader().expect("the seeds") {
            let binary = Binary::read(&seed).expect("sections");
            assert!(!binary.sections.is_empty(), "{name}");
            // Sizes may be padded in a file; writing is the same from then on.
            let written = binary.write();
            let again = Binary::read(&written).expect("sections");
            assert_eq!(again.write(), written, "{name}");
            assert_eq!(again.sections.len(), binary.sections.len(), "{name}");
        }
    }

    #[test]
    fn a_seed_gives_the_same_mutation() {
        let bytes = b"\0asm\x0d\0\x01\0\x00\x03abc\x01\x08\0asm\x01\0\0\0";
        let all: Vec<_> = (0..64).map(|seed| mutate(bytes, seed)).collect();
        let again: Vec<_> = (0..64).map(|seed| mutate(bytes, seed)).collect();
        assert_eq!(all, again);
        assert!(all.iter().any(|mutation| mutation != bytes));
    }
}
