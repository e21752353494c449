//! Rows of the outbox that lie together: one sealed value for many, and one mark for each.

use zeroize::Zeroizing;

use crate::codec::{Fields, push_bytes};
use crate::error::StoreError;

/// Rows of one mailbox, numbered one after another.
pub(super) struct Block {
    pub(super) first: u64,
    pub(super) mailbox: [u8; 20],
    /// Secret: wiped when dropped.
    pub(super) bodies: Vec<Zeroizing<Vec<u8>>>,
}

impl Block {
    /// The most rows of a block: each has a bit in its [`Marks`].
    pub(super) const ROWS: usize = 64;
    /// No further row is added once the bodies are this long, in bytes.
    pub(super) const BYTES: usize = 64 * 1024;

    pub(super) fn decode(first: u64, value: &[u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::damaged("a row of the outbox");
        let mut fields = Fields(value);
        let mailbox = fields.array().ok_or_else(damaged)?;
        let mut bodies = Vec::new();
        while !fields.0.is_empty() {
            let body = fields.bytes().ok_or_else(damaged)?;
            bodies.push(Zeroizing::new(body.to_vec()));
        }
        if bodies.is_empty() || bodies.len() > Self::ROWS {
            return Err(damaged());
        }
        Ok(Self { first, mailbox, bodies })
    }

    /// The value of a block.
    pub(super) fn encode<B: AsRef<[u8]>>(mailbox: &[u8; 20], bodies: &[B]) -> Zeroizing<Vec<u8>> {
        let length = bodies.iter().map(|body| 4 + body.as_ref().len()).sum::<usize>();
        let mut value = Zeroizing::new(Vec::with_capacity(20 + length));
        value.extend_from_slice(mailbox);
        bodies.iter().for_each(|body| push_bytes(&mut value, body.as_ref()));
        value
    }

    /// How many of these bodies the next block takes; at least one of any.
    pub(super) fn takes<B: AsRef<[u8]>>(bodies: &[B]) -> usize {
        let mut bytes = 0_usize;
        let fits = bodies.iter().take(Self::ROWS).take_while(|body| {
            let had = bytes;
            bytes = bytes.saturating_add(body.as_ref().len());
            had == 0 || bytes <= Self::BYTES
        });
        fits.count()
    }

    /// The place of a row in the block.
    pub(super) fn place(&self, id: u64) -> Option<usize> {
        let place = usize::try_from(id.checked_sub(self.first)?).ok()?;
        (place < self.bodies.len()).then_some(place)
    }
}

/// Which rows of a block are meant, one bit each: the lowest is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks(pub(super) u64);

impl Marks {
    /// The first `count` rows, at most 64.
    pub(super) fn first(count: usize) -> Self {
        let beyond = u32::try_from(Block::ROWS.saturating_sub(count)).unwrap_or(0);
        Self(u64::MAX.checked_shr(beyond).unwrap_or(0))
    }

    /// The row `id` of the block that begins at `first`; nothing if it cannot be in it.
    pub(super) fn one(first: u64, id: u64) -> Self {
        let place = id.checked_sub(first).and_then(|place| u32::try_from(place).ok());
        Self(place.and_then(|place| 1_u64.checked_shl(place)).unwrap_or(0))
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The numbers of the rows, rising.
    pub(super) fn ids(self, first: u64) -> impl Iterator<Item = u64> {
        (0..64_u64)
            .filter(move |place| self.0 >> place & 1 == 1)
            .map(move |at| first.saturating_add(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_bounded_by_rows_and_bytes() {
        assert_eq!(Block::takes(&vec![[0; 10]; 100]), 64);
        assert_eq!(Block::takes(&vec![[0; 32 * 1024]; 5]), 2);
        assert_eq!(Block::takes(&[vec![0; 1 << 20], vec![0; 1]]), 1);
        assert_eq!(Block::takes(&[vec![], vec![0; 1 << 20]]), 2);
        assert_eq!(Block::takes::<[u8; 0]>(&[]), 0);
    }

    #[test]
    fn marks_name_rows_of_their_block_alone() {
        assert_eq!(Marks::first(0), Marks(0));
        assert_eq!(Marks::first(3), Marks(0b111));
        assert_eq!(Marks::first(64), Marks(u64::MAX));
        assert_eq!(Marks::one(5, 5), Marks(1));
        assert_eq!(Marks::one(5, 68), Marks(1 << 63));
        assert!(Marks::one(5, 69).is_empty() && Marks::one(5, 4).is_empty());
        assert!(Marks::one(5, u64::MAX).is_empty());
        assert_eq!(Marks(0b1001).ids(7).collect::<Vec<_>>(), [7, 10]);
    }

    #[test]
    fn a_block_survives_its_encoding_and_nothing_else_is_one() {
        let bodies = [b"a".to_vec(), Vec::new(), vec![7; 300]];
        let value = Block::encode(&[9; 20], &bodies);
        let block = Block::decode(11, &value).unwrap();
        assert_eq!((block.first, block.mailbox), (11, [9; 20]));
        assert!(block.bodies.iter().map(|body| &**body).eq(bodies.iter()));
        assert_eq!((block.place(11), block.place(13)), (Some(0), Some(2)));
        assert_eq!((block.place(10), block.place(14)), (None, None));
        for cut in 0..value.len() {
            // Between two bodies it is a shorter block; the seal around it tells that.
            let whole = [25, 29].contains(&cut);
            assert_eq!(Block::decode(11, &value[..cut]).is_ok(), whole, "{cut}");
        }
        assert!(Block::decode(11, &Block::encode(&[9; 20], &[b""; 65])).is_err());
    }
}
