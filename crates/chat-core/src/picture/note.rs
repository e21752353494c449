//! What a person should know about a picture that will be sent.

use chat_stego::cover::Finding;

/// Something that a person should know about a picture that will be sent.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// The cover was too large for the topic and was scaled down; width and height in pixels.
    CoverScaled {
        /// The size that it had.
        from: (u32, u32),
        /// The size that it has now.
        to: (u32, u32),
    },
    /// The cover was made into a JPEG of a smaller size, the best kind of cover; width and height in pixels.
    CoverPrepared {
        /// The size that it had.
        from: (u32, u32),
        /// The size that it has now.
        to: (u32, u32),
    },
    /// The message is too long for one picture and travels in several.
    Shared {
        /// How many.
        pictures: usize,
    },
    /// This profile has used this cover before, or a copy of it: two pictures made from one cover differ
    /// exactly where messages are hidden.
    CoverReused,
    /// A signed history was left out of the picture.
    ProvenanceStripped,
    /// The cover is not as good as others.
    CoverDoubtful(Finding),
    /// More is hidden in the pictures of this conversation than is prudent.
    BeyondComfort {
        /// Bytes that this picture hides.
        hidden: usize,
        /// Bytes that it could hide in comfort after what was sent before.
        comfort: usize,
    },
}
