//! Files that were made to do harm: cut off, changed, contradictory, and bombs.

use std::io::Write;

/// A file, and what becomes of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) file: Vec<u8>,
    /// Whether it is no cover; the others are read, with as little work as any small picture.
    pub(crate) is_refused: bool,
}

/// A PNG of 160 x 160 pixels of noise, and two JPEGs of a photograph.
const SIDE: u32 = 160;
const SEQUENTIAL: &[u8] = include_bytes!("../fixtures/jpeg/sequential-420.jpg");
const PROGRESSIVE: &[u8] = include_bytes!("../fixtures/jpeg/progressive-420.jpg");
const MIB: usize = 1 << 20;

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    cases.truncated();
    cases.png_headers();
    cases.png_chunks();
    cases.png_streams();
    cases.jpeg_headers();
    cases.jpeg_storms();
    cases.jpeg_bytes();
    cases.foreign();
    cases.0
}

struct Cases(Vec<Case>);

impl Cases {
    fn refused(&mut self, name: impl Into<String>, file: Vec<u8>) {
        self.0.push(Case { name: name.into(), file, is_refused: true });
    }

    fn read(&mut self, name: impl Into<String>, file: Vec<u8>) {
        self.0.push(Case { name: name.into(), file, is_refused: false });
    }

    fn truncated(&mut self) {
        let files = [("PNG", &png()[..]), ("JPEG", SEQUENTIAL), ("progressive JPEG", PROGRESSIVE)];
        for (kind, file) in files {
            for tenth in 0..10 {
                let cut = file[..(file.len() - 3) * tenth / 10 + 3].to_vec();
                self.refused(format!("{kind} cut to {tenth} tenths"), cut);
            }
        }
    }

    fn png_headers(&mut self) {
        let sizes = [
            (0, 9),
            (9, 0),
            (1, 65_535),
            (65_535, 1),
            (16_384, 16_384),
            (8192, 8192),
            (16_384, 4096),
            (4096, 4096),
            (u32::MAX, u32::MAX),
            (1 << 31, 1),
        ];
        for (width, height) in sizes {
            let file = png_of(width, height, 6, &squeezed(&[0; 1000]));
            self.refused(format!("PNG that says {width} x {height}"), file);
        }
        for (at, value) in [(8, 16), (8, 3), (9, 3), (9, 1), (10, 1), (11, 1), (12, 1), (12, 7)] {
            let mut header = ihdr(SIDE, SIDE, 2);
            header[at] = value;
            let chunks: [(_, &[u8]); 3] =
                [(b"IHDR", &header), (b"IDAT", &squeezed(&rows())), (b"IEND", b"")];
            self.refused(format!("PNG with byte {at} of its header {value}"), png_from(&chunks));
        }
    }

