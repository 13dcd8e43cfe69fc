//! The days of the week as words: for programs that read how often a task repeats from what people or files say.

/// The days from Monday on: the English name, and what a rule of RFC 5545 calls the day.
pub const WEEKDAYS: [(&str, &str); 7] = [
    ("monday", "MO"),
    ("tuesday", "TU"),
    ("wednesday", "WE"),
    ("thursday", "TH"),
    ("friday", "FR"),
    ("saturday", "SA"),
    ("sunday", "SU"),
];
