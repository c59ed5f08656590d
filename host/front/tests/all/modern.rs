//! MCP of 2026-07-28: every request is complete in itself.

use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, HeaderMap};
use serde_json::{Map, Value, json};

use super::{
    FrontConfig, Server, connected, fixture, messages, nothing, read_until, send, simulator,
    subscribed,
};

/// A request with all that belongs to one.
pub(super) struct Request {
    method: &'static str,
    params: Value,
    capabilities: Value,
    meta: Value,
}

impl Request {
    pub(super) fn new(method: &'static str, params: Value) -> Self {
        Self {
            method,
            params,
            capabilities: json!({}),
            meta: json!({}),
        }
    }

    pub(super) fn call(mode: &str) -> Self {
        let params = json!({"name": "fixture_tool", "arguments": {"mode": mode}});
        Self::new("tools/call", params)
    }

    fn with_elicitation(self) -> Self {
        self.of_client(json!({"elicitation": {}}))
    }

    fn of_client(mut self, capabilities: Value) -> Self {
        self.capabilities = capabilities;
        self
    }

    fn meta(mut self, name: &str, value: Value) -> Self {
        self.meta[name] = value;
        self
    }

    fn param(mut self, name: &str, value: Value) -> Self {
        self.params[name] = value;
        self
    }

    pub(super) fn to(&self, server: &Server) -> RequestBuilder {
        let version = "2026-07-28";
        let mut meta = Map::new();
        let names = ["protocolVersion", "clientInfo", "clientCapabilities"];
        let client = json!({"name": "test", "version": "1"});
        let values = [json!(version), client, self.capabilities.clone()];
        for (name, value) in names.into_iter().zip(values) {
            meta.insert(format!("io.modelcontextprotocol/{name}"), value);
        }
        meta.extend(self.meta.as_object().unwrap().clone());
        let mut params = self.params.clone();
        params["_meta"] = meta.into();
        let name = params["name"].as_str().or(params["uri"].as_str());
        let name = name.map(str::to_owned);
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": self.method, "params": params});
        let request = server
            .message(&message)
            .header("mcp-protocol-version", version)
            .header("mcp-method", self.method);
        match name {
            Some(name) => request.header("mcp-name", name),
            None => request,
        }
    }
}

