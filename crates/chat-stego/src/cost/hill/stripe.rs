//! A window that slides down a channel, eight rows at a time.
#![expect(clippy::indexing_slicing, reason = "arrays of constant size, in constant bounds")]

use super::Channel;
use crate::cost::mirror::place;

/// Samples by which a line is continued to each side: 1 for the high-pass, 1 for the mean of
/// three, 7 for the mean of fifteen.
const MARGIN: usize = 9;

/// Rows that eight means of fifteen are made of.
const SEEN: usize = 22;

/// Samples of the mean of three.
const NINE: f32 = 9.0;

/// Added to the mean of three, so that flat places have a cost.
const EPSILON: f32 = 4.0 * f32::EPSILON;

type Lanes = [f32; 8];

/// What is kept of the rows above: enough to make the next eight.
///
/// All is made from the mirrored picture; filters that are symmetric may as well be applied to it
/// as their outcome mirrored.
pub(super) struct Stripe<'a> {
    channel: Channel<'a>,
    /// The next row to be read; those outside the picture are mirrored.
    next: isize,
    /// The last three rows, continued to both sides.
    lines: [Vec<i16>; 3],
    /// Three rows of the high-pass without sign, summed up along the row by threes.
    threes: [Vec<i16>; 3],
    /// Room for a row.
    rooms: Rooms,
    /// Of 22 rows the sums of fifteen along the row, in groups of eight columns.
    fifteens: Vec<[Lanes; SEEN]>,
    /// Eight rows of costs.
    costs: [Vec<f32>; 8],
}

/// Rows that are only needed while the next is made.
struct Rooms {
    /// The high-pass along columns.
    rough: Vec<i16>,
    /// And along the row, without sign.
    residual: Vec<i16>,
    /// What the mean of fifteen is taken of.
    dear: Vec<f32>,
    /// Sums of two, four, eight and fifteen of them.
    sums: [Vec<f32>; 4],
}

impl<'a> Stripe<'a> {
    /// Ready to make row `row` and those below it.
    pub(super) fn above(channel: Channel<'a>, row: usize) -> Self {
        let groups = channel.wide.div_ceil(8);
        let line = 8 * groups + 2 * MARGIN;
        let mut stripe = Self {
            channel,
            next: row.cast_signed() - 9,
            lines: std::array::from_fn(|_| vec![0; line]),
            threes: std::array::from_fn(|_| vec![0; line - 4]),
            rooms: Rooms::of_line(line),
            fifteens: vec![[[0.0; 8]; SEEN]; groups],
            costs: std::array::from_fn(|_| vec![0.0; 8 * groups]),
        };
        for _ in 0..4 {
            stripe.read();
        }
        for slot in 0..SEEN - 8 {
            stripe.add(slot);
        }
        stripe
    }

    /// Makes the costs of the next eight rows; those below the picture mean nothing, nor do those
    /// beyond its width.
    pub(super) fn next(&mut self) -> &[Vec<f32>; 8] {
        for slot in SEEN - 8..SEEN {
            self.add(slot);
        }
        for (group, rows) in self.fifteens.iter_mut().enumerate() {
            let means = means(rows);
            for (costs, mean) in self.costs.iter_mut().zip(means) {
                if let Some(place) = costs.get_mut(8 * group..8 * group + 8) {
                    place.copy_from_slice(&mean);
                }
            }
            rows.copy_within(8.., 0);
        }
        &self.costs
    }

    /// Makes one row of sums of fifteen.
    fn add(&mut self, slot: usize) {
        self.read();
        let [above, here, below] = &self.threes;
        let sums = above.iter().zip(here).zip(below);
        for (dear, ((above, here), below)) in self.rooms.dear.iter_mut().zip(sums) {
            *dear = NINE / (f32::from(above + here + below) + NINE * EPSILON);
        }
        let chunks = self.rooms.sums_of_fifteen().as_chunks().0;
        for (group, chunk) in self.fifteens.iter_mut().zip(chunks) {
            group[slot] = *chunk;
        }
    }

    /// Reads a row, and takes the high-pass of the one before it.
    fn read(&mut self) {
        self.lines.rotate_left(1);
        extend(self.channel, self.next, &mut self.lines[2]);
        self.next += 1;
        let [above, here, below] = &self.lines;
        let rows = above.iter().zip(here).zip(below);
        for (rough, ((above, here), below)) in self.rooms.rough.iter_mut().zip(rows) {
            *rough = 2 * here - above - below;
        }
        let rough = self.rooms.rough.array_windows();
        for (residual, [left, here, right]) in self.rooms.residual.iter_mut().zip(rough) {
            *residual = (2 * here - left - right).abs();
        }
        self.threes.rotate_left(1);
        let residuals = self.rooms.residual.array_windows();
        for (three, [left, here, right]) in self.threes[2].iter_mut().zip(residuals) {
            *three = left + here + right;
        }
    }
}

impl Rooms {
    fn of_line(line: usize) -> Self {
        Self {
            rough: vec![0; line],
            residual: vec![0; line - 2],
            dear: vec![0.0; line - 4],
            sums: [5, 7, 11, 18].map(|less| vec![0.0; line - less]),
        }
    }

    /// Sums of fifteen neighbours each. They are put together from sums of eight, four and two
    /// instead of running along, for what is added and taken away again leaves its rounding error
    /// behind, and values here are as far apart as 2,000,000 and 0.0005.
    fn sums_of_fifteen(&mut self) -> &[f32] {
        let [twos, fours, eights, fifteens] = &mut self.sums;
        add(twos, &self.dear, 1);
        add(fours, twos, 2);
        add(eights, fours, 4);
        let parts = eights.iter().zip(&fours[8..]).zip(&twos[12..]).zip(&self.dear[14..]);
        for (fifteen, (((eight, four), two), one)) in fifteens.iter_mut().zip(parts) {
            *fifteen = eight + four + two + one;
        }
        fifteens
    }
}

/// Sums of two values that are `apart`.
fn add(sums: &mut [f32], values: &[f32], apart: usize) {
    for (sum, (value, other)) in sums.iter_mut().zip(values.iter().zip(&values[apart..])) {
        *sum = value + other;
    }
}

/// The means of eight times fifteen rows, put together in the same way.
#[inline]
fn means(rows: &[Lanes; SEEN]) -> [Lanes; 8] {
    let mut means = [[0.0; 8]; 8];
    for lane in 0..8 {
        let one: [f32; SEEN] = rows.map(|row| row[lane]);
        let two: [f32; 20] = std::array::from_fn(|row| one[row] + one[row + 1]);
        let four: [f32; 16] = std::array::from_fn(|row| two[row] + two[row + 2]);
        let eight: [f32; 8] = std::array::from_fn(|row| four[row] + four[row + 4]);
        for row in 0..8 {
            let fifteen = eight[row] + four[row + 8] + two[row + 12] + one[row + 14];
            means[row][lane] = fifteen * (1.0 / 225.0);
        }
    }
    means
}

/// Lays row `row` of the mirrored picture into a line, mirrored to both sides.
fn extend(channel: Channel<'_>, row: isize, line: &mut [i16]) {
    let row = channel.row(place(row, channel.high()));
    let end = MARGIN + row.len();
    for (sample, level) in line.iter_mut().skip(MARGIN).zip(row) {
        *sample = i16::from(level);
    }
    let wide = end - MARGIN;
    for at in (0..MARGIN).chain(end..line.len()) {
        line[at] = line[MARGIN + place(at.cast_signed() - MARGIN.cast_signed(), wide)];
    }
}
