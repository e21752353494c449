//! Hides a file in a picture and finds it again, from the command line; for trials and measurements.
//!
//!     stego_file embed --codec jpeg-juniward --key HEX64 COVER OUT < payload
//!     stego_file extract --key HEX64 IMAGE > payload
//!     stego_file capacity --codec jpeg-juniward COVER
//!     stego_file embed-many --codec CODEC --key HEX64 --rate R --seed N [--precovers DIR] INDIR OUTDIR
//!     stego_file costs --codec CODEC COVER OUT
//!     stego_file time --codec CODEC --key HEX64 --rounds N COVER PAYLOAD
//!
//! `embed` and `capacity` print one line of JSON. `embed-many` hides random bytes in each file of a folder, `R`
//! bits for each nonzero AC coefficient or pixel; a cover that is refused is left out. For `jpeg-si` the folder
//! `--precovers` holds, under the same names, the PNG files that the covers were made of. `costs` writes 32-bit
//! floats, little-endian. `time` prints a line of JSON with pairs of seconds, by the clock (median) and on all
//! processors together (mean), files in memory: `embed` without and `judge` with the judgement of the cover (null if it
//! is refused), `extract`, and `probe` from the file to the answer.
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a program for the terminal")]

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

use chat_stego::measuring::{bound, costs, random_bytes, with_side_information};
use chat_stego::{CodecId, EmbedOptions, Embedded, StegoImage, StegoKey};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let (words, options) = arguments();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["embed", cover, out] => {
            let mut payload = Vec::new();
            std::io::stdin().read_to_end(&mut payload)?;
            println!("{}", embed(&options, &fs::read(cover)?, &payload, out)?);
        }
        ["extract", image] => {
            let image = fs::read(image)?;
            let found = match codec(&options) {
                Ok(codec) => codec.codec().extract(&image, &key(&options)?)?,
                Err(_) => StegoImage::read(&image)?.extract(&key(&options)?)?,
            };
            std::io::stdout().write_all(&found)?;
        }
        ["capacity", cover] => println!("{}", capacity(&options, &fs::read(cover)?)?),
        ["embed-many", from, to] => embed_many(&options, from.as_ref(), to.as_ref())?,
        ["costs", cover, out] => {
            let costs = costs(codec(&options)?, &fs::read(cover)?)?;
            let bytes: Vec<u8> = costs.iter().flat_map(|cost| cost.to_le_bytes()).collect();
            fs::write(out, bytes)?;
        }
        ["time", cover, payload] => {
            println!("{}", time(&options, &fs::read(cover)?, &fs::read(payload)?)?);
        }
        _ => return Err("see the first lines of the source for how to use this".into()),
    }
    Ok(())
}

type Options = HashMap<String, String>;

/// Words, and what follows `--name`.
fn arguments() -> (Vec<String>, Options) {
    let (mut words, mut options) = (Vec::new(), Options::new());
    let mut left = std::env::args().skip(1);
    while let Some(word) = left.next() {
        match word.strip_prefix("--") {
            Some(name) => drop(options.insert(name.into(), left.next().unwrap_or_default())),
            None => words.push(word),
        }
    }
    (words, options)
}

fn option<'a>(options: &'a Options, name: &str) -> Outcome<&'a str> {
    options.get(name).map(String::as_str).ok_or_else(|| format!("--{name} is missing").into())
}

fn codec(options: &Options) -> Outcome<CodecId> {
    Ok(option(options, "codec")?.parse()?)
}

fn key(options: &Options) -> Outcome<StegoKey> {
    let digits = option(options, "key")?;
    let mut key = [0; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        let pair = digits.get(2 * at..2 * at + 2).ok_or("a key has 64 hexadecimal digits")?;
        *byte = u8::from_str_radix(pair, 16)?;
    }
    Ok(StegoKey::from_bytes(key))
}

fn embed(
    options: &Options,
    cover: &[u8],
    payload: &[u8],
    out: impl AsRef<Path>,
) -> Outcome<String> {
    let codec = codec(options)?;
    let done = codec.codec().embed(cover, payload, &key(options)?, &EmbedOptions::default())?;
    let bound = bound(codec, cover, done.bits)?;
    fs::write(out, &done.file)?;
    let Embedded { changes, distortion, bits, elements, .. } = done;
    Ok(format!(
        "{{\"changes\":{changes},\"distortion\":{distortion},\"bound\":{bound},\"elements\":{elements},\
         \"payload_bits\":{bits}}}"
    ))
}

