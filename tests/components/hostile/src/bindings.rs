//! The WIT world `sandpit:tool/tool` as Rust, generated from `wit/`.
#![expect(
    missing_docs,
    reason = "wit-bindgen writes this module; what it documents comes from the WIT files"
)]

wit_bindgen::generate!({
    path: ["../../../wit/broker", "../../../wit/tool"],
    world: "sandpit:tool/tool",
    generate_all,
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "hostile::bindings",
});
