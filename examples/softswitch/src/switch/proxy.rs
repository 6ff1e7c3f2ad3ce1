//! The proxy's way with a request (RFC 3261 16.3 to 16.6): checks, targets, and a branch for each.

use bytes::Bytes;

use super::answer::Answer;
use super::event::EndedBy;
use super::flow_token::{FlowToken, short_hash};
use super::forward::{Copies, forms_dialog, record_route};
use super::name::Name;
use super::request::Request;
use super::route::Course;
use super::status::Refusal;
use super::timers::Due;
use super::transaction::{
    Attempt, Branch, Cancel, Context, Kind, Outcome, Progress, ServerKey, Stage,
};
use super::uri::Uri;
use super::value::items;
use super::world::{FlowId, World};
use super::{Arrival, Switch};

/// When a caller may try again that came while the switch was going down (RFC 3261 21.5.4): by then
/// it is back, or its load balancer has noticed.
pub(super) const RETRY_AFTER_S: &str = "10";

/// One place to send a request to.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    flow: FlowId,
    uri: String,
}

impl Switch {
    /// Sends a request on to everybody it is for, or refuses it.
    pub(super) fn proxy<W: World>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        server: ServerKey,
        world: &mut W,
    ) -> Result<(), Refusal> {
        let sips = request.is_sips()?;
        let mut course = self.course(request)?;
        let edits = std::mem::take(&mut course.edits);
        let copies = Copies::of(request, edits, &self.domains, self.gate.realm())?;
        extensions_are_none(request)?;
        let (targets, kind) = match course.dialog {
            Some(token) => {
                self.admit_in_dialog(arrival, request, token, world)?;
                (in_dialog(token, &course, request, world)?, later(request))
            }
            None if self.draining && forms_dialog(request.method) => {
                return Err(Refusal::new(503).with("Retry-After", RETRY_AFTER_S));
            }
            None => self.out_of_dialog(arrival, request, course.onward, world)?,
        };
        let copies_kept = if copies.is_invite() { targets.len() } else { 0 };
        let kept = request.head_len() * (1 + copies_kept);
        let in_dialog = course.dialog.is_some();
        self.has_room_for(arrival.source.flow, request, kept, in_dialog)?;
        // Nobody would end what is begun for a connection that has ended already.
        if !world.alive(arrival.source.flow) {
            return Ok(());
        }
        let recorded =
            forms_dialog(request.method) && (course.dialog.is_none() || request.method == "NOTIFY");
        let id = self.open(arrival, request, server, (kind, kept), world);
        for target in targets {
            self.branch(arrival, id, target, &copies, (recorded, sips), world);
        }
        self.settle(id, arrival.now, world);
        Ok(())
    }

    /// An ACK for a 2xx goes the way of its dialog, without any state (RFC 3261 16.11). There is no
    /// answer to an ACK: one that leads nowhere is dropped.
    pub(super) fn pass_ack<W: World>(&mut self, request: &Request<'_>, world: &mut W) {
        let Ok(mut course) = self.course(request) else {
            return;
        };
        let Some(token) = course.dialog else {
            return;
        };
        let edits = std::mem::take(&mut course.edits);
        let Ok(copies) = Copies::of(request, edits, &self.domains, self.gate.realm()) else {
            return;
        };
        let message = copies.write(course.uri, self.ids.draw(), "", &self.domains);
        let _ = world.send(token.towards(request.sender_tag()), message);
    }

    /// The targets of a request that no token leads anywhere, once its sender is let in.
    fn out_of_dialog<W: World>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        onward: bool,
        world: &mut W,
    ) -> Result<(Vec<Target>, Kind), Refusal> {
        let asked = request.target()?;
        if !self.domains.serve(&asked) || onward {
            return Err(Refusal::because(403, "Not Relaying"));
        }
        self.admit_caller(arrival, request, world)?;
        let kind = first(request, asked.address_of_record());
        match self.bound(&asked) {
            Ok(targets) => Ok((targets, kind)),
            Err(refusal) => {
                if let Kind::Call(attempt) = kind {
                    world.report(attempt.unanswered(refusal.status, EndedBy::Failed));
                }
                Err(refusal)
            }
        }
    }

    /// The bindings of the user that is asked for (16.5).
    fn bound(&self, asked: &Uri<'_>) -> Result<Vec<Target>, Refusal> {
        let user = asked.user().ok_or_else(|| Refusal::new(404))?;
        let mut targets = Vec::new();
        for (_, binding) in self.location.of_user(user) {
            // RFC 5630: a sips request may reach only who registered so.
            let uri = match (asked.sips, binding.sips) {
                (true, false) => continue,
                (false, true) => downgraded(&binding.contact),
                _ => binding.contact.clone(),
            };
            let target = Target {
                flow: binding.flow,
                uri,
            };
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        if !targets.is_empty() {
            return Ok(targets);
        }
        let known = self.gate.knows(user) || self.location.of_user(user).next().is_some();
        Err(Refusal::new(if known { 480 } else { 404 }))
    }

    /// Makes the server transaction, and sends 100 for INVITE at once.
    fn open<W: World>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        server: ServerKey,
        (kind, kept): (Kind, usize),
        world: &mut W,
    ) -> u64 {
        let answer = Answer::to(request);
        if request.method == "INVITE" {
            let _ = world.send(arrival.source.flow, answer.bare(100, 0));
        }
        let tag = self.ids.draw();
        self.transactions.insert(Context {
            server,
            answer,
            tag,
            kind,
            stage: Stage::Proceeding,
            branches: Vec::new(),
            timer: None,
            kept,
            calls: 0,
            answered: false,
            given_up: false,
        })
    }

    fn branch<W: World>(
        &mut self,
        arrival: Arrival,
        id: u64,
        target: Target,
        copies: &Copies<'_>,
        (recorded, sips): (bool, bool),
        world: &mut W,
    ) {
        let number = self.ids.draw();
        let flow = target.flow;
        let message = if recorded {
            let token = FlowToken {
                caller: arrival.source.flow,
                callee: flow,
                caller_tag: short_hash(copies.sender_tag()),
            };
            let line = record_route(&self.tokens, token, sips, &self.domains);
            copies.write(&target.uri, number, &line, &self.domains)
        } else {
            copies.write(&target.uri, number, "", &self.domains)
        };
        // What a CANCEL or an ACK is made from: the head will do.
        let copy = copies.is_invite().then(|| copies.head_of(&message));
        let progress = deliver(flow, message, world);
        // Where nothing was sent there is nothing to CANCEL or to ACK.
        let invite = copy.filter(|_| matches!(progress, Progress::Calling));
        let index = self
            .transactions
            .context(id)
            .map_or(0, |context| context.branches.len());
        let timer = matches!(progress, Progress::Calling).then(|| {
            let at = arrival.now + self.config.transaction_timeout;
            self.timers.set(at, Due::Branch(id, index))
        });
        self.transactions.add_branch(
            id,
            Branch {
                id: number,
                flow,
                invite,
                progress,
                cancel: Cancel::No,
                timer,
            },
        );
    }
}

