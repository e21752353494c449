//! What a Commit carries beside its proposals: what others have signed that it is made for.
//!
//! ```text
//! nothing, or
//! version u8 = 1 | departure 68 ..., 1 to 32 of them
//! version u8 = 2 | return 68
//! ```

use super::departure::Departure;
use super::refusal::Refusal;
use super::returning::Return;

/// What a Commit carries beside its proposals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AdditionalData {
    Departures(Vec<Departure>),
    Return(Return),
}

impl AdditionalData {
    /// Nothing is no bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Departures(departures) if departures.is_empty() => Vec::new(),
            Self::Departures(departures) => {
                let bytes = departures.iter().flat_map(Departure::to_bytes);
                [DEPARTURES].into_iter().chain(bytes).collect()
            }
            Self::Return(wish) => [RETURN].into_iter().chain(wish.to_bytes()).collect(),
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let Some((version, rest)) = bytes.split_first() else {
            return Ok(Self::Departures(Vec::new()));
        };
        match *version {
            DEPARTURES => {
                let (departures, []) = rest.as_chunks() else {
                    return Err(Refusal::AdditionalData);
                };
                if !(1..=MAX_DEPARTURES).contains(&departures.len()) {
                    return Err(Refusal::AdditionalData);
                }
                Ok(Self::Departures(departures.iter().map(Departure::from_bytes).collect()))
            }
            RETURN => {
                let wish = rest.try_into().map_err(|_| Refusal::AdditionalData)?;
                Ok(Self::Return(Return::from_bytes(wish)))
            }
            _ => Err(Refusal::AdditionalData),
        }
    }
}

const DEPARTURES: u8 = 1;
const RETURN: u8 = 2;

/// The most departures that one Commit carries.
const MAX_DEPARTURES: usize = 32;
