//! Handshakes: how each ends and what is said of it.

mod a_connector_names_the_cause;
mod a_failed_handshake_tells_the_peer;
mod a_fault_at_every_byte_has_its_cause;
mod a_tls_policy_is_checked_before_it_is_used;
mod every_connection_ends_in_exactly_one_way;
mod files_are_read_as_people_save_them;
mod odd_server_names_are_understood_or_explained;
mod openssl_learns_why_it_is_turned_away;
mod peers_prove_who_they_are;