/// Sends a copy. Over a flow that has ended it fails with 430 (RFC 5626 5.3), over one that does
/// not take it with 503 (RFC 3261 16.9).
fn deliver<W: World>(flow: FlowId, message: Bytes, world: &mut W) -> Progress {
    if !world.alive(flow) {
        return Progress::Ended(Outcome::Failed(430));
    }
    match world.send(flow, message) {
        Ok(()) => Progress::Calling,
        Err(_) => Progress::Ended(Outcome::Failed(503)),
    }
}

fn in_dialog<W: World>(
    token: FlowToken,
    course: &Course<'_>,
    request: &Request<'_>,
    world: &mut W,
) -> Result<Vec<Target>, Refusal> {
    let flow = token.towards(request.sender_tag());
    if !world.alive(flow) {
        return Err(Refusal::new(430));
    }
    Ok(vec![Target {
        flow,
        uri: course.uri.to_owned(),
    }])
}

/// What a request within a dialog is.
fn later(request: &Request<'_>) -> Kind {
    match request.method {
        "INVITE" => Kind::Reinvite,
        "BYE" => Kind::Bye {
            call_id: request.call_id.to_owned(),
            from_tag: request.sender_tag().to_owned(),
            to_tag: request.to.tag().unwrap_or("").to_owned(),
        },
        _ => Kind::Other,
    }
}

/// What a request outside any dialog of ours is.
fn first(request: &Request<'_>, callee: String) -> Kind {
    if request.method != "INVITE" || request.has_to_tag() {
        return later(request);
    }
    let caller = match request.sender() {
        Ok(uri) => uri.address_of_record(),
        Err(_) => request.from.uri.to_owned(),
    };
    Kind::Call(Attempt {
        call_id: request.call_id.to_owned(),
        caller,
        callee,
        caller_tag: request.sender_tag().to_owned(),
    })
}

/// No extension is supported that a proxy would have to understand (16.3 step 5).
fn extensions_are_none(request: &Request<'_>) -> Result<(), Refusal> {
    let asked: Vec<&str> = request
        .head
        .all(Name::ProxyRequire)
        .flat_map(items)
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(420).with("Unsupported", &asked.join(", ")))
}

/// The sip URI of a sips Contact (RFC 5630 5.3); the connection stays TLS.
fn downgraded(contact: &str) -> String {
    let rest = contact.split_once(':').map_or(contact, |(_, rest)| rest);
    if rest.contains(";transport=") {
        format!("sip:{rest}")
    } else {
        format!("sip:{rest};transport=tls")
    }
}
