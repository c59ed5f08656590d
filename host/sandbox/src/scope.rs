//! What a tool may reach: which gateways, accounts and instruments. The rules
//! alone; the capabilities apply them.
//!
//! Accounts are judged by their ids, and govern what belongs to an account as
//! a whole (its summary, its profit and loss) as well as its positions and
//! orders. Instruments are judged by symbol and security type *as TWS knows
//! them*, never as a request words them, and govern positions, orders,
//! executions, quotes and bars. So the totals of an account that is in reach
//! count in what the account holds beyond the instruments that are.

use std::collections::BTreeSet;

/// What the operator lets one tool reach. [`Default`] is no limit at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The names of the gateways that calls may go to. What is `None` is not
    /// limited; an empty set lets none through.
    pub gateways: Option<BTreeSet<String>>,
    /// Binds everything that the tool asks of the broker.
    pub reach: Reach,
    /// Narrows [`Scope::reach`] further for placing, modifying and cancelling
    /// orders, and for asking what an order would do.
    pub trade: Reach,
}

/// A choice of accounts and instruments. What is `None` is not limited; an
/// empty set lets nothing through. Case does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Account ids, for example `DU1234567`.
    pub accounts: Option<BTreeSet<String>>,
    /// Ticker symbols as TWS writes them, for example `BRK B`; of derivatives,
    /// the symbol of the underlying; of currency pairs, the base currency.
    pub symbols: Option<BTreeSet<String>>,
    /// TWS's codes of security types, for example `STK`, `OPT`, `BAG`. A combo
    /// needs `BAG` and the types of its legs.
    pub security_types: Option<BTreeSet<String>>,
}

/// The rules that bind one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    reach: &'a Reach,
    /// Only for what trades.
    trade: Option<&'a Reach>,
}

/// Why a request does not fit the accounts in reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WrongAccount {
    /// The one that was named is out of reach, whether it exists or not.
    OutOfReach(String),
    /// None of the connection's is in reach.
    NoneInReach,
    /// None was named, and several are in reach: these.
    Several(Vec<String>),
    /// The one that was named would be in reach, but the connection has only
    /// others: these are in reach.
    Absent(String, Vec<String>),
}

impl Scope {
    /// Whether calls may go to a gateway.
    pub(crate) fn reach_gateway(&self, name: &str) -> bool {
        self.gateways
            .as_ref()
            .is_none_or(|gateways| gateways.contains(name))
    }

    /// What binds a request that trades nothing.
    pub(crate) fn reading(&self) -> Rules<'_> {
        Rules {
            reach: &self.reach,
            trade: None,
        }
    }

    /// What binds a request about an order.
    pub(crate) fn trading(&self) -> Rules<'_> {
        Rules {
            reach: &self.reach,
            trade: Some(&self.trade),
        }
    }
}

