//! Tests of late scans.
