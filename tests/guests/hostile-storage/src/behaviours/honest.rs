//! No attack: what the bundled storage does.

pub struct Honest;

impl super::Behaviour for Honest {}
