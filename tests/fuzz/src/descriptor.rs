//! Components that say anything at all of themselves.
//!
//! An input of the fuzzer is a byte of flags and then the texts of a
//! descriptor, with a [`SEPARATOR`] between one and the next: name, title,
//! description, version, input schema, output schema, and any number of routes.
//! With the highest flag set, the rest is the guest's memory as it is, so that
//! every pointer and every length in it is arbitrary as well.

use anyhow::Context as _;

use crate::guest::{self, RECORD};

/// What stands between two texts of an input.
pub const SEPARATOR: u8 = 0x1f;

/// Room for a descriptor in the guest's memory, in bytes: more than the largest
/// schema that the host takes.
const ROOM: usize = 96 << 10;
/// What fills the room before a descriptor is written into it. It occurs
/// nowhere else in the component.
const FILLER: u8 = 0xa5;
/// Size of the record in memory.
const SIZE: usize = 76;

/// A component into whose memory descriptors are written.
pub struct Template {
    component: Vec<u8>,
    image: usize,
}

impl Template {
    /// Makes it.
    ///
    /// # Errors
    ///
    /// If it is not a component, which would be a mistake in here.
    pub fn new() -> anyhow::Result<Self> {
        let image = [FILLER; ROOM];
        let component = guest::tool(&image, "", "")?;
        let at = component
            .windows(ROOM)
            .position(|window| window == image)
            .context("the image is not in the component")?;
        Ok(Self {
            component,
            image: at,
        })
    }

    /// The component that describes itself as the input says.
    pub fn describe(&self, input: &[u8]) -> Vec<u8> {
        let image = match input.split_first() {
            Some((flags, memory)) if flags & 0x80 != 0 => memory.to_vec(),
            Some((flags, texts)) => lay_out(*flags, texts),
            None => Vec::new(),
        };
        let mut component = self.component.clone();
        let room = component.iter_mut().skip(self.image).take(ROOM);
        let image = image.into_iter().chain(std::iter::repeat(0));
        for (byte, new) in room.zip(image) {
            *byte = new;
        }
        component
    }
}

/// The record of a descriptor, then its routes, then its texts. What does not
/// fit into the room is cut off, and the pointers to it lead astray.
pub(crate) fn lay_out(flags: u8, texts: &[u8]) -> Vec<u8> {
    let mut texts = texts.split(|byte| *byte == SEPARATOR);
    let mut described: Vec<&[u8]> = texts.by_ref().take(6).collect();
    described.resize(6, b"");
    let routes: Vec<&[u8]> = texts.collect();

    let mut next = RECORD + SIZE + routes.len() * 12;
    let mut place = |text: &[u8]| {
        let address = next;
        next += text.len();
        [word(address), word(text.len())].concat()
    };
    let mut record = Vec::new();
    let mut bodies = Vec::new();
    for (index, text) in described.iter().enumerate() {
        if index == 5 {
            record.extend(word(usize::from(flags & 1 != 0)));
        }
        record.extend(place(text));
        bodies.extend_from_slice(text);
    }
    record.extend([
        flags >> 1 & 1,
        flags >> 2 & 1,
        flags >> 3 & 1,
        flags >> 4 & 1,
    ]);
    record.extend(word(RECORD + SIZE));
    record.extend(word(routes.len()));
    record.extend(word(usize::from(flags >> 5 & 1)));
    // No resources: those are left to the memory that is arbitrary.
    record.resize(SIZE, 0);
    for route in &routes {
        // The first byte is the method; there are three, and the rest traps.
        let (method, path) = route.split_first().unwrap_or((&0, b""));
        record.extend(word(usize::from(method & 3)));
        record.extend(place(path));
        bodies.extend_from_slice(path);
    }
    record.extend(bodies);
    record
}

fn word(number: usize) -> Vec<u8> {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    number.to_le_bytes().to_vec()
}
