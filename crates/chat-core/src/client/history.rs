//! Reading the history.

use chat_store::{HistoryRow as Stored, Seq};

use super::Client;
use crate::error::{Error, HistoryError};
use crate::history_row::HistoryRow;
use crate::item::HistoryItem;
use crate::peer::Peer;

/// Which rows of the history to show.
#[derive(Clone, Debug, Default)]
pub struct HistoryQuery {
    /// Only the conversation with this person or group.
    pub with: Option<Peer>,
    /// At most so many rows, the newest ones; `None` for all.
    pub limit: Option<usize>,
    /// Only rows stored at or after this time: our clock, milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Only rows stored before this time.
    pub until_ms: Option<i64>,
}

impl HistoryQuery {
    fn takes(&self, item: &HistoryItem) -> bool {
        let at = item.received_at_ms;
        self.since_ms.is_none_or(|since| at >= since)
            && self.until_ms.is_none_or(|until| at < until)
    }
}

impl Client {
    /// The newest rows that `query` and `keep` let pass, oldest first.
    ///
    /// Reads newest first and stops at the limit, in short read transactions, so that writers are
    /// never held up.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn history(
        &self,
        query: &HistoryQuery,
        mut keep: impl FnMut(&HistoryItem) -> bool,
    ) -> Result<Vec<HistoryItem>, Error> {
        let limit = query.limit.unwrap_or(usize::MAX);
        let conversation = self.conversation_of(query)?;
        let mut found = Vec::new();
        let mut before = None;
        while found.len() < limit {
            let rows = self.older_rows(conversation.as_deref(), before)?;
            let Some(last) = rows.last() else { break };
            before = Some(last.seq);
            for stored in &rows {
                let item =
                    HistoryRow::decode(stored).map_err(HistoryError::from)?.into_item(stored.seq);
                let shows = !item.what.is_settled() && query.takes(&item);
                if found.len() < limit && shows && keep(&item) {
                    found.push(item);
                }
            }
        }
        found.reverse();
        Ok(found)
    }

    /// The encoded conversation that a query names; an unknown one finds nothing.
    fn conversation_of(&self, query: &HistoryQuery) -> Result<Option<Vec<u8>>, Error> {
        let Some(with) = &query.with else { return Ok(None) };
        let network = self.profile.joined_network()?;
        let conversation = self.profile.conversation_with(&network, with);
        Ok(Some(conversation.map_or_else(|| vec![0], |conversation| conversation.encode())))
    }

    fn older_rows(
        &self,
        conversation: Option<&[u8]>,
        before: Option<Seq>,
    ) -> Result<Vec<Stored>, Error> {
        let rows = self.profile.store.read::<_, HistoryError>(|tx| {
            Ok(match conversation {
                Some(conversation) => tx.history_of(conversation, before, PAGE)?,
                None => tx.history_before(before, PAGE)?,
            })
        });
        Ok(rows?)
    }
}

/// Rows of one read transaction; each may hold a text of 1 MiB.
const PAGE: usize = 64;
