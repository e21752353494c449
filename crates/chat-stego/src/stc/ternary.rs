//! Changes by one up or down: two layers, one on top of the other.
//!
//! A change by +1 or -1 always turns the lowest bit, and exactly one of the two turns the
//! second-lowest as well. So the first half of the message goes into the second-lowest bits: that
//! decides who goes the way that turns it. The second half goes into the lowest bits of all
//! others, by way of the other direction.
//!
//! # Source
//! Filler, Judas, Fridrich 2011, section VI (multi-layered construction, Algorithm 3).

use std::ops::Range;

use super::logistic::{exp_minus, ln_1p};
use super::{Code, Layer, StcError, bound, layer, parallel, part_of};

/// What a ternary embedding is about.
struct Cover<'a> {
    code: &'a Code,
    symbols: &'a [u8],
    plus: &'a [f32],
    minus: &'a [f32],
    /// Of the payload-limited sender.
    lambda: f64,
}

/// Finds the changes by +1 or -1 after which the symbols carry `message`.
///
/// * `symbols` - 0 to 3 an element: what changes, modulo 4; higher bits are ignored
/// * `plus`, `minus` - what these changes cost, one an element, at least 0; infinite, negative
///   or NaN: never made
/// * `message` - 0 or 1 a bit; the first half, rounded down, goes into the second-lowest bits
///
/// Returns -1, 0 or +1 an element. Threads, time and memory are those of
/// [`embed_binary`](super::embed_binary), twice.
///
/// # Errors
/// [`StcError::TooLong`], [`StcError::Narrow`] and [`StcError::Costs`] if the lengths do not
/// fit, [`StcError::Wet`] if no changes were found: mostly, there are none.
pub(crate) fn embed_ternary(
    code: &Code,
    symbols: &[u8],
    (plus, minus): (&[f32], &[f32]),
    message: &[u8],
) -> Result<Vec<i8>, StcError> {
    for costs in [plus.len(), minus.len()] {
        if costs != symbols.len() {
            return Err(StcError::Costs { elements: symbols.len(), costs });
        }
    }
    let lambda = bound::lambda_ternary(plus, minus, message.len());
    Cover { code, symbols, plus, minus, lambda }.embed(message, parallel::threads())
}

/// Reads a message of `message_bits` bits, one a byte, out of symbols modulo 4.
///
/// # Errors
/// [`StcError::TooLong`] and [`StcError::Narrow`] if the lengths do not fit.
pub(crate) fn extract_ternary(
    code: &Code,
    symbols: &[u8],
    message_bits: usize,
) -> Result<Vec<u8>, StcError> {
    let half = message_bits / 2;
    let mut message = layer::message((code, Layer::SecondLowest), symbols, half)?;
    message.extend(layer::message((code, Layer::Lowest), symbols, message_bits - half)?);
    Ok(message)
}

impl Cover<'_> {
    fn embed(&self, message: &[u8], threads: usize) -> Result<Vec<i8>, StcError> {
        let (upper, lower) = message.split_at(message.len() / 2);
        let job = (self.code, Layer::SecondLowest, threads);
        let turns = layer::flips(job, self.symbols, |part| self.turning(&part), upper)?;
        let mut stego = self.symbols.to_vec();
        change(&mut stego, &turns, turning);
        let job = (self.code, Layer::Lowest, threads);
        let others = layer::flips(job, &stego, |part| self.staying(&part, &stego), lower)?;
        change(&mut stego, &others, |symbol| -turning(symbol));
        let difference = |(new, old): (&u8, &u8)| new.wrapping_sub(*old).cast_signed();
        Ok(stego.iter().zip(self.symbols).map(difference).collect())
    }

    /// For each element the logarithm of the odds against the change that turns the second-lowest
    /// bit.
    fn turning(&self, part: &Range<usize>) -> Vec<f32> {
        // (1 - p) / p = (1 + exp(-other)) / exp(-turning)
        let odds = |_, [turning, other]: [f32; 2]| turning + ln_1p(exp_minus(other));
        self.each(part, self.symbols, odds)
    }

    /// For each element the cost of the change that does not; infinite where it has been made the
    /// other way.
    fn staying(&self, part: &Range<usize>, stego: &[u8]) -> Vec<f32> {
        let cost =
            |is_changed, [_, other]: [f32; 2]| if is_changed { f32::INFINITY } else { other };
        self.each(part, stego, cost)
    }

    /// What `cost` makes of whether an element is changed in `stego`, and of the costs of the change
    /// that turns its second-lowest bit and of the other one, in units of 1 / lambda.
    #[inline(always)]
    fn each(
        &self,
        part: &Range<usize>,
        stego: &[u8],
        cost: impl Fn(bool, [f32; 2]) -> f32,
    ) -> Vec<f32> {
        let costs = part_of(self.plus, part).iter().zip(part_of(self.minus, part));
        let symbols = part_of(self.symbols, part).iter().zip(part_of(stego, part));
        let mut made = vec![0.0; part.len()];
        for ((made, (plus, minus)), (symbol, stego)) in made.iter_mut().zip(costs).zip(symbols) {
            let (plus, minus) = (bound::nats(*plus, self.lambda), bound::nats(*minus, self.lambda));
            let is_up = symbol & 1 == 1;
            let turning = if is_up { plus } else { minus };
            let other = if is_up { minus } else { plus };
            *made = cost(symbol != stego, [turning, other]);
        }
        made
    }
}

/// The change that turns the second-lowest bit of a symbol: up from an odd one, down from an even
/// one.
fn turning(symbol: u8) -> i8 {
    if symbol & 1 == 1 { 1 } else { -1 }
}

/// Changes the symbols at `indices`.
fn change(symbols: &mut [u8], indices: &[usize], by: impl Fn(u8) -> i8) {
    for index in indices {
        if let Some(symbol) = symbols.get_mut(*index) {
            *symbol = symbol.wrapping_add_signed(by(*symbol));
        }
    }
}
