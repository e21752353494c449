//! How much a picture, and a conversation, may carry: the square-root law.
//!
//! Whoever embeds a fixed share of every picture is found out in the end; what stays hidden grows
//! with the square root of the number of elements (Ker, Pevny, Kodovsky, Fridrich 2008, "The
//! square root law of steganographic capacity"; Filler, Ker, Fridrich 2009, SPIE 7254). The law
//! holds for all pictures of one sender together, because a watcher adds them up.
//!
//! The constants are policy, not proof.

#[cfg(test)]
mod tests;

/// A kind of element that a codec changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// A nonzero AC coefficient of a JPEG's luma.
    NonzeroAc,
    /// A pixel of a lossless picture.
    Pixel,
}

/// How many bytes of payload are safe; `comfort <= caution <= max`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SafeSizes {
    /// Up to here nothing is known that tells such a picture from a clean one.
    pub comfort: usize,
    /// Up to here strong detectors gain a little: twice the comfort.
    pub caution: usize,
    /// The most that is embedded at all: 0.4 bits an element. Detectors see it.
    pub max: usize,
}

impl SafeSizes {
    /// The bands of one picture with so many elements.
    pub fn of(element: Element, count: u64) -> Self {
        Self::from_bits(|band| band.bits(element, count))
    }

    /// The bands of one picture in a conversation that has carried `sent` before.
    ///
    /// A band is what the law allows over all pictures, this one included, less what was sent;
    /// never more than the picture's own. The two kinds of picture are two statistics, whose
    /// evidence adds up in squares: with the share `s` of the other kind's band used, this kind
    /// may use `sqrt(1 - s^2)` of its own.
    pub fn left(sent: &Sent, element: Element, count: u64) -> Self {
        let (own, other, other_element) = match element {
            Element::NonzeroAc => (sent.jpeg, sent.png, Element::Pixel),
            Element::Pixel => (sent.png, sent.jpeg, Element::NonzeroAc),
        };
        let elements = own.elements.saturating_add(count);
        Self::from_bits(|band| {
            let used = other.bits as f64 / band.bits(other_element, other.elements);
            // Nothing sent in nothing has used nothing.
            let used = if other.bits == 0 { 0.0 } else { used };
            let allowed = band.bits(element, elements) * (1.0 - used * used).max(0.0).sqrt();
            (allowed - own.bits as f64).clamp(0.0, band.bits(element, count))
        })
    }

    fn from_bits(bits: impl Fn(Band) -> f64) -> Self {
        // Rounded down; a number of bits that no memory holds becomes the largest.
        let bytes = |band| (bits(band) / 8.0) as usize;
        Self { comfort: bytes(Band::Comfort), caution: bytes(Band::Caution), max: bytes(Band::Max) }
    }
}

/// What a conversation has carried so far, kind by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// In JPEGs.
    pub jpeg: Total,
    /// In lossless pictures.
    pub png: Total,
}

/// Sums over all pictures of a kind, those without a payload included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Elements of the pictures.
    pub elements: u64,
    /// Bits of payload in them.
    pub bits: u64,
}

#[derive(Clone, Copy)]
enum Band {
    Comfort,
    Caution,
    Max,
}

impl Band {
    fn bits(self, element: Element, count: u64) -> f64 {
        let count = count as f64;
        let max = 0.4 * count;
        // Below some 64 x 64 pixels the root is the larger of the two.
        match self {
            Self::Comfort => comfort(element, count).min(max),
            Self::Caution => (2.0 * comfort(element, count)).min(max),
            Self::Max => max,
        }
    }
}

/// 0.05 bits a pixel at 512 x 512; in JPEGs the comfort band that phasm's authors publish.
fn comfort(element: Element, count: f64) -> f64 {
    match element {
        Element::NonzeroAc => (count / 20.0).min(10.7 * count.sqrt()),
        Element::Pixel => 25.6 * count.sqrt(),
    }
}
