//! Which signs of a stranger's text are shown as they are. The one rule for the
//! journal, for what a person is asked to confirm, and for the command line.

/// Whether a sign is better not shown as it is: it steers a terminal, is not
/// seen, or turns the direction of reading.
#[must_use]
pub fn is_hidden(sign: char) -> bool {
    let invisible = matches!(sign,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}');
    sign.is_control() || invisible
}

/// The text with every hidden sign spelled out: `\u{202e}`.
#[must_use]
pub fn spelled_out(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for sign in text.chars() {
        if is_hidden(sign) {
            shown.extend(sign.escape_unicode());
        } else {
            shown.push(sign);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_for_showing_is_spelled_out() {
        assert_eq!(
            spelled_out("a\u{1b}[2Jb\nc\u{202e}d\u{ad}\u{e0041} é 中 😀"),
            "a\\u{1b}[2Jb\\u{a}c\\u{202e}d\\u{ad}\\u{e0041} é 中 😀"
        );
    }
}