    fn png_chunks(&mut self) {
        let (header, data) = (ihdr(SIDE, SIDE, 2), squeezed(&rows()));
        let whole = |kind: &'static [u8; 4], extra: &[u8]| {
            png_from(&[(b"IHDR", &header), (kind, extra), (b"IDAT", &data), (b"IEND", b"")])
        };
        for (kind, name) in [(b"acTL", "a count"), (b"fcTL", "a frame"), (b"fdAT", "data")] {
            self.refused(format!("APNG by {name}"), whole(kind, &[0; 26]));
        }
        let bomb = squeezed(&vec![0; 64 * MIB]);
        for (kind, head) in [
            (b"zTXt", &b"Comment\0\0"[..]),
            (b"iCCP", b"profile\0\0"),
            (b"iTXt", b"Comment\0\x01\0\0\0"),
        ] {
            let name = format!("PNG with a bomb in {}", String::from_utf8_lossy(kind));
            self.read(name, whole(kind, &[head, &bomb].concat()));
        }
        self.read("PNG with 8 MiB of private data", whole(b"vpAg", &vec![7; 8 * MIB]));
        self.refused("PNG with an unknown critical chunk", whole(b"ABCD", b""));
        self.refused("PNG with two headers", whole(b"IHDR", &header));
        self.refused("PNG with a palette of 257 colours", whole(b"PLTE", &[0; 771]));
        let mut file = png();
        for at in [20, 50, file.len() - 2] {
            file[at] ^= 1;
            self.refused(format!("PNG with a wrong CRC near {at}"), file.clone());
            file[at] ^= 1;
        }
        let none: Vec<(&[u8; 4], &[u8])> = vec![(b"tEXt", b"a\0b"); 100_000];
        let end: [(&[u8; 4], &[u8]); 2] = [(b"IDAT", &data), (b"IEND", b"")];
        let many = [&[(b"IHDR", &header[..])][..], &none, &end].concat();
        self.read("PNG with 100,000 texts", png_from(&many));
        let empty: Vec<(&[u8; 4], &[u8])> = vec![(b"IDAT", b""); 100_000];
        let many = [&[(b"IHDR", &header[..])][..], &empty, &end].concat();
        self.read("PNG with 100,000 empty pieces of pixels", png_from(&many));
    }

    fn png_streams(&mut self) {
        let mut refused = |name: &str, stream: &[u8]| {
            self.0.push(Case {
                name: format!("PNG with {name}"),
                file: png_of(SIDE, SIDE, 2, stream),
                is_refused: true,
            });
        };
        let stream = squeezed(&rows());
        refused("a zip bomb for pixels", &squeezed(&vec![0; 64 * MIB]));
        refused("pixels that end too soon", &squeezed(&rows()[..5000]));
        refused(
            "a wrong checksum",
            &[&stream[..stream.len() - 1], &[!stream.last().unwrap()]].concat(),
        );
        refused("bytes behind the checksum", &[&stream[..], b"more"].concat());
        refused("no zlib header", &[&[0, 0], &stream[2..]].concat());
        refused("a dictionary", &[&[0x78, 0xbb], &stream[2..]].concat());
        refused("a block of no kind", &[0x78, 1, 7, 0, 0]);
        refused("a match before the start", &[0x78, 1, 0x63, 0x00, 0x12, 0x00]);
        refused("a code that is too full", &[0x78, 1, 5, 0xe0, 0xff, 0xff, 0xff, 0xff]);
        refused("filters of no kind", &squeezed(&vec![5; rows().len()]));
        // Empty blocks, stored ones and such with the largest tables.
        refused(
            "a storm of stored blocks",
            &[&[0x78, 1], &[0, 0, 0, 0xff, 0xff].repeat(400_000)[..]].concat(),
        );
        refused(
            "a storm of fixed blocks",
            &[&[0x78, 1], &[2, 4, 8, 16, 32, 64, 128, 0].repeat(250_000)[..]].concat(),
        );
        refused("a storm of tables", &[&[0x78, 1], &tables(20_000)[..]].concat());
    }

    fn jpeg_headers(&mut self) {
        for (kind, file) in [("JPEG", SEQUENTIAL), ("progressive JPEG", PROGRESSIVE)] {
            let frame = marker(file, &[0xc0, 0xc2]);
            for (width, height) in [
                (0, 9),
                (9, 0),
                (1, 65_535),
                (65_535, 1),
                (65_535, 65_535),
                (16_384, 16_384),
                (8192, 8192),
                (16_384, 4096),
                (4096, 4096),
            ] {
                let mut file = file.to_vec();
                file[frame + 5..frame + 7].copy_from_slice(&u16::to_be_bytes(height));
                file[frame + 7..frame + 9].copy_from_slice(&u16::to_be_bytes(width));
                self.refused(format!("{kind} that says {width} x {height}"), file);
            }
        }
        let frame = marker(SEQUENTIAL, &[0xc0]);
        for code in [0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xdc, 0xde] {
            let mut file = SEQUENTIAL.to_vec();
            file[frame + 1] = code;
            self.refused(format!("JPEG of kind {code:02x}"), file);
        }
        for (at, value) in [(4, 12), (9, 0), (9, 5), (9, 255), (11, 0), (11, 0x55), (12, 9)] {
            let mut file = SEQUENTIAL.to_vec();
            file[frame + at] = value;
            self.refused(format!("JPEG with byte {at} of its frame {value}"), file);
        }
    }

    fn jpeg_storms(&mut self) {
        let scan = marker(PROGRESSIVE, &[0xda]);
        let scans = &PROGRESSIVE[scan..PROGRESSIVE.len() - 2];
        let many = [&PROGRESSIVE[..scan], &scans.repeat(1250), &[0xff, 0xd9]].concat();
        self.refused("progressive JPEG of 10,000 scans", many);
        let first = &scans[..marker(&scans[2..], &[0xda, 0xc4]) + 2];
        let many = [&PROGRESSIVE[..scan], &first.repeat(10_000), &[0xff, 0xd9]].concat();
        self.refused("progressive JPEG of 10,000 first scans", many);
        let scan = marker(SEQUENTIAL, &[0xda]);
        let (head, rest) = SEQUENTIAL.split_at(scan);
        let before_scan = |more: &[u8]| [head, more, rest].concat();
        self.refused("JPEG with 100,000 comments", before_scan(&b"\xff\xfe\0\x02".repeat(100_000)));
        self.refused("JPEG with 10,000 tables", before_scan(&dht().repeat(10_000)));
        self.read("JPEG with a million fill bytes", before_scan(&vec![0xff; MIB]));
        self.refused(
            "JPEG without tables",
            [&head[..2], &head[marker(head, &[0xc0])..], rest].concat(),
        );
        let restarts = b"\xff\xd0\xff\xd1\xff\xd2\xff\xd3\xff\xd4\xff\xd5\xff\xd6\xff\xd7";
        let storm = [&SEQUENTIAL[..scan + 14], &restarts.repeat(100_000), &[0xff, 0xd9]].concat();
        self.refused("JPEG of nothing but restart markers", storm);
        let interval = before_scan(b"\xff\xdd\0\x04\0\x01");
        self.refused("JPEG that lacks its restart markers", interval);
        for length in [0, 1] {
            self.refused(
                format!("JPEG with a segment of {length} bytes"),
                before_scan(&[0xff, 0xfe, 0, length]),
            );
        }
        self.refused("JPEG with a segment beyond its end", [head, b"\xff\xfe\xff\xff"].concat());
        self.refused("JPEG with two frames", [head, &head[marker(head, &[0xc0])..], rest].concat());
        self.refused("valid JPEG of 8192 x 8192", flat_jpeg(8192));
        self.read("valid JPEG of 4096 x 4096", flat_jpeg(4096));
        self.refused("JPEG of 4096 x 4096 whose end is missing", {
            let mut file = flat_jpeg(4096);
            file.truncate(file.len() - 5);
            file
        });
    }

    fn jpeg_bytes(&mut self) {
        let scan = marker(SEQUENTIAL, &[0xda]) + 14;
        self.refused("JPEG with no data", [&SEQUENTIAL[..scan], &[0xff, 0xd9]].concat());
        self.refused("JPEG of zeros", [&SEQUENTIAL[..scan], &vec![0; MIB], &[0xff, 0xd9]].concat());
        self.refused(
            "JPEG of ones",
            [&SEQUENTIAL[..scan], &b"\xff\0".repeat(MIB), &[0xff, 0xd9]].concat(),
        );
        let mut drawn = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            drawn = drawn.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (drawn >> 25) as u8
        })
        .take(MIB)
        .collect();
        self.refused("JPEG of noise", [&SEQUENTIAL[..scan], &noise, &[0xff, 0xd9]].concat());
    }

    fn foreign(&mut self) {
        for (name, head) in [
            ("GIF", &b"GIF89a"[..]),
            ("TIFF", b"II*\0"),
            ("HEIC", b"\0\0\0\x18ftypheic"),
            ("BMP", b"BM"),
            ("WebP", b"RIFF\xff\xff\xff\xffWEBPVP8 "),
        ] {
            self.refused(format!("{name} of a megabyte"), [head, &vec![0; MIB]].concat());
        }
        self.refused("nothing", Vec::new());
        self.refused("a JPEG's first three bytes", b"\xff\xd8\xff".to_vec());
        self.refused("a PNG's first eight bytes", b"\x89PNG\r\n\x1a\n".to_vec());
    }
}

