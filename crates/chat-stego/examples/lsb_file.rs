//! Hides a file in a picture, or takes it out: `lsb_file hide COVER TEXT OUT`, `reveal IMAGE OUT`.

use std::error::Error;
use std::fs;

use chat_stego::{EmbedOptions, LsbCompat, StegoCodec, StegoKey};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let key = StegoKey::from_bytes([0; 32]);
    match arguments.as_slice() {
        ["hide", cover, text, out] => {
            let (cover, text) = (fs::read(cover)?, fs::read(text)?);
            let picture = LsbCompat.embed(&cover, &text, &key, &EmbedOptions::default())?;
            fs::write(out, picture.png)?;
        }
        ["reveal", image, out] => fs::write(out, &*LsbCompat.extract(&fs::read(image)?, &key)?)?,
        _ => return Err("usage: lsb_file hide COVER TEXT OUT | reveal IMAGE OUT".into()),
    }
    Ok(())
}
