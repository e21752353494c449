//! One channel of a picture.

/// Samples of one channel: rows from the top, `width * height` of them, 0 to 255.
#[derive(Clone, PartialEq, Eq)]
pub struct GreyPlane {
    width: usize,
    height: usize,
    samples: Vec<u8>,
}

impl GreyPlane {
    /// Takes the samples of a plane; `None` if there are not exactly `width * height` of them.
    pub fn new(width: usize, height: usize, samples: Vec<u8>) -> Option<Self> {
        let whole = width.checked_mul(height)? == samples.len() && !samples.is_empty();
        whole.then_some(Self { width, height, samples })
    }

    /// Pixels in a row, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All samples, row by row.
    pub fn samples(&self) -> &[u8] {
        &self.samples
    }

    /// The rows, from the top.
    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.samples.chunks_exact(self.width)
    }
}

impl std::fmt::Debug for GreyPlane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { width, height, samples } = self;
        f.debug_struct("GreyPlane")
            .field("width", width)
            .field("height", height)
            .field("samples", &format_args!("{} bytes", samples.len()))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_of_another_size_than_they_say_are_refused() {
        assert!(GreyPlane::new(2, 2, vec![0; 4]).is_some());
        assert!(GreyPlane::new(2, 2, vec![0; 5]).is_none());
        assert!(GreyPlane::new(0, 2, Vec::new()).is_none());
        assert!(GreyPlane::new(usize::MAX, 2, vec![0; 4]).is_none());
    }
}
