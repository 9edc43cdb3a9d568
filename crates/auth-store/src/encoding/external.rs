//! The ids and roles of a user in each protocol, as columns of the user's row.
//!
//! Zulip's numbers, Rocket.Chat's texts and Zettelstore's numbers have columns of their own, and so have the roles of
//! the latter two. All others are in the column `external`, as JSON, so that they are read with the row; ids that are
//! there also have a row in the table `external_id`, by which they are found. Which protocol has a column is known
//! here and nowhere else.

use std::collections::BTreeMap;

use auth_core::{ByProtocol, ExternalId, ProtocolName, StoreError};
use serde::{Deserialize, Serialize};

use super::{corrupt, from_json, protocol, to_json};

type Result<T> = std::result::Result<T, StoreError>;

/// Where a protocol's ids of one form are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdColumn {
    /// In the column `zulip` of users.
    Zulip,
    /// In the column `rocketchat` of users.
    RocketChat,
    /// In the column `zettelstore` of users.
    Zettelstore,
    /// In the column `number` of the table `external_id`.
    OtherNumber,
    /// In the column `text` of the table `external_id`.
    OtherText,
}

impl IdColumn {
    /// Where an id of a protocol is kept.
    pub(crate) fn of(protocol: ProtocolName, id: &ExternalId) -> Self {
        match id {
            ExternalId::Number(_) => Self::of_numbers(protocol),
            ExternalId::Text(_) if protocol == ProtocolName::ROCKETCHAT => Self::RocketChat,
            ExternalId::Text(_) => Self::OtherText,
        }
    }

    /// Where the numbers of a protocol are kept.
    pub(crate) fn of_numbers(protocol: ProtocolName) -> Self {
        match protocol {
            ProtocolName::ZULIP => Self::Zulip,
            ProtocolName::ZETTELSTORE => Self::Zettelstore,
            _ => Self::OtherNumber,
        }
    }

    /// The protocol to which a column of users belongs; `None` for those of the table `external_id`.
    pub(crate) fn owner(self) -> Option<ProtocolName> {
        match self {
            Self::Zulip => Some(ProtocolName::ZULIP),
            Self::RocketChat => Some(ProtocolName::ROCKETCHAT),
            Self::Zettelstore => Some(ProtocolName::ZETTELSTORE),
            Self::OtherNumber | Self::OtherText => None,
        }
    }

    /// The ids that are kept in the table `external_id`.
    pub(crate) fn others(ids: &ByProtocol<ExternalId>) -> impl Iterator<Item = (ProtocolName, &ExternalId)> {
        ids.iter().filter(|(protocol, id)| Self::of(*protocol, id).owner().is_none())
    }
}

/// The columns of a user's row that hold ids and roles.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ExternalColumns {
    pub(crate) zulip: Option<i64>,
    pub(crate) rocketchat: Option<String>,
    /// A JSON list.
    pub(crate) rocketchat_roles: Option<String>,
    pub(crate) zettelstore: Option<i64>,
    pub(crate) zettelstore_role: Option<String>,
    /// [`Others`] as JSON; `None` where there are none.
    pub(crate) external: Option<String>,
}

/// The ids and roles that have no column of their own.
#[derive(Default, Serialize, Deserialize)]
struct Others {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    ids: BTreeMap<String, Id>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    roles: BTreeMap<String, Vec<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

impl ExternalColumns {
    /// Ids and roles as columns.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when they can't be written as JSON.
    pub(crate) fn of(ids: &ByProtocol<ExternalId>, roles: &ByProtocol<Vec<String>>) -> Result<Self> {
        let mut columns = Self::default();
        let mut others = Others::default();
        for (protocol, id) in ids.iter() {
            match (IdColumn::of(protocol, id), id) {
                (IdColumn::Zulip, ExternalId::Number(number)) => columns.zulip = Some(number.cast_signed()),
                (IdColumn::Zettelstore, ExternalId::Number(number)) => {
                    columns.zettelstore = Some(number.cast_signed());
                }
                (IdColumn::RocketChat, ExternalId::Text(text)) => columns.rocketchat = Some(text.clone()),
                (_, ExternalId::Number(number)) => {
                    others.ids.insert(protocol.to_string(), Id::Number(*number));
                }
                (_, ExternalId::Text(text)) => {
                    others.ids.insert(protocol.to_string(), Id::Text(text.clone()));
                }
            }
        }
        for (protocol, roles) in roles.iter() {
            match (protocol, roles.as_slice()) {
                (ProtocolName::ROCKETCHAT, roles) => columns.rocketchat_roles = Some(to_json(roles)?),
                (ProtocolName::ZETTELSTORE, [role]) => columns.zettelstore_role = Some(role.clone()),
                (protocol, roles) => {
                    others.roles.insert(protocol.to_string(), roles.to_vec());
                }
            }
        }
        if !(others.ids.is_empty() && others.roles.is_empty()) {
            let text = serde_json::to_string(&others);
            columns.external = Some(text.map_err(|_| corrupt("ids and roles that are no JSON"))?);
        }
        Ok(columns)
    }

