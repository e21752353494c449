//! What the trellis counts costs in.

use super::kernel::{self, Decisions, Offer, Row};

/// A cost of a path through the trellis: at least 0, [`FAR`](Self::FAR) where there is none.
pub(super) trait Metric: Copy + PartialOrd + Default + Send {
    /// More than any path.
    const FAR: Self;

    /// The cost of an element; `FAR` if it must not change, or not in this metric.
    ///
    /// * `nats` - the cost times lambda of the payload-limited sender; infinite, negative or NaN:
    ///   must not change
    /// * `scale` - of [`scale_of`](Self::scale_of)
    fn of(nats: f32, scale: f32) -> Self;

    /// What costs up to `highest` are multiplied with.
    fn scale_of(highest: f32) -> f32;

    /// The sum; `FAR` and any cost are `FAR`.
    fn plus(self, other: Self) -> Self;

    /// The difference, where `self >= other` and `other` is not `FAR`; `FAR` stays `FAR`.
    fn minus(self, other: Self) -> Self;

    /// Fills `order` with those of `costs` that are not `FAR` and their numbers, cheapest first,
    /// equal ones as they stand.
    fn sort(costs: &[Self], order: &mut Vec<(u32, Self)>);

    /// Offers elements to all paths, one after another; `decisions` has one for each of them and
    /// row.
    fn steps(states: &mut [Row<Self>], decisions: &mut [Decisions], offers: &[Offer<Self>]);
}

/// Bytes, for speed: 32 fit into a register.
impl Metric for u8 {
    const FAR: Self = Self::MAX;

    #[inline(always)]
    fn of(nats: f32, scale: f32) -> Self {
        let scaled = nats * scale;
        let fits = scaled >= 0.0 && scaled < f32::from(Self::FAR) - 0.5;
        if fits { (scaled + 0.5) as Self } else { Self::FAR }
    }

    /// A nat is [`STEPS`] steps: paths that compete differ by few nats, and an error of half a step
    /// in a change that costs about a nat is lost in the coding loss. Costs that are all below a
    /// nat get finer steps, of which a path of twelve changes never uses up the range.
    fn scale_of(highest: f32) -> f32 {
        (STEPS / highest).clamp(STEPS, 1e30)
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        if self == Self::FAR { Self::FAR } else { self.wrapping_sub(other) }
    }

    fn sort(costs: &[Self], order: &mut Vec<(u32, Self)>) {
        if costs.len() <= FEW {
            order.clear();
            order.extend((0..).zip(costs.iter().copied()).filter(|(_, cost)| *cost < Self::FAR));
            order.sort_by_key(|(_, cost)| *cost);
            return;
        }
        let mut ends = [0_u32; 256];
        for cost in costs {
            bump(&mut ends, *cost, 1);
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += std::mem::replace(end, sum);
        }
        let dry = ends.last().copied().unwrap_or_default() as usize;
        order.clear();
        order.resize(dry, (0, 0));
        for (number, cost) in (0..).zip(costs).filter(|(_, cost)| **cost != Self::FAR) {
            let place = bump(&mut ends, *cost, 1);
            if let Some(place) = order.get_mut(place as usize) {
                *place = (number, *cost);
            }
        }
    }

    fn steps(states: &mut [Row<Self>], decisions: &mut [Decisions], offers: &[Offer<Self>]) {
        kernel::steps_in_bytes(states, decisions, offers);
    }
}

/// Adds to the entry of a cost; returns what it was.
#[inline(always)]
fn bump(entries: &mut [u32; 256], cost: u8, by: u32) -> u32 {
    entries.get_mut(usize::from(cost)).map_or(0, |entry| {
        *entry += by;
        *entry - by
    })
}

/// So many costs are sorted sooner than counted.
const FEW: usize = 32;

/// Steps of a nat.
const STEPS: f32 = 12.0;

/// Floating point, for costs whose range bytes do not hold.
impl Metric for f32 {
    const FAR: Self = Self::INFINITY;

    fn of(nats: f32, _scale: f32) -> Self {
        if nats >= 0.0 { nats } else { Self::FAR }
    }

    fn scale_of(_highest: f32) -> f32 {
        1.0
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }

    fn sort(costs: &[Self], order: &mut Vec<(u32, Self)>) {
        order.clear();
        order.extend((0..).zip(costs.iter().copied()).filter(|(_, cost)| *cost < Self::FAR));
        order.sort_by(|one, other| one.1.total_cmp(&other.1));
    }

    fn steps(states: &mut [Row<Self>], decisions: &mut [Decisions], offers: &[Offer<Self>]) {
        let rows = states.len();
        for (offer, decisions) in offers.iter().zip(decisions.chunks_exact_mut(rows)) {
            kernel::step(states, decisions, *offer);
        }
    }
}
