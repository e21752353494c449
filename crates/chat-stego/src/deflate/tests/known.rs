//! What C zlib 1.2.13 makes of generated inputs, frozen: `tests/deflate_cases.py --known`.

use sha2::{Digest, Sha256};

use super::{super::inflate, Draw, all_settings};

/// For each input and level the first eight bytes of the SHA-256 of four streams one after
/// another: memLevel 8 and 9, and of each strategy 0 and 1.
const ZLIB: [[u64; 9]; 5] = [
    // noise: 100000 bytes
    [
        0xb995_d0f7_1431_4a26,
        0xdf9d_efcc_4da2_455f,
        0xdf9d_efcc_4da2_455f,
        0xd62b_b499_459e_a857,
        0xd62b_b499_459e_a857,
        0xd048_542e_a1d3_dd84,
        0x4991_e487_0653_967e,
        0x4991_e487_0653_967e,
        0x4991_e487_0653_967e,
    ],
    // residual: 300000 bytes
    [
        0x6870_a7c6_9581_b5a2,
        0xbb76_543d_f96e_a8c0,
        0x8cf0_cac8_2523_8263,
        0x6805_04b3_3cec_209f,
        0x6cbc_a4a8_d20a_171a,
        0x41fb_9aed_2056_78b4,
        0xbed7_580f_93a5_c7e4,
        0xa628_4ed8_1aec_5432,
        0xa628_4ed8_1aec_5432,
    ],
    // text: 200003 bytes
    [
        0x98e0_5bc2_8d78_6f36,
        0xf25e_e097_7b46_ba4f,
        0x689e_f144_82fd_5efa,
        0xf060_26ea_cb1e_8d6d,
        0xaad7_ba84_7f4a_2948,
        0x6819_416d_69e2_264b,
        0x5aeb_276a_5904_26db,
        0xd99e_bcca_52de_2df3,
        0xd99e_bcca_52de_2df3,
    ],
    // runs: 400337 bytes
    [
        0xfcee_0089_abaf_1823,
        0x8b44_83b3_dda2_041e,
        0xb5bf_8a27_3ed6_bc3e,
        0x5837_9d05_b09a_8062,
        0x6094_8b20_7226_fbb6,
        0xe8c9_293c_7980_a2b8,
        0xfe9b_4873_1856_cb5b,
        0x4977_8cc9_49a8_1873,
        0x4b84_f9c0_a3f4_1124,
    ],
    // far: 187535 bytes
    [
        0xfee4_4b73_16f1_2ecd,
        0x7b05_4110_8a44_91da,
        0x7b05_4110_8a44_91da,
        0xecb9_bda1_0264_b6b3,
        0xecb9_bda1_0264_b6b3,
        0x8cd1_75a9_f674_568f,
        0xb932_05a2_45f0_e418,
        0xb932_05a2_45f0_e418,
        0xb932_05a2_45f0_e418,
    ],
];

#[test]
fn compress_equals_zlib_at_every_setting() {
    let mut draw = Draw(5);
    let noise = draw.noise(100_000);
    let residual = draw.residual(300_000);
    let text = draw.text(200_000);
    let runs = draw.runs(400_000);
    let block = draw.noise(32_506);
    let far = [&block, &block[..5000], b"x"].concat().repeat(5);
    for (input, expected) in [noise, residual, text, runs, far].into_iter().zip(ZLIB) {
        let settings: Vec<_> = all_settings().collect();
        for (four, expected) in settings.chunks(4).zip(expected) {
            let streams = four.iter().map(|zlib| zlib.compress(&input));
            let digest = Sha256::digest(streams.collect::<Vec<_>>().concat());
            let found = u64::from_be_bytes(*digest.first_chunk().unwrap());
            assert_eq!(found, expected, "{} bytes, {:?}", input.len(), four[0].level);
        }
    }
}

/// `zlib.compress(bytes([1, 2, 3] * 9), level)`, and of nothing, as Python's zlib gives them.
#[test]
fn short_streams_equal_zlib_byte_by_byte() {
    let expect = |level: u8, raw: &[u8], expected: &[u8]| {
        let zlib =
            super::settings(level, super::super::Memory::Eight, super::super::Strategy::Default);
        assert_eq!(zlib.compress(raw), expected);
        assert_eq!(inflate(expected, raw.len()).unwrap(), raw);
    };
    expect(6, b"", &[0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]);
    expect(
        1,
        &[1, 2, 3].repeat(9),
        &[0x78, 0x01, 0x63, 0x64, 0x62, 0x66, 0xc4, 0x81, 0x00, 0x02, 0xfd, 0x00, 0x37],
    );
    expect(
        9,
        &[1, 2, 3].repeat(9),
        &[0x78, 0xda, 0x63, 0x64, 0x62, 0x66, 0xc4, 0x81, 0x00, 0x02, 0xfd, 0x00, 0x37],
    );
    expect(6, b"a", &[0x78, 0x9c, 0x4b, 0x04, 0x00, 0x00, 0x62, 0x00, 0x62]);
}