    /// The ids and roles that the columns hold.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a column does not hold what [`Self::of`] writes.
    pub(crate) fn read(self) -> Result<(ByProtocol<ExternalId>, ByProtocol<Vec<String>>)> {
        let (mut ids, mut roles) = (ByProtocol::new(), ByProtocol::new());
        if let Some(text) = self.rocketchat {
            ids.set(ProtocolName::ROCKETCHAT, ExternalId::Text(text));
        }
        if let Some(number) = self.zettelstore {
            ids.set(ProtocolName::ZETTELSTORE, ExternalId::Number(number.cast_unsigned()));
        }
        if let Some(number) = self.zulip {
            ids.set(ProtocolName::ZULIP, ExternalId::Number(number.cast_unsigned()));
        }
        if let Some(list) = self.rocketchat_roles {
            roles.set(ProtocolName::ROCKETCHAT, from_json(&list)?);
        }
        if let Some(role) = self.zettelstore_role {
            roles.set(ProtocolName::ZETTELSTORE, vec![role]);
        }
        if let Some(text) = self.external {
            let others: Others =
                serde_json::from_str(&text).map_err(|_| corrupt("ids and roles that are no JSON"))?;
            for (name, id) in others.ids {
                let id = match id {
                    Id::Number(number) => ExternalId::Number(number),
                    Id::Text(text) => ExternalId::Text(text),
                };
                ids.set(protocol(&name)?, id);
            }
            for (name, list) in others.roles {
                roles.set(protocol(&name)?, list);
            }
        }
        Ok((ids, roles))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn protocols() -> impl Strategy<Value = ProtocolName> {
        let others = "[a-z]{1,3}".prop_map(|name| ProtocolName::from_name(&name).unwrap());
        let own = prop::sample::select(vec![
            ProtocolName::ZULIP,
            ProtocolName::ROCKETCHAT,
            ProtocolName::ZETTELSTORE,
        ]);
        prop_oneof![own, others]
    }

    proptest! {
        #[test]
        fn every_id_and_role_reads_back(
            ids in prop::collection::vec((protocols(), prop_oneof![
                any::<u64>().prop_map(ExternalId::Number),
                "[\0-\u{20}\"\\\\aé7]{0,6}".prop_map(ExternalId::Text),
            ]), 0..5),
            roles in prop::collection::vec((protocols(), prop::collection::vec("[\0a\"]{0,3}", 0..3)), 0..5),
        ) {
            let (ids, roles) = (ids.into_iter().collect(), roles.into_iter().collect());
            let columns = ExternalColumns::of(&ids, &roles).unwrap();
            prop_assert!(columns.external.as_ref().is_none_or(|text| !text.contains('\0')));
            prop_assert_eq!(columns.read().unwrap(), (ids, roles));
        }
    }

    #[test]
    fn users_of_the_first_three_protocols_have_nothing_in_the_column_of_the_others() {
        let ids = ByProtocol::from([
            (ProtocolName::ZULIP, ExternalId::from(7)),
            (ProtocolName::ROCKETCHAT, ExternalId::from("r")),
            (ProtocolName::ZETTELSTORE, ExternalId::from(u64::MAX)),
        ]);
        let roles = ByProtocol::from([
            (ProtocolName::ROCKETCHAT, vec!["admin".to_owned(), "bot".to_owned()]),
            (ProtocolName::ZETTELSTORE, vec!["owner".to_owned()]),
        ]);
        let expected = ExternalColumns {
            zulip: Some(7),
            rocketchat: Some("r".into()),
            rocketchat_roles: Some(r#"["admin","bot"]"#.into()),
            zettelstore: Some(-1),
            zettelstore_role: Some("owner".into()),
            external: None,
        };
        assert_eq!(ExternalColumns::of(&ids, &roles), Ok(expected));
        assert_eq!(IdColumn::others(&ids).count(), 0);
    }

    #[test]
    fn what_is_no_list_of_ids_is_corrupt() {
        for text in ["", "7", r#"{"ids":{"gitlab":-1}}"#, r#"{"ids":{"No Name!":1}}"#, r#"{"roles":{"a":1}}"#]
        {
            let columns = ExternalColumns { external: Some(text.into()), ..Default::default() };
            assert!(matches!(columns.read(), Err(StoreError::Corrupt(_))), "{text}");
        }
    }
}
