//! Shapes of requests: a walk over the bytes before they are decoded.
//!
//! The codec allocates a list as long as the bytes say it is. This walk first checks that every
//! list is as long as it says and that all of them together stay below a bound, so that a lying
//! length is refused before anything is allocated for it.

use bytes::Buf;

pub(crate) mod requests;

/// The shape of a request's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The first version with compact lengths and tagged fields.
    pub(crate) flexible: i16,
    pub(crate) fields: &'static [Field],
}

/// A field, and the versions that have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    kind: Kind,
    since: i16,
    until: i16,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// So many bytes.
    Fixed(usize),
    Text,
    Blob,
    Fixeds(usize),
    Texts,
    Structs(&'static [Field]),
    /// A byte, and the struct unless it is negative.
    Optional(&'static [Field]),
}

/// A request that does not have the shape of its kind, or has too many entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Misshapen;

impl Shape {
    /// Walks over a body; returns how many bytes are behind it.
    ///
    /// * `items` - entries that all lists and tagged fields together may have
    pub(crate) fn walk(&self, version: i16, body: &[u8], items: usize) -> Result<usize, Misshapen> {
        let mut walk = Walk { rest: body, version, flexible: version >= self.flexible, items };
        walk.fields(self.fields)?;
        Ok(walk.rest.len())
    }
}

/// How long a length is in versions without compact ones.
#[derive(Clone, Copy, Debug)]
enum Plain {
    Short,
    Int,
}

struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
    items: usize,
}

impl Walk<'_> {
    fn fields(&mut self, fields: &[Field]) -> Result<(), Misshapen> {
        let version = self.version;
        for field in fields.iter().filter(|f| (f.since..=f.until).contains(&version)) {
            match field.kind {
                Kind::Fixed(len) => self.skip(len)?,
                Kind::Text => self.text()?,
                Kind::Blob => {
                    let len = self.len(Plain::Int)?;
                    self.skip(len)?;
                }
                Kind::Fixeds(len) => {
                    for _ in 0..self.count()? {
                        self.skip(len)?;
                    }
                }
                Kind::Texts => {
                    for _ in 0..self.count()? {
                        self.text()?;
                    }
                }
                Kind::Structs(fields) => {
                    for _ in 0..self.count()? {
                        self.fields(fields)?;
                    }
                }
                Kind::Optional(fields) => {
                    if self.rest.try_get_i8().map_err(|_| Misshapen)? >= 0 {
                        self.fields(fields)?;
                    }
                }
            }
        }
        if self.flexible { self.tags() } else { Ok(()) }
    }

    fn text(&mut self) -> Result<(), Misshapen> {
        let len = self.len(Plain::Short)?;
        self.skip(len)
    }

    /// The length of a list, taken from what is left to be given out.
    fn count(&mut self) -> Result<usize, Misshapen> {
        let count = self.len(Plain::Int)?;
        self.items = self.items.checked_sub(count).ok_or(Misshapen)?;
        Ok(count)
    }

    /// A length; null counts as 0.
    fn len(&mut self, plain: Plain) -> Result<usize, Misshapen> {
        if self.flexible {
            return Ok((self.varint()? as usize).saturating_sub(1));
        }
        let len = match plain {
            Plain::Short => self.rest.try_get_i16().map(i32::from),
            Plain::Int => self.rest.try_get_i32(),
        };
        let len = len.map_err(|_| Misshapen)?;
        if len == -1 { Ok(0) } else { usize::try_from(len).map_err(|_| Misshapen) }
    }

    /// A varint as the codec reads it: five bytes at most, bits beyond the 32nd lost.
    fn varint(&mut self) -> Result<u32, Misshapen> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let byte = self.rest.try_get_u8().map_err(|_| Misshapen)?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        Ok(value)
    }

    fn tags(&mut self) -> Result<(), Misshapen> {
        let count = self.varint()? as usize;
        self.items = self.items.checked_sub(count).ok_or(Misshapen)?;
        for _ in 0..count {
            self.varint()?;
            let len = self.varint()? as usize;
            self.skip(len)?;
        }
        Ok(())
    }

    fn skip(&mut self, len: usize) -> Result<(), Misshapen> {
        self.rest = self.rest.get(len..).ok_or(Misshapen)?;
        Ok(())
    }
}

const fn field(kind: Kind) -> Field {
    Field { kind, since: 0, until: i16::MAX }
}

const fn fixed(len: usize) -> Field {
    field(Kind::Fixed(len))
}

const fn structs(fields: &'static [Field]) -> Field {
    field(Kind::Structs(fields))
}

impl Field {
    const fn since(mut self, version: i16) -> Self {
        self.since = version;
        self
    }

    const fn until(mut self, version: i16) -> Self {
        self.until = version;
        self
    }
}
