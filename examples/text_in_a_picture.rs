//! Hides a text in a photograph and finds it again.
#![allow(clippy::print_stdout, reason = "an example shows something")]

use chat_stego::{EmbedOptions, LsbCompat, StegoCodec, StegoKey, message_text};

/// Public, so good for an example only.
const PHOTO: &[u8] = include_bytes!("../images/smile.jpg");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = StegoKey::from_bytes([0; 32]); // This codec ignores it.
    println!("{} bytes fit into the photograph", LsbCompat.capacity(PHOTO)?.max_bytes);

    let picture = LsbCompat.embed(PHOTO, b"meet me at noon", &key, &EmbedOptions::default())?;
    let path = std::env::temp_dir().join(format!("securechat-example-{}.png", std::process::id()));
    std::fs::write(&path, &picture.file)?;
    println!("hidden in {}, {} bytes", path.display(), picture.file.len());

    let found = LsbCompat.extract(&std::fs::read(&path)?, &key)?;
    println!("found: {}", *message_text(&found));
    Ok(())
}
