//! Tokens that somebody made up, took elsewhere, or shows as what they are not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The claims of a token of this host that would be good now, signed by whoever likes.
fn claims(world: &World) -> Value {
    let now = world.clock.now().seconds();
    json!({
        "jti": "0", "iss": "localhost:5000", "aud": "localhost:5000", "registry": "default", "grant_type": "access_token",
        "version": "1.0", "iat": now, "nbf": now, "exp": now + 300, "sub": "alice", "identity": { "plugin": "staff" },
        "access": [{ "type": "repository", "name": "a", "actions": ["pull", "push", "delete"] }],
    })
}

/// A gate whose plugin accepts every bearer token: what reaches it is let in, so what is refused has not.
fn gullible() -> (Arc<Who>, World) {
    let staff = Who::always("staff", accepts(60));
    (staff.clone(), World::new(vec![staff], vec![May::always("rules", 60, allow())]))
}

async fn is_refused_before_any_plugin(staff: &Who, world: &World, token: &str) {
    let before = (staff.asked(), staff.looked_up());
    assert_eq!(world.shown(&here(), &bearer(token)).await, Err(AuthFailure::InvalidToken), "{token}");
    assert!(world.issue(&bearer(token), "repository:a:*", Offline::Wanted).await.is_err(), "{token}");
    assert_eq!(world.gate.exchange(&here(), token).await, Err(AuthFailure::InvalidToken), "{token}");
    assert_eq!(world.gate.refresh(&here(), token, &[]).await, Err(AuthFailure::InvalidToken), "{token}");
    assert_eq!((staff.asked(), staff.looked_up()), before, "{token}");
}

#[tokio::test]
async fn a_known_kid_with_any_other_algorithm_key_or_signature_is_refused_and_no_plugin_hears_of_it() {
    let (staff, world) = gullible();
    let kid = world.keys.current_id();
    let kid = &*kid;
    let body = part(&claims(&world));
    let foreign = TokenKey::generate().unwrap();
    let public = world.gate.jwks()["keys"][0].clone();
    let signed = |algorithm, key: &EncodingKey| {
        let mut typed = Header::new(algorithm);
        typed.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&typed, &claims(&world), key).unwrap()
    };
    let mut tokens = vec![
        // alg: none, with no signature and with one.
        format!("{}.{body}.", part(&json!({ "alg": "none", "kid": kid }))),
        format!("{}.{body}.c2ln", part(&json!({ "alg": "None", "typ": "JWT", "kid": kid }))),
        // Nonsense where the algorithm is said.
        format!("{}.{body}.c2ln", part(&json!({ "alg": 5, "kid": kid }))),
        format!("{}.{body}.c2ln", part(&json!({ "kid": kid }))),
        // HS256 with the public key as the secret.
        signed(Algorithm::HS256, &EncodingKey::from_secret(public.to_string().as_bytes())),
        signed(Algorithm::HS256, &EncodingKey::from_secret(public["x"].as_str().unwrap().as_bytes())),
        // Another ES256 key under our name.
        signed(Algorithm::ES256, &EncodingKey::from_ec_pem(foreign.as_bytes()).unwrap()),
        format!("{}.{body}.", part(&json!({ "alg": "ES256", "kid": kid }))),
    ];
    // The same, and the key comes with it, or the place where it is.
    let jwk = serde_json::from_value(TokenKey::from_pem(&foreign).unwrap().jwk().clone()).unwrap();
    let named = || Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
    let url = "https://attacker.example.com/keys".to_owned();
    let bearing = [
        Header { jwk: Some(jwk), ..named() },
        Header { jku: Some(url.clone()), ..named() },
        Header { x5u: Some(url), ..named() },
    ];
    let key = EncodingKey::from_ec_pem(foreign.as_bytes()).unwrap();
    tokens.extend(bearing.iter().map(|header| jsonwebtoken::encode(header, &claims(&world), &key).unwrap()));
    for token in tokens {
        is_refused_before_any_plugin(&staff, &world, &token).await;
    }
}

#[tokio::test]
async fn a_token_changed_anywhere_is_refused() {
    let (staff, world) = gullible();
    let issued = world.issue(&basic("x"), "repository:a:pull", Offline::NotWanted).await.unwrap().token;
    let parts: Vec<&str> = issued.split('.').collect();
    let flip = |part: &str| {
        let mut bytes = part.as_bytes().to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let more = part(&claims(&world));
    let forged = [
        format!("{}.{}.{}", parts[0], flip(parts[1]), parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], flip(parts[2])),
        format!("{}.{more}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{issued}.{}", parts[2]),
    ];
    for token in forged {
        is_refused_before_any_plugin(&staff, &world, &token).await;
    }
    assert_eq!(world.shown(&here(), &bearer(&issued)).await.as_deref(), Ok("token"));
}

