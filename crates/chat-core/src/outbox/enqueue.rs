//! Accepting messages: what is checked and composed before one transaction takes them all.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use chat_crypto::{Envelope, SignedSharedKey};
use chat_store::{Seq, StreamTip};

use super::accepting::{Accepting, Next, stream_tip};
use super::compose::{Composed, Composer};
use super::gate::MemberDoubt;
use super::once::{self, Repeated};
use super::route::Route;
use super::{RECORD_OVERHEAD, Sealer, TAG_LEN};
use crate::client::Profile;
use crate::content::Content;
use crate::conversation::Conversation;
use crate::error::SendError;
use crate::handle::Handle;
use crate::item::Protection;
use crate::mailbox::Mailbox;
use crate::message_id::{MessageId, StreamId};
use crate::network::Network;
use crate::parallel::map_all;
use crate::peer::Peer;
use crate::picture::{Cargo, CoverSource, Hiding, Note, Planner, Share};

/// A message that somebody wants to send.
#[derive(Clone)]
#[non_exhaustive]
pub struct Draft {
    /// Who it is for.
    pub to: Peer,
    /// Its text: 1 byte to 1 MiB of UTF-8.
    pub text: String,
    /// How it shall travel.
    pub carrier: DraftCarrier,
    /// The caller's own name for it, if it has one; see [`once`](Self::once).
    pub name: Option<String>,
}

/// How a message shall travel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DraftCarrier {
    /// As a sealed record.
    Plain,
    /// Inside a picture.
    Picture(Hiding),
}

impl Draft {
    /// A text for a person that travels as a sealed record.
    pub fn text(to: Handle, text: impl Into<String>) -> Self {
        Self::text_to(to, text)
    }

    /// A text for a person or a group that travels as a sealed record.
    pub fn text_to(to: impl Into<Peer>, text: impl Into<String>) -> Self {
        Self { to: to.into(), text: text.into(), carrier: DraftCarrier::Plain, name: None }
    }

    /// The same text inside a picture that is made from this cover.
    #[must_use]
    pub fn in_picture(self, cover: CoverSource) -> Self {
        self.hidden(Hiding::in_cover(cover))
    }

    /// The same text inside a picture that is made as this says.
    #[must_use]
    pub fn hidden(self, hiding: Hiding) -> Self {
        Self { carrier: DraftCarrier::Picture(hiding), ..self }
    }

    /// The same message under a name that its caller chooses: however often a message to this handle is
    /// accepted under one name, it is the first one, and is sent once.
    #[must_use]
    pub fn once(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }
}

impl std::fmt::Debug for Draft {
    /// Shows where it goes, never its text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { to, text, carrier: _, name: _ } = self;
        write!(f, "Draft(to {}, {} bytes)", to.key(), text.len())
    }
}

/// A message that was accepted: it is in the history and in the outbox, on disk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Queued {
    /// Its number in the outbox; of several, the last.
    pub id: u64,
    /// How many numbers in a row it has in the outbox: one, or one for each of its pictures.
    pub pieces: u32,
    /// Its place in the history.
    pub seq: Seq,
    /// Its name.
    pub message_id: MessageId,
    /// Who it is for.
    pub to: Peer,
    /// Whether it is the first message to somebody who was never heard from: the handle may be
    /// misspelt.
    pub first_contact: bool,
    /// How it compares with the message that was accepted under its name before, if one was.
    pub repeated: Option<Repeated>,
    /// What protects it.
    pub protection: Protection,
    /// What a person should know about its picture.
    pub notes: Vec<Note>,
    /// Members of its group whom its sender should know something of; they get it all the same.
    pub doubts: Vec<MemberDoubt>,
    pub(crate) mailbox: Mailbox,
    /// Where the invitation goes that a first message needs.
    pub(crate) invitation: Option<Mailbox>,
}

impl Queued {
    /// Where its records go, the invitation to its group ahead of it.
    pub(crate) fn mailboxes(&self) -> impl Iterator<Item = Mailbox> + use<> {
        self.invitation.into_iter().chain([self.mailbox])
    }
}

