//! Text from others on a terminal: which characters a terminal acts on instead of showing them.

/// Whether a terminal may act on this character, or reorder the text around it: control characters (C0, DEL and C1),
/// line and paragraph separators, and the characters that direct bidirectional text (Unicode's `Bidi_Control`).
///
/// ```
/// use taskwire_client::terminal::is_active;
///
/// assert!(is_active('\u{1b}') && is_active('\u{9b}') && is_active('\u{202e}'));
/// assert!(!is_active('é') && !is_active('😀'));
/// ```
pub fn is_active(c: char) -> bool {
    let directs =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || directs || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Text from others on one line of a terminal. A tab becomes a blank; every other active character becomes `U+FFFD`.
///
/// ```
/// assert_eq!(taskwire_client::terminal::plain("Buy\u{1b}[2Jmilk"), "Buy\u{fffd}[2Jmilk");
/// ```
pub fn plain(text: &str) -> String {
    let shown = |c| match c {
        '\t' => ' ',
        c if is_active(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}