#[tokio::test]
async fn a_token_is_worthless_at_another_registry_or_under_another_name_of_the_same_host() {
    let (staff, world) = gullible();
    staff.stands(Ok(Standing::Known(identity("alice"))));
    let issued = world.issue(&basic("x"), "repository:a:pull", Offline::Wanted).await.unwrap();
    let refresh = issued.refresh_token.unwrap();
    // The same gate, which has seen it, and one that has not.
    let fresh = world.beside(vec![staff.clone()], vec![]);
    assert_eq!(world.shown(&here(), &bearer(&issued.token)).await.as_deref(), Ok("token"));
    let before = staff.asked();
    for gate in [&world, &fresh] {
        for elsewhere in [context("other", "localhost:5000"), context("default", "elsewhere")] {
            assert_eq!(gate.shown(&elsewhere, &bearer(&issued.token)).await, Err(AuthFailure::InvalidToken));
            assert_eq!(gate.gate.refresh(&elsewhere, &refresh, &[]).await, Err(AuthFailure::InvalidToken));
            assert_eq!(gate.shown(&elsewhere, &nobody(&refresh)).await, Err(AuthFailure::Rejected));
        }
    }
    assert_eq!((staff.asked(), staff.looked_up()), (before, 1));
}

#[tokio::test]
async fn a_refresh_token_gives_no_access_and_an_access_token_refreshes_nothing() {
    let (staff, world) = gullible();
    staff.stands(Ok(Standing::Known(identity("alice"))));
    let issued = world.issue(&basic("x"), "repository:a:pull", Offline::Wanted).await.unwrap();
    let refresh = issued.refresh_token.unwrap();
    let before = (staff.asked(), staff.looked_up());
    assert_eq!(world.shown(&here(), &bearer(&refresh)).await, Err(AuthFailure::InvalidToken));
    assert_eq!(world.issue(&bearer(&refresh), "", Offline::Wanted).await, Err(AuthFailure::InvalidToken));
    assert_eq!(world.gate.exchange(&here(), &refresh).await, Err(AuthFailure::InvalidToken));
    assert_eq!(world.gate.refresh(&here(), &issued.token, &[]).await, Err(AuthFailure::InvalidToken));
    assert_eq!(world.shown(&here(), &nobody(&issued.token)).await, Err(AuthFailure::Rejected));
    assert_eq!((staff.asked(), staff.looked_up()), before);
}

#[tokio::test]
async fn a_token_of_this_host_is_no_users_password_and_no_plugin_sees_it() {
    let (staff, world) = gullible();
    let issued = world.issue(&basic("x"), "", Offline::NotWanted).await.unwrap().token;
    let before = staff.asked();
    assert_eq!(world.shown(&here(), &basic(&issued)).await, Err(AuthFailure::Rejected));
    assert_eq!(staff.asked(), before);
}

#[tokio::test]
async fn a_token_of_another_host_is_somebody_elses_and_goes_to_the_chain() {
    let (_, theirs) = gullible();
    let issued = theirs.issue(&basic("x"), "repository:a:pull", Offline::NotWanted).await.unwrap().token;
    let ours = World::new(vec![Who::staff(0)], vec![]);
    assert_eq!(ours.shown(&here(), &bearer(&issued)).await, Err(AuthFailure::InvalidToken));
    assert_eq!(ours.audit.take()[0].steps[0].reason, "wrong password");
}

#[tokio::test]
async fn a_token_that_is_not_yet_valid_is_refused() {
    let (_, world) = gullible();
    let key = new_key();
    world.keys.rotate(key.clone());
    let mut early = claims(&world);
    early["nbf"] = (world.clock.now().seconds() + 1).into();
    let token = key.sign(&early).unwrap();
    assert_eq!(world.shown(&here(), &bearer(&token)).await, Err(AuthFailure::InvalidToken));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.shown(&here(), &bearer(&token)).await.as_deref(), Ok("token"));
    for missing in ["exp", "nbf", "aud", "iss", "registry", "grant_type", "access"] {
        let mut less = claims(&world);
        less.as_object_mut().unwrap().remove(missing);
        let token = key.sign(&less).unwrap();
        assert_eq!(world.shown(&here(), &bearer(&token)).await, Err(AuthFailure::InvalidToken), "{missing}");
    }
}
