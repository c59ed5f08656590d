//! One request's access to the broker: the gateway, and the scope that binds
//! the tool. Where a scope limits nothing, nothing is asked of TWS for it.

use std::sync::Arc;

use sandpit_gateway::Gateway;
use sandpit_gateway::model::{
    AccountBatch, AccountValue, ComboLeg, Contract, Error, Result, SecurityType, Status,
};

use crate::scope::{Rules, Scope, WrongAccount};

/// One request's access to the broker.
pub(super) struct Access {
    pub(super) gateway: Gateway,
    pub(super) scope: Arc<Scope>,
}

impl Access {
    /// The accounts of the connection.
    ///
    /// # Errors
    /// `NotConnected`.
    pub(super) async fn connection(&self) -> Result<Vec<String>> {
        match self.gateway.status() {
            Status {
                connected: true,
                accounts,
                ..
            } => Ok(accounts),
            // The gateway has the right words for it.
            _ => self.gateway.accounts().await,
        }
    }

    /// The account that a request means. Where accounts are not limited, this
    /// is for the gateway to say.
    ///
    /// # Errors
    /// `NoPermission` for one that is out of reach, `InvalidRequest` where it
    /// is not clear which is meant.
    pub(super) async fn account(
        &self,
        rules: Rules<'_>,
        named: Option<String>,
    ) -> Result<Option<String>> {
        if !rules.limit_accounts() {
            return Ok(named);
        }
        // An account out of reach is refused alike, connected or not.
        if let Some(named) = &named
            && !rules.reach_account(named)
        {
            return Err(wrong_account(WrongAccount::OutOfReach(named.clone())));
        }
        let connection = self.connection().await?;
        let account = rules.account(named.as_deref(), &connection);
        account.map(Some).map_err(wrong_account)
    }

    /// The contract as TWS knows it, if it is in reach. Where instruments are
    /// not limited, the contract as it was asked for.
    ///
    /// # Errors
    /// `NoPermission` if it is out of reach; as for [`Gateway::qualify`].
    pub(super) async fn contract(&self, rules: Rules<'_>, asked: &Contract) -> Result<Contract> {
        if !rules.limit_instruments() {
            return Ok(asked.clone());
        }
        let known = Contract {
            // It belongs to the question, and TWS does not repeat it.
            include_expired: asked.include_expired,
            ..self.gateway.qualify(asked).await?
        };
        if self.reach_contract(rules, &known).await? {
            Ok(known)
        } else {
            Err(out_of_reach(rules, asked))
        }
    }

    /// The error for a position that is out of reach: the same as for one that
    /// there is not.
    pub(super) async fn no_position(&self, account: Option<String>, con_id: i32) -> Error {
        let account = match account {
            Some(account) => Ok(account),
            // Accounts are not limited: the gateway has words for all of them.
            None => self.gateway.one_account(None),
        };
        match account {
            Ok(account) => Error::no_position(&account, con_id),
            Err(error) => error,
        }
    }

