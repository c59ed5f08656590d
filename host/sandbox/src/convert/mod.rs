//! Between the WIT types and the gateway's own, family by family.
//!
//! The two mirror each other item by item; only numbers and times differ. So
//! a record is a list of its fields, and the compiler says when one is missing
//! on either side.

mod account;
mod connection;
mod contracts;
mod error;
mod history;
mod market_data;
mod number;
mod order_book;
mod orders;
mod trading;
mod types;

use crate::bindings::sandpit::broker::types::Error;

/// Turns a value of one side into the same value of the other.
pub(crate) trait Convert<T> {
    /// # Errors
    ///
    /// `invalid-request` if the guest gave a number or a time that the host
    /// cannot hold, `other` if TWS gave one that the guest cannot hold.
    fn convert(self) -> Result<T, Error>;
}

impl<A: Convert<B>, B> Convert<Option<B>> for Option<A> {
    fn convert(self) -> Result<Option<B>, Error> {
        self.map(Convert::convert).transpose()
    }
}

impl<A: Convert<B>, B> Convert<Vec<B>> for Vec<A> {
    fn convert(self) -> Result<Vec<B>, Error> {
        self.into_iter().map(Convert::convert).collect()
    }
}

/// Types that are the same on both sides.
macro_rules! same {
    ($($type:ty),* $(,)?) => {
        $(impl Convert<$type> for $type {
            fn convert(self) -> Result<$type, Error> {
                Ok(self)
            }
        })*
    };
}

same!(bool, u16, u32, u64, i32, i64, f64, String, (String, String));

/// A record in one direction, by its fields.
macro_rules! record {
    ($from:path => $to:path { $($field:ident),* $(,)? }) => {
        impl $crate::convert::Convert<$to> for $from {
            fn convert(
                self,
            ) -> Result<$to, $crate::bindings::sandpit::broker::types::Error> {
                use $from as From;
                use $to as To;
                let From { $($field),* } = self;
                Ok(To { $($field: $crate::convert::Convert::convert($field)?),* })
            }
        }
    };
}

/// A record in both directions, by its fields.
macro_rules! record_both {
    ($a:path, $b:path { $($field:ident),* $(,)? }) => {
        $crate::convert::record!($a => $b { $($field),* });
        $crate::convert::record!($b => $a { $($field),* });
    };
}

/// A variant in one direction: the cases without a value, then those with one.
macro_rules! variant {
    ($from:path => $to:path { $($case:ident),* $(,)? } { $($valued:ident),* $(,)? }) => {
        impl $crate::convert::Convert<$to> for $from {
            fn convert(
                self,
            ) -> Result<$to, $crate::bindings::sandpit::broker::types::Error> {
                use $from as From;
                use $to as To;
                Ok(match self {
                    $(From::$case => To::$case,)*
                    $(From::$valued(value) => {
                        To::$valued($crate::convert::Convert::convert(value)?)
                    })*
                })
            }
        }
    };
}

/// A variant in both directions.
macro_rules! variant_both {
    ($a:path, $b:path { $($case:ident),* $(,)? } { $($valued:ident),* $(,)? }) => {
        $crate::convert::variant!($a => $b { $($case),* } { $($valued),* });
        $crate::convert::variant!($b => $a { $($case),* } { $($valued),* });
    };
}

pub(crate) use {record, record_both, variant, variant_both};