fn capacity(options: &Options, cover: &[u8]) -> Outcome<String> {
    let report = codec(options)?.codec().inspect(cover)?;
    let nonzero = report.nonzero_ac.map_or_else(|| "null".into(), |count| count.to_string());
    let chat_stego::Capacity { comfort_bytes, caution_bytes, max_bytes, .. } = report.capacity;
    Ok(format!(
        "{{\"comfort\":{comfort_bytes},\"caution\":{caution_bytes},\"max\":{max_bytes},\"nonzero_ac\":{nonzero}}}"
    ))
}

fn embed_many(options: &Options, from: &Path, to: &Path) -> Outcome<()> {
    fs::create_dir_all(to)?;
    let rate: f64 = option(options, "rate")?.parse()?;
    let seed: u64 = option(options, "seed")?.parse()?;
    let mut paths = Vec::new();
    for entry in fs::read_dir(from)? {
        paths.push(entry?.path());
    }
    paths.sort();
    for (index, path) in paths.iter().enumerate() {
        let mut cover = fs::read(path)?;
        if let Some(folder) = options.get("precovers") {
            let stem = path.file_stem().ok_or("a file without a name")?;
            // A stem may have dots of its own.
            let precover = Path::new(folder).join(format!("{}.png", stem.to_string_lossy()));
            cover = with_side_information(&cover, &fs::read(precover)?)?;
        }
        let report = codec(options)?.codec().inspect(&cover)?;
        let pixels = u64::from(report.width) * u64::from(report.height);
        let places = report.nonzero_ac.unwrap_or(pixels) as f64;
        let payload = random_bytes(seed.wrapping_add(index as u64), (places * rate / 8.0) as usize);
        let name = path.file_name().ok_or("a file without a name")?;
        let line = match embed(options, &cover, &payload, to.join(name)) {
            Ok(line) => line,
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                continue;
            }
        };
        println!("{{\"file\":{:?},{}", name.to_string_lossy(), line.trim_start_matches('{'));
    }
    Ok(())
}

fn time(options: &Options, cover: &[u8], payload: &[u8]) -> Outcome<String> {
    let (codec, key) = (codec(options)?.codec(), key(options)?);
    let rounds: usize = option(options, "rounds")?.parse()?;
    let any = EmbedOptions::default().accept_any_cover();
    let strict = EmbedOptions::default();
    let [mut embed, mut judge, mut extract, mut probe] = [const { Times::NONE }; 4];
    for _ in 0..rounds {
        let file = embed.of(|| codec.embed(cover, payload, &key, &any))?.file;
        let judged = judge.of(|| codec.embed(cover, payload, &key, &strict));
        if judged.is_err() {
            judge = Times::NONE;
        }
        if *extract.of(|| codec.extract(&file, &key))? != payload {
            return Err("another payload was found".into());
        }
        for _ in 0..PROBES {
            if !probe.of(|| carries(&file, &key))? {
                return Err("the probe found nothing".into());
            }
        }
    }
    let [embed, judge, extract, probe] = [embed, judge, extract, probe].map(Times::json);
    Ok(format!("{{\"embed\":{embed},\"judge\":{judge},\"extract\":{extract},\"probe\":{probe}}}"))
}

fn carries(file: &[u8], key: &StegoKey) -> Outcome<bool> {
    Ok(StegoImage::read(file)?.carries(key.probe())?)
}

/// How long something took, each time.
struct Times {
    /// Seconds by the clock.
    wall: Vec<f64>,
    /// Seconds on all processors together; hundredths are all that is known of one time.
    processors: f64,
}

impl Times {
    const NONE: Self = Self { wall: Vec::new(), processors: 0.0 };

    fn of<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (before, began) = (processors(), Instant::now());
        let done = work();
        self.wall.push(began.elapsed().as_secs_f64());
        self.processors += processors() - before;
        done
    }

    /// The median and the mean; `null` of nothing.
    fn json(mut self) -> String {
        self.wall.sort_by(f64::total_cmp);
        let count = self.wall.len();
        self.wall.get(count / 2).map_or_else(
            || "null".into(),
            |wall| format!("[{wall:.6},{:.4}]", self.processors / count as f64),
        )
    }
}

/// Seconds that this process has run on all processors; 0 where there is no Linux to tell.
fn processors() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    // Of proc(5) the fields 14 and 15, in hundredths.
    let ticks = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// A probe is so short that one says little.
const PROBES: usize = 10;