/// The place of the first marker with one of these codes.
fn marker(file: &[u8], codes: &[u8]) -> usize {
    file.windows(2).position(|pair| pair[0] == 0xff && codes.contains(&pair[1])).unwrap()
}

/// Tables of one code each.
fn dht() -> Vec<u8> {
    [&[0xff, 0xc4, 0, 20, 0, 1][..], &[0; 16]].concat()
}

/// A grey JPEG in which every block is a code of one bit: no difference, and nothing else.
fn flat_jpeg(side: u16) -> Vec<u8> {
    let [high, low] = side.to_be_bytes();
    let mut file = b"\xff\xd8\xff\xdb\0\x43\0".to_vec();
    file.extend([9; 64]);
    file.extend([0xff, 0xc0, 0, 11, 8, high, low, high, low, 1, 1, 0x11, 0]);
    for class in [0, 0x10] {
        file.extend([0xff, 0xc4, 0, 20, class, 1]);
        file.extend([0; 16]);
    }
    file.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
    let blocks = usize::from(side / 8) * usize::from(side / 8);
    file.extend(vec![0; blocks / 4]);
    file.extend([0xff, 0xd9]);
    file
}

fn ihdr(width: u32, height: u32, colour: u8) -> [u8; 13] {
    let mut header = [0; 13];
    header[..4].copy_from_slice(&width.to_be_bytes());
    header[4..8].copy_from_slice(&height.to_be_bytes());
    header[8] = 8;
    header[9] = colour;
    header
}

