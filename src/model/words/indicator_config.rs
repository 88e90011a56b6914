//! Words for mistakes in what a configuration says of indicators: CW900 to CW949.

use crate::model::trouble::Words;

pub(super) const WORDS: &[Words] = &[];
