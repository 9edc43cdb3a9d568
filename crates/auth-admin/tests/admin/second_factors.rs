//! Second factors: enrolled and removed by an operator.

use auth_admin::{AdminError, Devices};
use auth_core::{Clock, OneTimeCode, ProtocolName, Revocation, TotpSecret};
use auth_crypto::totp;
use auth_engine::testing::{PASSWORD, World, rocketchat_token, token};

use crate::world;

/// The code of a device now, made of the address that authenticator apps take.
fn code(world: &World, url: &str) -> OneTimeCode {
    let secret = url.split_once("secret=").unwrap().1.split('&').next().unwrap();
    let secret: TotpSecret = totp::from_base32(secret).unwrap();
    totp::code(&secret, totp::step_at(world.clock.now()))
}

#[tokio::test]
async fn a_device_is_enrolled_with_a_right_code_and_ends_the_sessions() {
    let world = world::new().await;
    let (devices, iago) = (Devices::new(&world.engine), world.account("iago").await);
    let session = token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap());
    let session = rocketchat_token(&world.rocketchat_id("iago").await, session);

    let device = devices.new_device(&iago);
    assert!(device.url.contains("auth-server") && device.url.contains("iago"), "{}", *device.url);
    let wrong = devices.enrol(&iago, &device, Some(&OneTimeCode::new("000000"))).await.unwrap();
    assert!(wrong.is_none());
    assert!(world.check("main", ProtocolName::ROCKETCHAT, session.clone()).await.result.is_ok());

    let first = code(&world, &device.url);
    let backup_codes = devices.enrol(&iago, &device, Some(&first)).await.unwrap().unwrap();
    assert_eq!(backup_codes.len(), 12);
    assert!(world.check("main", ProtocolName::ROCKETCHAT, session).await.result.is_err());
    assert!(world.log_in_with_code("iago", None).await.is_err());
    assert!(world.log_in_with_code("iago", Some(first.expose())).await.is_err(), "the code is used up");
    assert!(world.log_in_with_code("iago", Some(backup_codes[0].expose())).await.is_ok());

    for removed in [true, false] {
        assert_eq!(devices.remove(&iago).await.unwrap(), removed);
        assert!(world.log_in_with_code("iago", None).await.is_ok());
    }
}

#[tokio::test]
async fn a_new_device_takes_the_place_of_the_old_one() {
    let world = world::new().await;
    let (devices, account) = (Devices::new(&world.engine), world.account("totp").await);
    let device = devices.new_device(&account);
    devices.enrol(&account, &device, None).await.unwrap().unwrap();
    assert!(world.log_in_with_code("totp", Some("aBcD2345")).await.is_err(), "an old backup code");
    let now = code(&world, &device.url);
    assert!(world.log_in_with_code("totp", Some(now.expose())).await.is_ok());

    assert!(world.store.delete(account.user.id, &Revocation::NOTHING, None).await.unwrap());
    let refused = devices.enrol(&account, &device, None).await;
    assert!(matches!(refused, Err(AdminError::NoUser)), "{refused:?}");
}
