//! Established sessions: messages, handlers, deadlines, framing.

mod a_hanging_handler_stops_nobody;
mod a_panic_ends_one_session_alone;
mod bad_framing_costs_one_session;
mod every_wait_has_a_deadline;
mod flows_never_wait;
mod for_ever_is_no_overflow;
mod junk_never_panics;
mod last_words_reach_the_peer;
mod messages_are_framed_exactly;
mod nothing_is_served_before_the_supervisor_agrees;
mod readers_agree_with_another_parser;
mod what_came_first_counts_first;
