//! What a demonstration leaves for people to read.

use super::capacity_bar::{CapacityBands, capacity_bar};
use super::font;
use super::page::{Block, Figure, Page, Section, Table};
use crate::detect::{Assessment, EmbeddingRate};

/// What [`report`] explains. Pictures are PNG files; those that are missing are left out together
/// with what the page says about them.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What the cover is called on the page.
    pub cover_name: &'a str,
    /// The detectors on the cover.
    pub cover: &'a Assessment,
    /// The payload by `lsb-compat`.
    pub lsb: Option<Hidden<'a>>,
    /// The lowest bits of the cover and of the `lsb-compat` image, by
    /// [`lsb_planes`](super::lsb_planes).
    pub lsb_planes: Option<&'a [u8]>,
    /// The same payload by an adaptive codec.
    pub adaptive: Option<Hidden<'a>>,
    /// What each change costs the adaptive codec, by [`cost_map`](super::cost_map).
    pub cost_map: Option<&'a [u8]>,
    /// The room that the cover offers.
    pub bands: Option<CapacityBands>,
}

/// A payload hidden in the cover.
#[derive(Clone, Copy, Debug)]
pub struct Hidden<'a> {
    /// The codec's name.
    pub codec: &'a str,
    /// Bytes of the payload.
    pub payload: u64,
    /// Samples or coefficients that changed.
    pub changes: u64,
    /// The detectors on the stego image.
    pub seen: &'a Assessment,
    /// The changes over the cover, by [`heat_map`](super::heat_map).
    pub heat_map: Option<&'a [u8]>,
}

/// Writes one HTML page that explains to a beginner what was hidden where and what can be seen
/// of it.
///
/// The page stands alone: no script, no network, all pictures inside. It reads in light and dark
/// surroundings. All names are escaped.
pub fn report(input: &Report<'_>) -> String {
    let sections = [what(input), why_lsb_fails(input), where_changes_go(input), room(input)];
    Page {
        title: format!("A message in {}", input.cover_name),
        lead: "What was hidden where, and what somebody sees who looks for it.".to_owned(),
        sections: sections.into_iter().flatten().chain([limits()]).collect(),
    }
    .html()
}

fn what(input: &Report<'_>) -> Option<Section> {
    let Assessment { width, height, format, .. } = input.cover;
    let mut blocks = vec![text(format!(
        "The cover is a {format} picture of {width} x {height} pixels. Each pixel is a few \
         numbers: how much red, green and blue. Adding or taking away 1 changes nothing that an \
         eye can see, so a message can be written into such small changes."
    ))];
    for hidden in [input.lsb, input.adaptive].into_iter().flatten() {
        blocks.push(text(format!(
            "{} hid {} in it with {} changes.",
            hidden.codec,
            font::bytes(hidden.payload),
            hidden.changes
        )));
    }
    blocks.push(text(
        "Nobody can read the message without the key: it is encrypted. The question of this page \
         is another one: can somebody tell that there is a message at all?"
            .to_owned(),
    ));
    Some(Section { heading: "What happened".to_owned(), blocks })
}

fn why_lsb_fails(input: &Report<'_>) -> Option<Section> {
    let lsb = input.lsb?;
    let mut blocks = vec![text(
        "The simplest way writes the message into the lowest bit of each number, one after \
         another from the top. The eye sees nothing. But the lowest bits of a photograph are not \
         pure noise, and bits of an encrypted message are."
            .to_owned(),
    )];
    blocks.extend(input.lsb_planes.map(|png| {
        figure(
            png,
            "Two black and white pictures: lowest bits before and after.",
            "The lowest bit of every pixel, before (left) and after (right). So that it can be seen, \
             the upper half was filled here: where a message lies, every trace of the picture is \
             gone, and flat and bright areas that were plain or patterned are even noise.",
        )
    }));
    blocks.push(text(
        "Programs need no eye for it. Each of these methods estimates from the picture alone \
         which share of the lowest bits carries a message. Around 0 % it says: nothing to see. \
         The last two rows look for places that no camera's JPEG file can contain: there, a \
         single one is proof."
            .to_owned(),
    ));
    blocks.push(Block::Table(detectors(input)));
    if let Some(png) = lsb.heat_map {
        let caption = "Where the simple way changed the picture: from the top, one number after \
                       another, no matter what the picture shows there.";
        blocks.push(figure(png, "The cover in grey with changed places marked.", caption));
    }
    Some(Section { heading: "Why the simple way fails".to_owned(), blocks })
}

