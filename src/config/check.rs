//! x
use super::*;
pub(super) fn parse(_text: &str) -> Result<Config, Vec<Mistake>> {
    Err(Vec::new())
}
