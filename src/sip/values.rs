//! Small header values: CSeq, numbers, option tags, q.

use super::Problem;
use super::lex::{Pieces, number, text, token, trim};

/// A CSeq (RFC 3261 §20.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The sequence number, below 2³¹ by RFC 3261 §8.1.1.5; larger ones up to 2³² − 1 are read as well.
    pub number: u32,
    /// The method.
    pub method: &'a str,
}

impl<'a> CSeq<'a> {
    /// Reads all of the value.
    ///
    /// # Errors
    /// [`Problem::Number`], [`Problem::Token`], [`Problem::Leftover`].
    ///
    /// ```
    /// use sipward::sip::CSeq;
    ///
    /// let cseq = CSeq::parse(b"0009\t INVITE")?;
    /// assert_eq!((cseq.number, cseq.method), (9, "INVITE"));
    /// # Ok::<(), sipward::sip::Problem>(())
    /// ```
    pub fn parse(value: &'a [u8]) -> Result<Self, Problem> {
        let value = trim(value);
        let end = value.iter().position(|byte| !byte.is_ascii_digit());
        let (digits, rest) = value.split_at(end.unwrap_or(value.len()));
        let number = digits_of(digits)?;
        let method = trim(rest);
        if method.len() == rest.len() && !rest.is_empty() {
            return Err(Problem::Number);
        }
        let (method, rest) = token(method).ok_or(Problem::Token)?;
        match rest.is_empty() {
            true => Ok(Self { number, method }),
            false => Err(Problem::Leftover),
        }
    }
}

/// A number, as in Max-Forwards, Expires and Min-Expires: digits, and nothing else.
///
/// # Errors
/// [`Problem::Number`], also for one above 2³² − 1.
pub fn decimal(value: &[u8]) -> Result<u32, Problem> {
    digits_of(trim(value))
}

/// Leading zeros do not count.
fn digits_of(digits: &[u8]) -> Result<u32, Problem> {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let significant = match digits.len() {
        0 => return Err(Problem::Number),
        all => &digits[zeros.min(all - 1)..],
    };
    number(significant).ok_or(Problem::Number)
}

/// A Call-ID: one word, without white space or control characters (RFC 3261 §25.1).
///
/// # Errors
/// [`Problem::Empty`]; [`Problem::Token`] for white space within, control characters and bytes that are not
/// UTF-8.
pub fn call_id(value: &[u8]) -> Result<&str, Problem> {
    let value = text(trim(value)).ok_or(Problem::Token)?;
    if value.is_empty() {
        return Err(Problem::Empty);
    }
    match value.bytes().all(|byte| byte > b' ' && byte != 0x7f) {
        true => Ok(value),
        false => Err(Problem::Token),
    }
}

/// The elements of a header value that is a list, as they stand but without white space around them. Commas
/// in quoted strings and angle brackets separate nothing; empty elements are left out.
///
/// ```
/// use sipward::sip::elements;
///
/// let routes: Vec<&[u8]> = elements(b"<sip:p1;lr>, , \"a, b\" <sip:p2;x=1,2>").collect();
/// assert_eq!(routes, [&b"<sip:p1;lr>"[..], b"\"a, b\" <sip:p2;x=1,2>"]);
/// ```
pub fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    Pieces::new(value, b',')
}

/// The option tags of Require, Proxy-Require, Supported and Unsupported, and the tokens of any other list.
///
/// # Errors
/// [`Problem::Token`] in place of each element that is no token.
pub fn tokens(value: &[u8]) -> impl Iterator<Item = Result<&str, Problem>> {
    Pieces::new(value, b',').map(|piece| match token(piece) {
        Some((token, [])) => Ok(token),
        _ => Err(Problem::Token),
    })
}

/// A q value (RFC 3261 §25.1) in thousandths: 0 to 1000.
///
/// # Errors
/// [`Problem::Number`].
pub fn qvalue(value: &str) -> Result<u16, Problem> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let is_fraction = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{fraction:0<3}").parse::<u16>().ok();
    match (whole, thousandths) {
        ("0", Some(thousandths)) if is_fraction => Ok(thousandths),
        ("", Some(thousandths)) if is_fraction && !fraction.is_empty() => Ok(thousandths),
        ("1", Some(0)) if is_fraction => Ok(1000),
        _ => Err(Problem::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cseq_is_a_number_and_a_method() {
        let read = |text: &'static str| CSeq::parse(text.as_bytes());
        assert_eq!(read(" 4294967295 OPTIONS ").unwrap().number, u32::MAX);
        assert_eq!(read("1\r\n\tACK").unwrap().method, "ACK");
        for (text, problem) in [
            ("", Problem::Number),
            ("INVITE", Problem::Number),
            ("-1 INVITE", Problem::Number),
            ("1INVITE", Problem::Number),
            ("4294967296 INVITE", Problem::Number),
            ("1", Problem::Token),
            ("1 ", Problem::Token),
            ("1 INVITE x", Problem::Leftover),
        ] {
            assert_eq!(read(text), Err(problem), "{text}");
        }
    }

    #[test]
    fn numbers_ignore_leading_zeros_and_nothing_else() {
        assert_eq!(decimal(b" 0000000000000000000000070 "), Ok(70));
        assert_eq!(decimal(b"0"), Ok(0));
        for text in [&b""[..], b"70x", b"7 0", b"-7", b"4294967296"] {
            assert_eq!(decimal(text), Err(Problem::Number));
        }
    }

    #[test]
    fn q_values_are_thousandths() {
        for (text, q) in [
            ("0", 0),
            ("1", 1000),
            ("0.7", 700),
            ("0.070", 70),
            ("1.000", 1000),
        ] {
            assert_eq!(qvalue(text), Ok(q), "{text}");
        }
        for text in ["", ".", "2", "1.1", "0.7777", "-0", "0,7"] {
            assert_eq!(qvalue(text), Err(Problem::Number), "{text}");
        }
    }

    #[test]
    fn lists_are_of_tokens() {
        assert_eq!(
            tokens(b"100rel, , timer ,gr uu").collect::<Vec<_>>(),
            [Ok("100rel"), Ok("timer"), Err(Problem::Token)]
        );
        assert_eq!(call_id(b" a84b4c76e66710@pc33 "), Ok("a84b4c76e66710@pc33"));
        assert_eq!(call_id(b"a b"), Err(Problem::Token));
        assert_eq!(call_id(b""), Err(Problem::Empty));
    }
}