impl<'a> Rules<'a> {
    fn all(self) -> impl Iterator<Item = &'a Reach> {
        std::iter::once(self.reach).chain(self.trade)
    }

    /// Whether they bind a request about an order.
    pub(crate) fn trades(self) -> bool {
        self.trade.is_some()
    }

    /// Whether some accounts are out of reach.
    pub(crate) fn limit_accounts(self) -> bool {
        self.all().any(|reach| reach.accounts.is_some())
    }

    /// Whether some instruments are out of reach.
    pub(crate) fn limit_instruments(self) -> bool {
        self.all()
            .any(|reach| reach.symbols.is_some() || reach.security_types.is_some())
    }

    /// Whether anything is out of reach.
    pub(crate) fn limit_anything(self) -> bool {
        self.limit_accounts() || self.limit_instruments()
    }

    /// Whether an account is in reach.
    pub(crate) fn reach_account(self, account: &str) -> bool {
        self.all()
            .all(|reach| contains(reach.accounts.as_ref(), account))
    }

    /// Whether instruments of this type are in reach.
    pub(crate) fn reach_type(self, code: &str) -> bool {
        self.all()
            .all(|reach| contains(reach.security_types.as_ref(), code))
    }

    /// Whether an instrument is in reach, by its symbol and its type. A combo
    /// is judged by its legs, and by its own type.
    pub(crate) fn reach_instrument(self, symbol: &str, code: &str) -> bool {
        self.reach_type(code)
            && self
                .all()
                .all(|reach| contains(reach.symbols.as_ref(), symbol))
    }

    /// Whether a record of this account is in reach. A record that names none
    /// is one of the connection's only account; where there are several, it is
    /// out of reach.
    pub(crate) fn reach_record(self, account: Option<&str>, connection: &[String]) -> bool {
        let named = account.map(str::trim).filter(|account| !account.is_empty());
        match (named, connection) {
            _ if !self.limit_accounts() => true,
            (Some(account), _) => self.reach_account(account),
            (None, [only]) => self.reach_account(only),
            (None, _) => false,
        }
    }

    /// Those of the connection's accounts that are in reach.
    pub(crate) fn accounts(self, connection: &[String]) -> Vec<String> {
        let visible = connection.iter().filter(|one| self.reach_account(one));
        visible.cloned().collect()
    }

    /// The account that a request means: the one that it names, or else the
    /// only one in reach.
    pub(crate) fn account(
        self,
        named: Option<&str>,
        connection: &[String],
    ) -> Result<String, WrongAccount> {
        let mut visible = self.accounts(connection);
        let Some(named) = named.map(str::trim) else {
            return match visible.pop() {
                None => Err(WrongAccount::NoneInReach),
                Some(only) if visible.is_empty() => Ok(only),
                Some(_) => Err(WrongAccount::Several(self.accounts(connection))),
            };
        };
        if !self.reach_account(named) {
            return Err(WrongAccount::OutOfReach(named.to_owned()));
        }
        let known = visible.iter().find(|one| one.eq_ignore_ascii_case(named));
        match known {
            Some(account) => Ok(account.clone()),
            None => Err(WrongAccount::Absent(named.to_owned(), visible)),
        }
    }
}

