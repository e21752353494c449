//! HILL: a sample is cheap to change where its neighbourhood is noisy.

mod stripe;
#[cfg(test)]
mod tests;

use std::ops::Range;

use self::stripe::Stripe;

/// One colour channel of a picture of 8 bits a sample.
#[derive(Clone, Copy)]
pub(crate) struct Channel<'a> {
    /// The picture's samples, row by row.
    samples: &'a [u8],
    /// Samples of this channel in a row.
    wide: usize,
    /// Samples between two of this channel, 1 or more: the number of channels.
    step: usize,
    /// Place of the channel's first sample: below `step`.
    first: usize,
}

impl<'a> Channel<'a> {
    /// Channel `first` of a picture of `wide` columns that interleaves `step` channels.
    pub(crate) fn of(samples: &'a [u8], wide: usize, step: usize, first: usize) -> Self {
        let step = step.max(1);
        Self { samples, wide, step, first: first.min(step - 1) }
    }

    /// Whole rows.
    pub(crate) fn high(&self) -> usize {
        self.samples.len().checked_div(self.wide * self.step).unwrap_or(0)
    }

    /// The samples of row `row`; none beyond the last.
    fn row(&self, row: usize) -> impl ExactSizeIterator<Item = u8> + use<'a> {
        let length = self.wide * self.step;
        let row = self.samples.get(row * length..(row + 1) * length).unwrap_or_default();
        row.get(self.first..).unwrap_or_default().iter().step_by(self.step).copied()
    }
}

/// The costs of changing the samples of one channel by 1, up or down.
///
/// ```text
/// cost = mean over 15 x 15 of 1 / (mean over 3 x 3 of |high-pass| + epsilon)
/// ```
/// with the Ker-Boehme high-pass `-1 2 -1, 2 -4 2, -1 2 -1`, and the picture mirrored at its
/// edges. 0.0005 to 2,100,000, the latter where all is flat. Epsilon is 2^-21, so that four times
/// a cost is what conseal computes, which divides the high-pass by 4 and adds 2^-23. Saturated
/// samples are the caller's to forbid.
///
/// Time: O(samples). Memory: 160 bytes a column while rows are made.
///
/// # Source
/// Li, Wang, Huang, Li 2014, "A new cost function for spatial image steganography", IEEE ICIP,
/// section 3.
#[derive(Clone, Copy)]
pub(crate) struct Hill<'a> {
    channel: Channel<'a>,
}

impl<'a> Hill<'a> {
    pub(crate) fn of(channel: Channel<'a>) -> Self {
        Self { channel }
    }

    /// Calls `visit` with each row in `rows`, in order, and the costs of its samples.
    ///
    /// The values do not depend on how rows are cut into stripes: threads may take a stripe each,
    /// see [`stripes::share`](crate::stripes::share). A stripe costs 14 rows more than it has.
    pub(crate) fn rows(&self, rows: Range<usize>, mut visit: impl FnMut(usize, &[f32])) {
        let rows = rows.start..rows.end.min(self.channel.high());
        if rows.is_empty() {
            return;
        }
        let mut stripe = Stripe::above(self.channel, rows.start);
        for first in rows.clone().step_by(8) {
            for (row, costs) in (first..rows.end).zip(stripe.next()) {
                visit(row, costs.get(..self.channel.wide).unwrap_or_default());
            }
        }
    }
}
