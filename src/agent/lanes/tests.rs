//! The lanes, step by step.
