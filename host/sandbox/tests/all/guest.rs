//! Tools written by hand, in WebAssembly text: small, and able to misbehave in
//! ways that no SDK allows.

use std::path::Path;

use anyhow::Context as _;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A tool in the making. Strings lie in memory from 1024 on, where
/// [`Guest::text`] puts them; the outcome of a call is built at 512.
pub struct Guest {
    data: Vec<u8>,
    name: String,
    output_schema: Option<String>,
    streaming: bool,
    resources: Vec<String>,
    is_prompt: bool,
    imports: String,
    describe: String,
    call: String,
    memory: String,
    fields: String,
}

const TEXTS: usize = 1024;

impl Guest {
    /// A tool that answers `{"ok":true}`.
    pub fn new(name: &str) -> Self {
        let guest = Self {
            data: Vec::new(),
            name: name.to_owned(),
            output_schema: None,
            streaming: false,
            resources: Vec::new(),
            is_prompt: false,
            imports: String::new(),
            describe: String::new(),
            call: String::new(),
            memory: "2".to_owned(),
            fields: String::new(),
        };
        guest.answer(r#"{"ok":true}"#)
    }

    /// A prompt with a required argument `symbol` and a free one `note`. It
    /// writes one message: its arguments.
    pub fn prompt(name: &str) -> Self {
        let mut guest = Self::new(name);
        guest.is_prompt = true;
        guest.call = message("(local.get 0)", "(local.get 1)");
        guest
    }

    /// Keeps a text in memory, and says where: address and length.
    pub fn text(&mut self, text: &str) -> (usize, usize) {
        let address = TEXTS + self.data.len();
        self.data.extend_from_slice(text.as_bytes());
        (address, text.len())
    }

    /// Answers every call with this structured answer.
    pub fn answer(mut self, structured: &str) -> Self {
        let (address, length) = self.text(structured);
        self.call = outcome(address, length);
        self
    }

    /// Imports a function: the interface, the function, and its core type.
    pub fn import(mut self, interface: &str, function: &str, core: &str) -> Self {
        self.imports.push_str(&format!(
            "(import \"{interface}\" \"{function}\" (func ${function} {core}))\n"
        ));
        self
    }

    /// What runs in a call before it answers.
    pub fn before_answer(mut self, code: &str) -> Self {
        self.call = format!("{code}\n{}", self.call);
        self
    }

    /// What runs when the tool is asked to describe itself.
    pub fn in_describe(mut self, code: &str) -> Self {
        self.describe = code.to_owned();
        self
    }

    /// The schema that it promises.
    pub fn output_schema(mut self, schema: &str) -> Self {
        self.output_schema = Some(schema.to_owned());
        self
    }

    /// Whether it calls itself streaming.
    pub fn streaming(mut self) -> Self {
        self.streaming = true;
        self
    }

    /// A resource with this URI. Its variables must be `text`, if it has any.
    pub fn resource(mut self, uri: &str) -> Self {
        self.resources.push(uri.to_owned());
        self
    }

    /// Its memory: the pages that it begins with.
    pub fn memory(mut self, pages: u32) -> Self {
        self.memory = pages.to_string();
        self
    }

    /// Whatever else its module has: functions, tables, a start function.
    pub fn fields(mut self, fields: &str) -> Self {
        self.fields.push_str(fields);
        self
    }

    /// The component.
    pub fn build(self) -> Vec<u8> {
        let world = if self.is_prompt {
            "prompt-component"
        } else {
            "tool"
        };
        component(self.module(), world).unwrap()
    }

    /// The module that the component is made of.
    pub fn module(mut self) -> Vec<u8> {
        let (interface, call) = if self.is_prompt {
            ("prompt", "get")
        } else {
            ("plugin", "call")
        };
        let words = if self.is_prompt {
            self.prompt_descriptor()
        } else {
            self.descriptor()
        };
        let descriptor: String = words
            .iter()
            .flat_map(|word| u32::try_from(*word).unwrap().to_le_bytes())
            .map(|byte| format!("\\{byte:02x}"))
            .collect();
        let data: String = self
            .data
            .iter()
            .map(|byte| format!("\\{byte:02x}"))
            .collect();
        let module = format!(
            r#"(module
                {imports}
                (memory (export "memory") {memory})
                (global $next (mut i32) (i32.const 65536))
                (global $count (mut i32) (i32.const 0))
                (data (i32.const 16) "{descriptor}")
                (data (i32.const {TEXTS}) "{data}")
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    global.get $next
                    global.get $next
                    local.get 3
                    i32.add
                    i32.const 7
                    i32.add
                    i32.const -8
                    i32.and
                    global.set $next)
                (func (export "sandpit:tool/{interface}@0.1.0#describe") (result i32)
                    {describe}
                    i32.const 16)
                (func (export "sandpit:tool/{interface}@0.1.0#{call}")
                    (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
                    {code})
                {fields}
            )"#,
            imports = self.imports,
            memory = self.memory,
            describe = self.describe,
            code = self.call,
            fields = self.fields,
        );
        wat::parse_str(module).unwrap()
    }

