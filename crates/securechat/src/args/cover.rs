//! Arguments of `cover`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::parse;

#[derive(Debug, Subcommand)]
pub(crate) enum CoverCommand {
    /// Make photos into the best covers: smaller JPEG files without names and places
    #[command(after_help = "Examples:
  securechat cover prepare holiday.jpg --out covers
  securechat cover prepare ~/Pictures/2026 --out covers
  securechat send --to bob -m 'look closely' --image covers")]
    Prepare(PrepareArgs),
    /// Tell how good pictures are as covers, and why
    #[command(after_help = "Examples:
  securechat cover inspect covers/holiday.jpg
  securechat cover inspect photo.jpg --json
  securechat cover inspect cover.png --compare received.png")]
    Inspect(InspectArgs),
    /// Tell how much text fits into pictures
    #[command(after_help = "Examples:
  securechat cover capacity photo.jpg
  securechat cover capacity *.png
  securechat cover capacity photo.jpg --json
  securechat cover capacity photo.jpg --max-record 1048576")]
    Capacity {
        /// Longest record of the network's mail topic, in bytes: `network show` tells it
        #[arg(long, value_name = "BYTES", default_value_t = chat_core::MAX_RECORD,
              value_parser = clap::value_parser!(u32).range(16_384..))]
        max_record: u32,
        /// How it would be hidden [default: the best that the picture allows]
        #[arg(long, value_name = "CODEC", value_parser = parse::codec())]
        codec: Option<chat_core::CodecId>,
        /// JPEG, PNG, WebP or BMP files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Find the picture of a folder that a text disturbs least
    #[command(after_help = "Examples:
  securechat cover choose covers
  securechat cover choose covers --bytes 500
  cp \"$(securechat cover choose covers)\" next.jpg")]
    Choose {
        /// Bytes of the text
        #[arg(long, value_name = "BYTES", default_value_t = 200)]
        bytes: usize,
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Draw where a text of 200 bytes would be hidden in a picture
    #[command(after_help = "Examples:
  securechat cover map photo.jpg -o map.png
  securechat cover map photo.jpg -o costs.png --what costs
  securechat cover map stego.png -o planes.png --what lowest-bits")]
    Map(MapArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PrepareArgs {
    /// The folder for the covers; it is made if need be
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The most bytes that a picture may have when it is sent
    #[arg(long, value_name = "BYTES", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(65_536..))]
    pub(crate) max_bytes: u32,
    /// Photos, or folders of them: JPEG, PNG, WebP or BMP
    #[arg(required = true, value_name = "PHOTO|DIR")]
    pub(crate) photos: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Also tell what detectors say of a picture and of this one that was made from it
    #[arg(long, value_name = "STEGO")]
    pub(crate) compare: Option<PathBuf>,
    /// Pictures
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct MapArgs {
    /// The picture
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where the map goes
    #[arg(short, long, value_name = "PNG")]
    pub(crate) out: PathBuf,
    /// What it shows
    #[arg(long, value_enum, default_value_t = MapKind::Changes)]
    pub(crate) what: MapKind,
}

/// What a map shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MapKind {
    /// The places that a text would change
    Changes,
    /// How dear a change would be, everywhere
    Costs,
    /// The lowest bits of the pixels
    LowestBits,
}
