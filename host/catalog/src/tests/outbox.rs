use bulkhead_core::ports::catalog::{Catalog, Settlement};
use bulkhead_core::ports::clock::Timestamp;

use super::{NOW, Push, event, fresh, image, outbox};
use crate::write::GIVEN_UP_KEPT;

fn at(milliseconds: u64) -> Timestamp {
    Timestamp(NOW.0 + milliseconds)
}

#[tokio::test]
async fn an_event_goes_into_the_outbox_with_its_change_and_comes_out_as_it_was() {
    let (_home, catalog, registry) = fresh().await;
    assert_eq!(catalog.next_due().await.unwrap(), None);
    Push::new("a", 10, image(&[])).telling(event(1)).telling(event(2)).to(&catalog, registry).await;
    assert_eq!(catalog.next_due().await.unwrap(), Some(NOW));
    assert_eq!(catalog.due(Timestamp(NOW.0 - 1), 10).await.unwrap(), vec![]);
    let due = catalog.due(NOW, 10).await.unwrap();
    assert_eq!(due.len(), 2);
    assert_eq!((&due[0].event, due[0].webhook.as_str()), (&event(1).event, "build"));
    assert_eq!((due[0].registry, due[0].attempts), (registry, 0));
    assert_eq!(catalog.due(NOW, 1).await.unwrap(), due[..1]);
    assert_eq!(catalog.due(NOW, 0).await.unwrap(), vec![]);
}

#[tokio::test]
async fn events_of_no_change_are_due_at_once_in_their_order() {
    let (_home, catalog, registry) = fresh().await;
    catalog.enqueue(registry, vec![event(3), event(1)], at(5)).await.unwrap();
    catalog.enqueue(registry, vec![event(2)], at(1)).await.unwrap();
    catalog.enqueue(registry, vec![], at(0)).await.unwrap();
    assert_eq!(catalog.next_due().await.unwrap(), Some(at(1)));
    assert_eq!(outbox(&catalog).await, [event(2).event.id, event(3).event.id, event(1).event.id]);
}

#[tokio::test]
async fn a_delivery_that_arrived_is_gone() {
    let (_home, catalog, registry) = fresh().await;
    catalog.enqueue(registry, vec![event(1), event(2)], NOW).await.unwrap();
    let first = catalog.due(NOW, 1).await.unwrap()[0].id;
    catalog.settle(first, Settlement::Delivered).await.unwrap();
    catalog.settle(first, Settlement::Delivered).await.unwrap();
    assert_eq!(outbox(&catalog).await, [event(2).event.id]);
}

#[tokio::test]
async fn a_number_is_never_used_twice() {
    let (_home, catalog, registry) = fresh().await;
    catalog.enqueue(registry, vec![event(1)], NOW).await.unwrap();
    let first = catalog.due(NOW, 1).await.unwrap()[0].id;
    catalog.settle(first, Settlement::Delivered).await.unwrap();
    catalog.enqueue(registry, vec![event(2)], NOW).await.unwrap();
    assert_ne!(catalog.due(NOW, 1).await.unwrap()[0].id, first);
}

#[tokio::test]
async fn a_delivery_that_failed_is_due_later_with_one_attempt_more() {
    let (home, catalog, registry) = fresh().await;
    catalog.enqueue(registry, vec![event(1)], NOW).await.unwrap();
    let id = catalog.due(NOW, 1).await.unwrap()[0].id;
    for attempt in 1..=2 {
        let settlement = Settlement::Retry { at: at(attempt * 10), reason: "ü".repeat(2000) };
        catalog.settle(id, settlement).await.unwrap();
        assert_eq!(catalog.next_due().await.unwrap(), Some(at(attempt * 10)));
        assert_eq!(catalog.due(at(attempt * 10 - 1), 10).await.unwrap(), vec![]);
        assert_eq!(u64::from(catalog.due(at(attempt * 10), 10).await.unwrap()[0].attempts), attempt);
    }
    assert_eq!(home.number("SELECT octet_length(last_reason) FROM deliveries").await, 1024);
}

#[tokio::test]
async fn a_delivery_that_was_given_up_is_kept_and_never_due() {
    let (home, catalog, registry) = fresh().await;
    catalog.enqueue(registry, vec![event(1)], NOW).await.unwrap();
    let id = catalog.due(NOW, 1).await.unwrap()[0].id;
    catalog.settle(id, Settlement::GivenUp { reason: "gone".to_owned() }).await.unwrap();
    catalog.settle(id, Settlement::Retry { at: NOW, reason: "late".to_owned() }).await.unwrap();
    assert_eq!(catalog.next_due().await.unwrap(), None);
    assert!(outbox(&catalog).await.is_empty());
    let kept = "SELECT count(*) FROM deliveries WHERE state = 'given-up' AND attempts = 1 AND last_reason = 'gone'";
    assert_eq!(home.number(kept).await, 1);
}

#[tokio::test]
async fn of_those_given_up_the_oldest_go() {
    let (home, catalog, registry) = fresh().await;
    let more = GIVEN_UP_KEPT as u64 + 3;
    catalog.enqueue(registry, (0..=more).map(event).collect(), NOW).await.unwrap();
    for delivery in catalog.due(NOW, more as u32).await.unwrap() {
        catalog.settle(delivery.id, Settlement::GivenUp { reason: "gone".to_owned() }).await.unwrap();
    }
    assert_eq!(home.number("SELECT count(*) FROM deliveries WHERE state = 'given-up'").await, GIVEN_UP_KEPT);
    assert_eq!(home.number("SELECT min(id) FROM deliveries").await, 4);
    assert_eq!(outbox(&catalog).await.len(), 1);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_given_up_and_in_nobodys_way() {
    let (home, catalog, registry) = fresh().await;
    catalog.enqueue(registry, vec![event(1), event(2)], NOW).await.unwrap();
    home.run("UPDATE deliveries SET event = '{}' WHERE id = 1").await;
    assert_eq!(outbox(&catalog).await, [event(2).event.id]);
    assert_eq!(home.number("SELECT count(*) FROM deliveries WHERE state = 'given-up'").await, 1);
}
