use bulkhead_core::ports::catalog::Catalog;
use bulkhead_core::ports::clock::Timestamp;

use super::{NOW, fresh};

fn at(milliseconds: u64) -> Timestamp {
    Timestamp(NOW.0 + milliseconds)
}

#[tokio::test]
async fn a_plugin_reads_what_it_set_until_its_time_is_over() {
    let (_home, catalog, _registry) = fresh().await;
    catalog.state_set("p", "k", &[0, 255], Some(at(10))).await.unwrap();
    assert_eq!(catalog.state_get("p", "k", at(9)).await.unwrap(), Some(vec![0, 255]));
    assert_eq!(catalog.state_get("p", "k", at(10)).await.unwrap(), None);
    catalog.state_set("p", "k", b"", Some(Timestamp(u64::MAX))).await.unwrap();
    catalog.state_set("p", "for good", b"x", None).await.unwrap();
    assert_eq!(catalog.state_get("p", "k", Timestamp(u64::MAX - 1)).await.unwrap(), None);
    assert_eq!(catalog.state_get("p", "k", at(10)).await.unwrap(), Some(vec![]));
    assert_eq!(catalog.state_get("p", "for good", Timestamp(u64::MAX)).await.unwrap(), Some(b"x".to_vec()));
}

#[tokio::test]
async fn one_plugins_state_is_not_anothers() {
    let (_home, catalog, _registry) = fresh().await;
    catalog.state_set("p", "k", b"mine", None).await.unwrap();
    assert_eq!(catalog.state_get("q", "k", NOW).await.unwrap(), None);
    catalog.state_delete("q", "k").await.unwrap();
    assert_eq!(catalog.state_get("p", "k", NOW).await.unwrap(), Some(b"mine".to_vec()));
    catalog.state_delete("p", "k").await.unwrap();
    assert_eq!(catalog.state_get("p", "k", NOW).await.unwrap(), None);
}

#[tokio::test]
async fn state_whose_time_is_over_does_not_pile_up() {
    let (home, catalog, _registry) = fresh().await;
    for number in 0..20 {
        catalog.state_set("p", &format!("nonce {number}"), b"x", Some(at(1))).await.unwrap();
    }
    assert_eq!(catalog.state_get("p", "any", at(1)).await.unwrap(), None);
    catalog.state_set("p", "a", b"x", Some(at(5))).await.unwrap();
    catalog.state_set("p", "b", b"x", None).await.unwrap();
    assert_eq!(home.number("SELECT count(*) FROM plugin_state").await, 2);
}
