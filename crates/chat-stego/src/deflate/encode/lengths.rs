//! Lengths of prefix codes: Huffman's algorithm with a limit, ties broken as zlib breaks them.
//!
//! Two lightest nodes are joined until one is left. Of equal weights the lower tree is taken
//! first, which keeps codes short; which of two equal in both comes first follows from the heap,
//! so its steps are part of the format's handwriting.

/// Nodes of the largest forest: 286 leaves and their joints.
const NODES: usize = 2 * 286;

/// The lengths of a code for `N` symbols.
pub(super) struct Lengths<const N: usize> {
    /// Bits a symbol, 0 if it has no code.
    pub(super) bits: [u8; N],
    /// One more than the last symbol with a code.
    pub(super) used: usize,
}

impl<const N: usize> Lengths<N> {
    /// The best code for these counts with at most `limit` bits a symbol.
    ///
    /// At least two symbols get a code, as some readers want it; if there are fewer, the first
    /// symbols join in.
    pub(super) fn of(counts: &[u32; N], limit: u8) -> Self {
        let (mut forest, used) = Forest::of(counts);
        let order = forest.join();
        let mut depths = [0_u8; NODES];
        let mut with_length = [0_usize; 16];
        let mut too_deep = 0_i32;
        for &node in order.iter().rev().skip(1) {
            let mut depth = depths[usize::from(forest.parent[usize::from(node)])] + 1;
            if depth > limit {
                depth = limit;
                too_deep += 1;
            }
            depths[usize::from(node)] = depth;
            if usize::from(node) < N {
                with_length[usize::from(depth)] += 1;
            }
        }
        if too_deep > 0 {
            make_room(&mut with_length, usize::from(limit), too_deep);
            let mut leaves = order.iter().map(|&node| usize::from(node)).filter(|&node| node < N);
            for length in (1..=limit).rev() {
                for leaf in leaves.by_ref().take(with_length[usize::from(length)]) {
                    depths[leaf] = length;
                }
            }
        }
        let mut bits = [0; N];
        bits.copy_from_slice(&depths[..N]);
        Self { bits, used }
    }

    /// The bits of all symbols, with those that follow each.
    pub(super) fn cost(&self, counts: &[u32; N], extra: impl Fn(usize) -> u8) -> usize {
        let symbols = (0..).zip(counts.iter().zip(&self.bits));
        symbols
            .map(|(symbol, (&count, &bits))| count as usize * usize::from(bits + extra(symbol)))
            .sum()
    }
}

/// Gives the leaves that lie too deep a place: one leaf moves down from the longest length that
/// is not full, and one of those takes the place beside it.
fn make_room(with_length: &mut [usize; 16], limit: usize, mut too_deep: i32) {
    while too_deep > 0 {
        let mut length = limit - 1;
        while with_length[length] == 0 {
            length -= 1;
        }
        with_length[length] -= 1;
        with_length[length + 1] += 2;
        with_length[limit] -= 1;
        too_deep -= 2;
    }
}

/// Trees that are still to be joined.
struct Forest {
    weight: [u32; NODES],
    height: [u8; NODES],
    parent: [u16; NODES],
    /// The roots; the children of place `i` lie at `2 i + 1` and `2 i + 2`.
    heap: Vec<u16>,
    /// The next joint.
    next: usize,
}

impl Forest {
    fn of<const N: usize>(counts: &[u32; N]) -> (Self, usize) {
        let mut weight = [0; NODES];
        weight[..N].copy_from_slice(counts);
        let mut heap: Vec<u16> =
            (0..N as u16).filter(|&leaf| counts[usize::from(leaf)] > 0).collect();
        let mut used = heap.last().map_or(0, |&leaf| usize::from(leaf) + 1);
        while heap.len() < 2 {
            let joins_in = if used < 3 { used } else { 0 };
            used = used.max(joins_in + 1);
            weight[joins_in] = 1;
            heap.push(joins_in as u16);
        }
        (Self { weight, height: [0; NODES], parent: [0; NODES], heap, next: N }, used)
    }

    /// Joins all trees; returns the nodes in the order in which they were taken, the root last.
    fn join(&mut self) -> Vec<u16> {
        let mut order = Vec::with_capacity(NODES);
        for place in (0..self.heap.len() / 2).rev() {
            self.sift(place);
        }
        while self.heap.len() > 1 {
            let first = self.heap.swap_remove(0);
            self.sift(0);
            let second = self.heap[0];
            order.extend([first, second]);
            let (a, b) = (usize::from(first), usize::from(second));
            self.weight[self.next] = self.weight[a] + self.weight[b];
            self.height[self.next] = self.height[a].max(self.height[b]) + 1;
            self.parent[a] = self.next as u16;
            self.parent[b] = self.next as u16;
            self.heap[0] = self.next as u16;
            self.next += 1;
            self.sift(0);
        }
        order.extend(self.heap.first());
        order
    }

    /// Lets the root at a place sink below lighter ones.
    fn sift(&mut self, mut place: usize) {
        let sinking = self.heap[place];
        loop {
            let mut child = 2 * place + 1;
            if child >= self.heap.len() {
                break;
            }
            if child + 1 < self.heap.len()
                && self.goes_first(self.heap[child + 1], self.heap[child])
            {
                child += 1;
            }
            if self.goes_first(sinking, self.heap[child]) {
                break;
            }
            self.heap[place] = self.heap[child];
            place = child;
        }
        self.heap[place] = sinking;
    }

    fn goes_first(&self, a: u16, b: u16) -> bool {
        let key = |node: u16| (self.weight[usize::from(node)], self.height[usize::from(node)]);
        key(a) <= key(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kraft<const N: usize>(lengths: &Lengths<N>, limit: u8) -> u32 {
        lengths.bits.iter().filter(|&&bits| bits > 0).map(|&bits| 1 << (limit - bits)).sum()
    }

    #[test]
    fn rare_symbols_get_long_codes() {
        let lengths = Lengths::of(&[1, 8, 1, 4, 2, 0], 15);
        assert_eq!((lengths.bits, lengths.used), ([4, 1, 4, 2, 3, 0], 5));
        assert_eq!(lengths.cost(&[1, 8, 1, 4, 2, 0], |_| 0), 30);
    }

    #[test]
    fn there_are_always_two_codes() {
        let lengths = |counts: [u32; 4]| Lengths::of(&counts, 15);
        assert_eq!((lengths([0; 4]).bits, lengths([0; 4]).used), ([1, 1, 0, 0], 2));
        assert_eq!(lengths([9, 0, 0, 0]).bits, [1, 1, 0, 0]);
        assert_eq!(lengths([0, 0, 0, 9]).bits, [1, 0, 0, 1]);
    }

    #[test]
    fn no_code_is_longer_than_the_limit() {
        let mut counts = [0_u32; 24];
        let (mut a, mut b) = (1, 1);
        for count in &mut counts {
            *count = a;
            (a, b) = (b, a + b);
        }
        for limit in [7, 15] {
            let lengths = Lengths::of(&counts, limit);
            assert!(lengths.bits.iter().all(|&bits| (1..=limit).contains(&bits)));
            assert_eq!(kraft(&lengths, limit), 1 << limit);
        }
    }
}
