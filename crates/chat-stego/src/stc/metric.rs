//! What the trellis counts costs in.

/// A cost of a path through the trellis: at least 0, [`FAR`](Self::FAR) where there is none.
pub(super) trait Metric: Copy + PartialOrd + Default + Send {
    /// More than any path.
    const FAR: Self;

    /// The cost of an element.
    ///
    /// * `nats` - the cost times lambda of the payload-limited sender
    /// * `scale` - of [`scale_of`](Self::scale_of)
    ///
    /// None: the element must not change, or not in this metric.
    fn of(nats: f32, scale: f32) -> Option<Self>;

    /// What costs up to `highest` are multiplied with.
    fn scale_of(highest: f32) -> f32;

    /// The sum; `FAR` and any cost are `FAR`.
    fn plus(self, other: Self) -> Self;

    /// The difference, where `self >= other` and `other` is not `FAR`; `FAR` stays `FAR`.
    fn minus(self, other: Self) -> Self;

    /// Whether it is time to take the least metric from all, when it is this.
    fn is_high(self) -> bool;

    /// Numbers in the order of the costs.
    fn rank(self) -> u32;

    /// The cost with this rank.
    fn of_rank(rank: u32) -> Self;
}

/// Integers, for speed: eight fit in the registers of every x86-64 processor.
impl Metric for i16 {
    const FAR: Self = Self::MAX;

    #[inline(always)]
    fn of(nats: f32, scale: f32) -> Option<Self> {
        let scaled = nats * scale;
        let fits = (0.0..f32::from(Self::FAR) - 0.5).contains(&scaled);
        fits.then_some((scaled + 0.5) as Self)
    }

    /// A nat is 1,024 steps at least: paths that compete differ by few nats, and an error of half
    /// a step in a change that costs about a nat is lost in the coding loss. Costs that are all
    /// below a nat get finer steps, of which a path of twelve changes never uses up the range.
    fn scale_of(highest: f32) -> f32 {
        (2048.0 / highest).clamp(1024.0, 1e30)
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        if self == Self::FAR { Self::FAR } else { self.wrapping_sub(other) }
    }

    fn is_high(self) -> bool {
        self >= 8192
    }

    fn rank(self) -> u32 {
        u32::from(self.unsigned_abs())
    }

    fn of_rank(rank: u32) -> Self {
        Self::try_from(rank).unwrap_or(Self::FAR)
    }
}

/// Floating point, for costs whose range integers do not hold.
impl Metric for f32 {
    const FAR: Self = Self::INFINITY;

    fn of(nats: f32, _scale: f32) -> Option<Self> {
        (0.0..Self::INFINITY).contains(&nats).then_some(nats.abs())
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

    fn is_high(self) -> bool {
        true
    }

    fn rank(self) -> u32 {
        self.to_bits()
    }

    fn of_rank(rank: u32) -> Self {
        Self::from_bits(rank)
    }
}
