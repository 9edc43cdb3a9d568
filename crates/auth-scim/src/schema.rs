//! What the server can do, and which attributes resources have (RFC 7643, sections 5 to 7).

use serde_json::{Value, json};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// The most resources of a part of a list.
pub(crate) const PAGE: usize = 200;

/// What the server can do.
pub(crate) fn service_provider_config() -> Value {
    let no = || json!({"supported": false});
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": PAGE},
        "changePassword": {"supported": true},
        "sort": no(),
        "etag": no(),
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Key",
            "description": "A key that `auth-server key add` made, as a bearer.",
            "primary": true,
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": "/scim/v2/ServiceProviderConfig"},
    })
}

/// The kinds of resources.
pub(crate) fn resource_types() -> Vec<Value> {
    let kind = |name: &str, endpoint: &str, description: &str, schema: &str| {
        json!({
            "schemas": [RESOURCE_TYPE],
            "id": name,
            "name": name,
            "endpoint": endpoint,
            "description": description,
            "schema": schema,
            "meta": {"resourceType": "ResourceType", "location": format!("/scim/v2/ResourceTypes/{name}")},
        })
    };
    vec![
        kind("User", "/Users", "A person or a bot of the key's realm.", USER),
        kind("Group", "/Groups", "A group of the key's realm.", GROUP),
    ]
}

/// The schemas of the resources.
pub(crate) fn schemas() -> Vec<Value> {
    let user = vec![
        text(
            "userName",
            "The name by which the user logs in; no other of the realm has it.",
            "readWrite",
            "server",
            true,
        ),
        text("displayName", "The name for people.", "readWrite", "none", false),
        complex(
            "name",
            "The name for people once more. Where `displayName` is not given, what is written here becomes it.",
            "readOnly",
            false,
            vec![text("formatted", "The whole name.", "readOnly", "none", false)],
        ),
        flag("active", "Whether the user may log in; true unless set."),
        password(),
        complex(
            "emails",
            "The address of the user. One is kept: the primary one, or the first.",
            "readWrite",
            true,
            vec![text("value", "The address.", "readWrite", "server", false)],
        ),
        complex(
            "groups",
            "The groups that the user is in.",
            "readOnly",
            true,
            vec![
                text("value", "The id of the group.", "readOnly", "none", false),
                text("display", "The name of the group.", "readOnly", "none", false),
                reference("Group", "readOnly"),
            ],
        ),
        complex(
            "roles",
            "The role of the user, which `user.set` changes.",
            "readOnly",
            true,
            vec![text("value", "The role.", "readOnly", "none", false)],
        ),
        text(
            "preferredLanguage",
            "The language of mails, which `user.set` changes.",
            "readOnly",
            "none",
            false,
        ),
    ];
    let group = vec![
        text(
            "displayName",
            "The name of the group; no other of the realm has it.",
            "readWrite",
            "server",
            true,
        ),
        complex(
            "members",
            "The users who are in the group.",
            "readWrite",
            true,
            vec![
                text("value", "The id of the user.", "immutable", "none", false),
                reference("User", "immutable"),
            ],
        ),
    ];
    vec![schema(USER, "User", "A person or a bot", user), schema(GROUP, "Group", "A group of users", group)]
}

fn schema(id: &str, name: &str, description: &str, attributes: Vec<Value>) -> Value {
    json!({
        "schemas": [SCHEMA],
        "id": id,
        "name": name,
        "description": description,
        "attributes": attributes,
        "meta": {"resourceType": "Schema", "location": format!("/scim/v2/Schemas/{id}")},
    })
}

fn text(name: &str, description: &str, mutability: &str, uniqueness: &str, required: bool) -> Value {
    json!({
        "name": name,
        "type": "string",
        "multiValued": false,
        "description": description,
        "required": required,
        "caseExact": false,
        "mutability": mutability,
        "returned": "default",
        "uniqueness": uniqueness,
    })
}

/// The address of another resource.
fn reference(to: &str, mutability: &str) -> Value {
    let reference = text("$ref", "Where it is.", mutability, "none", false);
    with(
        reference,
        [("type", json!("reference")), ("referenceTypes", json!([to])), ("caseExact", json!(true))],
    )
}

/// An attribute with other properties.
fn with<const N: usize>(mut attribute: Value, properties: [(&str, Value); N]) -> Value {
    if let Value::Object(members) = &mut attribute {
        members.extend(properties.map(|(name, value)| (name.to_owned(), value)));
    }
    attribute
}

fn flag(name: &str, description: &str) -> Value {
    json!({
        "name": name,
        "type": "boolean",
        "multiValued": false,
        "description": description,
        "required": true,
        "mutability": "readWrite",
        "returned": "default",
    })
}

fn password() -> Value {
    let password = text("password", "The password.", "writeOnly", "none", false);
    with(password, [("caseExact", json!(true)), ("returned", json!("never"))])
}

fn complex(name: &str, description: &str, mutability: &str, is_of_many: bool, parts: Vec<Value>) -> Value {
    json!({
        "name": name,
        "type": "complex",
        "multiValued": is_of_many,
        "description": description,
        "required": false,
        "mutability": mutability,
        "returned": "default",
        "subAttributes": parts,
    })
}
