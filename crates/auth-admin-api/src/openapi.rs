//! The description of the API in OpenAPI 3.1, made from the table of operations.

use std::collections::BTreeSet;

use auth_admin::operation::{Entry, OPERATIONS, Scope};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::index::Index;
use crate::problem::Problem;
use crate::{DESCRIPTION, ROOT};

/// Where the schemas are in the document.
const SCHEMAS: &str = "/components/schemas";

/// What every operation may be refused by, beside what is its own.
const REFUSALS: [&str; 11] = ["400", "401", "403", "404", "405", "408", "409", "413", "415", "429", "503"];

/// What only requests with arguments that were understood are refused by.
const NOT_DONE: &str = "422";

/// The document.
pub(crate) fn document() -> Value {
    let mut arguments = generator(SchemaSettings::for_deserialize);
    let mut replies = generator(SchemaSettings::for_serialize);
    let mut paths = Map::new();
    paths.insert(ROOT.to_owned(), json!({"get": index(&mut replies)}));
    paths.insert(DESCRIPTION.to_owned(), json!({"get": description()}));
    for entry in OPERATIONS {
        paths.insert(
            format!("{ROOT}{}", entry.name),
            json!({"post": operation(entry, &mut arguments, &mut replies)}),
        );
    }
    let problem = replies.subschema_for::<Problem>();
    // What is read and what is written under one name is the same, or has another name.
    let mut schemas = arguments.take_definitions(true);
    schemas.extend(replies.take_definitions(true));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "auth-server: what operators do",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Each operation is a POST with its arguments in JSON.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": tags(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": {
                "description": "Nothing was done, and why (RFC 9457).",
                "content": {"application/problem+json": {"schema": problem}},
            }},
            "securitySchemes": {"key": {
                "type": "http",
                "scheme": "bearer",
                "description": "A key that `auth-server key add` or `key.add` made. At the server's socket none is needed.",
            }},
        },
    });
    without_links(&mut document);
    document
}

fn generator(contract: fn(SchemaSettings) -> SchemaSettings) -> SchemaGenerator {
    let mut settings = contract(SchemaSettings::draft2020_12());
    settings.definitions_path = SCHEMAS.into();
    settings.meta_schema = None;
    settings.into_generator()
}

fn operation(entry: &Entry, arguments: &mut SchemaGenerator, replies: &mut SchemaGenerator) -> Value {
    let (takes, gives) = entry.schemas(arguments, replies);
    let mut scopes: Vec<&str> = entry.scopes.iter().map(|scope| scope.as_str()).collect();
    scopes.push(Scope::Admin.as_str());
    let mut parameters = Vec::new();
    if !entry.reads() {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A request that comes again with the same text is not done again: it gets the first one's reply.",
            "schema": {"type": "string", "pattern": "^[!#-\\[\\]-~]{1,128}$"},
        }));
    }
    let mut responses = refusals();
    responses.insert(NOT_DONE.to_owned(), problem());
    responses.insert("200".to_owned(), reply("It was done.", &gives));
    json!({
        "operationId": entry.name,
        "summary": entry.summary,
        "description": format!("Scopes: {}.", scopes.join(", ")),
        "tags": [tag(entry)],
        "parameters": parameters,
        "requestBody": {"required": true, "content": {"application/json": {"schema": takes}}},
        "responses": responses,
    })
}

fn index(replies: &mut SchemaGenerator) -> Value {
    let mut responses = refusals();
    responses.insert("200".to_owned(), reply("The index.", &replies.subschema_for::<Index>()));
    json!({
        "operationId": "index",
        "summary": "Lists the operations that the asker may do.",
        "tags": ["api"],
        "responses": responses,
    })
}

fn description() -> Value {
    let mut responses = refusals();
    let any = json!({"description": "The document.", "content": {"application/json": {"schema": {"type": "object"}}}});
    responses.insert("200".to_owned(), any);
    json!({"operationId": "openapi", "summary": "Gives this document.", "tags": ["api"], "responses": responses})
}

fn reply(description: &str, schema: &Schema) -> Value {
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}

fn refusals() -> Map<String, Value> {
    REFUSALS.iter().map(|status| ((*status).to_owned(), problem())).collect()
}

fn problem() -> Value {
    json!({"$ref": "#/components/responses/Problem"})
}

/// The part of an operation's name that says what it is about.
fn tag(entry: &Entry) -> &'static str {
    entry.name.split_once('.').map_or(entry.name, |(about, _)| about)
}

fn tags() -> Vec<Value> {
    let names: BTreeSet<&str> = OPERATIONS.iter().map(tag).chain(["api"]).collect();
    names.into_iter().map(|name| json!({"name": name})).collect()
}

/// Takes the links from descriptions that lead to items of the code.
fn without_links(document: &mut Value) {
    match document {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "description" => {
                        *text = text.replace("[`", "`").replace("`]", "`");
                    }
                    other => without_links(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_links),
        _ => {}
    }
}
