//! Programs that have to compile, each the twin of one in `rejected/`, or a promise of the design.

mod a_body_may_own_things;
mod a_canceller_is_lent_to_children;
mod a_child_borrows_what_is_outside_the_nursery;
mod a_child_spawns_siblings;
mod a_function_is_the_body;
mod a_generic_function_opens_a_nursery;
mod a_method_spawns_what_borrows_self;
mod a_runtime_turns_where_it_is_pinned;
mod a_sink_for_other_errors_is_outside;
mod a_struct_holds_the_nursery;
mod a_task_local_borrows;
mod a_task_stays_in_its_nursery;
mod a_trait_method_takes_the_nursery;
mod an_arena_is_static;
mod any_text_names_a_child;
mod each_child_changes_a_part_of_its_own;
mod each_thread_has_a_runtime_of_its_own;
mod errors_may_be_words_boxed_or_borrowed;
mod errors_of_a_servers_handlers_go_to_a_hook;
mod nurseries_are_nested;
mod question_mark_converts_errors;
mod the_body_reads_after_the_children;
mod the_body_returns_a_borrow_of_what_is_outside;
mod the_environment_outlives_the_nursery;
mod the_nursery_stays_inside;
mod what_everybody_uses_is_shared;
