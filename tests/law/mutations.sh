#!/usr/bin/env bash
# Takes one mechanism out at a time, in a scratch clone of the last commit, and demands that the
# conservation law notices, or another test where the law cannot. Prints what caught each; fails when one of them lives.
#
#   tests/law/mutations.sh            all of them
#   tests/law/mutations.sh permit     those whose name contains the word
set -euo pipefail
cd "$(git -C "$(dirname "$0")" rev-parse --show-toplevel)"
wanted=${1:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git clone --quiet --shared . "$scratch/clone"
# Builds of the dependencies are shared with whoever ran this before.
export CARGO_TARGET_DIR=${MUTATIONS_TARGET_DIR:-$PWD/target/mutations}
export LAW_HISTORIES=${LAW_HISTORIES:-2000} LAW_FROM=0
survivors=0

# The law alone, or the tests that notice what it cannot: a race that only threads could lose, a delay.
passes() {
    # Several arguments to cargo, so unquoted.
    cargo test --quiet --manifest-path "$scratch/clone/Cargo.toml" \
        ${noticed_by:--p sipward-tests --test law} -- --nocapture >"$scratch/output" 2>&1
}

# The name of the first test in the list of failures at the end, in backquotes.
failed_test() {
    sed -n '/^failures:$/,$p' "$scratch/output" | grep -m1 -oE '^    [a-z_0-9:]+$' | sed -E 's/ +(.*)/`\1`/'
}

# mutant NAME FILE EXPRESSION: the perl expression edits the whole file as one string.
mutant() {
    local name=$1 file=$2 expression=$3 verdict
    [[ $name == *"$wanted"* ]] || return 0
    perl -0pi -e "$expression" "$scratch/clone/$file"
    if git -C "$scratch/clone" diff --quiet; then
        verdict='DOES NOT APPLY ANY MORE'
        survivors=$((survivors + 1))
    elif passes; then
        verdict='NOT NOTICED'
        survivors=$((survivors + 1))
    elif grep -q 'could not compile' "$scratch/output"; then
        verdict="DOES NOT COMPILE: $(grep -m1 '^error' "$scratch/output")"
        survivors=$((survivors + 1))
    else
        verdict=$(grep -m1 -E 'broke the law|never put to the test' "$scratch/output" ||
            { [[ ${noticed_by:-} ]] && failed_test; } ||
            grep -m1 -E 'panicked at|signal' "$scratch/output" ||
            echo 'an injected panic, or a hang, ends the test itself')
        verdict=$(sed -E 's/^the history of (seed [0-9]+) broke the law/\1/' <<<"$verdict" | cut -c1-110)
    fi
    printf '| %s | %s |\n' "$name" "$verdict"
    git -C "$scratch/clone" checkout --quiet .
}

printf '| taken out | noticed by |\n| --- | --- |\n'

mutant 'the drop guard' src/session/guard/mod.rs \
    's/self\.finish\(SessionOutcome::Dropped\);/let _ = SessionOutcome::Dropped;/'
mutant 'the panic guard around a session' src/session/guard/mod.rs \
    's/let outcome = match catch\(\|\| session\.as_mut\(\)\.poll\(cx\)\)/let outcome = match Ok::<_, String>(session.as_mut().poll(cx))/'
mutant 'the guard around what a session drops' src/session/guard/mod.rs \
    's/let outcome = outcome\.unless_panics\(\|\| drop\(session\)\);/drop(session);/'
mutant 'the guard around queued messages' src/session/guard/mod.rs \
    's/let outcome = outcome\.unless_panics\(\|\| self\.handle\.clear\(\)\);/self.handle.clear();/'
mutant "the guard around a panic's payload" src/panic.rs \
    's/if let Err\(again\) = catch_unwind\(AssertUnwindSafe\(\|\| drop\(panic\)\)\) \{\s*std::mem::forget\(again\);\s*\}/drop(panic);/'
mutant 'dropping before the report is made' src/session/guard/mod.rs \
    's/(let outcome = outcome\.unless_panics\(\|\| drop\(session\)\);\n)(.*?)(\n    \}\n)/let session = session;\n$2\n        drop(session);$3/s'
mutant 'emptying the flow at the end' src/session/guard/mod.rs \
    's/let outcome = outcome\.unless_panics\(\|\| self\.handle\.clear\(\)\);//'
mutant "the ledger's decision: always closed" src/supervisor/state.rs \
    's/Stage::Handshaking => failed\(&entry, at, outcome\),/Stage::Handshaking => closed(&entry, Duration::ZERO, outcome),/'
mutant "the ledger's decision: always failed" src/supervisor/state.rs \
    's/Stage::Ready \{ at: since, \.\. \} => closed\(&entry, at - since, outcome\),/Stage::Ready { .. } => failed(&entry, at, outcome),/'
mutant 'one count of the ledger' src/supervisor/ledger.rs \
    's/counts\.refused \+= 1;//'
mutant 'the refusal of a second ending' src/session/guard/mod.rs \
    's/let Some\(session\) = self\.session\.take\(\) else \{\s*return;\s*\};/let session = self.session.take();/'
mutant 'the flush before Ready' src/tls/server.rs \
    's/(self\.stage = HandshakeState::Flushing\(Box::new\(stream\)\);\s*\}\s*)self\.tap\.poll_flush\(cx\)/$1let _ = self.tap.poll_flush(cx);\n        Poll::Ready(Ok(()))/'
mutant 'one permit' src/admission/mod.rs \
    's/self\.admission\.state\(\)\.rules\.gone\(self\.ticket\);//'
mutant 'noting a close request' src/session/handle.rs \
    's/state\.close_request = Some\(request\);\s*return;/drop(request);\n            return;/'
noticed_by='-p sipward --lib' mutant 'the order of close requests' src/session/handle.rs \
    's/u32::MAX - number/number/'
noticed_by='-p sipward-tests --test sessions' mutant 'the wake of a sleeping session' src/session/handle.rs \
    's/waker\.wake\(\);/drop(waker);/'
mutant 'asking whether to serve' src/session/mod.rs \
    's/match context\.lifecycle\.ready\(Arc::clone\(ready\), control\.now\(\)\)/let _ = (ready, \&context.lifecycle, control.now());\n    match Ok(ReadyAnswer::Serve)/'
mutant 'the refusal of Ready during a shutdown' src/supervisor/state.rs \
    's/if self\.shutdown\.is_some\(\) \{\s*return ReadyAnswer::Refuse;\s*\}//'
noticed_by='-p sipward --lib' mutant 'closing connections accepted during a shutdown' src/supervisor/state.rs \
    's/open\.handle\.request_close\(cause, Duration::ZERO\);/drop(cause);/'
mutant 'cutting at the deadline of a shutdown' src/supervisor/shutdown.rs \
    's/handle\.request_close\(CloseCause::DrainDeadline, Duration::ZERO\);/let _ = handle;/'
mutant 'closing all sessions after a panic' src/supervisor/monitor.rs \
    's/close_all_after_panic\(&shared\)\.await;/let _ = &shared;/'
mutant 'asking sessions to close after a panic' src/supervisor/monitor.rs \
    's/handle\.request_close\(CloseCause::SupervisorGone, Duration::ZERO\);/let _ = handle;/'
mutant "the acceptor's last report" src/supervisor/acceptor/mod.rs \
    's/let _ = lifecycle\.send\(Lifecycle::ListenerClosed \{.*?\}\);/let _ = (lifecycle, number, error);/s'
mutant 'closing the listeners in a shutdown' src/supervisor/shutdown.rs \
    's/self\.tell_acceptors\(None, CloseListener\);/let _ = CloseListener;/'
mutant 'the flush of what was sent last' src/session/lingering_close.rs \
    's/linger\(tap, control, [^;]*\)\.await;/let _ = (tap, \&control);/g'
mutant 'waking the monitor' src/supervisor/shared.rs \
    's/self\.monitor\.wake\(\);//'

if ((survivors)); then
    echo "$survivors were not noticed" >&2
    exit 1
fi
