//! What every authenticator must do, a function per clause. The words are those of `plugin-sdk/wit/auth.wit`.

use std::sync::Arc;

use bulkhead_core::ports::auth::{Authentication, Authenticator, Certificate, Credential, Standing};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::context::Identity;
use futures_util::future::join_all;

use super::request;

/// The longest time that anybody may be let in for a credential that was taken back meanwhile, in seconds.
const LONGEST_REUSE: u32 = 3600;

/// A plugin under test, and the people that it was set up with.
pub struct Subject {
    /// The plugin.
    pub plugin: Arc<dyn Authenticator>,
    /// Which of the kinds of credential are its own.
    pub kind: CredentialKind,
    /// A credential that it accepts.
    pub right: Credential,
    /// As whom.
    pub subject: &'static str,
    /// Others of the same kind that let nobody in.
    pub wrong: Vec<Credential>,
    /// Whether it can say who it knows.
    pub tracks: Tracks,
}

/// What a caller shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// A user's name and secret.
    Basic,
    /// A token.
    Bearer,
    /// A client certificate.
    Certificate,
}

/// Whether a plugin knows its people without their credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracks {
    /// It does.
    People,
    /// It does not: credentials speak for themselves.
    Nobody,
}

/// What a plugin said of somebody whom it let in.
struct Accepted {
    identity: Identity,
    reuse: u32,
    proof: Option<String>,
}

impl Subject {
    async fn ask(&self, credential: &Credential) -> Authentication {
        self.plugin.authenticate(&request(), credential).await.expect("an answer, not a fault")
    }

    async fn accepted(&self) -> Accepted {
        match self.ask(&self.right).await {
            Authentication::Accepted { identity, reuse, proof } => Accepted { identity, reuse, proof },
            other => panic!("the right credential is not accepted: {other:?}"),
        }
    }

    async fn lookup(&self, subject: &str, proof: Option<&str>) -> Standing {
        self.plugin.lookup(&request(), subject, proof).await.expect("an answer, not a fault")
    }

    /// What of its right credential nobody may learn.
    fn secret(&self) -> Option<&str> {
        match &self.right {
            Credential::Basic { secret, .. } => Some(secret),
            Credential::Bearer(token) => Some(token),
            Credential::Certificate(_) => None,
        }
    }
}

/// A user's name and secret.
#[must_use]
pub fn basic(user: &str, secret: &str) -> Credential {
    Credential::Basic { user: user.to_owned(), secret: secret.to_owned() }
}