    /// Puts the list of resources into memory, and says where: address and
    /// length.
    fn resource_list(&mut self) -> [usize; 2] {
        let mut records = Vec::new();
        for uri in self.resources.clone() {
            let texts = [uri.as_str(), "a-resource", "A resource", "For tests."];
            records.extend(
                texts
                    .iter()
                    .flat_map(|text| <[usize; 2]>::from(self.text(text))),
            );
            // No media type.
            records.extend([0, 0, 0]);
            records.extend(<[usize; 2]>::from(self.text("{}")));
            let count = uri.matches('{').count();
            let (name, length) = self.text("text");
            // The last three say that nothing is suggested.
            let variables: Vec<_> = (0..count).flat_map(|_| [name, length, 0, 0, 0]).collect();
            let address = self.words(&variables);
            records.extend([address, count]);
            // Nothing is volatile.
            records.extend([0, 0]);
        }
        [self.words(&records), self.resources.len()]
    }

    /// Keeps words in memory, and says at which address.
    fn words(&mut self, words: &[usize]) -> usize {
        self.data.resize(self.data.len().next_multiple_of(4), 0);
        let address = TEXTS + self.data.len();
        for word in words {
            let word = u32::try_from(*word).unwrap();
            self.data.extend_from_slice(&word.to_le_bytes());
        }
        address
    }

    /// Address and length of each of these texts.
    fn texts<const N: usize>(&mut self, texts: [&str; N]) -> Vec<usize> {
        let mut words = Vec::new();
        for text in texts {
            let (address, length) = self.text(text);
            words.extend([address, length]);
        }
        words
    }

    /// The words of a tool's descriptor.
    fn descriptor(&mut self) -> Vec<usize> {
        let name = self.name.clone();
        let input = r#"{"type":"object","properties":{"text":{"type":"string"}},"additionalProperties":false}"#;
        let mut words = self.texts([&name, "A title", "A tool for tests.", "1.0.0", input]);
        match self.output_schema.clone() {
            Some(schema) => {
                let (address, length) = self.text(&schema);
                words.extend([1, address, length]);
            }
            None => words.extend([0, 0, 0]),
        }
        // Annotations (four booleans), no routes, whether it streams, resources.
        words.extend([0x0100_0001, 0, 0, usize::from(self.streaming)]);
        words.extend(self.resource_list());
        words
    }

    /// The words of a prompt's descriptor, and below them its arguments.
    fn prompt_descriptor(&mut self) -> Vec<usize> {
        let name = self.name.clone();
        let mut words = self.texts([&name, "A title", "A prompt for tests.", "1.0.0"]);
        // The descriptor begins at 16 and has ten words.
        words.extend([16 + 10 * 4, 2]);
        words.extend(self.texts(["symbol", "Symbol", "What it is about"]));
        // Required, and completed with symbols.
        words.extend([1, 1, 0, 0]);
        words.extend(self.texts(["note", "Note", "What else there is"]));
        words.extend([0, 0, 0, 0]);
        words
    }
}

/// Code that answers with one message of the person: the text that is there.
pub fn message(address: &str, length: &str) -> String {
    format!(
        "(i32.store (i32.const 512) (i32.const 0))
         (i32.store (i32.const 516) (i32.const 0))
         (i32.store (i32.const 528) (i32.const 560))
         (i32.store (i32.const 532) (i32.const 1))
         (i32.store (i32.const 560) (i32.const 0))
         (i32.store (i32.const 564) (i32.const 0))
         (i32.store (i32.const 568) {address})
         (i32.store (i32.const 572) {length})
         i32.const 512"
    )
}

/// Code that answers with the structured text at this address.
pub fn outcome(address: usize, length: usize) -> String {
    format!(
        "(i32.store (i32.const 512) (i32.const 0))
         (i32.store (i32.const 516) (i32.const 0))
         (i32.store (i32.const 520) (i32.const 0))
         (i32.store (i32.const 524) (i32.const 1))
         (i32.store (i32.const 528) (i32.const {address}))
         (i32.store (i32.const 532) (i32.const {length}))
         i32.const 512"
    )
}

/// Makes a component for this world of a module.
fn component(mut module: Vec<u8>, world: &str) -> anyhow::Result<Vec<u8>> {
    // Several crates use this file.
    let wit = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("wit"))
        .find(|folder| folder.join("tool").is_dir())
        .context("there is no folder wit")?;
    let mut resolve = Resolve::default();
    resolve.push_dir(wit.join("broker"))?;
    let (package, _) = resolve.push_dir(wit.join("tool"))?;
    let world = resolve.select_world(&[package], Some(world))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default()
        .module(&module)?
        .validate(true)
        .encode()
}
