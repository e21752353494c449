//! Phones' files and signed ones, built here.

use proptest::prelude::*;

use super::super::tests::{fixture, with_segments};
use super::*;

/// A head with an index of pictures, a primary picture, and further ones behind it.
struct Phone {
    big_endian: bool,
    /// Sizes of the pictures behind the primary one.
    further: Vec<u32>,
}

impl Phone {
    fn long(&self, number: u32) -> [u8; 4] {
        if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn short(&self, number: u16) -> [u8; 2] {
        if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    /// An index as CIPA DC-007 has it, of these sizes and offsets.
    fn index(&self, pictures: &[(u32, u32)]) -> Vec<u8> {
        let mut bytes = MPF.to_vec();
        bytes.extend(if self.big_endian { b"MM\0*" } else { b"II*\0" });
        bytes.extend(self.long(8));
        bytes.extend(self.short(3));
        for (tag, kind, count) in [(0xb000, 7, 4), (0xb001, 4, 1)] {
            bytes.extend([self.short(tag), self.short(kind)].concat());
            bytes.extend([self.long(count), *b"0100"].concat());
        }
        bytes.extend([self.short(0xb002), self.short(7)].concat());
        bytes.extend([self.long(16 * pictures.len() as u32), self.long(50)].concat());
        bytes.extend(self.long(0));
        for (size, offset) in pictures {
            bytes.extend([self.long(0x0003_0000), self.long(*size), self.long(*offset)].concat());
            bytes.extend([0; 4]);
        }
        bytes
    }

    /// The file: a segment before the index, and marked bytes in place of further pictures.
    fn file(&self, plain: &[u8]) -> Vec<u8> {
        let count = 1 + self.further.len();
        let dummy = self.index(&vec![(0, 0); count]);
        let exif = (APP1, &b"Exif\0\0 of some length"[..]);
        let end = with_segments(plain, &[exif, (APP2, &dummy)]).len();
        // Behind SOI, the Exif segment and the head of the index's own.
        let structure = 2 + 4 + exif.1.len() + 4 + MPF.len();
        let mut pictures = vec![(end as u32, 0)];
        let mut trailing = Vec::new();
        for (number, &size) in self.further.iter().enumerate() {
            pictures.push((size, (end + trailing.len() - structure) as u32));
            trailing.extend(mark(number, size));
        }
        let mut file = with_segments(plain, &[exif, (APP2, &self.index(&pictures))]);
        file.extend(trailing);
        file
    }

    /// Looks the pictures up by the index, as a reader of such files does.
    fn pictures<'a>(&self, file: &'a [u8]) -> Vec<&'a [u8]> {
        let at = file.windows(4).position(|window| window == MPF).unwrap() + 4;
        let long = |at: usize| {
            let bytes = file[at..at + 4].try_into().unwrap();
            (if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
                as usize
        };
        let entry = |number: usize| {
            let entry = at + 50 + 16 * number;
            let start = if number == 0 { 0 } else { at + long(entry + 8) };
            &file[start..start + long(entry + 4)]
        };
        (0..=self.further.len()).map(entry).collect()
    }
}

fn mark(number: usize, size: u32) -> Vec<u8> {
    let mut picture = vec![b'a' + number as u8; size as usize];
    picture[..2].copy_from_slice(&[0xff, 0xd8]);
    picture
}

/// The primary picture with some coefficients changed, and the head put right.
fn changed(file: &[u8]) -> Vec<u8> {
    let anchors = Anchors::of(file).unwrap();
    let mut jpeg = Jpeg::read(file).unwrap();
    for value in jpeg.luma_mut().blocks.iter_mut().map(|block| &mut block[9]) {
        *value = if *value == 0 { 13 } else { 0 };
    }
    let mut file = jpeg.write().unwrap();
    anchors.settle(&mut file).unwrap();
    file
}

const KEPT: Keep = Keep { extras: true, provenance: true };
const UNSIGNED: Keep = Keep { extras: true, provenance: false };

fn trimmed(file: &[u8], keep: Keep) -> Vec<u8> {
    trim(file, keep).unwrap().unwrap().into_owned()
}

#[test]
fn an_index_follows_the_primary_pictures_length_in_both_byte_orders() {
    for (big_endian, name) in [(false, "sequential-420.jpg"), (true, "progressive-420.jpg")] {
        let phone = Phone { big_endian, further: vec![300, 70] };
        let file = phone.file(&fixture(name));
        assert!(trim(&file, KEPT).unwrap().unwrap() == file);
        let after = changed(&file);
        assert_ne!(after.len(), file.len(), "{name}: the test must change the length");
        let pictures = phone.pictures(&after);
        assert_eq!(pictures[0].len(), after.len() - 370);
        assert!(pictures[0].ends_with(&[0xff, 0xd9]));
        assert!(pictures[1] == mark(0, 300) && pictures[2] == mark(1, 70));
        // All else of the head is as it was.
        let differ = file.iter().zip(&after).take(160).filter(|(a, b)| a != b).count();
        assert!(differ <= 12, "{differ}");
    }
}

#[test]
fn numbers_stay_where_the_length_does() {
    let file = Phone { big_endian: true, further: vec![99] }.file(&fixture("grey.jpg"));
    let mut same = file.clone();
    Anchors::of(&file).unwrap().settle(&mut same).unwrap();
    assert!(same == file);
}

#[test]
fn only_the_primary_picture_is_left_unless_more_is_kept() {
    let plain = fixture("sequential-420.jpg");
    let mut file = Phone { big_endian: false, further: vec![40] }.file(&plain);
    file.extend(b"a trailer");
    let left = trimmed(&file, Keep { extras: false, provenance: true });
    assert!(left == with_segments(&plain, &[(APP1, b"Exif\0\0 of some length")]));
    assert!(!Jpeg::read(&left).unwrap().has_multi_picture());
    assert!(matches!(trim(&plain, Keep::default()), Ok(Ok(Cow::Borrowed(_)))));
}

#[test]
fn gain_maps_and_their_descriptions_go_with_the_rest() {
    let plain = fixture("sequential-420.jpg");
    let xmp = [XMP, b"<x xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\"/>"].concat();
    let rest = [LONG_XMP, b"..."].concat();
    let gain = [GAIN_MAP, b"\0\0"].concat();
    let extras = [(APP1, &xmp[..]), (APP1, &rest), (APP2, &gain)];
    let kept = [(APP1, &b"Exif\0\0"[..]), (APP2, b"ICC_PROFILE\0")];
    let mut file = with_segments(&plain, &[&extras[..], &kept].concat());
    file.extend(b"\xff\xd8 a gain map");
    assert!(Jpeg::read(&file).unwrap().has_multi_picture());
    assert!(trimmed(&file, Keep::default()) == with_segments(&plain, &kept));
    assert!(trimmed(&file, KEPT) == file);
    assert!(changed(&file).ends_with(b"\xff\xd9\xff\xd8 a gain map"));
}

#[test]
fn a_film_counts_from_the_end_and_stays_right() {
    let film = b"\0\0\0\x18ftypmp42 and so on".to_vec();
    let text = format!(
        "<r:D xmlns:C=\"http://ns.google.com/photos/1.0/container/\" GCamera:MotionPhoto=\"1\" \
         GCamera:MicroVideoOffset=\"{0}\"><C:Item I:Semantic=\"Primary\" I:Length=\"0\"/>\
         <C:Item I:Semantic=\"MotionPhoto\" I:Length=\"{0}\"/></r:D>",
        film.len()
    );
    let xmp = [XMP, text.as_bytes()].concat();
    let mut file = with_segments(&fixture("sequential-420.jpg"), &[(APP1, &xmp)]);
    file.extend(&film);
    let after = changed(&file);
    assert_ne!(after.len(), file.len());
    assert!(after[after.len() - film.len()..] == film);
    assert!(after.windows(xmp.len()).any(|window| window == xmp));
}

#[test]
fn a_stated_length_of_the_primary_picture_is_rewritten() {
    let plain = fixture("sequential-420.jpg");
    let text = |length: usize| {
        let text = format!(
            "<C xmlns:C=\"http://ns.google.com/photos/1.0/container/\"/>\
             <I I:Semantic=\"Primary\" I:Length=\"{length}\"/>"
        );
        [XMP, text.as_bytes()].concat()
    };
    let length = with_segments(&plain, &[(APP1, &text(1_000))]).len();
    assert_eq!(length.to_string().len(), 4, "the fixture's length");
    let file = with_segments(&plain, &[(APP1, &text(length))]);
    let after = changed(&file);
    assert_ne!(after.len(), file.len());
    let wanted = text(after.len());
    assert!(after.windows(wanted.len()).any(|window| window == wanted));
}

#[test]
fn an_index_that_is_damaged_is_refused() {
    let plain = fixture("grey.jpg");
    let phone = Phone { big_endian: true, further: vec![40] };
    let with_index = |index: &[u8]| {
        let mut file = with_segments(&plain, &[(APP2, index)]);
        file.extend(mark(0, 40));
        file
    };
    let fault = |index: &[u8]| Anchors::of(&with_index(index)).unwrap_err().to_string();
    for garbage in
        [&b"MPF\0"[..], b"MPF\0MM\0*", b"MPF\0XX\0*\0\0\0\x08", b"MPF\0MM\0*\xff\xff\xff\xff"]
    {
        assert!(fault(garbage).contains("damaged"), "{garbage:?}");
    }
    let good = phone.index(&[(0, 0), (40, 0)]);
    for length in 12..good.len() {
        assert!(fault(&good[..length]).contains("damaged"), "{length}");
    }
    // Before the primary picture's end, behind the file's, and a primary picture that is not first.
    let end = with_index(&good).len() - 40;
    for (size, offset) in [(40, 100), (41, end as u32 - 10), (40, u32::MAX), (u32::MAX, 3)] {
        let index = phone.index(&[(0, 0), (size, offset)]);
        assert!(fault(&index).contains("places where none are"), "{size} {offset}");
    }
    assert!(fault(&phone.index(&[(0, 7)])).contains("places where none are"));
    let twice = with_segments(&plain, &[(APP2, &good), (APP2, &good)]);
    assert!(Anchors::of(&twice).unwrap_err().to_string().contains("twice"));
}

#[test]
fn a_further_pictures_own_description_has_no_index() {
    // One field, which is not the list of pictures.
    let mut index = b"MPF\0II*\0\x08\0\0\0\x01\0".to_vec();
    index.extend([0x01, 0xb1, 4, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    let file = with_segments(&fixture("grey.jpg"), &[(APP2, &index)]);
    assert!(changed(&file).windows(index.len()).any(|window| window == index));
}

/// A segment with a part of a JUMBF box.
fn jumbf(number: u16, sequence: u32, content: &[u8]) -> Vec<u8> {
    let head = [&b"JP"[..], &number.to_be_bytes(), &sequence.to_be_bytes()].concat();
    [&head[..], &0x0100_u32.to_be_bytes(), b"jumb", content].concat()
}

fn description(kind: &[u8; 16], label: &[u8]) -> Vec<u8> {
    [&0x20_u32.to_be_bytes()[..], b"jumd", kind, &[3], label, b"\0"].concat()
}

const C2PA: &[u8; 16] = b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71";

#[test]
fn a_signed_history_goes_and_other_boxes_stay() {
    let plain = fixture("sequential-420.jpg");
    let other = jumbf(2, 1, &description(b"\x78\x70\x61\x6b0123456789ab", b"jpeg360"));
    let (first, second) = (jumbf(1, 1, &description(C2PA, b"c2pa")), jumbf(1, 2, b"more of it"));
    let residual = b"JP\0\x01\0\0\0\x01\0\0\0\x10RESI....".to_vec();
    let kept = [(APP11, &other[..]), (APP11, &residual)];
    let signed = [(APP11, &first[..]), (APP11, &other), (APP11, &second), (APP11, &residual)];
    let file = with_segments(&plain, &signed);
    assert!(Jpeg::read(&file).unwrap().has_c2pa());
    let left = trimmed(&file, UNSIGNED);
    assert!(left == with_segments(&plain, &kept));
    assert!(!Jpeg::read(&left).unwrap().has_c2pa());
    assert!(trimmed(&file, KEPT) == file);
}

#[test]
fn a_box_that_cannot_be_read_counts_as_a_signed_history() {
    for odd in [
        b"JP\0\x01".to_vec(),
        jumbf(1, 1, b""),
        jumbf(1, 2, b"no first part"),
        jumbf(1, 1, b"\0\0\0\x20jumd"),
    ] {
        let file = with_segments(&fixture("grey.jpg"), &[(APP11, &odd)]);
        assert!(Jpeg::read(&file).unwrap().has_c2pa());
        assert!(trimmed(&file, UNSIGNED) == fixture("grey.jpg"));
    }
}

#[test]
fn a_link_to_a_signed_history_is_blanked() {
    let texts = [
        ("<d a=\"1\" dcterms:provenance=\"https://x/y\" b='2'/>", "<d a=\"1\" b='2'/>"),
        ("<d><dcterms:provenance>self#jumbf</dcterms:provenance></d>", "<d></d>"),
        ("<d dcterms:provenance='open", "<d "),
    ];
    for (before, after) in texts {
        let xmp = [XMP, before.as_bytes()].concat();
        let file = with_segments(&fixture("grey.jpg"), &[(APP1, &xmp)]);
        assert!(Jpeg::read(&file).unwrap().has_c2pa());
        let left = trimmed(&file, UNSIGNED);
        assert_eq!(left.len(), file.len());
        let text = String::from_utf8(left[6 + XMP.len()..][..before.len()].to_vec()).unwrap();
        let solid = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(solid(&text), solid(after));
        assert!(!Jpeg::read(&left).unwrap().has_c2pa());
    }
}

#[test]
fn an_index_follows_where_a_signed_history_went() {
    let phone = Phone { big_endian: false, further: vec![50] };
    let history = jumbf(1, 1, &description(C2PA, b"c2pa"));
    // Behind SOI, so that the index itself moves.
    let before = phone.file(&fixture("sequential-420.jpg"));
    let signed = with_segments(&before, &[(APP11, &history)]);
    // The index of the signed file: its own place moved too, so only the size is another.
    let grown = (4 + history.len()) as u32;
    let at = signed.windows(4).position(|window| window == MPF).unwrap() + 4 + 50 + 4;
    let size = u32::from_le_bytes(signed[at..at + 4].try_into().unwrap()) + grown;
    let mut signed = signed;
    signed[at..at + 4].copy_from_slice(&size.to_le_bytes());
    assert!(phone.pictures(&signed)[1] == mark(0, 50));
    assert!(trimmed(&signed, UNSIGNED) == before);
}

proptest! {
    #[test]
    fn damaged_heads_are_kept_right_or_refused(
        big_endian in any::<bool>(),
        changes in prop::collection::vec((0..120_usize, any::<u8>()), 1..5),
        keep in any::<bool>(),
    ) {
        let mut file = Phone { big_endian, further: vec![300, 70] }.file(&fixture("grey.jpg"));
        for (at, value) in changes {
            file[2 + at] = value;
        }
        if let Ok(anchors) = Anchors::of(&file) {
            let mut same = file.clone();
            anchors.settle(&mut same).unwrap();
            prop_assert!(same == file);
        }
        let _ = trim(&file, Keep { extras: keep, provenance: false });
    }
}