fn contains(set: Option<&BTreeSet<String>>, value: &str) -> bool {
    let value = value.trim();
    set.is_none_or(|set| set.iter().any(|one| one.trim().eq_ignore_ascii_case(value)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(words: &[&str]) -> Option<BTreeSet<String>> {
        Some(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn accounts(words: &[&str]) -> Scope {
        Scope {
            reach: Reach {
                accounts: set(words),
                ..Reach::default()
            },
            ..Scope::default()
        }
    }

    #[test]
    fn without_a_limit_everything_is_in_reach() {
        let scope = Scope::default();
        for rules in [scope.reading(), scope.trading()] {
            assert!(!rules.limit_anything());
            assert!(rules.reach_instrument("SPY", "STK"));
            assert!(rules.reach_record(None, &strings(&["A", "B"])));
        }
    }

    #[test]
    fn an_empty_set_lets_nothing_through() {
        let scope = Scope {
            reach: Reach {
                accounts: set(&[]),
                symbols: set(&[]),
                security_types: None,
            },
            ..Scope::default()
        };
        let rules = scope.reading();
        assert!(!rules.reach_account("DU1") && !rules.reach_instrument("SPY", "STK"));
        assert_eq!(
            rules.account(None, &strings(&["DU1"])),
            Err(WrongAccount::NoneInReach)
        );
    }

    #[test]
    fn trading_is_bound_by_both() {
        let scope = Scope {
            reach: Reach {
                symbols: set(&["SPY", "AAPL"]),
                ..Reach::default()
            },
            trade: Reach {
                symbols: set(&["spy", "MSFT"]),
                security_types: set(&["STK"]),
                ..Reach::default()
            },
            ..Scope::default()
        };
        assert!(scope.reading().reach_instrument("aapl", "OPT"));
        assert!(scope.trading().reach_instrument("SPY", "stk"));
        for (symbol, code) in [("AAPL", "STK"), ("MSFT", "STK"), ("SPY", "OPT")] {
            assert!(!scope.trading().reach_instrument(symbol, code), "{symbol}");
        }
    }

    #[test]
    fn an_absent_account_means_the_only_one_in_reach() {
        let connection = strings(&["DU1", "DU2", "DU3"]);
        let one = accounts(&["DU2"]);
        assert_eq!(one.reading().account(None, &connection), Ok("DU2".into()));
        assert_eq!(
            one.reading().account(Some("DU1"), &connection),
            Err(WrongAccount::OutOfReach("DU1".into()))
        );
        // What does not exist is told from what is out of reach by nothing.
        assert_eq!(
            one.reading().account(Some("DU9"), &connection),
            Err(WrongAccount::OutOfReach("DU9".into()))
        );
        let two = accounts(&["DU1", "DU2", "DU9"]);
        let visible = strings(&["DU1", "DU2"]);
        assert_eq!(
            two.reading().account(None, &connection),
            Err(WrongAccount::Several(visible.clone()))
        );
        assert_eq!(
            two.reading().account(Some("du2 "), &connection),
            Ok("DU2".into())
        );
        assert_eq!(
            two.reading().account(Some("DU9"), &connection),
            Err(WrongAccount::Absent("DU9".into(), visible))
        );
    }

    #[test]
    fn a_record_without_an_account_belongs_to_the_only_one() {
        let scope = accounts(&["DU1"]);
        let rules = scope.reading();
        for absent in [None, Some(""), Some(" ")] {
            assert!(rules.reach_record(absent, &strings(&["DU1"])));
            assert!(!rules.reach_record(absent, &strings(&["DU2"])));
            assert!(!rules.reach_record(absent, &strings(&["DU1", "DU2"])));
            assert!(!rules.reach_record(absent, &[]));
        }
        assert!(rules.reach_record(Some("DU1"), &strings(&["DU1", "DU2"])));
        assert!(!rules.reach_record(Some("DU2"), &strings(&["DU2"])));
    }

    fn word() -> impl Strategy<Value = String> {
        prop::sample::select(strings(&["A", "B", "C", "D"]))
    }

    fn words() -> impl Strategy<Value = Option<BTreeSet<String>>> {
        prop::option::of(prop::collection::btree_set(word(), 0..4))
    }

    prop_compose! {
        fn reach()(accounts in words(), symbols in words(), security_types in words()) -> Reach {
            Reach { accounts, symbols, security_types }
        }
    }

    proptest! {
        #[test]
        fn what_may_be_traded_may_be_seen(
            reach in reach(), trade in reach(), symbol in word(), code in word(), account in word(),
        ) {
            let scope = Scope { reach, trade, ..Scope::default() };
            let (reading, trading) = (scope.reading(), scope.trading());
            if trading.reach_instrument(&symbol, &code) {
                prop_assert!(reading.reach_instrument(&symbol, &code));
            }
            if trading.reach_account(&account) {
                prop_assert!(reading.reach_account(&account));
            }
        }

        #[test]
        fn no_answer_names_an_account_out_of_reach(
            reach in reach(), trade in reach(), named in prop::option::of(word()),
            connection in prop::collection::btree_set(word(), 0..4),
        ) {
            let scope = Scope { reach, trade, ..Scope::default() };
            let connection: Vec<_> = connection.into_iter().collect();
            let rules = scope.trading();
            let told = match rules.account(named.as_deref(), &connection) {
                Ok(account) => {
                    prop_assert!(connection.contains(&account));
                    vec![account]
                }
                Err(WrongAccount::Several(visible)) => {
                    prop_assert!(visible.len() > 1 && named.is_none());
                    visible
                }
                Err(WrongAccount::Absent(_, visible)) => visible,
                Err(WrongAccount::OutOfReach(account)) => {
                    // The caller's own word, and nothing more.
                    prop_assert_eq!(Some(account), named);
                    Vec::new()
                }
                Err(WrongAccount::NoneInReach) => Vec::new(),
            };
            prop_assert!(told.iter().all(|account| rules.reach_account(account)));
        }

        #[test]
        fn a_named_account_out_of_reach_reads_as_one_that_does_not_exist(
            reach in reach(), named in word(),
            connection in prop::collection::btree_set(word(), 0..4),
        ) {
            let scope = Scope { reach, ..Scope::default() };
            let rules = scope.reading();
            prop_assume!(!rules.reach_account(&named));
            let mut with: Vec<_> = connection.iter().cloned().collect();
            with.retain(|account| *account != named);
            let without = rules.account(Some(&named), &with);
            with.push(named.clone());
            prop_assert_eq!(rules.account(Some(&named), &with), without.clone());
            prop_assert_eq!(without.unwrap_err(), WrongAccount::OutOfReach(named));
        }
    }
}