/// Rows of noise, not filtered.
fn rows() -> Vec<u8> {
    let stride = 3 * SIDE as usize + 1;
    let noise = |at: usize| (at * at * 31 + at * 7 + at / 3) as u8;
    (0..stride * SIDE as usize).map(|at| if at % stride == 0 { 0 } else { noise(at) }).collect()
}

fn png() -> Vec<u8> {
    png_of(SIDE, SIDE, 2, &squeezed(&rows()))
}

fn png_of(width: u32, height: u32, colour: u8, stream: &[u8]) -> Vec<u8> {
    png_from(&[(b"IHDR", &ihdr(width, height, colour)), (b"IDAT", stream), (b"IEND", b"")])
}

fn png_from(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in chunks {
        file.extend((data.len() as u32).to_be_bytes());
        file.extend_from_slice(*kind);
        file.extend_from_slice(data);
        let mut crc = flate2::Crc::new();
        crc.update(*kind);
        crc.update(data);
        file.extend(crc.sum().to_be_bytes());
    }
    file
}

fn squeezed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Blocks that hold nothing and describe codes of up to 15 bits.
fn tables(count: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    for _ in 0..count {
        bits.put(0b100, 3);
        // 257 literals, 1 distance, lengths of all 19 code lengths: 5 bits for 0 to 15 and so on.
        bits.put(0, 5);
        bits.put(0, 5);
        bits.put(15, 4);
        // In the order 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15, by four or five bits.
        for length in [5, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5] {
            bits.put(length, 3);
        }
        bits.describe();
    }
    bits.0
}

#[derive(Default)]
struct Bits(Vec<u8>, u32);

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            if self.1.is_multiple_of(8) {
                self.0.push(0);
            }
            let last = self.0.last_mut().unwrap();
            *last |= ((value >> bit & 1) as u8) << (self.1 % 8);
            self.1 += 1;
        }
    }

    /// The lengths 1, 2 .. 15, 15 for the first literals and the end, one distance, and the end.
    fn describe(&mut self) {
        // Canonical codes: four bits for 0, 3 to 13 and 18 in order, five for 1 2 14 15 16 17.
        const FOUR: [u32; 13] = [0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 18];
        const FIVE: [u32; 6] = [1, 2, 14, 15, 16, 17];
        let code = |symbol: u32| {
            let reversed = |code: u32, bits: u32| (code.reverse_bits() >> (32 - bits), bits);
            match FOUR.iter().position(|four| *four == symbol) {
                Some(at) => reversed(at as u32, 4),
                None => {
                    let at = FIVE.iter().position(|five| *five == symbol).unwrap() as u32;
                    reversed(26 + at, 5)
                }
            }
        };
        for length in 1..=15 {
            let (code, bits) = code(length);
            self.put(code, bits);
        }
        // 241 zeros up to the end's place.
        for zeros in [138_u32, 103] {
            let (code, bits) = code(18);
            self.put(code, bits);
            self.put(zeros - 11, 7);
        }
        let (fifteen, bits) = code(15);
        self.put(fifteen, bits);
        let (one, bits) = code(1);
        self.put(one, bits);
        // The end: the last code of fifteen bits.
        self.put(0x7fff, 15);
    }
}
