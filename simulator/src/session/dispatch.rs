//! From a request to the code that answers it.

use time::OffsetDateTime;

use super::{Client, NO_REQUEST, accounts, contracts, history, orders, pnl, quotes};
use crate::config::MarketDataPermission;
use crate::exchange::search::Refusal;
use crate::exchange::{Event, Exchange, millis};
use crate::wire::message::{Request, WireMessage};
use crate::wire::proto;

/// What is published.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feeds {
    pub(crate) quotes: bool,
    pub(crate) bars: bool,
    /// Account values, which TWS sends less often.
    pub(crate) accounts: bool,
}

/// What becomes of the connection after a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flow {
    Continue,
    /// The connection ends, for this reason.
    Close(String),
}

impl Client {
    /// Starts the session (71): accounts, the next order id, the client's open orders, and
    /// the notices about data farms.
    pub(crate) fn start(&mut self, exchange: &Exchange, client_id: i32) {
        self.client_id = Some(client_id);
        self.send(managed_accounts(exchange));
        self.send(proto::NextValidId {
            order_id: Some(exchange.next_order_id(client_id)),
        });
        orders::resume(self, exchange, client_id);
        self.notice(NO_REQUEST, 2104, "Market data farm connection is OK:usfarm");
        self.notice(NO_REQUEST, 2106, "HMDS data farm connection is OK:ushmds");
        self.notice(
            NO_REQUEST,
            2158,
            "Sec-def data farm connection is OK:secdefnj",
        );
    }

    /// Answers a request. Errors go to the client under the request's id.
    pub(crate) fn answer(
        &mut self,
        exchange: &mut Exchange,
        permission: MarketDataPermission,
        request: Request,
        now: OffsetDateTime,
    ) -> Flow {
        let Some(client_id) = self.client_id else {
            return Flow::Close(format!("{} before the session was started", request.name()));
        };
        let id = request_id(&request);
        if let Err(refusal) = self.handle(exchange, permission, client_id, request, now) {
            self.refuse(id, refusal);
        }
        Flow::Continue
    }

