//! Fields of the text protocol, and the walk over a message that reads or writes them.
//!
//! The layout of a message is written once, as a walk over its fields in their order
//! ([`Layout`]). [`Reader`] walks to fill a message in, [`Writer`] to write it out.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;

use bytes::{BufMut, Bytes, BytesMut};

/// TWS's mark for "no value" in an integer field, besides an empty one.
const UNSET_INT: i32 = i32::MAX;
/// And in a field of doubles, as TWS prints it.
const UNSET_DOUBLE: &str = "1.7976931348623157E308";
/// No list in a message is longer, whatever its count says.
const MAX_LIST: usize = 200_000;

/// A message that has a text form.
pub(crate) trait Layout {
    /// Whether the text protocol has this message.
    const HAS_TEXT: bool = true;

    /// Visits every field after the message's id, in the order of the wire.
    fn layout<F: Fields>(&mut self, fields: &mut F) -> Result<(), F::Error>;
}

/// A text message that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldError {
    /// There are fewer fields than the message has.
    #[error("the message ends before its field {0}")]
    Missing(usize),
    /// A field is not what belongs there.
    #[error("unable to parse field {place}: {text:?} is not {expected}")]
    Unparsable {
        /// Counted from the message's id, which is 0.
        place: usize,
        /// The beginning of what was there.
        text: String,
        /// What belongs there.
        expected: &'static str,
    },
}

/// A walk over the fields of one message. An empty field is an absent value; a false boolean
/// is absent too, as it is in protobuf.
pub(crate) trait Fields {
    /// Why the walk cannot go on.
    type Error;

    /// The protocol version spoken.
    fn version(&self) -> i32;
    /// A field that always has this value; a reader does not look at it.
    fn fixed(&mut self, text: &'static str) -> Result<(), Self::Error>;
    /// A 32-bit integer.
    fn int(&mut self, value: &mut Option<i32>) -> Result<(), Self::Error>;
    /// A 64-bit integer.
    fn long(&mut self, value: &mut Option<i64>) -> Result<(), Self::Error>;
    /// A number with a fraction.
    fn double(&mut self, value: &mut Option<f64>) -> Result<(), Self::Error>;
    /// A boolean.
    fn flag(&mut self, value: &mut Option<bool>) -> Result<(), Self::Error>;
    /// Text, or a decimal that is kept as text.
    fn text(&mut self, value: &mut Option<String>) -> Result<(), Self::Error>;
    /// The length of a list whose items follow.
    fn count(&mut self, length: usize) -> Result<usize, Self::Error>;
    /// Tags and values as `tag=value;` in one field.
    fn options(&mut self, values: &mut HashMap<String, String>) -> Result<(), Self::Error>;

    /// A list: its length, then its items.
    fn list<T: Default>(
        &mut self,
        items: &mut Vec<T>,
        mut each: impl FnMut(&mut Self, &mut T) -> Result<(), Self::Error>,
    ) -> Result<(), Self::Error>
    where
        Self: Sized,
    {
        let length = self.count(items.len())?;
        for place in 0..length {
            if place == items.len() {
                items.push(T::default());
            }
            if let Some(item) = items.get_mut(place) {
                each(self, item)?;
            }
        }
        Ok(())
    }

    /// A list of texts.
    fn texts(&mut self, items: &mut Vec<String>) -> Result<(), Self::Error>
    where
        Self: Sized,
    {
        self.list(items, |fields, item| {
            let mut text = Some(std::mem::take(item));
            fields.text(&mut text)?;
            *item = text.unwrap_or_default();
            Ok(())
        })
    }

    /// Tags and values, their number first, in the order of the tags.
    fn tags(&mut self, values: &mut HashMap<String, String>) -> Result<(), Self::Error>
    where
        Self: Sized,
    {
        let mut pairs: Vec<(String, String)> = sorted(values).into_iter().collect();
        self.list(&mut pairs, |fields, (tag, value)| {
            for part in [tag, value] {
                let mut text = Some(std::mem::take(part));
                fields.text(&mut text)?;
                *part = text.unwrap_or_default();
            }
            Ok(())
        })?;
        *values = pairs.into_iter().collect();
        Ok(())
    }

    /// A double that has a number of its own for "no value".
    fn double_or(&mut self, value: &mut Option<f64>, none: f64) -> Result<(), Self::Error> {
        let mut shown = Some(value.unwrap_or(none));
        self.double(&mut shown)?;
        *value = shown.filter(|&number| number != none);
        Ok(())
    }

    /// A message within the message.
    fn part<T: Default>(
        &mut self,
        part: &mut Option<T>,
        walk: impl FnOnce(&mut Self, &mut T) -> Result<(), Self::Error>,
    ) -> Result<(), Self::Error>
    where
        Self: Sized,
    {
        walk(self, part.get_or_insert_default())
    }
}

fn sorted(values: &HashMap<String, String>) -> BTreeMap<String, String> {
    values
        .iter()
        .map(|(tag, value)| (tag.clone(), value.clone()))
        .collect()
}

/// Reads a message's fields.
pub(crate) struct Reader<'a> {
    version: i32,
    rest: &'a [u8],
    place: usize,
}

impl<'a> Reader<'a> {
    /// Reads a frame's body from its first field, the message's id.
    pub(crate) fn new(version: i32, body: &'a [u8]) -> Self {
        Self {
            version,
            rest: body,
            place: 0,
        }
    }

    /// The next field as it is.
    pub(crate) fn next(&mut self) -> Result<&'a [u8], FieldError> {
        let end = self
            .rest
            .iter()
            .position(|&byte| byte == 0)
            .ok_or(FieldError::Missing(self.place))?;
        let (field, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        self.place += 1;
        Ok(field)
    }