fn where_changes_go(input: &Report<'_>) -> Option<Section> {
    let adaptive = input.adaptive?;
    let mut blocks = vec![text(format!(
        "{} first asks how much each change would stand out. In a smooth sky it would, in grass \
         or fur it would not. Then a code chooses, among all ways of writing the message, the one \
         whose changes stand out least in sum, and numbers go up or down by 1 at random instead \
         of swapping in pairs.",
        adaptive.codec
    ))];
    blocks.extend(input.cost_map.map(|png| {
        figure(
            png,
            "A map of the picture from dark blue (expensive) to yellow (cheap).",
            "What a change costs: bright yellow is cheap, dark blue is expensive, grey is \
             forbidden.",
        )
    }));
    blocks.extend(adaptive.heat_map.map(|png| {
        let caption = "The changes themselves, over the darkened cover. They gather where the \
                       map above is bright.";
        figure(png, "The cover in grey with changed places marked in orange.", caption)
    }));
    Some(Section { heading: "Where the better way hides it".to_owned(), blocks })
}

fn room(input: &Report<'_>) -> Option<Section> {
    let bands = input.bands?;
    let [comfort, caution, limit] =
        [bands.comfort, bands.caution, bands.hard_limit].map(font::bytes);
    let mut blocks = vec![text(
        "The less is hidden, the less there is to find; and a picture four times as large hides \
         only twice as much equally well. So there is no single capacity:"
            .to_owned(),
    )];
    if let Some(png) = capacity_bar(&bands) {
        let payload = bands.payload.map(font::bytes).unwrap_or_default();
        blocks.push(figure(
            &png,
            &format!(
                "A bar with three bands ending at {comfort}, {caution} and {limit}; the \
                      payload of {payload} is marked."
            ),
            &format!(
                "Plain green: comfortable, up to {comfort}. Striped yellow: with caution, up to \
                 {caution}. Crossed red: it fits, up to {limit}, but may be noticed. The triangle \
                 is this message. Lengths go with the square root of the number of bytes."
            ),
        ));
    }
    Some(Section { heading: "How much is too much".to_owned(), blocks })
}

fn limits() -> Section {
    let blocks = vec![text(
        "The detectors above are the well-known classical ones. Trained ones see more, and \
         somebody who has the original picture sees every change: use a photo that nobody else \
         has, once, and delete it. Many pictures from one sender say more than one does."
            .to_owned(),
    )];
    Section { heading: "What this does not show".to_owned(), blocks }
}

/// A row for each detector, a column for each picture.
fn detectors(input: &Report<'_>) -> Table {
    let hidden: Vec<Hidden<'_>> = [input.lsb, input.adaptive].into_iter().flatten().collect();
    let pictures: Vec<&Assessment> =
        [input.cover].into_iter().chain(hidden.iter().map(|one| one.seen)).collect();
    let row = |name: &str, value: &dyn Fn(&Assessment) -> String| {
        [name.to_owned()].into_iter().chain(pictures.iter().map(|one| value(one))).collect()
    };
    let names = hidden.iter().map(|one| one.codec.to_owned());
    Table {
        caption: "What each detector says about the cover and about each way of hiding".to_owned(),
        head: ["detector".to_owned(), "cover".to_owned()].into_iter().chain(names).collect(),
        rows: vec![
            row("sample pairs", &|one| rate(one.sample_pairs)),
            row("RS", &|one| rate(one.regular_singular)),
            row("weighted stego", &|one| rate(one.weighted_stego)),
            row("impossible JPEG blocks", &|one| {
                count(one.former_jpeg.map(|jpeg| (jpeg.blocks.impossible, jpeg.blocks.tested)))
            }),
            row("impossible JPEG colours", &|one| {
                count(one.colours.map(|colours| (colours.impossible, colours.tested)))
            }),
        ],
    }
}

fn rate(rate: Option<EmbeddingRate>) -> String {
    rate.map_or_else(|| NOTHING.to_owned(), |rate| format!("{:.1} %", 100.0 * rate.get()))
}

fn count(found: Option<(usize, usize)>) -> String {
    found.map_or_else(|| NOTHING.to_owned(), |(some, all)| format!("{some} of {all}"))
}

fn text(text: String) -> Block {
    Block::Paragraph(text)
}

fn figure(png: &[u8], alt: &str, caption: &str) -> Block {
    Block::Figure(Figure { png: png.to_owned(), alt: alt.to_owned(), caption: caption.to_owned() })
}

/// Where a detector has nothing to say.
const NOTHING: &str = "-";