    /// Whether a contract that TWS gave is in reach. A combo is if its type
    /// and all of its legs are; one whose legs TWS does not tell is not.
    ///
    /// # Errors
    /// If TWS cannot say what a leg is.
    pub(super) async fn reach_contract(
        &self,
        rules: Rules<'_>,
        contract: &Contract,
    ) -> Result<bool> {
        if !rules.limit_instruments() {
            return Ok(true);
        }
        if contract.security_type != SecurityType::Combo {
            return Ok(rules.reach_instrument(&contract.symbol, contract.security_type.code()));
        }
        if !rules.reach_type(contract.security_type.code()) || contract.combo_legs.is_empty() {
            return Ok(false);
        }
        for ComboLeg {
            con_id, exchange, ..
        } in &contract.combo_legs
        {
            let exchange = Some(exchange.clone()).filter(|exchange| !exchange.trim().is_empty());
            if !self.reach_number(rules, *con_id, exchange).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the instrument of this number is in reach. One that TWS does
    /// not know is not.
    ///
    /// # Errors
    /// If TWS cannot say what it is.
    pub(super) async fn reach_number(
        &self,
        rules: Rules<'_>,
        con_id: i32,
        exchange: Option<String>,
    ) -> Result<bool> {
        if !rules.limit_instruments() {
            return Ok(true);
        }
        let question = Contract {
            con_id: Some(con_id),
            exchange,
            ..Contract::new("", SecurityType::Other(String::new()))
        };
        match self.gateway.qualify(&question).await {
            Ok(known) => Ok(rules.reach_instrument(&known.symbol, known.security_type.code())),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a record of this account and contract is in reach.
    ///
    /// # Errors
    /// As for [`Access::reach_contract`].
    pub(super) async fn reach_record(
        &self,
        rules: Rules<'_>,
        account: Option<&str>,
        contract: &Contract,
        connection: &[String],
    ) -> Result<bool> {
        Ok(rules.reach_record(account, connection) && self.reach_contract(rules, contract).await?)
    }

    /// The records that are in reach, by their account and their contract.
    ///
    /// # Errors
    /// As for [`Access::reach_contract`].
    pub(super) async fn filter<T>(
        &self,
        records: Vec<T>,
        of: impl Fn(&T) -> (Option<&str>, &Contract),
    ) -> Result<Vec<T>> {
        let rules = self.scope.reading();
        if !rules.limit_anything() {
            return Ok(records);
        }
        let connection = self.connection().await?;
        let mut kept = Vec::with_capacity(records.len());
        for record in records {
            let (account, contract) = of(&record);
            if self
                .reach_record(rules, account, contract, &connection)
                .await?
            {
                kept.push(record);
            }
        }
        Ok(kept)
    }

    /// The values of accounts that are in reach.
    ///
    /// # Errors
    /// `NotConnected`.
    pub(super) async fn filter_values(
        &self,
        values: Vec<AccountValue>,
    ) -> Result<Vec<AccountValue>> {
        let rules = self.scope.reading();
        if !rules.limit_accounts() {
            return Ok(values);
        }
        let connection = self.connection().await?;
        let visible = |value: &AccountValue| rules.reach_record(Some(&value.account), &connection);
        Ok(values.into_iter().filter(visible).collect())
    }

    /// What of an account's changes is in reach.
    ///
    /// # Errors
    /// As for [`Access::reach_contract`].
    pub(super) async fn filter_batch(&self, batch: AccountBatch) -> Result<AccountBatch> {
        let portfolio = self
            .filter(batch.portfolio, |item| {
                (
                    Some(item.position.account.as_str()),
                    &item.position.contract,
                )
            })
            .await?;
        Ok(AccountBatch {
            values: self.filter_values(batch.values).await?,
            portfolio,
            ..batch
        })
    }
}

/// What the tool gets to read of a wrong account. It names no account that is
/// out of reach but in the caller's own words.
fn wrong_account(wrong: WrongAccount) -> Error {
    match wrong {
        WrongAccount::OutOfReach(account) => Error::NoPermission(format!(
            "The operator's policy does not let this tool reach the account {account:?}."
        )),
        WrongAccount::NoneInReach => Error::NoPermission(
            "The operator's policy lets this tool reach no account of this connection.".to_owned(),
        ),
        WrongAccount::Several(visible) => Error::InvalidRequest(format!(
            "This tool reaches several accounts. Say which one: {}.",
            visible.join(", ")
        )),
        WrongAccount::Absent(account, visible) if visible.is_empty() => {
            Error::InvalidRequest(format!("{account:?} is not an account of this connection."))
        }
        WrongAccount::Absent(account, visible) => Error::InvalidRequest(format!(
            "{account:?} is not an account of this connection. Choose one of: {}.",
            visible.join(", ")
        )),
    }
}

/// What the tool gets to read of an instrument that is out of its reach, in
/// the words that it asked with.
pub(super) fn out_of_reach(rules: Rules<'_>, asked: &Contract) -> Error {
    let mut words = match (asked.symbol.trim(), &asked.local_symbol) {
        ("", Some(local)) => vec![local.clone()],
        ("", None) => Vec::new(),
        (symbol, _) => vec![symbol.to_owned()],
    };
    let code = asked.security_type.code();
    if !code.is_empty() {
        words.push(format!("({code})"));
    }
    if let Some(con_id) = asked.con_id {
        words.push(format!("conId {con_id}"));
    }
    let does = if rules.trades() { "trade" } else { "reach" };
    Error::NoPermission(format!(
        "The operator's policy limits what this tool may {does}, and {} is not part of it.",
        words.join(" ")
    ))
}
