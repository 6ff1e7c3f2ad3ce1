//! Writes numbers and addresses into messages. `std::fmt` would take longer than the rest of a
//! response.

use std::fmt::Write;
use std::net::IpAddr;

/// What a message is written into: text, or bytes that need not be UTF-8.
pub(super) trait Output {
    fn put(&mut self, text: &str);
}

impl Output for String {
    fn put(&mut self, text: &str) {
        self.push_str(text);
    }
}

impl Output for Vec<u8> {
    fn put(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}

/// The text up to so many bytes, without a part of a character.
pub(super) fn cut(text: &str, max: usize) -> &str {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = match text.len() <= max {
        true => text.len(),
        false => ends.take_while(|end| *end <= max).last().unwrap_or(0),
    };
    &text[..end]
}

/// Appends a number in decimal digits.
pub(super) fn push_number(out: &mut impl Output, number: impl itoa::Integer) {
    out.put(itoa::Buffer::new().format(number));
}

/// Appends the last `DIGITS` lower-case hexadecimal digits of a number.
pub(super) fn push_hex<const DIGITS: usize>(out: &mut impl Output, number: u64) {
    let mut digits = [b'0'; DIGITS];
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (4 * place)) as usize & 15];
    }
    // Digits are ASCII, so this cannot fail.
    out.put(str::from_utf8(&digits).unwrap_or_default());
}

pub(super) fn push_ip(out: &mut impl Output, ip: IpAddr) {
    let IpAddr::V4(ip) = ip else {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = write!(text, "{ip}");
        return out.put(&text);
    };
    for (index, octet) in ip.octets().into_iter().enumerate() {
        if index > 0 {
            out.put(".");
        }
        push_number(out, octet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        for (text, max, expected) in [
            ("abc", 3, "abc"),
            ("abc", 2, "ab"),
            ("a\u{fc}b", 2, "a"),
            ("", 0, ""),
        ] {
            assert_eq!(cut(text, max), expected);
        }
    }

    #[test]
    fn numbers_and_addresses_read_as_std_writes_them() {
        for number in [0, 7, 0xabcdef, u64::MAX] {
            let mut text = String::new();
            push_number(&mut text, number);
            push_hex::<16>(&mut text, number);
            push_hex::<8>(&mut text, number & 0xffff_ffff);
            let low = number & 0xffff_ffff;
            assert_eq!(text, format!("{number}{number:016x}{low:08x}"));
        }
        for ip in ["10.0.0.7", "255.1.20.0", "2001:db8::1"] {
            let mut text = Vec::new();
            push_ip(&mut text, ip.parse().expect("an address"));
            assert_eq!(text, ip.as_bytes());
        }
    }
}
