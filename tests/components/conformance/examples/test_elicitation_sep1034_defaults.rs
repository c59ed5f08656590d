//! Asks with a form whose fields have defaults.

use conformance::{Context, Failure, Nothing, Question, Unstructured, outcome};

/// What the person fills in.
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "it is only described")]
struct Form {
    #[schemars(extend("default" = "John Doe"))]
    name: String,
    #[schemars(extend("default" = 30))]
    age: i32,
    #[schemars(extend("default" = 95.5))]
    score: f64,
    #[schemars(extend("default" = "active"))]
    status: Status,
    #[schemars(extend("default" = true))]
    verified: bool,
}

#[derive(schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it is only described")]
enum Status {
    Active,
    Inactive,
    Pending,
}

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    Ok(match context.resume() {
        None => Question::form::<Form>("profile", "Please check your profile").into(),
        Some(resume) => {
            let outcome = outcome(resume, "profile");
            format!("Elicitation completed: {outcome}").into()
        }
    })
}

conformance::tool!(call);
