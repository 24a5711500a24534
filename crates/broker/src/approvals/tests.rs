//! Late words, crowds, and the limits of a task.