    fn read<T>(
        &mut self,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, FieldError> {
        let place = self.place;
        let field = String::from_utf8_lossy(self.next()?);
        if field.is_empty() {
            return Ok(None);
        }
        match parse(&field) {
            Some(value) => Ok(Some(value)),
            None => Err(FieldError::Unparsable {
                place,
                text: field.chars().take(40).collect(),
                expected,
            }),
        }
    }
}

impl Fields for Reader<'_> {
    type Error = FieldError;

    fn version(&self) -> i32 {
        self.version
    }

    fn fixed(&mut self, _: &'static str) -> Result<(), FieldError> {
        self.next().map(|_| ())
    }

    fn int(&mut self, value: &mut Option<i32>) -> Result<(), FieldError> {
        *value = self
            .read("an integer", |text| text.parse().ok())?
            .filter(|&number| number != UNSET_INT);
        Ok(())
    }

    fn long(&mut self, value: &mut Option<i64>) -> Result<(), FieldError> {
        *value = self.read("an integer", |text| text.parse().ok())?;
        Ok(())
    }

    fn double(&mut self, value: &mut Option<f64>) -> Result<(), FieldError> {
        let number = self.read("a number", |text| match text {
            "Infinite" | "Infinity" => Some(f64::INFINITY),
            text => text.parse().ok().filter(|number: &f64| number.is_finite()),
        })?;
        *value = number.filter(|&number| number != f64::MAX);
        Ok(())
    }

    fn flag(&mut self, value: &mut Option<bool>) -> Result<(), FieldError> {
        let flag = self.read("a boolean", |text| match text {
            "0" | "false" | "False" => Some(false),
            "1" | "true" | "True" => Some(true),
            _ => None,
        })?;
        *value = flag.filter(|&is_set| is_set);
        Ok(())
    }

    fn text(&mut self, value: &mut Option<String>) -> Result<(), FieldError> {
        *value = self.read("text", |text| Some(text.to_owned()))?;
        Ok(())
    }

    fn count(&mut self, _: usize) -> Result<usize, FieldError> {
        let place = self.place;
        let length = self.read("a count", |text| text.parse().ok())?.unwrap_or(0);
        // Every item takes a field at least, so a count cannot make us reserve more than came.
        let most = self.rest.iter().filter(|&&byte| byte == 0).count();
        if length > most.min(MAX_LIST) {
            return Err(FieldError::Unparsable {
                place,
                text: length.to_string(),
                expected: "the number of items that follow",
            });
        }
        Ok(length)
    }

    fn options(&mut self, values: &mut HashMap<String, String>) -> Result<(), FieldError> {
        let text = self.read("options", |text| Some(text.to_owned()))?;
        *values = text
            .unwrap_or_default()
            .split(';')
            .filter_map(|pair| pair.split_once('='))
            .map(|(tag, value)| (tag.to_owned(), value.to_owned()))
            .collect();
        Ok(())
    }
}

/// Writes a message's fields.
pub(crate) struct Writer {
    version: i32,
    body: BytesMut,
}

impl Writer {
    /// Begins a message with its id.
    pub(crate) fn new(version: i32, id: i32) -> Self {
        let mut writer = Self {
            version,
            body: BytesMut::new(),
        };
        writer.put(&id.to_string());
        writer
    }

    /// The frame's body.
    pub(crate) fn finish(self) -> Bytes {
        self.body.freeze()
    }

    fn put(&mut self, text: &str) {
        // A zero byte would end the field.
        for byte in text.bytes() {
            self.body.put_u8(if byte == 0 { b' ' } else { byte });
        }
        self.body.put_u8(0);
    }

    fn put_or_nothing<T: ToString>(&mut self, value: Option<T>) {
        self.put(&value.map(|value| value.to_string()).unwrap_or_default());
    }
}

impl Fields for Writer {
    type Error = Infallible;

    fn version(&self) -> i32 {
        self.version
    }

    fn fixed(&mut self, text: &'static str) -> Result<(), Infallible> {
        self.put(text);
        Ok(())
    }

    fn int(&mut self, value: &mut Option<i32>) -> Result<(), Infallible> {
        self.put_or_nothing(*value);
        Ok(())
    }

    fn long(&mut self, value: &mut Option<i64>) -> Result<(), Infallible> {
        self.put_or_nothing(*value);
        Ok(())
    }

    fn double(&mut self, value: &mut Option<f64>) -> Result<(), Infallible> {
        match *value {
            None => self.put(""),
            Some(f64::MAX) => self.put(UNSET_DOUBLE),
            Some(f64::INFINITY) => self.put("Infinity"),
            Some(number) => self.put(&number.to_string()),
        }
        Ok(())
    }

    fn flag(&mut self, value: &mut Option<bool>) -> Result<(), Infallible> {
        self.put(if value.unwrap_or_default() { "1" } else { "0" });
        Ok(())
    }

    fn text(&mut self, value: &mut Option<String>) -> Result<(), Infallible> {
        self.put(value.as_deref().unwrap_or_default());
        Ok(())
    }

    fn count(&mut self, length: usize) -> Result<usize, Infallible> {
        self.put(&length.to_string());
        Ok(length)
    }

    fn options(&mut self, values: &mut HashMap<String, String>) -> Result<(), Infallible> {
        let pairs: String = sorted(values)
            .iter()
            .map(|(tag, value)| format!("{tag}={value};"))
            .collect();
        self.put(&pairs);
        Ok(())
    }
}
