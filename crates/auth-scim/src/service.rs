//! Requests, and their answers.

use auth_admin::operation::{Admin, Scope};
use auth_core::Realm;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::choice::Choice;
use crate::error::Error;
use crate::list::Query;
use crate::name::member;
use crate::{MAX_BODY, ROOT, group, patch, schema, user};

/// The scopes that may look at resources.
const READERS: &[Scope] = &[Scope::Read, Scope::Helpdesk];

/// What a request asks for beside its path.
struct Parameters {
    choice: Choice,
    filter: Option<String>,
    start: Option<String>,
    count: Option<String>,
}

/// An answer before it is written down.
enum Answer {
    Document(StatusCode, Value),
    Nothing,
    NotAllowed(&'static str),
}

/// A kind of resource.
#[derive(Clone, Copy)]
enum Kind {
    User,
    Group,
}

/// Answers a request below [`ROOT`] of an operator, whose body was read up to [`MAX_BODY`] bytes and one.
pub async fn answer(admin: &Admin, request: &Request<Bytes>) -> Response<Bytes> {
    match judge(admin, request).await {
        Ok(Answer::Document(status, document)) => written(status, &document),
        Ok(Answer::Nothing) => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Ok(Answer::NotAllowed(methods)) => {
            let error = Error::new(StatusCode::METHOD_NOT_ALLOWED, format!("this is asked by {methods}"));
            let mut response = written(error.status, &error.document());
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
            response
        }
        Err(error) => written(error.status, &error.document()),
    }
}

async fn judge(admin: &Admin, request: &Request<Bytes>) -> Result<Answer, Error> {
    let parameters = Parameters::of(request.uri().query().unwrap_or_default());
    let path = request.uri().path();
    let path = path.strip_prefix(ROOT).ok_or_else(Error::not_found)?;
    let (endpoint, id) = path.split_once('/').unwrap_or((path, ""));
    let id = percent_decode_str(id).decode_utf8().map_err(|_| Error::not_found())?;
    let kind = match endpoint {
        "ServiceProviderConfig" | "ResourceTypes" | "Schemas" => {
            if request.method() != Method::GET {
                return Ok(Answer::NotAllowed("GET"));
            }
            return described(endpoint, &id, parameters.filter.is_some());
        }
        "Me" | "Bulk" => {
            return Err(Error::new(StatusCode::NOT_IMPLEMENTED, "this server has no such endpoint"));
        }
        ".search" if id.is_empty() => {
            if request.method() != Method::POST {
                return Ok(Answer::NotAllowed("POST"));
            }
            if !admin.operator().may(READERS) {
                return Err(Error::not_permitted());
            }
            let parameters = Parameters::in_body(&body(request)?)?;
            return list(admin, &realm_of(admin).await?, &[Kind::User, Kind::Group], &parameters).await;
        }
        "Users" => Kind::User,
        "Groups" => Kind::Group,
        _ => return Err(Error::not_found()),
    };
    if !admin.operator().may(READERS) {
        return Err(Error::not_permitted());
    }
    let realm = realm_of(admin).await?;
    if id == ".search" {
        return match *request.method() {
            Method::POST => list(admin, &realm, &[kind], &Parameters::in_body(&body(request)?)?).await,
            _ => Ok(Answer::NotAllowed("POST")),
        };
    }
    if id.is_empty() {
        return match *request.method() {
            Method::GET => list(admin, &realm, &[kind], &parameters).await,
            Method::POST => kind.add(admin, &realm, &body(request)?, &parameters.choice).await,
            _ => Ok(Answer::NotAllowed("GET, POST")),
        };
    }
    match *request.method() {
        Method::GET => kind.show(admin, &realm, &id, &parameters.choice).await,
        Method::PUT => kind.replace(admin, &realm, &id, &body(request)?, &parameters.choice).await,
        Method::PATCH => kind.patch(admin, &realm, &id, &body(request)?, &parameters.choice).await,
        Method::DELETE => kind.remove(admin, &realm, &id).await,
        _ => Ok(Answer::NotAllowed("GET, PUT, PATCH, DELETE")),
    }
}

/// The realm whose resources the operator sees.
async fn realm_of(admin: &Admin) -> Result<Realm, Error> {
    let Some(slug) = admin.operator().realm() else {
        let detail = "the key is for all realms, and resources are of one: make a key with --realm";
        return Err(Error::new(StatusCode::FORBIDDEN, detail));
    };
    let realms = admin.engine().store().realms().await?;
    realms.into_iter().find(|realm| realm.slug == slug).ok_or_else(Error::not_found)
}

/// What the server tells of itself.
fn described(endpoint: &str, id: &str, is_filtered: bool) -> Result<Answer, Error> {
    if is_filtered {
        return Err(Error::new(StatusCode::FORBIDDEN, "this can't be filtered"));
    }
    let all = match endpoint {
        "ResourceTypes" => schema::resource_types(),
        "Schemas" => schema::schemas(),
        _ if id.is_empty() => return Ok(Answer::Document(StatusCode::OK, schema::service_provider_config())),
        _ => return Err(Error::not_found()),
    };
    if !id.is_empty() {
        let one = all.into_iter().find(|one| one["id"] == id).ok_or_else(Error::not_found)?;
        return Ok(Answer::Document(StatusCode::OK, one));
    }
    let mut list = Query::new(None, None, None)?.list();
    for one in all {
        if let Value::Object(one) = one
            && list.wants()
        {
            list.push(one);
        }
    }
    Ok(Answer::Document(StatusCode::OK, list.document()))
}

/// The resources of some kinds that a request asks for.
async fn list(
    admin: &Admin,
    realm: &Realm,
    kinds: &[Kind],
    parameters: &Parameters,
) -> Result<Answer, Error> {
    let Parameters { choice, filter, start, count } = parameters;
    let query = Query::new(filter.as_deref(), start.as_deref(), count.as_deref())?;
    let mut list = query.list();
    for kind in kinds {
        match kind {
            Kind::User => user::collect(admin, realm, &query, choice, &mut list).await?,
            Kind::Group => group::collect(admin, realm, &query, choice, &mut list).await?,
        }
    }
    Ok(Answer::Document(StatusCode::OK, list.document()))
}

impl Kind {
    async fn add(
        self,
        admin: &Admin,
        realm: &Realm,
        body: &Map<String, Value>,
        choice: &Choice,
    ) -> Result<Answer, Error> {
        let resource = match self {
            Self::User => user::resource(admin, &user::add(admin, realm, body).await?, choice).await?,
            Self::Group => group::resource(admin, &group::add(admin, realm, body).await?, choice).await?,
        };
        Ok(Answer::Document(StatusCode::CREATED, Value::Object(choice.of(resource))))
    }

