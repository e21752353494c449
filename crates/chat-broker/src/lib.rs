#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod api;
mod broker;
mod config;
mod connection;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod limits;
mod log;
mod report;
mod server;
mod shape;

pub use broker::Broker;
pub use config::BrokerConfig;
pub use error::StartError;
pub use limits::Limits;
pub use report::{StartReport, TornTail};
