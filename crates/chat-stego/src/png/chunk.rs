//! Chunks, of which a PNG file consists: length, type, data, CRC.

/// What PNG files begin with.
pub(crate) const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];

/// The longest data of a chunk, in bytes (PNG specification, 5.3).
const MAX_LENGTH: u32 = u32::MAX >> 1;

/// A chunk whose CRC is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk<'a> {
    /// Four ASCII letters.
    pub(crate) kind: [u8; 4],
    pub(crate) data: &'a [u8],
}

impl Chunk<'_> {
    /// Whether a reader that does not know the type must refuse the file.
    pub(crate) fn is_critical(&self) -> bool {
        let [first, ..] = self.kind;
        first.is_ascii_uppercase()
    }
}

/// Takes the first chunk off `rest`; answers it and what follows it.
///
/// # Errors
/// What is wrong with it, for people.
pub(crate) fn split_first(rest: &[u8]) -> Result<(Chunk<'_>, &[u8]), &'static str> {
    const CUT: &str = "the file ends inside a chunk";
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(CUT)?;
    let length = u32::from_be_bytes(*length);
    if length > MAX_LENGTH {
        return Err("a chunk is longer than the format allows");
    }
    let (kind, _) = rest.split_first_chunk::<4>().ok_or(CUT)?;
    if !kind.iter().all(u8::is_ascii_alphabetic) {
        return Err("a chunk's type is not four letters");
    }
    let length = usize::try_from(length).map_err(|_| CUT)?;
    let (covered, rest) = rest.split_at_checked(length.saturating_add(4)).ok_or(CUT)?;
    let (crc, rest) = rest.split_first_chunk::<4>().ok_or(CUT)?;
    if crc32fast::hash(covered) != u32::from_be_bytes(*crc) {
        return Err("a chunk's CRC is wrong");
    }
    let data = covered.get(4..).ok_or(CUT)?;
    Ok((Chunk { kind: *kind, data }, rest))
}

/// Writes a chunk behind `file`; `data` is at most 2^31 - 1 bytes.
///
/// # Errors
/// If `data` is longer than a chunk can be.
pub(crate) fn append(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) -> Result<(), &'static str> {
    let length = u32::try_from(data.len()).ok().filter(|length| *length <= MAX_LENGTH);
    let length = length.ok_or("the data is too long for a chunk")?;
    let mut crc = crc32fast::Hasher::new();
    crc.update(&kind);
    crc.update(data);
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(&kind);
    file.extend_from_slice(data);
    file.extend_from_slice(&crc.finalize().to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_first_reads_what_append_wrote() {
        let mut file = Vec::new();
        append(&mut file, *b"IEND", b"").unwrap();
        // The end of every PNG file, as any writer makes it.
        assert_eq!(file, b"\0\0\0\0IEND\xae\x42\x60\x82");
        append(&mut file, *b"teSt", b"data").unwrap();
        let (end, rest) = split_first(&file).unwrap();
        assert_eq!((end.kind, end.data, end.is_critical()), (*b"IEND", &b""[..], true));
        let (test, rest) = split_first(rest).unwrap();
        assert_eq!((test.kind, test.data, test.is_critical()), (*b"teSt", &b"data"[..], false));
        assert!(rest.is_empty());
    }

    #[test]
    fn split_first_refuses_damage_by_name() {
        let mut file = Vec::new();
        append(&mut file, *b"teSt", b"data").unwrap();
        for length in 0..file.len() {
            assert_eq!(split_first(&file[..length]), Err("the file ends inside a chunk"));
        }
        for at in 8..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 4;
            assert_eq!(split_first(&damaged), Err("a chunk's CRC is wrong"), "{at}");
        }
        file[0] = 0x80;
        assert_eq!(split_first(&file), Err("a chunk is longer than the format allows"));
        file[0] = 0;
        file[4] = b'1';
        assert_eq!(split_first(&file), Err("a chunk's type is not four letters"));
    }
}