pub(super) async fn result(server: &Server, request: Request) -> Value {
    let reply = send(request.to(server)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["result"].clone()
}

#[tokio::test]
async fn only_what_there_is_is_declared() {
    let server = fixture().await;
    let discovered = result(&server, Request::new("server/discover", json!({}))).await;
    assert_eq!(
        discovered["capabilities"],
        json!({
            "completions": {},
            "logging": {},
            "prompts": {"listChanged": true},
            "resources": {"listChanged": true, "subscribe": true},
            "tools": {"listChanged": true},
        })
    );
    let level = Request::new("logging/setLevel", json!({"level": "info"}));
    let reply = send(level.to(&server)).await;
    assert_eq!(reply.json()["error"]["code"], -32601);
    server.end().await;
}

#[tokio::test]
async fn a_client_that_weighs_an_event_stream_higher_gets_one() {
    let server = fixture().await;
    for (accept, kind) in [
        ("text/event-stream, application/json", "application/json"),
        (
            "text/event-stream, application/json;q=0.5",
            "text/event-stream",
        ),
    ] {
        let request = Request::call("structured").to(&server);
        let accept = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        let reply = send(request.headers(accept)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.headers["content-type"], kind);
        let answer = match kind {
            "application/json" => reply.json(),
            _ => reply.messages().remove(0),
        };
        assert_eq!(
            answer["result"]["structuredContent"],
            json!({"mode": "structured"})
        );
    }
    server.end().await;
}

#[tokio::test]
async fn tools_are_listed_with_all_that_is_known_of_them() {
    let server = fixture().await;
    let list = result(&server, Request::new("tools/list", json!({}))).await;
    let tool = &list["tools"][0];
    assert_eq!(tool["name"], "fixture_tool");
    assert_eq!(tool["title"], "Fixture");
    assert_eq!(tool["annotations"]["readOnlyHint"], true);
    assert_eq!(tool["annotations"]["openWorldHint"], false);
    assert_eq!(tool["inputSchema"]["type"], "object");
    assert_eq!(tool["outputSchema"]["type"], "object");
    assert!(list["ttlMs"].is_number() && list["cacheScope"].is_string());
    let page = Request::new("tools/list", json!({"cursor": "2"}));
    let reply = send(page.to(&server)).await;
    assert_eq!(reply.json()["error"]["code"], -32602);
    server.end().await;
}

#[tokio::test]
async fn answers_and_failures() {
    let server = fixture().await;
    let answer = result(&server, Request::call("structured")).await;
    assert_eq!(answer["isError"], false);
    assert_eq!(answer["structuredContent"], json!({"mode": "structured"}));
    let copy = answer["content"][0]["text"].as_str().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(copy).unwrap(),
        answer["structuredContent"]
    );
    assert!(answer["_meta"]["sandpit/callId"].is_string());

    let arguments = json!({"mode": "fail", "kind": "rejected", "message": "No."});
    let request = Request::call("fail").param("arguments", arguments);
    let failed = result(&server, request).await;
    assert_eq!(failed["isError"], true);
    assert_eq!(failed["content"][0]["text"], "No.");
    assert_eq!(
        failed["_meta"]["sandpit/failure"],
        json!({"kind": "rejected", "twsCode": 201})
    );

    let wrong = Request::call("structured").param("arguments", json!({"mode": 7}));
    let wrong = result(&server, wrong).await;
    assert_eq!(wrong["isError"], true);
    assert!(
        wrong["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("mode")
    );

    let unknown = Request::new("tools/call", json!({"name": "nothing", "arguments": {}}));
    let reply = send(unknown.to(&server)).await;
    assert_eq!(reply.json()["error"]["code"], -32602);
    server.end().await;
}

#[tokio::test]
async fn a_client_hears_what_it_asked_for() {
    let server = fixture().await;
    let methods = |messages: &[Value]| -> Vec<String> {
        let methods = messages.iter().filter_map(|one| one["method"].as_str());
        methods.map(str::to_owned).collect()
    };
    let silent = send(Request::call("progress").to(&server)).await;
    assert_eq!(silent.header("content-type"), "application/json");

    let request = Request::call("progress").meta("progressToken", json!("mine"));
    let messages = send(request.to(&server)).await.messages();
    assert_eq!(methods(&messages), ["notifications/progress"; 3]);
    assert_eq!(messages[0]["params"]["progressToken"], "mine");
    assert_eq!(messages[2]["params"]["progress"], 3.0);
    assert_eq!(messages[3]["result"]["isError"], false);

    let level = "io.modelcontextprotocol/logLevel";
    let request = Request::call("log").meta(level, json!("warning"));
    let messages = send(request.to(&server)).await.messages();
    assert_eq!(methods(&messages), ["notifications/message"; 2]);
    assert_eq!(messages[0]["params"]["level"], "warning");
    assert_eq!(messages[0]["params"]["logger"], "fixture_tool");

    let request = Request::call("events").meta(level, json!("info"));
    let messages = send(request.to(&server)).await.messages();
    assert_eq!(methods(&messages), ["notifications/message"; 3]);
    assert_eq!(
        messages[1]["params"]["data"],
        json!({"event": "tick", "data": {"number": 2}})
    );
    server.end().await;
}

#[tokio::test]
async fn a_question_is_a_result_and_its_answer_another_call() {
    let server = fixture().await;
    let ask = || Request::call("ask").with_elicitation();
    let asked = result(&server, ask()).await;
    assert_eq!(asked["resultType"], "input_required");
    let question = &asked["inputRequests"]["question"];
    assert_eq!(question["method"], "elicitation/create");
    assert_eq!(question["params"]["message"], "Which colour?");
    let state = &asked["requestState"];

    // Without the answer: the question once more.
    let again = result(&server, ask().param("requestState", state.clone())).await;
    assert_eq!(again["inputRequests"], asked["inputRequests"]);

    let responses = json!({"question": {"action": "accept", "content": {"colour": "red"}}});
    let retry = |state: &Value| {
        ask()
            .param("requestState", state.clone())
            .param("inputResponses", responses.clone())
    };
    // With other arguments, or a state of nobody: refused.
    let other = retry(state).param("arguments", json!({"mode": "ask", "message": "x"}));
    for request in [other, retry(&json!("rs1.AAAA.AAAA"))] {
        let reply = send(request.to(&server)).await;
        assert_eq!(reply.json()["error"]["code"], -32602, "{}", reply.text);
    }
    let answered = result(&server, retry(state)).await;
    let content = &answered["structuredContent"];
    assert_eq!(content["response"], "accept", "{answered}");
    assert_eq!(content["answer"], json!({"colour": "red"}));
    assert_eq!(content["state"], "a message");
    // A second time: refused.
    let reply = send(retry(state).to(&server)).await;
    assert_eq!(reply.json()["error"]["code"], -32602);
    server.end().await;
}

#[tokio::test]
async fn several_things_are_asked_at_once() {
    let server = fixture().await;
    let capabilities = json!({"elicitation": {}, "sampling": {}, "roots": {}});
    let ask = || Request::call("ask-all").of_client(capabilities.clone());
    let asked = result(&server, ask()).await;
    let requests = &asked["inputRequests"];
    assert_eq!(requests["question"]["method"], "elicitation/create");
    assert_eq!(requests["match"]["method"], "sampling/createMessage");
    assert_eq!(requests["match"]["params"]["maxTokens"], 50);
    assert_eq!(requests["folders"]["method"], "roots/list");

    let text = json!({"type": "text", "text": "Blue"});
    let responses = json!({
        "question": {"action": "accept", "content": {"colour": "red"}},
        "match": {"role": "assistant", "content": text, "model": "m"},
        "folders": {"roots": [{"uri": "file:///a"}]},
        "something else": {"action": "accept"},
    });
    let retry = |responses: &Value| {
        ask()
            .param("requestState", asked["requestState"].clone())
            .param("inputResponses", responses.clone())
    };
    // One of three: all of them once more. One that cannot be read: refused.
    let one = json!({"folders": responses["folders"]});
    let again = result(&server, retry(&one)).await;
    assert_eq!(&again["inputRequests"], requests);
    let mut wrong = responses.clone();
    wrong["question"] = json!({"action": "accept", "content": {"colour": 5}});
    let reply = send(retry(&wrong).to(&server)).await;
    let error = &reply.json()["error"];
    assert_eq!(error["code"], -32602);
    assert!(error["message"].as_str().unwrap().contains("colour"));

    let answered = result(&server, retry(&responses)).await;
    let content = &answered["structuredContent"];
    assert_eq!(content["answer"], json!({"colour": "red"}), "{answered}");
    assert_eq!(content["message"], "Blue");
    assert_eq!(content["reached"], json!(["file:///a"]));
    assert_eq!(content["state"], "a message");
    server.end().await;
}

#[tokio::test]
async fn a_client_may_answer_what_it_knows_will_be_asked() {
    let server = fixture().await;
    let ask = |responses: Value| {
        let call = Request::call("ask").with_elicitation();
        call.param("inputResponses", responses)
    };
    let red = json!({"action": "accept", "content": {"colour": "red"}});
    let answered = result(&server, ask(json!({"question": red, "other": 1}))).await;
    let content = &answered["structuredContent"];
    assert_eq!(content["answer"], json!({"colour": "red"}), "{answered}");
    // Whatever answers something else is no answer.
    let asked = result(&server, ask(json!({"other": red}))).await;
    assert_eq!(asked["resultType"], "input_required");
    let reply = send(ask(json!({"question": 12345})).to(&server)).await;
    assert_eq!(reply.json()["error"]["code"], -32602);
    server.end().await;
}

#[tokio::test]
async fn who_cannot_ask_is_told() {
    let server = fixture().await;
    let reply = send(Request::call("ask").to(&server)).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    let error = &reply.json()["error"];
    assert_eq!(error["code"], -32021);
    assert_eq!(
        error["data"]["requiredCapabilities"],
        json!({"elicitation": {}})
    );
    let sentence = error["message"].as_str().unwrap();
    assert!(sentence.contains("Which colour?") && sentence.contains("elicitation"));
    server.end().await;
}

#[tokio::test]
async fn a_closed_connection_cancels_its_call() {
    let simulator = simulator().await;
    let server = connected(&simulator).await;
    let arguments = json!({"symbol": "SPY", "duration_seconds": 600});
    let params = json!({"name": "ibkr_stream_market_data", "arguments": arguments});
    let call = tokio::spawn(Request::new("tools/call", params).to(&server).send());
    subscribed(&simulator, 1).await;
    call.abort();
    subscribed(&simulator, 0).await;
    server.end().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_subscription_ends_with_the_front() {
    let server = fixture().await;
    // Each kind that is asked for is confirmed, and nothing else.
    let kinds = json!({"toolsListChanged": true, "promptsListChanged": true});
    let filter = json!({"notifications": kinds.clone()});
    let request = Request::new("subscriptions/listen", filter);
    let mut response = request.to(&server).send().await.unwrap();
    let text = read_until(&mut response, "\n\n").await;
    let acknowledged = messages(&text);
    assert_eq!(acknowledged[0]["params"]["notifications"], kinds);
    server.stop.cancel();
    let end = read_until(&mut response, "\"result\"").await;
    assert!(end.contains("subscriptionId"), "{end}");
    server.end().await;
}

#[tokio::test]
async fn messages_that_are_none() {
    let server = nothing(FrontConfig::default()).await;
    for (body, code) in [
        ("{", -32700),
        ("[]", -32600),
        ("7", -32600),
        ("{\"id\":1,\"method\":\"ping\"}", -32600),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":5}",
            -32600,
        ),
    ] {
        for path in ["/api/v1", "/api/v1/mcp"] {
            let request = server
                .client
                .post(server.url(path))
                .header("accept", "application/json, text/event-stream")
                .header("content-type", "application/json")
                .body(body);
            let reply = send(request).await;
            assert_eq!(reply.status, 400, "{body}: {}", reply.text);
            assert_eq!(reply.json()["error"]["code"], code, "{body}");
        }
    }
    let request = server.client.post(server.url("/api/v1/mcp")).body("{}");
    let request = request.header("accept", "application/json, text/event-stream");
    assert_eq!(send(request).await.status, 415);
    server.end().await;
}
