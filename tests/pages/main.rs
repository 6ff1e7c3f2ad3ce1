//! What the documentation shows is what happens.

mod limits_look_as_operators_are_told;
mod the_pages_log_lines_are_real;
mod the_rejection_matrix;
