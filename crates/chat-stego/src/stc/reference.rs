//! The trellis once more, state by state and without shortcuts, to compare with.

use super::metric::Metric;
use super::trellis::Trellis;

/// What [`Trellis::solve`] finds.
pub(super) fn solve(trellis: &Trellis<'_>) -> Option<Vec<usize>> {
    solve_in::<u8>(trellis).or_else(|| solve_in::<f32>(trellis))
}

fn solve_in<T: Metric>(trellis: &Trellis<'_>) -> Option<Vec<usize>> {
    let costs: Vec<T> = trellis.costs_in();
    let states = 1_usize << trellis.code.height();
    let mut metrics = vec![T::FAR; states];
    metrics[0] = T::default();
    // (element, column, the states whose best path changes it), then None where a bit ends
    let mut history = Vec::new();
    for (bit, block) in trellis.segment.blocks().enumerate() {
        let mut order = Vec::new();
        T::sort(&costs[block.clone()], &mut order);
        for (nth, cost) in order {
            let element = block.start + nth as usize;
            let left = trellis.target.len() - bit;
            let mask = if left < 16 { (1_usize << left) - 1 } else { usize::MAX };
            let column = usize::from(trellis.code.columns()[nth as usize]) & mask;
            let better = |s: usize| metrics[s ^ column].plus(cost) < metrics[s];
            let changes: Vec<bool> = (0..states).map(better).collect();
            let best =
                |s: usize| if changes[s] { metrics[s ^ column].plus(cost) } else { metrics[s] };
            metrics = (0..states).map(best).collect();
            history.push(Some((element, column, changes)));
        }
        history.push(None);
        let bit = usize::from(trellis.target[bit]);
        let kept: Vec<T> = metrics.iter().skip(bit).step_by(2).copied().collect();
        metrics = kept;
        let least = metrics.iter().fold(T::FAR, |a, b| if *b < a { *b } else { a });
        if least >= T::FAR {
            return None;
        }
        if least > T::default() {
            metrics.iter_mut().for_each(|metric| *metric = metric.minus(least));
        }
        metrics.resize(states, T::FAR);
    }
    Some(walk_back(history, trellis.target))
}

fn walk_back(history: Vec<Option<(usize, usize, Vec<bool>)>>, target: &[u8]) -> Vec<usize> {
    let (mut state, mut flips) = (0, Vec::new());
    let mut bits = target.iter().rev();
    for entry in history.into_iter().rev() {
        match entry {
            None => state = (state << 1) | usize::from(*bits.next().unwrap()),
            Some((element, column, changes)) if changes[state] => {
                flips.push(element);
                state ^= column;
            }
            Some(_) => {}
        }
    }
    assert_eq!(state, 0, "the path does not begin at state 0");
    flips.sort_unstable();
    flips
}
