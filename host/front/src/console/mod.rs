//! `/console`: the page on which an operator watches the host.
//!
//! It is plain HTML, CSS and JavaScript modules, embedded in the binary. It
//! holds no data: what it shows it asks for below `/operator`, with the token
//! that the operator types in. It runs no script and loads nothing but what is
//! here, which its Content-Security-Policy makes sure of, whatever texts of
//! tools and callers it shows.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request, Response};

use crate::problem::Problem;
use crate::reply::{self, Body};

/// Where the page is.
const PATH: &str = "/console";

/// The methods of the page and of its parts.
const METHODS: &str = "GET, HEAD";

/// What the page may do: use what comes from this host, and nothing inline. No
/// page may frame it, and no text becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

/// What a browser is told beside the policy.
const HEADERS: [(HeaderName, &str); 5] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    // A new binary has a new page: ask each time, and take it if it is new.
    (CACHE_CONTROL, "no-cache"),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The page and its parts: path, type and content.
const ASSETS: [(&str, &str, &str); 10] = [
    (PATH, HTML, include_str!("page.html")),
    ("/console/console.css", CSS, include_str!("console.css")),
    ("/console/icon.svg", SVG, include_str!("icon.svg")),
    ("/console/main.js", SCRIPT, include_str!("main.js")),
    ("/console/host.js", SCRIPT, include_str!("host.js")),
    ("/console/dom.js", SCRIPT, include_str!("dom.js")),
    ("/console/words.js", SCRIPT, include_str!("words.js")),
    ("/console/tables.js", SCRIPT, include_str!("tables.js")),
    ("/console/orders.js", SCRIPT, include_str!("orders.js")),
    ("/console/brake.js", SCRIPT, include_str!("brake.js")),
];

/// Whether a path is the page's, or one below it.
pub(crate) fn owns(path: &str) -> bool {
    path.strip_prefix(PATH)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request for the page or for one of its parts.
pub(crate) fn handle<B>(request: &Request<B>) -> Result<Response<Body>, Problem> {
    let path = request.uri().path();
    let wanted = path.strip_suffix('/').unwrap_or(path);
    let asset = ASSETS.iter().find(|(path, ..)| *path == wanted);
    let (_, content_type, content) = asset.ok_or_else(|| Problem::unknown_route(path))?;
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Err(Problem::method_not_allowed(path, METHODS));
    }
    let mut response = reply::unless_known(request.headers(), content_type, *content);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use http::StatusCode;
    use http::header::{ETAG, IF_NONE_MATCH};

    use super::*;

    fn get(path: &str, tag: Option<&str>) -> Result<Response<Body>, Problem> {
        let mut request = Request::get(path);
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        handle(&request.body(()).unwrap())
    }

    #[test]
    fn every_part_of_the_page_is_there_and_bound_by_the_policy() {
        let (_, _, page) = ASSETS.first().unwrap();
        for (path, content_type, content) in ASSETS {
            let response = get(path, None).unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let header = |name: HeaderName| response.headers().get(name).unwrap();
            assert_eq!(header(http::header::CONTENT_TYPE), content_type);
            assert_eq!(header(CONTENT_SECURITY_POLICY), POLICY);
            assert_eq!(header(X_CONTENT_TYPE_OPTIONS), "nosniff");
            assert!(!content.trim().is_empty(), "{path}");
            // What is inline would not run.
            assert!(!content.contains("style=\""), "{path}");
            let imported = |name: &str| {
                let name = name.trim_start_matches("/console/");
                let scripts = ASSETS.iter().filter(|(_, of, _)| *of == SCRIPT);
                let mut scripts = scripts.map(|(.., content)| content);
                scripts.any(|content| content.contains(&format!("\"./{name}\"")))
            };
            assert!(
                path == PATH || page.contains(path) || imported(path),
                "{path}"
            );
        }
        assert!(!page.contains("<script>") && !page.contains("<style"));
    }

    #[test]
    fn a_browser_that_has_it_is_not_sent_it_again() {
        let first = get("/console/", None).unwrap();
        let tag = first.headers().get(ETAG).unwrap().to_str().unwrap();
        for (known, expected) in [
            (tag.to_owned(), StatusCode::NOT_MODIFIED),
            (format!("\"x\", {tag}"), StatusCode::NOT_MODIFIED),
            ("\"x\"".to_owned(), StatusCode::OK),
        ] {
            let response = get(PATH, Some(&known)).unwrap();
            assert_eq!(response.status(), expected, "{known}");
        }
        let another = get("/console/main.js", Some(tag)).unwrap();
        assert_eq!(another.status(), StatusCode::OK);
    }

    #[test]
    fn nothing_else_is_there() {
        assert!(owns("/console") && owns("/console/x") && !owns("/consoles"));
        for path in ["/console/x", "/console//", "/console/../operator"] {
            let status = get(path, None)
                .unwrap_err()
                .json("1")
                .get("status")
                .cloned();
            assert_eq!(status, Some(404.into()), "{path}");
        }
        let post = Request::post(PATH).body(()).unwrap();
        let status = handle(&post).unwrap_err().json("1").get("status").cloned();
        assert_eq!(status, Some(405.into()));
    }
}
