//! The facade on real SQLite profiles, over logs in memory whose faults can be caused at will.

mod faults;
mod people;
mod records;
