//! Table `contacts`: people whom this profile has heard from or written to.

use zeroize::Zeroizing;

use crate::codec::{Fields, push_bytes, push_maybe};
use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::CONTACTS;
use crate::txn::{OpenRow, ReadTxn, WriteTxn};

/// A person, by handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The handle.
    pub handle: String,
    /// When the first message of theirs was stored: our clock, milliseconds since 1970.
    pub first_heard_ms: Option<i64>,
    /// When the last one was; kept to the minute.
    pub last_heard_ms: Option<i64>,
    /// When the first message to them was accepted.
    pub first_sent_ms: Option<i64>,
    /// What the caller keeps about who is behind the handle; empty for nothing.
    pub standing: Vec<u8>,
}

impl Contact {
    /// A person of whom nothing is known.
    pub fn new(handle: &str) -> Self {
        Self {
            handle: handle.to_owned(),
            first_heard_ms: None,
            last_heard_ms: None,
            first_sent_ms: None,
            standing: Vec::new(),
        }
    }

    fn decode(row: &OpenRow) -> Result<Self, StoreError> {
        let decode = || {
            let mut fields = Fields(&row.value);
            let contact = Self {
                handle: fields.text()?,
                first_heard_ms: fields.maybe()?.map(u64::cast_signed),
                last_heard_ms: fields.maybe()?.map(u64::cast_signed),
                first_sent_ms: fields.maybe()?.map(u64::cast_signed),
                standing: fields.bytes()?.to_vec(),
            };
            fields.end().map(|()| contact)
        };
        decode().ok_or_else(|| StoreError::damaged("a contact"))
    }
}

impl ReadTxn<'_> {
    /// What is known of a person.
    ///
    /// # Errors
    /// When the row is damaged or the store cannot be read.
    pub fn contact(&self, handle: &str) -> Result<Option<Contact>, StoreError> {
        let key = self.contact_key(handle).to_vec();
        let value = self.value(&CONTACTS, &key)?;
        value.map(|value| Contact::decode(&OpenRow { key, value })).transpose()
    }

    /// Everybody who is known.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn contacts(&self) -> Result<Vec<Contact>, StoreError> {
        self.rows(&CONTACTS, &Range::all(), usize::MAX)?.iter().map(Contact::decode).collect()
    }

    fn contact_key(&self, handle: &str) -> [u8; 16] {
        self.sealer.hide("contact", &[handle.as_bytes()])
    }
}

impl WriteTxn<'_> {
    /// Stores what is known of a person.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_contact(&mut self, contact: &Contact) -> Result<(), StoreError> {
        let mut value = Vec::new();
        push_bytes(&mut value, contact.handle.as_bytes());
        for time in [contact.first_heard_ms, contact.last_heard_ms, contact.first_sent_ms] {
            push_maybe(&mut value, time.map(i64::cast_unsigned));
        }
        push_bytes(&mut value, &contact.standing);
        self.put(&CONTACTS, &self.contact_key(&contact.handle), &value)
    }

    /// Gives each row of schema 3 an empty standing.
    pub(crate) fn contacts_get_standing(&mut self) -> Result<(), StoreError> {
        self.rewrite(&CONTACTS, 3, |_, value| {
            let mut value = Zeroizing::new(value.to_vec());
            push_bytes(&mut value, &[]);
            Some(value)
        })
    }
}
