//! The examples lie beside this folder. What is compiled here is the README of the repository.
#![doc = include_str!("../../README.md")]
#![forbid(unsafe_code)]
