//! The rows of the attack table that are claimed, each with its tests. A row without a test does not
//! compile, a row left out fails.

use crate::audit::{
    actors as ia, notes as io, promises as ip, restore as ix, rewrite as ir, views as iv,
};
use crate::{downgrade as d, escrow as a, integrity as b, others as e, sharing as c};

/// A row, and the tests that answer it (mentioned so that each must exist).
macro_rules! rows {
    ($($row:ident: $($module:ident::$test:ident),+;)*) => {
        rows! { ROWS $($row: $($module::$test),+;)* }
    };
    ($table:ident $($row:ident: $($module:ident::$test:ident),+;)*) => {
        const $table: &[(&str, &[fn()])] = &[$((stringify!($row), &[$($module::$test),+])),*];
    };
}

rows! {
    A01: a::a01_bw01_no_recovery_policy_enrols_anybody;
    A02: a::a02_bw02_a_new_data_key_goes_to_whom_the_chain_says;
    A03: a::a03_bw03_no_text_of_the_server_leads_anywhere;
    A04: a::a04_lp01_no_admin_comes_with_a_sign_in;
    A05: a::a05_1p01_a_new_environment_is_wrapped_for_its_readers_alone;
    A06: a::a06_no_route_takes_a_persons_key_but_its_own_keyset;
    A07: a::a07_a_change_of_keys_is_shown_from_the_chain_and_names_who_signed_it;
    A08: a::a08_reset_row_a_keyset_that_the_server_changed_opens_nothing;
    A09: a::a09_guessing_fetches_no_sealed_keys;
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
    C01: c::c01_bw08_no_organisation_is_taken_in_because_the_server_lists_it;
    C02: c::c02_bw09_an_organisation_is_not_another_one_right_after_it_was_made;
    C03: c::c03_lp07_no_public_key_comes_from_anywhere_but_the_signed_chain;
    C04: c::c04_1p06_a_data_key_that_the_server_knows_is_never_opened;
    C05: c::c05_ghost_nobody_is_added_to_or_taken_from_those_who_hold_a_key;
    C06: c::c06_no_list_of_devices_or_keys_is_the_servers;
    C07: c::c07_fp_domain_no_id_or_key_passes_for_another_kind;
    C08: c::c08_unsolicited_wraps_change_nothing;
    C09: c::c09_xproto_every_object_is_read_by_its_own_parser_only;
    C10: c::c10_oddeven_two_histories_are_found_when_one_commit_crosses;
    C11: c::c11_zombie_writer_a_removed_member_writes_no_more_with_the_servers_help;
    C12: c::c12_whoever_may_only_read_writes_nothing_even_with_the_servers_help;
    C13: c::c13_nobody_raises_himself_or_acts_on_whoever_stands_above;
    C14: c::c14_an_id_is_admitted_once;
    C15: c::c15_a_join_is_of_whoever_holds_the_code_and_of_nobody_else;
    C16: c::c16_no_byte_of_a_code_reaches_the_server;
    C17: c::c17_a_code_shows_where_it_leads_before_anything_is_sent;
    C18: c::c18_genesis_another_beginning_is_refused_by_whoever_knows_nothing_yet;
    C19: c::c19_race_links_two_who_sign_at_once_lose_nothing;
    C20: c::c20_stale_key_an_old_key_signs_nothing_after_it_was_replaced;
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
    E11: a::e11_nothing_is_shared_by_a_link;
    E12: a::e12_covert_a_lie_to_one_person_shows_to_another;
    E13: a::e13_no_code_comes_from_a_server;
    E14: a::e14_l12_a_stolen_database_opens_nothing_even_with_the_passphrase;
    I01: ir::i01_rewrite_a_log_that_was_read_is_not_rewritten_at_any_entry,
         ir::i01_rewrite_a_log_that_is_read_again_is_not_rewritten_at_any_entry,
         ir::i01_rewrite_a_page_that_says_otherwise_is_found_out_to_the_entry,
         ir::i01_rewrite_in_whatever_way_and_for_whomever,
         ir::i01_rewrite_whoever_begins_anew_is_warned_by_an_anchor,
         ir::i01_rewrite_the_newest_entries_are_not_dropped,
         ir::i01_rewrite_no_page_leads_anywhere_else,
         ir::i01_rewrite_no_page_is_followed_for_ever;
    I02: iv::i02_split_two_logs_are_found_by_a_code_and_by_an_anchor;
    I03: ia::i03_gap_an_act_that_is_left_out_shows_at_the_next_one;
    I04: ia::i04_frame_no_act_counts_that_its_actor_did_not_sign,
         ia::i04_frame_no_word_of_the_server_is_a_signed_one;
    I05: ip::i05_unincluded_an_act_that_was_promised_is_missed_within_two_syncs,
         ip::i05_unincluded_an_act_that_was_promised_is_missed_by_whoever_reads_the_log;
    I06: iv::i06_bit_error_an_entry_that_changed_on_the_disk_is_named;
    I07: io::i07_origin_no_checkpoint_of_another_log_is_taken;
    I08: io::i08_malformed_no_note_in_another_spelling_is_taken;
    I09: ix::i09_restore_drill_a_log_that_went_back_goes_on_by_an_owners_word;
}

