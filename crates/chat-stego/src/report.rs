//! Pictures that show people what hiding does, as PNG files, and a page that explains them.
//!
//! All are pure functions of planes and numbers; they use colours that colour-blind people can
//! tell apart and lightness that says the same.

mod canvas;
mod capacity_bar;
mod cost_map;
mod explained;
mod font;
mod frame;
mod heat_map;
mod lsb_planes;
mod maps;
mod page;

pub use capacity_bar::{CapacityBands, capacity_bar, with_capacity_bar};
pub use cost_map::cost_map;
pub use explained::{Hidden, Report, report};
pub use heat_map::{Changes, heat_map};
pub use lsb_planes::lsb_planes;
pub use maps::{map_changes, map_costs, map_lowest_bits};
