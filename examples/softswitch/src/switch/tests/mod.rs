//! The promises of the switch, one a file.

mod authenticators;
mod dialog;
mod fixture;

mod a_call_belongs_to_its_parties;
mod bindings_follow_their_flow;
mod calls_are_cancelled;
mod calls_end_from_both_sides;
mod calls_survive_a_new_connection;
mod credentials_are_checked;
mod forks_give_one_answer;
mod going_down_is_orderly;
mod identities_are_read_where_they_decide;
mod loops_and_hops_end;
mod messages_are_told_apart;
mod messages_stay_as_they_are;
mod no_connection_fills_the_switch;
mod record_route_names_what_each_side_knows;
mod registrations_are_all_or_nothing;
mod registrations_as_phones_make_them;
mod requests_that_lead_nowhere;
mod routes_are_proved;
mod timers_end_what_hangs;
mod torture;