/// The groups that are claimed, and how many rows each has.
const CLAIMED: &[(char, usize)] = &[('A', 9), ('B', 18), ('C', 20), ('D', 12), ('E', 14), ('I', 9)];

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

// The 31 attacks and three gadgets on other managers, by the numbers of the paper that found them
// (`ONEP01` is its 1P01), and the test that answers each.
rows! { PUBLISHED
    BW01: a::a01_bw01_no_recovery_policy_enrols_anybody;
    BW02: a::a02_bw02_a_new_data_key_goes_to_whom_the_chain_says;
    BW03: a::a03_bw03_no_text_of_the_server_leads_anywhere;
    BW04: b::b01_bw04_no_plaintext_field_can_be_changed;
    BW05: b::b02_bw05_no_two_fields_can_be_swapped;
    BW06: b::b04_egress_none_no_request_follows_from_what_was_decrypted;
    BW07: d::b05_bw07_a_rewritten_kdf_profile_salt_or_keyset_opens_nothing;
    BW08: c::c01_bw08_no_organisation_is_taken_in_because_the_server_lists_it;
    BW09: c::c02_bw09_an_organisation_is_not_another_one_right_after_it_was_made;
    BW10: d::d01_bw10_no_word_of_the_server_changes_what_the_client_does;
    BW11: d::d02_bw11_a_keyset_that_is_missing_cut_or_typed_otherwise_opens_nothing;
    BW12: d::d03_bw12_a_key_of_another_length_is_an_error;
    LP01: a::a04_lp01_no_admin_comes_with_a_sign_in;
    LP02: b::b03_swap_matrix_nothing_moves_between_items_environments_and_versions;
    LP03: b::b04_egress_none_no_request_follows_from_what_was_decrypted;
    LP04: d::b05_bw07_a_rewritten_kdf_profile_salt_or_keyset_opens_nothing;
    LP05: e::b07_no_cipher_without_authentication_is_at_hand;
    LP06: b::b01_bw04_no_plaintext_field_can_be_changed;
    LP07: c::c03_lp07_no_public_key_comes_from_anywhere_but_the_signed_chain;
    DL01: b::b08_dl01_no_commit_is_dropped_doubled_swapped_or_replayed;
    DL02: c::c03_lp07_no_public_key_comes_from_anywhere_but_the_signed_chain;
    DL03: d::d06_dl03_no_item_is_injected_by_a_forged_commit;
    DL04: d::d07_dl04_05_no_setting_changes_without_the_owner;
    DL05: d::d07_dl04_05_no_setting_changes_without_the_owner;
    DL06: d::d08_dl06_no_length_of_passphrase_skips_the_derivation;
    ONEP01: a::a05_1p01_a_new_environment_is_wrapped_for_its_readers_alone;
    ONEP02: b::b09_1p02_no_item_is_dropped_or_doubled;
    ONEP03: b::b10_1p03_no_environment_is_injected;
    ONEP04: d::b05_bw07_a_rewritten_kdf_profile_salt_or_keyset_opens_nothing;
    ONEP05: c::c03_lp07_no_public_key_comes_from_anywhere_but_the_signed_chain;
    ONEP06: c::c04_1p06_a_data_key_that_the_server_knows_is_never_opened;
    BWB1: d::d04_missing_keyset_a_missing_key_never_makes_a_new_one;
    DLB1: d::d05_oracle_uniform_every_failure_to_open_looks_the_same;
    DLB2: d::d05_oracle_uniform_every_failure_to_open_looks_the_same;
}

// Rows L that tokens, wraps, grants, recovery and names touch.
rows! { LESSONS
    L01: a::l01_token_exposure_a_server_that_records_everything_opens_nothing;
    L13: a::l13_there_is_no_recovery_key_of_an_organisation;
    L22: a::l22_every_purpose_has_a_key_of_its_own;
    L23: a::l23_nobody_passes_on_more_than_it_has_and_empty_means_nothing;
    L25: a::l25_the_server_keeps_hashes_of_credentials_only;
    L02: c::c04_1p06_a_data_key_that_the_server_knows_is_never_opened;
    L03: c::c03_lp07_no_public_key_comes_from_anywhere_but_the_signed_chain;
    L04: b::b12_mixmatch_a_new_head_has_no_old_items;
    L12: a::e14_l12_a_stolen_database_opens_nothing_even_with_the_passphrase;
    L17: b::b01_bw04_no_plaintext_field_can_be_changed;
}

#[test]
fn every_published_attack_and_every_lesson_has_a_test() {
    assert_eq!(PUBLISHED.len(), 31 + 3);
    let numbers: std::collections::BTreeSet<&str> = PUBLISHED.iter().map(|(row, _)| *row).collect();
    assert_eq!(numbers.len(), PUBLISHED.len());
    assert!(PUBLISHED.iter().chain(LESSONS).all(|(_, tests)| !tests.is_empty()));
}
