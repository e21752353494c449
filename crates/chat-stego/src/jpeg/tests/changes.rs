//! Changed coefficients survive writing and reading.

use proptest::prelude::*;

use super::*;

/// Adds to AC values of luma, keeping them in the range that eight bits a sample can give.
fn change(jpeg: &mut Jpeg, changes: &[(usize, usize, i16)]) {
    let luma = jpeg.luma_mut();
    let (wide, high) = (luma.wide, luma.high);
    for &(block, coefficient, difference) in changes {
        let (row, column) = (block / wide % high, block % wide);
        let value = &mut luma.row_mut(row)[column][1 + coefficient % 63];
        *value = (*value + difference).clamp(-1023, 1023);
    }
}

proptest! {
    #[test]
    fn changes_survive_writing_and_reading(
        which in 0..FIXTURES.len(),
        changes in prop::collection::vec((0..4096_usize, 0..63_usize, -3..=3_i16), 0..200),
    ) {
        let file = fixture(FIXTURES[which]);
        let mut jpeg = Jpeg::read(&file).unwrap();
        change(&mut jpeg, &changes);
        let written = jpeg.write().unwrap();
        let mut again = Jpeg::read(&written).unwrap();
        prop_assert!(again.components() == jpeg.components());
        prop_assert_eq!(again.segments().count(), jpeg.segments().count());
        prop_assert_eq!(again.check_round_trip(&written), Ok(()));
    }

    #[test]
    fn great_changes_survive_where_tables_are_optimal(
        changes in prop::collection::vec((0..4096_usize, 0..63_usize, any::<i16>()), 1..500),
    ) {
        for name in ["progressive-successive.jpg", "sequential-422-optimal.jpg"] {
            let mut jpeg = Jpeg::read(&fixture(name)).unwrap();
            for &(block, coefficient, value) in &changes {
                let luma = jpeg.luma_mut();
                let blocks = luma.wide * luma.high;
                let row = block % blocks / luma.wide;
                let column = block % luma.wide;
                luma.row_mut(row)[column][1 + coefficient % 63] = value.max(-32767);
            }
            let again = Jpeg::read(&jpeg.write().unwrap()).unwrap();
            prop_assert!(again.components() == jpeg.components());
        }
    }

    #[test]
    fn new_files_hold_their_coefficients(
        size in (1..70_u16, 1..70_u16),
        sampling in prop::sample::select(vec![(1, 1), (2, 1), (2, 2), (1, 2)]),
        is_optimal in any::<bool>(),
        values in prop::collection::vec((0..10_000_usize, -1000..1000_i16), 0..300),
    ) {
        let mut components = Jpeg::layout(size, sampling, 3).unwrap();
        for (at, value) in values {
            let component = &mut components[at % 3];
            let (wide, high) = (component.wide, component.high);
            let block = &mut component.row_mut(at % high)[at / 7 % wide];
            block[at / 3 % 64] = value;
        }
        let style = if is_optimal { HuffmanStyle::Optimal } else { HuffmanStyle::Standard };
        let made = Jpeg::baseline(size, components, style).unwrap();
        let mut again = Jpeg::read(&made.write().unwrap()).unwrap();
        prop_assert!(again.components() == made.components());
        let expected = if is_optimal { TableStyle::Optimal } else { TableStyle::Standard };
        prop_assert_eq!(again.table_style(), expected);
    }
}

#[test]
fn values_without_a_code_are_told_with_all_their_blocks() {
    let mut jpeg = Jpeg::read(&fixture("sequential-420.jpg")).unwrap();
    let luma = jpeg.luma_mut();
    luma.blocks[3][9] = 1024;
    luma.blocks[8][63] = -2000;
    let place = |block| BlockPlace { component: 0, block };
    match jpeg.write() {
        Err(JpegWriteError::MissingSymbols { mut places }) => {
            places.sort_unstable();
            assert_eq!(places, [place(3), place(8)]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_beyond_all_codes_are_told() {
    let mut jpeg = Jpeg::read(&fixture("sequential-422-optimal.jpg")).unwrap();
    jpeg.luma_mut().blocks[0][5] = i16::MIN;
    assert!(matches!(jpeg.write(), Err(JpegWriteError::MissingSymbols { .. })));
}
