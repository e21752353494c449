//! Places that are offered to new devices.

use serde::{Deserialize, Serialize};

use crate::meta_row::MetaRow;
use crate::mutant::{Mutant, breaks};

/// The places that are offered, each to whoever shows the secret of its code in time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Offers(Vec<Offer>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Offer {
    /// The public half of the code's secret.
    key: [u8; 32],
    expires_ms: i64,
}

impl MetaRow for Offers {
    const NAME: &'static str = "device offers";
}

impl Offers {
    /// Offers one more place; the oldest of too many is taken back.
    pub(crate) fn make(&mut self, key: [u8; 32], (now_ms, expires_ms): (i64, i64)) {
        self.0.retain(|offer| offer.expires_ms > now_ms);
        if self.0.len() >= MOST_OFFERS {
            self.0.remove(0);
        }
        self.0.push(Offer { key, expires_ms });
    }

    /// Whether a place is still offered.
    pub(crate) fn has(&self, key: &[u8; 32], now_ms: i64) -> bool {
        self.0.iter().any(|offer| offer.key == *key && offer.expires_ms > now_ms)
    }

    /// Gives a place away: it is offered no more. Returns whether it was.
    pub(crate) fn take(&mut self, key: &[u8; 32], now_ms: i64) -> bool {
        let had = self.has(key, now_ms);
        if breaks(Mutant::CodeForEver) {
            return had;
        }
        self.0.retain(|offer| offer.key != *key);
        had
    }
}

/// The most places that are offered at once.
const MOST_OFFERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_away_once_and_in_time() {
        let mut offers = Offers::default();
        offers.make([1; 32], (0, 10));
        assert!(!offers.take(&[2; 32], 5), "another secret");
        assert!(offers.take(&[1; 32], 9));
        assert!(!offers.take(&[1; 32], 9), "twice");
        offers.make([1; 32], (0, 10));
        assert!(!offers.take(&[1; 32], 10), "late");
        for key in 0..20 {
            offers.make([key; 32], (0, 10));
        }
        assert_eq!(offers.0.len(), MOST_OFFERS);
        assert!(offers.has(&[19; 32], 1));
    }
}