/// A draft that passed every check that needs no transaction.
pub(super) struct Planned {
    pub(super) draft: Draft,
    pub(super) route: Route,
    pub(super) conversation: Conversation,
    pub(super) doubts: Vec<MemberDoubt>,
    /// The pictures that carry it; none for a sealed record.
    pub(super) pictures: Vec<Share>,
}

/// What planning the drafts of one call has found out.
struct Planning<'a> {
    planner: Planner<'a>,
    /// To whom something may be sent, and of whom its sender should know something.
    passed: HashMap<Peer, Vec<MemberDoubt>>,
}

/// How messages to each of several people travel, as far as it was found out: see
/// [`Client::prepare`](crate::Client::prepare).
#[derive(Clone, Debug, Default)]
pub struct Routes(HashMap<Peer, Route>);

impl Routes {
    pub(crate) fn one(to: Peer, route: Route) -> Self {
        Self(HashMap::from([(to, route)]))
    }

    fn of(&mut self, profile: &Profile, network: &Network, to: &Peer) -> Result<Route, SendError> {
        if let Some(route) = self.0.get(to) {
            return Ok(route.clone());
        }
        let route = profile.route(network, to)?;
        self.0.insert(to.clone(), route.clone());
        Ok(route)
    }
}

impl Profile {
    /// Accepts messages, in order, all or none.
    pub(crate) fn enqueue(
        &self,
        drafts: Vec<Draft>,
        routes: &Routes,
    ) -> Result<Vec<Queued>, SendError> {
        self.accept(drafts, routes, Next::MayWait)
    }

    /// Accepts a message that will be sent at once. Where a broker has answered just now, the attempt is marked
    /// in the same transaction; it may then be on the log, as far as anybody knows.
    pub(crate) fn accept_and_attempt(
        &self,
        draft: Draft,
        route: Route,
    ) -> Result<Queued, SendError> {
        let answers = self.broker_answers.load(Ordering::Relaxed);
        let next = if answers { Next::Attempt } else { Next::MayWait };
        let routes = Routes::one(draft.to.clone(), route);
        self.accept(vec![draft], &routes, next)?.pop().ok_or(SendError::EmptyText)
    }

    fn accept(
        &self,
        drafts: Vec<Draft>,
        routes: &Routes,
        next: Next,
    ) -> Result<Vec<Queued>, SendError> {
        self.check_is_device()?;
        let has_pictures = |draft: &Draft| matches!(draft.carrier, DraftCarrier::Picture(_));
        if !drafts.iter().any(has_pictures) {
            return self.accept_once(drafts, routes, next);
        }
        for _ in 0..MOST_PLANS {
            match self.accept_once(drafts.clone(), routes, next) {
                // Another process was quicker with the same cover.
                Err(SendError::CoverTaken) => {}
                accepted => return accepted,
            }
        }
        Err(SendError::CoverTaken)
    }

    fn accept_once(
        &self,
        drafts: Vec<Draft>,
        routes: &Routes,
        next: Next,
    ) -> Result<Vec<Queued>, SendError> {
        let network = self.joined_network()?;
        let planner = Planner::new(&self.store, network.max_record());
        let mut planning = Planning { planner, passed: HashMap::new() };
        let mut routes = routes.clone();
        let planned = drafts.into_iter().map(|draft| {
            let route = routes.of(self, &network, &draft.to)?;
            self.plan(&network, (draft, route), &mut planning)
        });
        let planned = planned.collect::<Result<Vec<_>, _>>()?;
        let stream = StreamId(self.stream_id()?);
        let signer = self.signer(network.namespace())?;
        let own = self.own_leaf(&network)?;
        let sealer = Sealer { network: &network, signer: &signer };
        let composer = Composer { me: &self.handle, sealer, stream };
        // Sealed before the store is locked: others write meanwhile.
        let composed = self.compose(&composer, planned)?;
        self.store.write(|tx| {
            let mut accepting = Accepting::new(&composer, &own, next);
            composed.into_iter().try_for_each(|composed| accepting.store(tx, composed))?;
            accepting.finish(tx)
        })
    }