/// A certificate of this subject, with these alternative names.
#[must_use]
pub fn certificate(subject: &str, names: &[&str]) -> Credential {
    Credential::Certificate(Arc::new(Certificate {
        subject: subject.to_owned(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        fingerprint: "0123456789abcdef".repeat(4),
        expires: Timestamp(2_000_000_000_000),
    }))
}

fn lets_in(answer: &Authentication) -> bool {
    matches!(answer, Authentication::Accepted { .. })
}

/// "Who the caller is."
pub async fn a_right_credential_is_accepted_as_whom_it_names(subject: Subject) {
    let accepted = subject.accepted().await;
    assert_eq!(accepted.identity.subject, subject.subject);
    assert_eq!(accepted.identity.plugin, subject.plugin.label().name);
}

/// Whatever was asked in between.
pub async fn a_wrong_credential_lets_nobody_in(subject: Subject) {
    for wrong in &subject.wrong {
        assert!(!lets_in(&subject.ask(wrong).await));
        subject.accepted().await;
    }
}

/// "Not mine: the next one is asked."
pub async fn a_credential_of_another_kind_is_left_to_others(subject: Subject) {
    let others = [
        (CredentialKind::Basic, basic(subject.subject, "a secret")),
        (CredentialKind::Bearer, Credential::Bearer("eyJhbGciOiJub25lIn0.e30.".to_owned())),
        (CredentialKind::Certificate, certificate("CN=somebody,O=Else", &["dns:else.example.com"])),
    ];
    for (kind, credential) in others {
        if kind != subject.kind {
            assert_eq!(subject.ask(&credential).await, Authentication::Abstained, "{kind:?}");
        }
    }
}

/// Nothing that a credential can be makes a plugin fail: an error would keep the next plugin of the chain from being asked.
pub async fn a_strange_credential_is_answered_and_lets_nobody_in(subject: Subject) {
    let long = "x".repeat(1024);
    let texts = ["", " ", "\0", "../../etc/passwd", "ann\nbob", "ann:bob", "\u{202e}ann", "%61nn", "*", "'; --", &long];
    let mut strange = Vec::new();
    for text in texts {
        match subject.kind {
            CredentialKind::Basic => {
                strange.push(basic(text, "a secret of nobody"));
                strange.push(basic(subject.subject, &text.repeat(8)));
            }
            CredentialKind::Bearer => {
                strange.extend([text.to_owned(), format!("{text}.{text}.{text}"), text.repeat(16)].map(Credential::Bearer));
            }
            CredentialKind::Certificate => strange.push(certificate(text, &[text, &format!("dns:{text}")])),
        }
    }
    for credential in &strange {
        assert!(!lets_in(&subject.ask(credential).await));
    }
    subject.accepted().await;
}

/// A name is no other one that only looks like it.
pub async fn a_subject_is_whom_the_plugin_named_exactly(subject: Subject) {
    let Credential::Basic { user, secret } = &subject.right else { return };
    for other in [format!("{user} "), format!(" {user}"), format!("{user}/"), format!("x{user}")] {
        match subject.ask(&basic(&other, secret)).await {
            Authentication::Accepted { identity, .. } => assert_ne!(identity.subject, subject.subject, "{other:?} passed for it"),
            Authentication::Rejected(_) | Authentication::Abstained => {}
        }
    }
}

/// What the host reuses is what it would be told again.
pub async fn the_same_credential_is_accepted_as_the_same_person(subject: Subject) {
    let (first, second) = (subject.accepted().await, subject.accepted().await);
    assert_eq!((first.identity.groups, first.identity.claims), (second.identity.groups, second.identity.claims));
    assert_eq!((first.proof, first.reuse), (second.proof, second.reuse));
    assert!(first.reuse <= LONGEST_REUSE, "what is taken back lets somebody in for {} seconds more", first.reuse);
}

/// "A mark of the credential that was accepted, at most 256 bytes and no secret."
pub async fn no_secret_is_in_what_it_says_of_a_caller(subject: Subject) {
    let (Some(secret), accepted) = (subject.secret(), subject.accepted().await) else { return };
    let Identity { groups, claims, .. } = &accepted.identity;
    let texts = groups.iter().chain(claims.iter().map(|(_, value)| value)).chain(&accepted.proof);
    for text in texts {
        assert!(!text.contains(secret), "a secret is handed on in {} bytes", text.len());
    }
}

/// "What has become of a subject that this plugin may have accepted earlier": known, and the same; or it says that it cannot say.
pub async fn whom_it_accepted_it_knows_or_keeps_no_track_of(subject: Subject) {
    let accepted = subject.accepted().await;
    // "And without one when an operator has an access explained."
    for proof in [accepted.proof.as_deref(), None] {
        match (subject.lookup(subject.subject, proof).await, subject.tracks) {
            (Standing::Known(known), Tracks::People) => {
                let Identity { plugin, subject, groups, claims, .. } = &accepted.identity;
                assert_eq!((&known.plugin, &known.subject), (plugin, subject));
                assert_eq!((&known.groups, &known.claims), (groups, claims));
            }
            (Standing::Untracked, Tracks::Nobody) => {}
            (other, tracks) => panic!("{other:?} is not what a plugin says that keeps track of {tracks:?}"),
        }
    }
}

/// "It is not known here, or not any more."
pub async fn whom_it_never_knew_is_gone_or_not_kept_track_of(subject: Subject) {
    let long = "x".repeat(1024);
    let wanted = if subject.tracks == Tracks::People { Standing::Gone } else { Standing::Untracked };
    for nobody in ["nobody-at-all", "", "\0", "../..", &long] {
        for proof in [None, Some("a mark of nothing")] {
            assert_eq!(subject.lookup(nobody, proof).await, wanted, "{nobody:?}, {proof:?}");
        }
    }
}

/// "So that they end when this credential is withdrawn."
pub async fn a_mark_of_no_credential_finds_nobody(subject: Subject) {
    let Some(proof) = subject.accepted().await.proof else { return };
    for other in ["", "a mark of nothing", &format!("{proof}x"), &proof[..proof.len() - 1]] {
        assert!(!matches!(subject.lookup(subject.subject, Some(other)).await, Standing::Known(_)), "{other:?}");
    }
}

/// Calls side by side do not meet.
pub async fn right_and_wrong_ones_at_once_are_told_apart(subject: Subject) {
    let pairs = subject.wrong.iter().cycle().take(8).flat_map(|wrong| [(&subject.right, true), (wrong, false)]);
    let ask = async |(credential, right): (&Credential, bool)| {
        assert_eq!(lets_in(&subject.ask(credential).await), right);
    };
    join_all(pairs.map(ask)).await;
}
