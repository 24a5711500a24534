//! The rows of the attack table that are claimed, each with its tests. A row without a test does not
//! compile, a row left out fails.

use crate::{downgrade as d, integrity as b, others as e};

/// A row, and the tests that answer it (mentioned so that each must exist).
macro_rules! rows {
    ($($row:ident: $($module:ident::$test:ident),+;)*) => {
        const ROWS: &[(&str, &[fn()])] = &[$((stringify!($row), &[$($module::$test),+])),*];
    };
}

rows! {
    B01: b::b01_bw04_no_plaintext_field_can_be_changed,
         b::b01_bw04_no_field_of_a_sync_can_be_changed;
    B02: b::b02_bw05_no_two_fields_can_be_swapped;
    B03: b::b03_swap_matrix_nothing_moves_between_items_environments_and_versions;
    B04: b::b04_egress_none_no_request_follows_from_what_was_decrypted;
    B05: d::b05_bw07_a_rewritten_kdf_profile_salt_or_keyset_opens_nothing;
    B06: d::b06_kdf_dos_an_unknown_cost_is_refused_before_it_costs_anything;
    B07: e::b07_no_cipher_without_authentication_is_at_hand;
    B08: b::b08_dl01_no_commit_is_dropped_doubled_swapped_or_replayed;
    B09: b::b09_1p02_no_item_is_dropped_or_doubled;
    B10: b::b10_1p03_no_environment_is_injected;
    B11: b::b11_resurrect_a_deleted_secret_stays_deleted;
    B12: b::b12_mixmatch_a_new_head_has_no_old_items;
    B13: b::b13_restore_drill_an_older_state_is_refused_by_whoever_saw_a_newer_one;
    B14: b::b14_freeze_withheld_commits_show_as_an_old_head;
    B15: b::b15_fast_forward_no_number_runs_ahead;
    B16: b::b16_endless_an_answer_without_end_is_cut,
         b::b16_endless_no_page_is_followed_for_ever;
    B17: b::b17_short_values_all_have_one_size;
    B18: b::b18_nothing_sent_depends_on_two_items_at_once;
    D01: d::d01_bw10_no_word_of_the_server_changes_what_the_client_does;
    D02: d::d02_bw11_a_keyset_that_is_missing_cut_or_typed_otherwise_opens_nothing;
    D03: d::d03_bw12_a_key_of_another_length_is_an_error;
    D04: d::d04_missing_keyset_a_missing_key_never_makes_a_new_one;
    D05: d::d05_oracle_uniform_every_failure_to_open_looks_the_same;
    D06: d::d06_dl03_no_item_is_injected_by_a_forged_commit;
    D07: d::d07_dl04_05_no_setting_changes_without_the_owner;
    D08: d::d08_dl06_no_length_of_passphrase_skips_the_derivation;
    D09: d::d09_suite_down_the_suite_is_not_the_servers_to_choose;
    D10: d::d10_rollback_an_old_signed_state_is_refused_in_every_part,
         d::d10_rollback_a_longer_fork_below_the_pin_is_refused;
    D11: d::d11_canon_a_second_spelling_is_no_answer;
    D12: d::d12_version_matrix_neighbouring_versions_are_refused;
    E01: e::e01_maul_keyset_no_mutation_of_a_keyset_opens;
    E02: e::e02_xproto_no_sealed_key_stands_in_for_another;
    E03: e::e03_frame_nothing_is_planted_in_the_name_of_a_member;
    E04: e::e04_no_rsa_decryption_can_be_an_oracle;
    E05: e::e05_1p06_an_empty_environment_takes_no_key_from_the_server;
    E06: e::e06_no_key_of_a_person_comes_from_anywhere_but_the_chain;
    E07: e::e07_no_two_envelopes_share_a_salt;
    E08: e::e08_keys_that_the_server_supplies_are_never_used;
    E09: e::e09_chunks_a_value_is_one_envelope_or_none;
    E10: e::e10_nothing_is_renamed_or_moved;
}

/// The groups that are claimed, and how many rows each has.
const CLAIMED: &[(char, usize)] = &[('B', 18), ('D', 12), ('E', 10)];

#[test]
fn every_claimed_row_of_the_attack_table_has_a_test() {
    let claimed: Vec<String> = CLAIMED
        .iter()
        .flat_map(|(group, rows)| (1..=*rows).map(move |row| format!("{group}{row:02}")))
        .collect();
    let tested: Vec<&str> = ROWS.iter().map(|(row, _)| *row).collect();
    assert_eq!(claimed, tested);
    assert!(ROWS.iter().all(|(_, tests)| !tests.is_empty()));
}
