//! Which connections are let in, and how many.

mod a_banned_source_stays_out;
mod a_load_balancer_speaks_for_its_clients;
mod limits_are_stated;
mod memory_has_a_budget;
mod one_source_keeps_no_other_out;
