//! What the broker holds of a message.

use chat_core::chat_transport::{
    Offset, Partition, Position, ReadOptions, StoredRecord, Transport,
};
use chat_core::{Error, Landed};

use super::Demo;
use super::teller::Teller;
use crate::failure::Failure;

impl Demo {
    /// Reads the record as anybody could, and shows what is to be seen.
    pub(super) async fn show_record(&self, landed: Landed) -> Result<(), Failure> {
        let tell = Teller(self.console);
        let Landed { partition, offset, .. } = landed;
        let (Some(network), Some(offset)) = (self.alice.network()?, offset) else { return Ok(()) };
        let topic = network.mail_topic();
        let info = self.transport.topic(&topic).await.map_err(Error::from)?;
        let at = [Position { partition: Partition(partition), offset: Offset(offset) }];
        let options = ReadOptions { max_records: 1, ..ReadOptions::default() };
        let pages =
            self.transport.read(&topic, info.id, &at, options).await.map_err(Error::from)?;
        let record = pages
            .into_iter()
            .flat_map(|page| page.records)
            .find(|record| record.offset.0 == offset);
        let Some(record) = record else { return Ok(()) };
        tell.row(
            "the broker sees",
            &format!(
                "topic {topic}, partition {partition}, offset {offset}: {}",
                describe(&record)
            ),
        )?;
        let value = record.value.unwrap_or_default();
        for (index, line) in value.chunks(16).take(3).enumerate() {
            tell.row("", &hex_line(index * 16, line))?;
        }
        Ok(())
    }
}

fn describe(record: &StoredRecord) -> String {
    let value = record.value.as_deref().unwrap_or_default();
    let kind = match value {
        [0x89, b'P', b'N', b'G', ..] => "a PNG image of",
        [0xff, 0xd8, ..] => "a JPEG image of",
        _ => "noise of",
    };
    let key = record
        .key
        .as_ref()
        .map_or("no key".to_owned(), |key| format!("a key of {} bytes", key.len()));
    format!("{key}, {kind} {} bytes", value.len())
}

fn hex_line(at: usize, bytes: &[u8]) -> String {
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let text: String = bytes
        .iter()
        .map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' })
        .collect();
    format!("{at:04x}  {:<47}  {text}", hex.join(" "))
}