    fn handle(
        &mut self,
        exchange: &mut Exchange,
        permission: MarketDataPermission,
        client_id: i32,
        request: Request,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        match request {
            Request::StartApiRequest(_) => {
                return Err(Refusal::validation("The session has already been started"));
            }
            Request::ContractDataRequest(request) => {
                contracts::details(self, exchange, &request, now)?
            }
            Request::MarketRuleRequest(request) => contracts::market_rule(self, &request)?,
            Request::SecDefOptParamsRequest(request) => {
                contracts::option_chain(self, exchange, &request)
            }
            Request::MatchingSymbolsRequest(request) => {
                contracts::matching_symbols(self, exchange, &request)
            }

            Request::HistoricalDataRequest(request) => {
                history::request(self, exchange, &request, now)?
            }
            Request::HeadTimestampRequest(request) => {
                history::head_timestamp(self, exchange, &request)?
            }
            Request::CancelHistoricalData(request) => {
                accounts::cancel(&mut self.subscriptions.history, request.req_id)
            }
            Request::RealTimeBarsRequest(request) => {
                history::real_time_bars(self, exchange, &request, now)?
            }
            Request::CancelRealTimeBars(request) => {
                accounts::cancel(&mut self.subscriptions.bars, request.req_id)
            }

            Request::MarketDataTypeRequest(request) => {
                let kind = request.market_data_type.unwrap_or_default();
                if !(1..=4).contains(&kind) {
                    return Err(Refusal::validation(format!(
                        "Invalid market data type {kind}"
                    )));
                }
                self.market_data_type = kind;
            }
            Request::MarketDataRequest(request) => {
                quotes::request(self, exchange, &request, permission, now)?
            }
            Request::CancelMarketData(request) => {
                quotes::cancel(self, request.req_id.unwrap_or_default())?
            }

            Request::AccountSummaryRequest(request) => accounts::summary(self, exchange, &request)?,
            Request::CancelAccountSummary(request) => {
                accounts::cancel(&mut self.subscriptions.summaries, request.req_id)
            }
            Request::AccountDataRequest(request) => {
                accounts::updates(self, exchange, &request, now)?
            }
            Request::AccountUpdatesMultiRequest(request) => {
                accounts::updates_multi(self, exchange, &request)?
            }
            Request::CancelAccountUpdatesMulti(request) => {
                accounts::cancel(&mut self.subscriptions.account_multi, request.req_id)
            }
            Request::PositionsRequest(_) => accounts::positions(self, exchange),
            Request::CancelPositions(_) => self.subscriptions.positions = false,
            Request::PositionsMultiRequest(request) => {
                accounts::positions_multi(self, exchange, &request)?
            }
            Request::CancelPositionsMulti(request) => {
                accounts::cancel(&mut self.subscriptions.positions_multi, request.req_id)
            }
            Request::PnLRequest(request) => pnl::request(self, exchange, &request)?,
            Request::CancelPnL(request) => {
                accounts::cancel(&mut self.subscriptions.pnl, request.req_id)
            }
            Request::PnLSingleRequest(request) => pnl::request_single(self, exchange, &request)?,
            Request::CancelPnLSingle(request) => {
                accounts::cancel(&mut self.subscriptions.pnl_single, request.req_id)
            }

            Request::PlaceOrderRequest(request) => exchange.place(client_id, *request, now)?,
            Request::CancelOrderRequest(request) => {
                exchange.cancel(client_id, request.order_id.unwrap_or_default(), now)?
            }
            Request::ExerciseOptionsRequest(request) => {
                exchange.exercise(client_id, *request, now)?
            }
            Request::GlobalCancelRequest(_) => exchange.cancel_all(now),
            Request::OpenOrdersRequest(_) => orders::open_orders(self, exchange, Some(client_id)),
            Request::AllOpenOrdersRequest(_) => orders::open_orders(self, exchange, None),
            Request::AutoOpenOrdersRequest(_) if client_id != 0 => {
                return Err(Refusal::validation(
                    "Only the client with id 0 can bind orders made in TWS",
                ));
            }
            // Nobody makes orders by hand in a simulator, so there is nothing to bind.
            Request::AutoOpenOrdersRequest(_) => {}
            Request::ExecutionRequest(request) => orders::executions(self, exchange, &request)?,
            Request::CompletedOrdersRequest(_) => orders::completed(self, exchange),

            Request::IdsRequest(_) => self.send(proto::NextValidId {
                order_id: Some(exchange.next_order_id(client_id)),
            }),
            Request::ManagedAccountsRequest(_) => self.send(managed_accounts(exchange)),
            Request::CurrentTimeRequest(_) => self.send(proto::CurrentTime {
                current_time: Some(now.unix_timestamp()),
            }),
            Request::CurrentTimeInMillisRequest(_) => {
                self.send(proto::CurrentTimeInMillis {
                    current_time_in_millis: Some(millis(now)),
                });
            }
            // This TWS has none of these; the lists are empty.
            Request::SoftDollarTiersRequest(request) => self.send(proto::SoftDollarTiers {
                req_id: request.req_id,
            }),
            Request::FamilyCodesRequest(_) => self.send(proto::FamilyCodes {}),
            Request::MarketDepthExchangesRequest(_) => self.send(proto::MarketDepthExchanges {}),
            Request::SmartComponentsRequest(request) => self.send(proto::SmartComponents {
                req_id: request.req_id,
            }),
            Request::NewsProvidersRequest(_) => self.send(proto::NewsProviders {}),
            Request::UserInfoRequest(request) => self.send(proto::UserInfo {
                req_id: request.req_id,
                white_branding_id: None,
            }),
            // Answered at once, so there is never anything left to cancel.
            Request::CancelHeadTimestamp(_)
            | Request::CancelContractData(_)
            | Request::SetServerLogLevelRequest(_) => {}
        }
        Ok(())
    }

    /// Sends what an event means to this client.
    pub(crate) fn hear(&self, exchange: &Exchange, event: &Event) {
        match event {
            Event::ToClient(client_id, reply) if self.client_id == Some(*client_id) => {
                self.send(reply.clone())
            }
            Event::ToClient(..) => {}
            Event::PositionChanged { account, con_id } => {
                accounts::position_changed(self, exchange, account, *con_id)
            }
        }
    }

    /// Sends what a step of the market changed.
    pub(crate) fn publish(&mut self, exchange: &Exchange, feeds: Feeds, now: OffsetDateTime) {
        if feeds.quotes {
            quotes::publish(self, exchange, now);
        }
        if feeds.bars {
            history::publish(self, exchange, now);
        }
        pnl::publish(self, exchange);
        if feeds.accounts {
            accounts::publish(self, exchange, now);
        }
    }
}

fn managed_accounts(exchange: &Exchange) -> proto::ManagedAccounts {
    let accounts: Vec<&str> = exchange
        .ledgers
        .iter()
        .map(|ledger| ledger.account.as_str())
        .collect();
    proto::ManagedAccounts {
        accounts_list: Some(accounts.join(",")),
    }
}

/// The id that an error about a request carries.
fn request_id(request: &Request) -> i32 {
    super::received::Received::new(0, None, request)
        .id
        .unwrap_or(NO_REQUEST)
}
