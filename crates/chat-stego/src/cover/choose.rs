//! Which cover takes a payload, and how a payload is shared among several.

#[cfg(test)]
mod tests;

/// A cover that may be chosen.
pub trait Candidate {
    /// How much hiding `payload_len` bytes would disturb this cover; the less, the better.
    ///
    /// The unit is the caller's, the same for all candidates: the expected distortion at the
    /// bound for the codec's costs, for example. `None` if the payload does not fit or the cover
    /// is refused.
    fn distortion(&self, payload_len: usize) -> Option<f64>;
}

/// Chooses the cover that a payload disturbs least.
///
/// * `random` - a word that nobody can foresee: it decides among covers within a hundredth of the
///   best, which is finer than any estimate. Without it, equal collections would lead to equal
///   choices.
///
/// Returns the index of a candidate, or `None` if none takes the payload. Estimates that are no
/// numbers, or below zero, count as none.
pub fn choose(candidates: &[impl Candidate], payload_len: usize, random: u64) -> Option<usize> {
    let usable: Vec<(usize, f64)> = candidates
        .iter()
        .enumerate()
        .filter_map(|(index, candidate)| Some((index, candidate.distortion(payload_len)?)))
        .filter(|&(_, distortion)| distortion.is_finite() && distortion >= 0.0)
        .collect();
    let least = usable.iter().map(|&(_, distortion)| distortion).reduce(f64::min)?;
    let best: Vec<usize> = usable
        .iter()
        .filter(|&&(_, distortion)| distortion <= least * TIE)
        .map(|&(index, _)| index)
        .collect();
    let count = u64::try_from(best.len()).unwrap_or(u64::MAX);
    // The bias of the remainder is below 2^-40 for as many covers as a disk holds.
    best.get(usize::try_from(random.checked_rem(count)?).ok()?).copied()
}

/// Shares a payload among covers, in proportion to what each carries safely.
///
/// * `safe` - the safe size of each cover, in bytes, all of one band
///
/// Returns a part for each cover, in bytes: none is larger than the cover's safe size, their sum
/// is `payload_len`, and each is less than a byte away from its exact share. `None` if the covers
/// together do not carry the payload.
pub fn split_sizes(payload_len: usize, safe: &[usize]) -> Option<Vec<usize>> {
    let total: u128 = safe.iter().map(|&size| size as u128).sum();
    let wanted = payload_len as u128;
    if wanted > total {
        return None;
    }
    if total == 0 {
        return Some(vec![0; safe.len()]);
    }
    let mut parts: Vec<usize> = Vec::with_capacity(safe.len());
    let mut remainders: Vec<(u128, usize)> = Vec::new();
    for (index, &size) in safe.iter().enumerate() {
        let share = wanted * size as u128;
        parts.push(usize::try_from(share / total).ok()?);
        if !share.is_multiple_of(total) {
            remainders.push((share % total, index));
        }
    }
    // The largest remainders get the bytes that rounding down has left. There are more remainders
    // than such bytes, and a part with a remainder lies below its safe size.
    let left = payload_len.checked_sub(parts.iter().sum())?;
    remainders.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for &(_, index) in remainders.iter().take(left) {
        *parts.get_mut(index)? += 1;
    }
    Some(parts)
}

/// Estimates this close to the best are as good.
const TIE: f64 = 1.01;
