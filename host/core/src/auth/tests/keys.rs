//! The ring: what earlier keys signed is valid until they are forgotten, and everybody can read the public halves.

use super::*;

#[tokio::test]
async fn after_a_rotation_the_new_key_signs_and_what_the_old_one_signed_is_valid_still() {
    let world = open_world();
    let old = world.keys.current_id();
    let before = world.token("repository:a:pull").await.token;
    world.keys.rotate(new_key());
    let after = world.token("repository:a:pull").await.token;
    assert_ne!(world.keys.current_id(), old);
    let fresh = world.beside(vec![Who::staff(0)], vec![]);
    for token in [&before, &after] {
        for gate in [&world, &fresh] {
            assert_eq!(gate.shown(&here(), &bearer(token)).await.as_deref(), Ok("token"));
        }
    }
    let head = |token: &str| token.split('.').next().unwrap().to_owned();
    assert_ne!(head(&before), head(&after));
}

#[tokio::test]
async fn what_a_forgotten_key_signed_is_worthless_at_once_even_where_it_was_remembered() {
    let world = open_world();
    let old = world.keys.current_id();
    let before = world.token("repository:a:pull").await.token;
    assert_eq!(world.shown(&here(), &bearer(&before)).await.as_deref(), Ok("token"));
    world.keys.rotate(new_key());
    let after = world.token("repository:a:pull").await.token;
    assert_eq!(world.shown(&here(), &bearer(&after)).await.as_deref(), Ok("token"));
    world.keys.forget(&old);
    assert_eq!(world.shown(&here(), &bearer(&before)).await, Err(AuthFailure::InvalidToken));
    assert_eq!(world.shown(&here(), &bearer(&after)).await.as_deref(), Ok("token"));
    assert_eq!(world.keys.len(), 1);
}

#[test]
fn the_key_that_signs_is_never_forgotten() {
    let ring = KeyRing::new(new_key(), vec![new_key()]);
    let current = ring.current_id();
    ring.forget(&current);
    assert_eq!((ring.len(), ring.current_id()), (2, current));
}

#[test]
fn a_key_is_in_the_ring_once() {
    let (first, second) = (new_key(), new_key());
    let ring = KeyRing::new(first.clone(), vec![second.clone(), first.clone(), second.clone()]);
    assert_eq!((ring.len(), &ring.current_id()), (2, first.id()));
    ring.rotate(second.clone());
    assert_eq!((ring.len(), &ring.current_id()), (2, second.id()));
}

#[test]
fn the_public_key_set_has_every_key_with_the_current_one_first_and_no_private_half() {
    let (first, second) = (new_key(), new_key());
    let set = KeyRing::new(first.clone(), vec![second.clone()]).jwks();
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.iter().map(|key| key["kid"].as_str().unwrap()).collect::<Vec<_>>(), [&**first.id(), &**second.id()]);
    for key in keys {
        let mut names: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        assert_eq!((&key["alg"], &key["crv"]), (&"ES256".into(), &"P-256".into()));
    }
}

#[test]
fn a_key_is_the_same_after_it_was_written_down() {
    let pem = TokenKey::generate().unwrap();
    let (first, second) = (TokenKey::from_pem(&pem).unwrap(), TokenKey::from_pem(&pem).unwrap());
    assert_eq!(first.id(), second.id());
    assert!(first.id().len() == 16 && first.id().bytes().all(|byte| byte.is_ascii_hexdigit()));
    for useless in ["", "no key", &pem[..pem.len() / 2]] {
        assert!(TokenKey::from_pem(useless).is_err());
    }
}

#[tokio::test]
async fn anybody_can_check_a_token_with_the_public_key_set() {
    let world = open_world();
    let token = world.token("repository:a:pull").await.token;
    let head = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!((head.alg, head.typ.as_deref()), (jsonwebtoken::Algorithm::ES256, Some("JWT")));
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(world.gate.jwks()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(set.find(&head.kid.unwrap()).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&["localhost:5000"]);
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<serde_json::Value>(&token, &key, &validation).unwrap().claims;
    assert_eq!(claims["grant_type"], "access_token");
    assert_eq!(claims["version"], "1.0");
    let granted = serde_json::json!([{ "type": "repository", "name": "a", "actions": ["pull"] }]);
    assert_eq!((&claims["sub"], &claims["access"]), (&"alice".into(), &granted));
}
