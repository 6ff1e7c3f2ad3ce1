//! One list per set of causes, so that the names and the variants cannot fall out of step.

/// From one list of variants and names: `NAMES`, `name` and `each`. A variant missing from the list
/// does not compile, and neither does one named twice.
macro_rules! closed_set {
    ($set:ident { $($variant:ident $(($specimen:expr))? = $name:literal,)+ }) => {
        impl $set {
            /// Every name there is, in the order of the variants: for counters made in advance, and
            /// for tables that must be complete.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The name on the wire, in snake_case.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)+
                }
            }

            /// One of each, in the order of [`Self::NAMES`]; where a cause carries a detail, with a
            /// made-up one.
            pub fn each() -> impl Iterator<Item = Self> {
                [$(Self::$variant $(($specimen))?),+].into_iter()
            }
        }
    };
}
