#!/usr/bin/env bash
# Takes one mechanism out at a time, in a scratch clone of the last commit, and demands that the
# conservation law notices. Prints what caught each; fails when one of them lives.
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

law() {
    cargo test --quiet --manifest-path "$scratch/clone/Cargo.toml" \
        --test the_conservation_law -- --nocapture >"$scratch/output" 2>&1
}

# mutant NAME FILE EXPRESSION: the perl expression edits the whole file as one string.
mutant() {
    local name=$1 file=$2 expression=$3 verdict
    [[ $name == *"$wanted"* ]] || return 0
    perl -0pi -e "$expression" "$scratch/clone/$file"
    if git -C "$scratch/clone" diff --quiet; then
        verdict='DOES NOT APPLY ANY MORE'
        survivors=$((survivors + 1))
    elif law; then
        verdict='NOT NOTICED'
        survivors=$((survivors + 1))
    elif grep -q 'could not compile' "$scratch/output"; then
        verdict="DOES NOT COMPILE: $(grep -m1 '^error' "$scratch/output")"
        survivors=$((survivors + 1))
    else
        verdict=$(grep -m1 'broke the law' "$scratch/output" ||
            grep -m1 -E 'never put to the test|panicked at|signal' "$scratch/output" ||
            echo 'the test panics, or hangs')
        verdict=$(sed -E 's/^the history of (seed [0-9]+) broke the law/\1/' <<<"$verdict" | cut -c1-110)
    fi
    printf '| %s | %s |\n' "$name" "$verdict"
    git -C "$scratch/clone" checkout --quiet .
}

printf '| taken out | noticed by |\n| --- | --- |\n'

mutant 'the drop guard' src/ending.rs \
    's/self\.finish\(Ended::Abandoned\);/let _ = Ended::Abandoned;/'
mutant 'the panic guard around a session' src/ending.rs \
    's/let how = match catch\(\|\| session\.as_mut\(\)\.poll\(cx\)\)/let how = match Ok::<_, String>(session.as_mut().poll(cx))/'
mutant 'the guard around what a session drops' src/ending.rs \
    's/let how = how\.unless_panics\(\|\| drop\(session\)\);/drop(session);/'
mutant 'the guard around queued messages' src/ending.rs \
    's/let how = how\.unless_panics\(\|\| self\.line\.clear\(\)\);/self.line.clear();/'
mutant "the guard around a panic's payload" src/ending.rs \
    's/if let Err\(again\) = catch_unwind\(AssertUnwindSafe\(\|\| drop\(panic\)\)\) \{\s*std::mem::forget\(again\);\s*\}/drop(panic);/'
mutant 'dropping before the word is said' src/ending.rs \
    's/(let how = how\.unless_panics\(\|\| drop\(session\)\);\n)(.*?)(\n    \}\n)/let session = session;\n$2\n        drop(session);$3/s'
mutant 'emptying the flow at the end' src/ending.rs \
    's/let how = how\.unless_panics\(\|\| self\.line\.clear\(\)\);//'
mutant "the ledger's decision: always closed" src/supervisor/books.rs \
    's/Stage::Handshaking => failed\(&entry, at, how\),/Stage::Handshaking => closed(&entry, Duration::ZERO, how),/'
mutant "the ledger's decision: always failed" src/supervisor/books.rs \
    's/Stage::Ready \{ at: since, \.\. \} => closed\(&entry, at - since, how\),/Stage::Ready { .. } => failed(&entry, at, how),/'
mutant 'one count of the ledger' src/ledger.rs \
    's/counts\.refused \+= 1;//'
mutant 'the refusal of a second ending' src/ending.rs \
    's/let Some\(session\) = self\.session\.take\(\) else \{\s*return;\s*\};/let session = self.session.take();/'
mutant 'the flush before Ready' src/tls/mod.rs \
    's/(self\.stage = Stage::Flushing\(Box::new\(stream\)\);\s*\}\s*)self\.tap\.poll_flush\(cx\)/$1let _ = self.tap.poll_flush(cx);\n        Poll::Ready(Ok(()))/'
mutant 'one permit' src/admission/mod.rs \
    's/self\.admission\.state\(\)\.rules\.gone\(self\.ticket\);//'
mutant 'the close latch' src/flow.rs \
    's/None => state\.closing = Some\(Closing \{ cause, grace \}\),/None => drop(Closing { cause, grace }),/'
mutant 'the wake of a sleeping session' src/flow.rs \
    's/waker\.wake\(\);/drop(waker);/'
mutant 'the reply to Ready' src/supervisor/books.rs \
    's/line\.answer\(Verdict::Serve\);/drop(line);/'
mutant 'waiting for the reply to Ready' src/session.rs \
    's/None => Poll::Pending,/None => Poll::Ready(Verdict::Serve),/'
mutant 'the refusal of Ready during a shutdown' src/supervisor/books.rs \
    's/return line\.answer\(Verdict::Refuse\);/line.answer(Verdict::Refuse);/'
mutant 'closing whom a shutdown finds at the door' src/supervisor/books.rs \
    's/held\.line\.trip\(shutdown\.cause\(\)\.clone\(\), Duration::ZERO\);/let _ = shutdown;/'
mutant 'cutting at the deadline of a shutdown' src/supervisor/shutdown.rs \
    's/line\.trip\(CloseCause::DrainDeadline, Duration::ZERO\);/let _ = line;/'
mutant 'the wrapper of the supervisor' src/supervisor/keeper.rs \
    's/settle\(&keeper, &supervisor\.desk\)\.await;/let _ = &keeper;/'
mutant 'cutting sessions when the supervisor dies' src/supervisor/keeper.rs \
    's/line\.trip\(CloseCause::SupervisorGone, Duration::ZERO\);/let _ = line;/'
mutant "the acceptor's last word" src/acceptor.rs \
    's/let _ = lane\.say\(Lifecycle::ListenerClosed \{.*?\}\);/let _ = (lane, number, error);/s'
mutant 'shutting the door in a shutdown' src/supervisor/shutdown.rs \
    's/self\.tell_acceptors\(None, CloseListener\);/let _ = CloseListener;/'
mutant 'the flush of what was said last' src/session/goodbye.rs \
    's/part\(tap, control, [^;]*\)\.await;/let _ = (tap, \&control);/g'
mutant 'the order of the lane' src/lane.rs \
    's/words\.pop_front\(\)/words.pop_back()/'
mutant 'the wake of who reads the lane' src/lane.rs \
    's/reader\.wake\(\);/drop(reader);/'

if ((survivors)); then
    echo "$survivors were not noticed" >&2
    exit 1
fi
