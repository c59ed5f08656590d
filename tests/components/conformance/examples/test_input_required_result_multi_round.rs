//! Asks twice, and remembers the first answer.

use conformance::{Context, Failure, Name, Nothing, Question, Questions, Unstructured};

/// What the person fills in last.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Colour {
    color: String,
}

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    let Some(resume) = context.resume() else {
        return Ok(Question::form::<Name>("step1", "Step 1: What is your name?").into());
    };
    if resume.response("step1").is_some() {
        let name = resume.form::<Name>("step1")?.map(|Name { name }| name);
        return Ok(Questions {
            questions: vec![Question::form::<Colour>(
                "step2",
                "Step 2: What is your favorite color?",
            )],
            state: name.unwrap_or_default().into_bytes(),
        }
        .into());
    }
    let name = String::from_utf8_lossy(&resume.state);
    let colour = resume.form::<Colour>("step2")?;
    let colour = colour.map(|Colour { color }| color).unwrap_or_default();
    Ok(format!("{name} likes {colour}").into())
}

conformance::tool!(call);
