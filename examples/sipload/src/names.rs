//! Names that no other request, station or run uses (RFC 3261 8.1.1.4, 8.1.1.7, 19.3).

use std::fmt;

/// The names of one station.
#[derive(Clone, Debug)]
pub struct Names {
    run: u32,
    station: usize,
    branches: u64,
}

/// `station` and number within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    prefix: &'static str,
    run: u32,
    station: usize,
    number: u64,
    suffix: &'static str,
}

impl Names {
    /// Names of this station in the run with this random number.
    pub fn new(run: u32, station: usize) -> Self {
        Self {
            run,
            station,
            branches: 0,
        }
    }

    /// A new branch, with the magic cookie.
    pub fn branch(&mut self) -> Name {
        self.branches += 1;
        self.name("z9hG4bK", self.branches, "")
    }

    /// The Call-ID of the station's dialogue with this number.
    pub fn call_id(&self, number: u64) -> Name {
        self.name("", number, "@sipload")
    }

    /// The station's tag.
    pub fn tag(&self) -> Name {
        self.name("t", 0, "")
    }

    fn name(&self, prefix: &'static str, number: u64, suffix: &'static str) -> Name {
        Name {
            prefix,
            run: self.run,
            station: self.station,
            number,
            suffix,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            prefix,
            run,
            station,
            number,
            suffix,
        } = self;
        write!(f, "{prefix}{run:08x}-{station}-{number}{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_branches_are_the_same() {
        let mut one = Names::new(1, 1);
        let mut other = Names::new(1, 2);
        let first = one.branch();
        assert_eq!(first.to_string(), "z9hG4bK00000001-1-1");
        assert_ne!(first, one.branch());
        assert_ne!(first, other.branch());
        assert_ne!(first, Names::new(2, 1).branch());
    }
}