    async fn show(self, admin: &Admin, realm: &Realm, id: &str, choice: &Choice) -> Result<Answer, Error> {
        let resource = self.resource(admin, realm, id, choice).await?;
        Ok(Answer::Document(StatusCode::OK, Value::Object(choice.of(resource))))
    }

    async fn replace(
        self,
        admin: &Admin,
        realm: &Realm,
        id: &str,
        body: &Map<String, Value>,
        choice: &Choice,
    ) -> Result<Answer, Error> {
        match self {
            Self::User => {
                let account = user::find(admin, realm, id).await?;
                if user::text(body, "userName")?.is_none() {
                    return Err(Error::invalid_value("`userName` is missing"));
                }
                user::change(admin, realm, &account, body).await?;
            }
            Self::Group => {
                let found = group::find(admin, realm, id).await?;
                group::change(admin, realm, &found, body).await?;
            }
        }
        self.show(admin, realm, id, choice).await
    }

    async fn patch(
        self,
        admin: &Admin,
        realm: &Realm,
        id: &str,
        body: &Map<String, Value>,
        choice: &Choice,
    ) -> Result<Answer, Error> {
        let before = self.resource(admin, realm, id, &Choice::default()).await?;
        let mut after = before.clone();
        patch::apply(&mut after, body)?;
        match self {
            Self::User => {
                let account = user::find(admin, realm, id).await?;
                user::name_removed(&before, &mut after);
                user::change(admin, realm, &account, &after).await?;
            }
            Self::Group => {
                let found = group::find(admin, realm, id).await?;
                group::change(admin, realm, &found, &after).await?;
            }
        }
        self.show(admin, realm, id, choice).await
    }

    async fn remove(self, admin: &Admin, realm: &Realm, id: &str) -> Result<Answer, Error> {
        match self {
            Self::User => user::remove(admin, realm, &user::find(admin, realm, id).await?).await?,
            Self::Group => group::remove(admin, realm, &group::find(admin, realm, id).await?).await?,
        }
        Ok(Answer::Nothing)
    }

    async fn resource(
        self,
        admin: &Admin,
        realm: &Realm,
        id: &str,
        choice: &Choice,
    ) -> Result<Map<String, Value>, Error> {
        match self {
            Self::User => user::resource(admin, &user::find(admin, realm, id).await?, choice).await,
            Self::Group => group::resource(admin, &group::find(admin, realm, id).await?, choice).await,
        }
    }
}

impl Parameters {
    fn of(query: &str) -> Self {
        let of = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.into_owned())
        };
        let (only, without) = (of("attributes"), of("excludedAttributes"));
        let choice = Choice::new(only.as_deref(), without.as_deref());
        Self { choice, filter: of("filter"), start: of("startIndex"), count: of("count") }
    }
}

impl Parameters {
    /// The same in the body of a search, for what shall not stand in an address.
    fn in_body(body: &Map<String, Value>) -> Result<Self, Error> {
        let list = |name: &str| match member(body, name) {
            Some(Value::Array(names)) => {
                Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","))
            }
            Some(Value::String(names)) => Some(names.clone()),
            _ => None,
        };
        let number = |name: &str| member(body, name).filter(|value| !value.is_null()).map(Value::to_string);
        let choice = Choice::new(list("attributes").as_deref(), list("excludedAttributes").as_deref());
        let filter = user::text(body, "filter")?;
        Ok(Self { choice, filter, start: number("startIndex"), count: number("count") })
    }
}

/// The document in a request.
fn body(request: &Request<Bytes>) -> Result<Map<String, Value>, Error> {
    if request.body().len() > MAX_BODY {
        return Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, format!("more than {MAX_BODY} bytes")));
    }
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !["application/scim+json", "application/json"].iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        let detail = "resources are application/scim+json";
        return Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    match serde_json::from_slice(request.body()) {
        Ok(Value::Object(body)) => Ok(body),
        // What is wrong is not told with what it is: it may be a password.
        _ => Err(Error::bad("invalidSyntax", "the body is no JSON object")),
    }
}

fn written(status: StatusCode, document: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(document.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let location = document.pointer("/meta/location").and_then(Value::as_str);
    if status == StatusCode::CREATED
        && let Some(location) = location.and_then(|location| HeaderValue::from_str(location).ok())
    {
        headers.insert(LOCATION, location);
    }
    response
}
