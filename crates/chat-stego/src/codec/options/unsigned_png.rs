//! A PNG without its signed history: the chunk caBX (C2PA specification 2.1, section 11.3.4).

/// The file without that chunk; `None` if it has none, or is no sequence of chunks.
pub(super) fn of(file: &[u8]) -> Option<Vec<u8>> {
    let (signature, mut rest) = file.split_at_checked(8)?;
    let mut left = signature.to_vec();
    let mut found = false;
    while !rest.is_empty() {
        let length = u32::from_be_bytes(*rest.first_chunk()?);
        let kind = rest.get(4..8)?;
        // Length, type and checksum have four bytes each.
        let whole = usize::try_from(length).ok()?.checked_add(12)?;
        let Some((chunk, behind)) = rest.split_at_checked(whole) else { break };
        if kind == SIGNED {
            found = true;
        } else {
            left.extend_from_slice(chunk);
        }
        rest = behind;
        if kind == b"IEND" {
            break;
        }
    }
    left.extend_from_slice(rest);
    found.then_some(left)
}

const SIGNED: &[u8] = b"caBX";

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"\x89PNG\r\n\x1a\n";

    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[..], kind, data, b"crc4"].concat()
    }

    #[test]
    fn the_chunk_goes_and_all_else_stays() {
        let (header, signed, end) =
            (chunk(b"IHDR", b"head"), chunk(b"caBX", b"jumb"), chunk(b"IEND", b""));
        let trailing = b"\0\0\0\0caBX behind";
        let file = [HEAD, &header, &signed, &end, trailing].concat();
        assert_eq!(of(&file).unwrap(), [HEAD, &header, &end, trailing].concat());
        assert_eq!(of(&[HEAD, &header, &end, trailing].concat()), None);
    }

    #[test]
    fn cut_off_files_are_left_alone() {
        let file = [HEAD, &chunk(b"IHDR", b"head"), &chunk(b"caBX", b"jumb")].concat();
        assert!(of(&file).is_some());
        assert_eq!(of(&file[..file.len() - 1]), None);
        assert_eq!(of(&file[..5]), None);
        assert_eq!(of(&[HEAD, &[0xff; 8]].concat()), None);
    }
}
