//! Answers with sound.

use conformance::{Blob, Content, Context, Failure, Nothing, Unstructured};

fn call(_context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    let tone = Blob {
        data: include_bytes!("../../fixture/src/tone.wav").to_vec(),
        mime_type: "audio/wav".to_owned(),
    };
    Ok(vec![Content::Audio(tone)].into())
}

conformance::tool!(call);
