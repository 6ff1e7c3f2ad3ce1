//! Rules of the code and of the documentation.

mod defects_of_others_are_tests_of_ours;
mod the_code_keeps_its_rules;
mod the_duties_name_their_proofs;
mod the_failure_page_and_the_causes_are_in_step;
mod the_interface_follows_the_guidelines;
mod users_run_no_test_hooks;
