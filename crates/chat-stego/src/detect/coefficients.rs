//! How the coefficients of two JPEG files differ.

use crate::jpeg::Component;

/// How the coefficients of a stego JPEG differ from its cover's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoefficientChanges {
    /// Coefficients that are not DC and not zero, in all components of the cover.
    pub nonzero_ac: usize,
    /// Coefficients that differ.
    pub changed: usize,
    /// Coefficients that differ by more than 1.
    pub by_more_than_one: usize,
    /// DC coefficients that differ.
    pub dc: usize,
    /// Coefficients that differ in other components than the first.
    pub chroma: usize,
    /// Coefficients that are zero in one file and not in the other.
    pub to_or_from_zero: usize,
    /// Whether all quantisation tables are the same.
    pub same_tables: bool,
}

/// Compares the components of two JPEGs; `None` if their shapes differ.
pub(crate) fn coefficient_changes(
    cover: &[Component],
    stego: &[Component],
) -> Option<CoefficientChanges> {
    let shape = |c: &Component| (c.horizontal, c.vertical, c.stride, c.blocks.len());
    if !cover.iter().map(shape).eq(stego.iter().map(shape)) {
        return None;
    }
    let tables = |components: &[Component]| components.iter().map(|c| c.quant).collect::<Vec<_>>();
    let mut changes =
        CoefficientChanges { same_tables: tables(cover) == tables(stego), ..Default::default() };
    for (place, (cover, stego)) in cover.iter().zip(stego).enumerate() {
        let before = changes.changed;
        for (cover, stego) in cover.blocks.iter().zip(&stego.blocks) {
            changes.add(cover, stego);
        }
        if place > 0 {
            changes.chroma += changes.changed - before;
        }
    }
    Some(changes)
}

impl CoefficientChanges {
    fn add(&mut self, cover: &[i16; 64], stego: &[i16; 64]) {
        for (place, (&before, &after)) in cover.iter().zip(stego).enumerate() {
            self.nonzero_ac += usize::from(place > 0 && before != 0);
            if before != after {
                self.changed += 1;
                self.by_more_than_one += usize::from(before.abs_diff(after) > 1);
                self.dc += usize::from(place == 0);
                self.to_or_from_zero += usize::from(before == 0 || after == 0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(blocks: Vec<[i16; 64]>) -> Component {
        Component {
            id: 1,
            horizontal: 1,
            vertical: 1,
            quant: [2; 64],
            wide: blocks.len(),
            high: 1,
            stride: blocks.len(),
            blocks,
        }
    }

    #[test]
    fn changed_coefficients_are_counted_by_kind() {
        let cover = [component(vec![[1; 64]; 2]), component(vec![[0; 64]])];
        let mut stego = cover.clone();
        stego[0].blocks[1][5] = 2;
        stego[0].blocks[0][0] = 3;
        stego[1].blocks[0][63] = -1;
        let expected = CoefficientChanges {
            nonzero_ac: 126,
            changed: 3,
            by_more_than_one: 1,
            dc: 1,
            chroma: 1,
            to_or_from_zero: 1,
            same_tables: true,
        };
        assert_eq!(coefficient_changes(&cover, &stego), Some(expected));
        stego[1].quant[3] = 5;
        assert!(!coefficient_changes(&cover, &stego).unwrap().same_tables);
        assert_eq!(coefficient_changes(&cover, &stego[..1]), None);
    }
}
