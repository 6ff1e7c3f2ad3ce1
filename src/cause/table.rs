//! One row for each cause, so that nothing about a cause can be forgotten or fall out of step.

/// Defines a set of causes from one table. Each row gives the variant, its stable name and the columns of the
/// row's type; a column that is left out does not compile. A variant that carries a detail gives the name
/// by which its columns use the detail, and a made-up detail for `each`.
macro_rules! causes {
    (
        $(#[$set_attribute:meta])*
        pub enum $set:ident: $row:ident {
            $(
                $(#[$attribute:meta])*
                $variant:ident $(($detail:tt: $type:ty = $specimen:expr))? = $name:literal {
                    $($columns:tt)+
                }
            )+
        }
    ) => {
        $(#[$set_attribute])*
        pub enum $set {
            $($(#[$attribute])* $variant $(($type))?,)+
        }

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

            pub(super) const fn row(&self) -> $row {
                match self {
                    $(Self::$variant $(($detail))? => $row { $($columns)+ },)+
                }
            }
        }
    };
}
