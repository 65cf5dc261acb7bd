//! Every transcript, replayed in every way its octets can arrive.

use std::fs;

use crate::support::replay::replay_every_way;

macro_rules! transcripts {
    ($($name:ident = $path:literal;)*) => {
        $(
            #[test]
            fn $name() {
                replay_every_way(include_str!(concat!("../data/", $path)));
            }
        )*

        /// Their paths and their texts.
        pub(crate) const TRANSCRIPTS: &[(&str, &str)] =
            &[$(($path, include_str!(concat!("../data/", $path)))),*];
    };
}

transcripts! {
    a05_apop_not_under_tls = "auth/a05-apop-not-under-tls.txt";
    a05_q18_apop_last = "auth/a05-q18-apop-last.txt";
    a12_minimum = "auth/a12-minimum.txt";
    a16_token_of_another_host = "auth/a16-token-of-another-host.txt";
    p08_q17_user_refused_closed = "auth/p08-q17-user-refused-closed.txt";
    p08_user_pass_in_clear = "auth/p08-user-pass-in-clear.txt";
    p08_user_pass_not_advertised = "auth/p08-user-pass-not-advertised.txt";
    p08_user_refused_pass_accepted = "auth/p08-user-refused-pass-accepted.txt";
    p09_q20_refusals_that_end_it = "auth/p09-q20-refusals-that-end-it.txt";
    p14_cancel_accepted = "auth/p14-cancel-accepted.txt";
    p14_cancel_ignored = "auth/p14-cancel-ignored.txt";
    p14_cancelled = "auth/p14-cancelled.txt";
    p14_initial_responses = "auth/p14-initial-responses.txt";
    p15_q02_refused_tokens = "auth/p15-q02-refused-tokens.txt";
    p15_success_after_failure = "auth/p15-success-after-failure.txt";
    p16_foreign_nonce = "auth/p16-foreign-nonce.txt";
    p16_impostor_gets_no_password = "auth/p16-impostor-gets-no-password.txt";
    p16_p17_scram_plus = "auth/p16-p17-scram-plus.txt";
    p16_scram_sha_1 = "auth/p16-scram-sha-1.txt";
    p16_scram = "auth/p16-scram.txt";
    p16_success_at_once = "auth/p16-success-at-once.txt";
    p16_success_without_proof = "auth/p16-success-without-proof.txt";
    p16_wrong_signature = "auth/p16-wrong-signature.txt";
    p17_binding_unknown = "auth/p17-binding-unknown.txt";
    p17_cyrus_binding = "auth/p17-cyrus-binding.txt";
    p17_cyrus_proof_refused = "auth/p17-cyrus-proof-refused.txt";
    p17_no_binding_offered = "auth/p17-no-binding-offered.txt";
    p17_only_bound = "auth/p17-only-bound.txt";
    p17_other_binding = "auth/p17-other-binding.txt";
    p19_named = "auth/p19-named.txt";
    p20_nothing_in_clear = "auth/p20-nothing-in-clear.txt";
    p20_q19_strongest_first = "auth/p20-q19-strongest-first.txt";
    q07_flight_broken = "auth/q07-flight-broken.txt";
    q07_no_flight = "auth/q07-no-flight.txt";
    q17_left_out = "auth/q17-left-out.txt";
    q17_nothing_left = "auth/q17-nothing-left.txt";
    q19_nothing_usable = "auth/q19-nothing-usable.txt";
    q24_capa_not_asked = "auth/q24-capa-not-asked.txt";
    p20_q03_courier_login = "courier/login.txt";
    p18_courier_session = "courier/session.txt";
    cyrus_login = "cyrus/login.txt";
    cyrus_session = "cyrus/session.txt";
    p20_dovecot_login = "dovecot/login.txt";
    p03_p09_dovecot_refusals = "dovecot/refusals.txt";
    dovecot_session = "dovecot/session.txt";
    exchange_protocol_error = "exchange/protocol-error.txt";
    q16_exchange_session = "exchange/session.txt";
    p14_q01_exchange_xoauth2 = "exchange/xoauth2.txt";
    p09_gmail_busy = "gmail/busy.txt";
    p10_q06_gmail_session = "gmail/session.txt";
    p15_q02_gmail_xoauth2 = "gmail/xoauth2.txt";
    q05_popa3d_login = "popa3d/login.txt";
    q04_q17_popa3d_session = "popa3d/session.txt";
    q04_popa3d_transaction = "popa3d/transaction.txt";
    q01_long_initial_response = "quirks/q01-long-initial-response.txt";
    q03_no_base64 = "quirks/q03-no-base64.txt";
    q04_bare_indicators = "quirks/q04-bare-indicators.txt";
    q05_q06_capa_by_state = "quirks/q06-capa-by-state.txt";
    q07_survey_broken = "quirks/q07-survey-broken.txt";
    q08_answer_by_answer = "quirks/q08-answer-by-answer.txt";
    q08_bare_lf = "quirks/q08-bare-lf.txt";
    q09_bare_lf_dot = "quirks/q09-bare-lf-dot.txt";
    q09_lists = "quirks/q09-lists.txt";
    q10_unstuffed_dot = "quirks/q10-unstuffed-dot.txt";
    q11_in_a_flight = "quirks/q11-in-a-flight.txt";
    q11_not_stuffed = "quirks/q11-not-stuffed.txt";
    q12_glued_end = "quirks/q12-glued-end.txt";
    q13_sizes = "quirks/q13-sizes.txt";
    p04_q14_unique_ids = "quirks/q14-unique-ids.txt";
    q15_q26_unique_ids_made_anew = "quirks/q15-q26-unique-ids-made-anew.txt";
    q16_empty_answer = "quirks/q16-empty-answer.txt";
    q16_plus_err = "quirks/q16-plus-err.txt";
    q17_closed_at_pass = "quirks/q17-closed-at-pass.txt";
    q21_quota = "quirks/q21-quota.txt";
    q23_top = "quirks/q23-top.txt";
    q23_two_ok = "quirks/q23-two-ok.txt";
    q25_rset_before_quit = "quirks/q25-rset-before-quit.txt";
    q27_idle = "quirks/q27-idle.txt";
    q28_folder_data = "quirks/q28-folder-data.txt";
    q29_err = "quirks/q29-err.txt";
    q29_http = "quirks/q29-http.txt";
    q29_imap = "quirks/q29-imap.txt";
    q29_no_protocol = "quirks/q29-no-protocol.txt";
    q29_smtp_refusing = "quirks/q29-smtp-refusing.txt";
    q29_smtp = "quirks/q29-smtp.txt";
    q29_ssh = "quirks/q29-ssh.txt";
    q29_tls = "quirks/q29-tls.txt";
    q30_odd_octets = "quirks/q30-odd-octets.txt";
    q31_growing_octets = "quirks/q31-growing-octets.txt";
    q32_refused_message = "quirks/q32-refused-message.txt";
    q41_neither_uidl_nor_top = "quirks/q41-neither-uidl-nor-top.txt";
    q42_renumbered = "quirks/q42-renumbered.txt";
    q43_ignored_dele = "quirks/q43-ignored-dele.txt";
    q44_status_line = "quirks/q44-status-line.txt";
    q45_numbers_for_unique_ids = "quirks/q45-numbers-for-unique-ids.txt";
    q46_no_snapshot = "quirks/q46-no-snapshot.txt";
    q47_short_body = "quirks/q47-short-body.txt";
    q51_mentions_folder_data = "quirks/q51-mentions-folder-data.txt";
    q52_implausible_top = "quirks/q52-implausible-top.txt";
    q53_made_anew = "quirks/q53-made-anew.txt";
    q54_closed_at_capa = "quirks/q54-closed-at-capa.txt";
    q57_unopened_maildrop = "quirks/q57-unopened-maildrop.txt";
    q58_late_deletion = "quirks/q58-late-deletion.txt";
    q59_hidden_lines = "quirks/q59-hidden-lines.txt";
    q61_dele_while_locked = "quirks/q61-dele-while-locked.txt";
    survey_broken = "quirks/survey-broken.txt";
    rfc_1081_rpop = "rfc/1081-rpop.txt";
    rfc_1939_10_session = "rfc/1939-10-session.txt";
    p02_rfc_1939_3_stuffing = "rfc/1939-3-stuffing.txt";
    rfc_1939_4_quit = "rfc/1939-4-quit.txt";
    rfc_1939_5_transaction = "rfc/1939-5-transaction.txt";
    rfc_1939_6_quit = "rfc/1939-6-quit.txt";
    p05_rfc_1939_7_apop = "rfc/1939-7-apop.txt";
    rfc_1939_7_optional = "rfc/1939-7-optional.txt";
    rfc_1939_7_user_pass = "rfc/1939-7-user-pass.txt";
    p14_p20_rfc_2195_cram_md5 = "rfc/2195-cram-md5.txt";
    p07_p10_rfc_2449_5_capa = "rfc/2449-5-capa.txt";
    rfc_2449_6_6_abandoned = "rfc/2449-6.6-abandoned.txt";
    rfc_2449_6_6_pipelining = "rfc/2449-6.6-pipelining.txt";
    rfc_2449_6_6_survey = "rfc/2449-6.6-survey.txt";
    p09_rfc_2449_8_resp_codes = "rfc/2449-8-resp-codes.txt";
    a02_rfc_2595_4_refused = "rfc/2595-4-refused.txt";
    p07_p11_a03_rfc_2595_4_stls = "rfc/2595-4-stls.txt";
    p14_p20_rfc_5034_6_auth = "rfc/5034-6-auth.txt";
    p18_rfc_6856_2_utf8 = "rfc/6856-2-utf8.txt";
    p18_rfc_6856_3_lang = "rfc/6856-3-lang.txt";
}

#[test]
fn every_transcript_is_replayed() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let mut found = Vec::new();
    for folder in fs::read_dir(data).unwrap() {
        let folder = folder.unwrap();
        for file in fs::read_dir(folder.path()).unwrap() {
            let (folder, file) = (folder.file_name(), file.unwrap().file_name());
            found.push(format!("{}/{}", folder.display(), file.display()));
        }
    }
    found.sort();
    let listed = TRANSCRIPTS.iter().map(|(path, _)| *path);
    assert!(listed.eq(&found), "{found:?}");
}
