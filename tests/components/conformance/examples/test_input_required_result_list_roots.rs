//! Asks for the person's folders.

use conformance::{Context, Failure, Nothing, Question, Unstructured};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    let Some(resume) = context.resume() else {
        return Ok(Question::roots("client_roots").into());
    };
    let roots = resume.roots("client_roots").iter();
    let uris: Vec<_> = roots.map(|root| root.uri.as_str()).collect();
    Ok(format!("Roots: {}", uris.join(", ")).into())
}

conformance::tool!(call);
