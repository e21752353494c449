//! Hides a text in a photograph and finds it again.
#![allow(clippy::print_stdout, reason = "an example shows something")]

use chat_stego::cover::judge;
use chat_stego::{EmbedOptions, JpegJuniward, StegoCodec, StegoImage, StegoKey};

/// Public, so good for an example only.
const PHOTO: &[u8] = include_bytes!("../images/cool.jpg");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In earnest 32 random bytes that both sides hold, and an encrypted text.
    let key = StegoKey::from_bytes([7; 32]);
    let judged = judge(PHOTO)?;
    println!("{} bytes are safe in the photograph", judged.sizes().comfort);
    judged.findings.iter().for_each(|finding| println!("  {finding}"));

    let options = EmbedOptions::default();
    let picture = JpegJuniward.embed(PHOTO, b"meet me at noon", &key, &options)?;
    println!("{} of {} coefficients changed by one", picture.changes, picture.elements);
    let path = std::env::temp_dir().join(format!("securechat-example-{}.jpg", std::process::id()));
    std::fs::write(&path, &picture.file)?;
    println!("hidden in {}, {} bytes", path.display(), picture.file.len());

    let received = std::fs::read(&path)?;
    let image = StegoImage::read(&received)?;
    println!("carries something: {}", image.carries(key.probe())?);
    println!("found: {}", String::from_utf8_lossy(&image.extract(&key)?));
    Ok(())
}
