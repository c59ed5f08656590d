"""Trades on a simulated TWS with ib_async, as its users do, and checks what comes back.

    python trade.py HOST PORT

ib_async takes every text message apart field by field and logs what it cannot read, so a
message with a field too many or too few is found here even where nothing asks for its values.
"""

import asyncio
import datetime
import logging
import math
import sys

import ib_async
from ib_async import IB, Contract, Forex, LimitOrder, MarketOrder, Option, Stock, StopOrder

ACCOUNT = "DU1234567"
PATIENCE = 20


class Unreadable(logging.Handler):
    """Collects what the client could not read."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.records = []

    def emit(self, record):
        self.records.append(self.format(record))


def check(is_so, what):
    if not is_so:
        raise AssertionError(what)


async def until(is_so, what):
    """Waits until something is so."""
    for _ in range(PATIENCE * 100):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never: {what}")


async def within(request):
    return await asyncio.wait_for(request, PATIENCE)


async def connected(host, port, client_id):
    ib = IB()
    ib.RequestTimeout = PATIENCE
    ib.errors = []
    ib.errorEvent += lambda request, code, text, contract: ib.errors.append((request, code))
    await ib.connectAsync(host, port, clientId=client_id, timeout=PATIENCE, raiseSyncErrors=True)
    return ib


async def session(ib):
    check(ib.client.serverVersion() == 178, f"version {ib.client.serverVersion()}")
    check(ib.managedAccounts() == [ACCOUNT], f"accounts {ib.managedAccounts()}")
    now = await within(ib.reqCurrentTimeAsync())
    check(now.year >= 2024, f"time {now}")


async def contracts(ib):
    spy, euro = Stock("SPY", "SMART", "USD"), Forex("EURUSD")
    check(all(await within(ib.qualifyContractsAsync(spy, euro))), "contracts are known")
    check(spy.conId > 0 and spy.primaryExchange == "ARCA", f"SPY is {spy}")
    (details,) = await within(ib.reqContractDetailsAsync(spy))
    check(details.minTick == 0.01 and details.longName, f"details {details}")
    check(details.timeZoneId == "US/Eastern", f"zone {details.timeZoneId}")
    check(len(details.tradingSessions()) > 0, f"hours {details.tradingHours}")
    (chain, *_) = await within(ib.reqSecDefOptParamsAsync("SPY", "", "STK", spy.conId))
    check(chain.strikes and chain.expirations, f"chain {chain}")
    option = Option("SPY", chain.expirations[0], chain.strikes[0], "C", "SMART")
    check(all(await within(ib.qualifyContractsAsync(option))), f"{option} is known")
    found = await within(ib.reqMatchingSymbolsAsync("SP"))
    check(any(one.contract.symbol == "SPY" for one in found), f"search {found}")
    rules = await within(ib.reqMarketRuleAsync(26))
    check(rules[0].increment == 0.01, f"rule {rules}")
    none = await within(ib.reqContractDetailsAsync(Stock("NOSUCH", "SMART", "USD")))
    check(none == [] and ib.errors[-1][1] == 200, f"{none} {ib.errors}")
    return spy, option, details.tradingSessions()


async def history(ib, spy, trading):
    days = await within(
        ib.reqHistoricalDataAsync(spy, "", "5 D", "1 day", "TRADES", useRTH=True)
    )
    check(len(days) == 5 and days[-1].volume > 0, f"days {days}")
    check(days[-1].low <= days[-1].open <= days[-1].high, f"day {days[-1]}")
    ticks = await within(
        ib.reqHistoricalDataAsync(spy, "", "3600 S", "5 mins", "MIDPOINT", useRTH=False)
    )
    check(len(ticks) > 5 and ticks[0].date.tzinfo, f"bars {ticks}")
    live = await within(
        ib.reqHistoricalDataAsync(
            spy, "", "1 D", "1 hour", "TRADES", useRTH=False, keepUpToDate=True
        )
    )
    news = []
    live.updateEvent += lambda bars, is_new: news.append(bars[-1].close)
    now = datetime.datetime.now(datetime.timezone.utc)
    if any(session.start <= now < session.end for session in trading):
        await until(lambda: len(news) >= 2, "bars that keep up to date")
    ib.cancelHistoricalData(live)
    head = await within(ib.reqHeadTimeStampAsync(spy, "TRADES", True, 1))
    check(head.year < 2026, f"head {head}")
    schedule = await within(ib.reqHistoricalScheduleAsync(spy, 10))
    check(len(schedule.sessions) >= 5, f"schedule {schedule}")


async def quotes(ib, spy, option):
    ib.reqMarketDataType(1)
    ticker = ib.reqMktData(spy)
    await until(lambda: ticker.hasBidAsk() and ticker.last > 0, "a quote")
    check(ticker.bid < ticker.ask and ticker.marketDataType == 1, f"quote {ticker}")
    check(ticker.minTick == 0.01, f"parameters {ticker}")
    first = ticker.time
    await until(lambda: ticker.time > first, "a second quote")
    ib.cancelMktData(spy)
    (snapshot,) = await within(ib.reqTickersAsync(spy))
    check(snapshot.bid > 0 and not math.isnan(snapshot.close), f"snapshot {snapshot}")
    (model,) = await within(ib.reqTickersAsync(option))
    check(0 < model.modelGreeks.delta <= 1, f"greeks {model.modelGreeks}")


async def accounts(ib, spy):
    summary = {value.tag: value.value for value in await within(ib.accountSummaryAsync())}
    check(float(summary["NetLiquidation"]) > 100_000, f"summary {summary}")
    values = {value.tag for value in ib.accountValues(ACCOUNT)}
    check({"NetLiquidation", "CashBalance"} <= values, f"values {values}")
    held = {position.contract.symbol: position.position for position in ib.positions()}
    check(held["VTI"] == 120 and held["AAPL"] == 50, f"positions {held}")
    portfolio = {item.contract.symbol: item for item in ib.portfolio()}
    check(portfolio["VTI"].marketValue > 0, f"portfolio {portfolio}")
    pnl = ib.reqPnL(ACCOUNT)
    await until(lambda: not math.isnan(pnl.unrealizedPnL), "profit and loss")
    vti = portfolio["VTI"].contract.conId
    single = ib.reqPnLSingle(ACCOUNT, "", vti)
    await until(lambda: single.position == 120, "one position's profit and loss")
    ib.cancelPnL(ACCOUNT)
    ib.cancelPnLSingle(ACCOUNT, "", vti)


async def preview(ib, spy):
    state = await within(ib.whatIfOrderAsync(spy, MarketOrder("BUY", 10)))
    check(float(state.initMarginChange) > 0 and state.commission == 1.0, f"what-if {state}")
    check(not ib.openTrades(), f"a what-if leaves no order: {ib.openTrades()}")


async def market_order(ib, spy):
    trade = ib.placeOrder(spy, MarketOrder("BUY", 10, orderRef="first"))
    await until(lambda: trade.isDone() and trade.fills, "a fill")
    (fill,) = trade.fills
    await until(lambda: fill.commissionReport.commission == 1.0, "a commission")
    check(trade.orderStatus.status == "Filled", f"{trade}")
    check(trade.filled() == 10 and trade.remaining() == 0, f"{trade}")
    check(fill.execution.side == "BOT" and fill.execution.shares == 10, f"{fill}")
    check(fill.execution.orderRef == "first", f"{fill}")
    await until(
        lambda: any(one.contract.symbol == "SPY" and one.position == 10 for one in ib.positions()),
        "the position",
    )
    return trade


async def modify_and_cancel(ib, spy):
    order = LimitOrder("BUY", 5, 100.0, tif="GTC")
    trade = ib.placeOrder(spy, order)
    await until(lambda: trade.orderStatus.status == "Submitted", "a working order")
    order.lmtPrice = 101.5
    ib.placeOrder(spy, order)
    # The answer to the change counts among the open orders too.
    *_, changed = [one for one in await within(ib.reqAllOpenOrdersAsync()) if one.order.tif == "GTC"]
    check(changed.order.lmtPrice == 101.5, f"the change {changed}")
    ib.cancelOrder(order)
    await until(lambda: trade.orderStatus.status == "Cancelled", "the cancel")
    check((order.orderId, 202) in ib.errors, f"errors {ib.errors}")


async def bracket(ib, spy):
    (quote,) = await within(ib.reqTickersAsync(spy))
    # The profit can be taken at once, so the stop is cancelled without waiting for a price.
    parent, profit, stop = ib.bracketOrder(
        "BUY",
        20,
        limitPrice=round(quote.ask * 1.02, 2),
        takeProfitPrice=round(quote.bid * 0.98, 2),
        stopLossPrice=round(quote.bid * 0.5, 2),
    )
    trades = [ib.placeOrder(spy, order) for order in (parent, profit, stop)]
    await until(lambda: all(trade.isDone() for trade in trades), f"the bracket {trades}")
    states = [trade.orderStatus.status for trade in trades]
    check(states == ["Filled", "Filled", "Cancelled"], f"bracket {states}")
    held = "PreSubmitted"
    check(
        any(entry.status == held for entry in trades[2].log), f"the stop was held {trades[2].log}"
    )


async def resting_stop(ib, spy):
    trade = ib.placeOrder(spy, StopOrder("SELL", 5, 100.0))
    await until(lambda: trade.orderStatus.status == "PreSubmitted", "a stop that waits")
    check(trade.orderStatus.whyHeld == "trigger", f"{trade.orderStatus}")
    ib.reqGlobalCancel()
    await until(lambda: not ib.openTrades(), "the global cancel")


async def combination(ib):
    legs = [Stock("SPY", "SMART", "USD"), Stock("VTI", "SMART", "USD")]
    await within(ib.qualifyContractsAsync(*legs))
    combo = Contract(
        symbol="SPY,VTI",
        secType="BAG",
        exchange="SMART",
        currency="USD",
        comboLegs=[
            ib_async.ComboLeg(conId=leg.conId, ratio=1, action=action, exchange="SMART")
            for leg, action in zip(legs, ["BUY", "SELL"])
        ],
    )
    trade = ib.placeOrder(combo, MarketOrder("BUY", 2))
    await until(lambda: trade.isDone(), f"the combination {trade} {ib.errors}")
    check(trade.orderStatus.status == "Filled", f"{trade}")
    check(len(trade.fills) == 3, f"the whole and its legs: {trade.fills}")


async def empty_lists(ib):
    check(await within(ib.reqMktDepthExchangesAsync()) == [], "exchanges with depth")
    check(await within(ib.reqNewsProvidersAsync()) == [], "news providers")
    check(await within(ib.reqSmartComponentsAsync("9c0001")) == [], "components")
    check(not await within(ib.reqUserInfoAsync()), "white branding")


async def refusals(ib, spy):
    poor = ib.placeOrder(spy, MarketOrder("BUY", 1_000_000))
    await until(lambda: poor.isDone(), f"the rejection {poor}")
    check((poor.order.orderId, 201) in ib.errors, f"errors {ib.errors}")
    crooked = ib.placeOrder(spy, LimitOrder("BUY", 1, 100.001))
    await until(lambda: crooked.isDone(), f"the refusal {crooked}")
    check((crooked.order.orderId, 110) in ib.errors, f"errors {ib.errors}")
    scan = await within(ib.reqScannerDataAsync(ib_async.ScannerSubscription()))
    check(len(scan) == 0 and ib.errors[-1][1] == 162, f"scanner {scan} {ib.errors}")
    ticks = await within(ib.reqHistoricalTicksAsync(spy, "", "20240102-10:00:00", 10, "TRADES", True))
    check(not ticks and ib.errors[-1][1] == 10187, f"ticks {ticks} {ib.errors}")


async def reconnect(ib, host, port, first):
    ib.disconnect()
    # A client that comes back finds what it did.
    again = await connected(host, port, 1)
    check(len(again.fills()) == 6, f"executions {again.fills()}")
    check(again.fills()[0].execution.orderRef == "first", f"{again.fills()[0]}")
    done = await within(again.reqCompletedOrdersAsync(False))
    states = sorted(trade.orderStatus.status for trade in done)
    check(states.count("Filled") == 4 and states.count("Cancelled") == 3, f"completed {states}")
    check(any(trade.order.permId == first.order.permId for trade in done), f"{done}")
    again.disconnect()


async def main(host, port):
    unreadable = Unreadable()
    logging.getLogger("ib_async.Decoder").addHandler(unreadable)
    ib = await connected(host, port, 1)
    await session(ib)
    spy, option, trading = await contracts(ib)
    await history(ib, spy, trading)
    await quotes(ib, spy, option)
    await accounts(ib, spy)
    await preview(ib, spy)
    first = await market_order(ib, spy)
    await modify_and_cancel(ib, spy)
    await bracket(ib, spy)
    await resting_stop(ib, spy)
    await combination(ib)
    await empty_lists(ib)
    await refusals(ib, spy)
    await reconnect(ib, host, port, first)
    check(not unreadable.records, "\n".join(unreadable.records))
    print("all is well")


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
