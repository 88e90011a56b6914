//! Words for troubles of this topic.

use crate::model::trouble::Words;

pub(super) const WORDS: &[Words] = &[];
