//! Extraction: the check, and behind it the body.

use zeroize::Zeroizing;

use super::body;
use super::check::{self, CheckCells};
use super::coding;
use super::division::RUN;
use super::embed::{Keyings, check_keying};
use super::keying::Purpose;
use super::medium::Medium;
use super::pool::Symbols;
use super::size_class::SizeClass;
use crate::key::{ProbeKey, StegoKey};
use crate::stripes::fold_stripes;

/// Whether a picture carries something for holders of the probe key; `None` if not.
pub(crate) fn probe<M: Medium>(medium: &M, key: &ProbeKey) -> Option<SizeClass> {
    check::read(medium, &check_keying(medium, key.as_bytes()))
}

/// The payload of a picture; `None` if it carries none for this key, as far as can be told.
pub(crate) fn extract<M: Medium>(medium: &M, key: &StegoKey) -> Option<Zeroizing<Vec<u8>>> {
    let grid = medium.grid();
    let keyings = Keyings::of(medium, key);
    let class = check::read(medium, &keyings.check)?;
    if class.bytes() > grid.longest_body() {
        return None;
    }
    let cells = CheckCells::draw(&keyings.check, grid);
    let division = body::divide(medium, &keyings.body, (&cells, class));
    let add_rows = |rows: std::ops::Range<usize>| {
        let mut symbols = Symbols::new(division.groups());
        let mut groups = division.reader(RUN);
        for row in rows {
            groups.start_row(row);
            let start = row * grid.columns;
            for at in (start..start + grid.columns).filter(|at| !cells.contains(*at)) {
                let cell = medium.cell(row, at - start);
                symbols.add(&cell, groups.next(at, cell.elements));
            }
        }
        symbols
    };
    let symbols = fold_stripes(grid.rows, add_rows, |w, p| w.merge(p)).finish();
    let mut code = keyings.body.stream(Purpose::BodyCode);
    let found = coding::read_ternary(&mut code, &symbols, class.bytes())?;
    body::open(found, &mut keyings.body.stream(Purpose::BodyMask))
}