    fn compose(
        &self,
        composer: &Composer<'_>,
        planned: Vec<Planned>,
    ) -> Result<Vec<Composed>, SendError> {
        let mut tips: HashMap<Vec<u8>, StreamTip> = HashMap::new();
        let composed = planned.into_iter().map(|planned| {
            let conversation = planned.conversation.encode();
            let tip = match tips.get(&conversation) {
                Some(tip) => *tip,
                None => self.store.read(|tx| stream_tip(tx, &conversation))?,
            };
            let composed = composer.compose(planned, conversation, tip);
            tips.insert(composed.conversation.clone(), composed.after);
            Ok(composed)
        });
        let mut composed = composed.collect::<Result<Vec<_>, SendError>>()?;
        let envelopes = map_all(&composed, |composed| composer.seal(composed));
        for (composed, envelopes) in composed.iter_mut().zip(envelopes) {
            composed.envelopes = envelopes?;
        }
        Ok(composed)
    }

    /// Checks a draft, and chooses its cover.
    fn plan(
        &self,
        network: &Network,
        (draft, route): (Draft, Route),
        planning: &mut Planning<'_>,
    ) -> Result<Planned, SendError> {
        let conversation = self.conversation_with(network, &draft.to).ok_or(SendError::ToSelf)?;
        match draft.text.len() {
            0 => return Err(SendError::EmptyText),
            len if len > Content::MAX_TEXT => {
                return Err(SendError::TextTooLong { len, max: Content::MAX_TEXT });
            }
            _ => {}
        }
        let doubts = match planning.passed.get(&draft.to) {
            Some(doubts) => doubts.clone(),
            None => {
                let doubts = self.pass_gate(network, (&draft.to, &route))?;
                planning.passed.insert(draft.to.clone(), doubts.clone());
                doubts
            }
        };
        let key = route.picture_key(network);
        let (me, text_len) = (&self.handle, draft.text.len());
        let cargo = Cargo { me, conversation: &conversation, route: &route, key: &key, text_len };
        let record = cargo.envelope_len()? + TAG_LEN + RECORD_OVERHEAD;
        let limit = usize::try_from(network.max_record()).unwrap_or(usize::MAX);
        let pictures = match &draft.carrier {
            DraftCarrier::Plain if record > limit => {
                return Err(SendError::RecordTooLarge { len: record, limit });
            }
            DraftCarrier::Plain => Vec::new(),
            DraftCarrier::Picture(_) if self.is_repeated(&draft)? => Vec::new(),
            DraftCarrier::Picture(hiding) => planning.planner.plan(hiding, &cargo)?,
        };
        Ok(Planned { draft, route, conversation, doubts, pictures })
    }

    /// Whether something may be sent on a route, and of whom its sender should know something.
    fn pass_gate(
        &self,
        network: &Network,
        (to, route): (&Peer, &Route),
    ) -> Result<Vec<MemberDoubt>, SendError> {
        if let Peer::Person(to) = to {
            self.pin_published(network, to)?;
        }
        let doubts = self.may_write_to(network, to)?;
        if let (Route::SharedKey(_), Peer::Person(to)) = (route, to) {
            self.may_go_unprotected(to)?;
        }
        Ok(doubts)
    }

    /// Whether a message was accepted under the draft's name before.
    fn is_repeated(&self, draft: &Draft) -> Result<bool, SendError> {
        let Some(name) = &draft.name else { return Ok(false) };
        self.store.read(|tx| once::is_known(tx, &draft.to, name))
    }
}

/// The longest text whose envelope `fits` takes, which must take all shorter ones too; in bytes.
pub(crate) fn longest_text(
    me: &Handle,
    conversation: &Conversation,
    fits: impl Fn(usize) -> bool,
) -> usize {
    let fits = |text: usize| {
        let content = Content::text_len(me, conversation, text);
        sealed_len(me, content).is_some_and(&fits)
    };
    let (mut low, mut high) = (0, Content::MAX_TEXT + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

/// The envelope of the longest text that a message may have, in bytes.
pub(crate) fn longest_envelope(me: &Handle, conversation: &Conversation) -> Option<usize> {
    sealed_len(me, Content::text_len(me, conversation, Content::MAX_TEXT))
}

/// The length of the envelope of a content of `me`, in bytes.
pub(crate) fn sealed_len(me: &Handle, content: usize) -> Option<usize> {
    Envelope::sealed_len(SignedSharedKey::protected_len(me.as_str(), content))
}

/// How often covers are chosen anew because others have taken them.
const MOST_PLANS: u32 = 8;
