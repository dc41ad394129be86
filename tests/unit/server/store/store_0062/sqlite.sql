CREATE TABLE alembic_version (
version_num VARCHAR(32) NOT NULL,
CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE audit (
chain TEXT NOT NULL,
number BIGINT NOT NULL,
first BIGINT NOT NULL,
last BIGINT NOT NULL,
requests BIGINT NOT NULL,
partner TEXT,
remote TEXT NOT NULL,
method TEXT NOT NULL,
route TEXT NOT NULL,
collection TEXT,
status SMALLINT NOT NULL,
objects BIGINT NOT NULL,
reference TEXT,
hash BLOB NOT NULL,
CONSTRAINT pk_audit PRIMARY KEY (chain, number)
);
CREATE TABLE audit_ends (
chain TEXT NOT NULL,
number BIGINT NOT NULL,
hash BLOB NOT NULL,
CONSTRAINT pk_audit_ends PRIMARY KEY (chain)
);
CREATE TABLE audit_starts (
chain TEXT NOT NULL,
number BIGINT NOT NULL,
hash BLOB NOT NULL,
CONSTRAINT pk_audit_starts PRIMARY KEY (chain)
);
CREATE TABLE calibrations (
partner TEXT NOT NULL,
kind TEXT NOT NULL,
judge TEXT NOT NULL,
confirmed BIGINT NOT NULL,
wrong BIGINT NOT NULL,
brier_sum FLOAT NOT NULL,
credit FLOAT NOT NULL,
debit FLOAT NOT NULL,
loss FLOAT NOT NULL,
CONSTRAINT pk_calibrations PRIMARY KEY (partner, kind, judge)
);
CREATE TABLE checkpoints (
feed TEXT NOT NULL,
body BLOB NOT NULL,
saved BIGINT NOT NULL,
CONSTRAINT pk_checkpoints PRIMARY KEY (feed)
);
CREATE TABLE collections (
number INTEGER NOT NULL,
id TEXT NOT NULL,
alias TEXT NOT NULL,
title TEXT NOT NULL,
description TEXT NOT NULL,
kind TEXT NOT NULL,
created BIGINT NOT NULL,
last_added BIGINT NOT NULL,
owner TEXT,
use TEXT, timeline INTEGER DEFAULT 0 NOT NULL, log INTEGER NOT NULL DEFAULT 0, part SMALLINT NOT NULL DEFAULT 1, objects BIGINT NOT NULL DEFAULT 0,
CONSTRAINT pk_collections PRIMARY KEY (number),
CONSTRAINT uq_collections_alias UNIQUE (alias),
CONSTRAINT uq_collections_id UNIQUE (id),
CONSTRAINT uq_collections_title UNIQUE (title)
);
CREATE TABLE dead_letters (
feed TEXT NOT NULL,
id TEXT NOT NULL,
subject TEXT NOT NULL,
body BLOB NOT NULL,
reason TEXT NOT NULL,
first BIGINT NOT NULL,
last BIGINT NOT NULL,
attempts INTEGER NOT NULL,
CONSTRAINT pk_dead_letters PRIMARY KEY (feed, id)
);
CREATE TABLE delisted (
name TEXT NOT NULL,
since BIGINT NOT NULL,
CONSTRAINT pk_delisted PRIMARY KEY (name)
);
CREATE TABLE deliveries (
feed TEXT NOT NULL,
partner TEXT NOT NULL,
object_id TEXT NOT NULL,
version BIGINT NOT NULL,
delivered BIGINT NOT NULL,
answer TEXT NOT NULL,
attempts SMALLINT NOT NULL,
CONSTRAINT pk_deliveries PRIMARY KEY (feed, partner, object_id, version)
);
CREATE TABLE feed_states (
feed TEXT NOT NULL,
started BIGINT,
ended BIGINT,
succeeded BIGINT,
failures INTEGER NOT NULL,
retry_at BIGINT NOT NULL,
stopped BIGINT,
runs BIGINT NOT NULL,
failed BIGINT NOT NULL,
read BIGINT NOT NULL,
accepted BIGINT NOT NULL,
rejected BIGINT NOT NULL,
CONSTRAINT pk_feed_states PRIMARY KEY (feed)
);
CREATE TABLE files_read (
feed TEXT NOT NULL,
digest TEXT NOT NULL,
name TEXT NOT NULL,
seen BIGINT NOT NULL,
CONSTRAINT pk_files_read PRIMARY KEY (feed, digest)
);
CREATE TABLE first_reads (
collection TEXT NOT NULL,
read_up_to BIGINT NOT NULL,
at BIGINT NOT NULL,
CONSTRAINT pk_first_reads PRIMARY KEY (collection, read_up_to)
);
CREATE TABLE focal_points (
partner TEXT NOT NULL,
function TEXT NOT NULL,
contact TEXT NOT NULL,
CONSTRAINT pk_focal_points PRIMARY KEY (partner, function)
);
CREATE TABLE hub_identity (
number INTEGER NOT NULL,
identity TEXT NOT NULL,
name TEXT NOT NULL,
created BIGINT NOT NULL,
modified BIGINT NOT NULL,
secret BLOB NOT NULL,
CONSTRAINT pk_hub_identity PRIMARY KEY (number)
);
CREATE TABLE leases (
feed TEXT NOT NULL,
holder TEXT NOT NULL,
token BIGINT NOT NULL,
until BIGINT NOT NULL,
CONSTRAINT pk_leases PRIMARY KEY (feed)
);
CREATE TABLE migration_lock (
id INTEGER NOT NULL,
CONSTRAINT pk_migration_lock PRIMARY KEY (id)
);
CREATE TABLE partners (
name TEXT NOT NULL,
kind TEXT NOT NULL,
country TEXT,
identity TEXT NOT NULL,
space INTEGER NOT NULL,
created BIGINT NOT NULL,
trusted BOOLEAN NOT NULL,
authority TEXT NOT NULL,
institutions TEXT NOT NULL,
forwards BOOLEAN NOT NULL,
named BOOLEAN NOT NULL,
organisation TEXT,
modified BIGINT NOT NULL,
"left" BIGINT, shown_publicly BOOLEAN DEFAULT 0 NOT NULL, former_institutions TEXT DEFAULT '[]' NOT NULL,
CONSTRAINT pk_partners PRIMARY KEY (name),
CONSTRAINT uq_partners_identity UNIQUE (identity)
);
CREATE TABLE published_ids (
"key" TEXT NOT NULL,
id TEXT NOT NULL,
CONSTRAINT pk_published_ids PRIMARY KEY ("key")
);
CREATE TABLE read_positions (
collection TEXT NOT NULL,
partner TEXT NOT NULL,
read_up_to BIGINT NOT NULL,
asked BIGINT NOT NULL,
CONSTRAINT pk_read_positions PRIMARY KEY (collection, partner)
);
CREATE TABLE receipts (
object_id TEXT NOT NULL,
collection TEXT NOT NULL,
partner TEXT NOT NULL,
opened BIGINT NOT NULL,
revoked_at BIGINT NOT NULL,
version BIGINT NOT NULL,
closed BIGINT,
how TEXT,
CONSTRAINT pk_receipts PRIMARY KEY (object_id, collection, partner)
);
CREATE TABLE retractions (
object_id TEXT NOT NULL,
collection TEXT NOT NULL,
opened BIGINT NOT NULL,
revoked_at BIGINT NOT NULL,
version BIGINT NOT NULL,
reason TEXT NOT NULL,
CONSTRAINT pk_retractions PRIMARY KEY (object_id, collection)
);
CREATE TABLE reviews (
object_id TEXT NOT NULL,
version BIGINT,
partner TEXT NOT NULL,
rule TEXT NOT NULL,
message TEXT NOT NULL,
opened BIGINT NOT NULL,
state TEXT NOT NULL,
decided BIGINT,
decided_by TEXT,
note TEXT,
subject TEXT,
upheld BIGINT,
CONSTRAINT pk_reviews PRIMARY KEY (object_id)
);
CREATE TABLE runs (
feed TEXT NOT NULL,
started BIGINT NOT NULL,
id TEXT NOT NULL,
ended BIGINT NOT NULL,
read BIGINT NOT NULL,
accepted BIGINT NOT NULL,
rejected BIGINT NOT NULL,
error TEXT,
unread BLOB, status INTEGER,
CONSTRAINT pk_runs PRIMARY KEY (feed, started, id)
);
CREATE TABLE throttles (
partner TEXT NOT NULL,
rule TEXT NOT NULL,
since BIGINT NOT NULL,
lifted BIGINT,
CONSTRAINT pk_throttles PRIMARY KEY (partner)
);
CREATE TABLE value_index (
subject TEXT NOT NULL,
inbox_key TEXT NOT NULL,
CONSTRAINT pk_value_index PRIMARY KEY (subject, inbox_key)
);
CREATE TABLE volumes (
partner TEXT NOT NULL,
day INTEGER NOT NULL,
received BIGINT NOT NULL,
held BIGINT NOT NULL,
doubts BIGINT NOT NULL,
CONSTRAINT pk_volumes PRIMARY KEY (partner, day)
);
CREATE TABLE warnings (
name TEXT NOT NULL,
first BIGINT NOT NULL,
last BIGINT NOT NULL,
count BIGINT NOT NULL,
CONSTRAINT pk_warnings PRIMARY KEY (name)
);
CREATE TABLE certificates (
fingerprint BLOB NOT NULL,
partner TEXT NOT NULL,
created BIGINT NOT NULL,
expires BIGINT,
CONSTRAINT pk_certificates PRIMARY KEY (fingerprint),
CONSTRAINT fk_certificates_partner FOREIGN KEY(partner) REFERENCES partners (name)
);
CREATE TABLE credentials (
partner TEXT NOT NULL,
password_hash TEXT NOT NULL,
token_hash BLOB NOT NULL,
created BIGINT NOT NULL,
expires BIGINT,
CONSTRAINT pk_credentials PRIMARY KEY (partner, token_hash),
CONSTRAINT fk_credentials_partner FOREIGN KEY(partner) REFERENCES partners (name),
CONSTRAINT uq_credentials_token_hash UNIQUE (token_hash)
);
CREATE TABLE grants (
partner TEXT NOT NULL,
collection INTEGER NOT NULL,
can_read BOOLEAN NOT NULL,
can_write BOOLEAN NOT NULL, granted BIGINT DEFAULT 0 NOT NULL,
CONSTRAINT pk_grants PRIMARY KEY (partner, collection),
CONSTRAINT fk_grants_collection FOREIGN KEY(collection) REFERENCES collections (number),
CONSTRAINT fk_grants_partner FOREIGN KEY(partner) REFERENCES partners (name)
);
CREATE TABLE own_values (
subject TEXT NOT NULL,
partner TEXT NOT NULL,
CONSTRAINT pk_own_values PRIMARY KEY (subject),
CONSTRAINT fk_own_values_partner FOREIGN KEY(partner) REFERENCES partners (name)
);
CREATE TABLE quotas (
partner TEXT NOT NULL,
unit TEXT NOT NULL,
began BIGINT NOT NULL,
used BIGINT NOT NULL,
CONSTRAINT pk_quotas PRIMARY KEY (partner, unit),
CONSTRAINT fk_quotas_partner FOREIGN KEY(partner) REFERENCES partners (name)
);
CREATE TABLE rewrites (
collection INTEGER NOT NULL,
span BIGINT NOT NULL,
count BIGINT NOT NULL,
CONSTRAINT pk_rewrites PRIMARY KEY (collection, span),
CONSTRAINT fk_rewrites_collection FOREIGN KEY(collection) REFERENCES collections (number)
);
CREATE TABLE statuses (
api_root TEXT NOT NULL,
id TEXT NOT NULL,
partner TEXT NOT NULL,
created BIGINT NOT NULL,
body BLOB NOT NULL,
CONSTRAINT pk_statuses PRIMARY KEY (api_root, id),
CONSTRAINT fk_statuses_partner FOREIGN KEY(partner) REFERENCES partners (name)
);
CREATE TABLE verified_logins (
partner TEXT NOT NULL,
digest BLOB NOT NULL,
token_hash BLOB NOT NULL,
until BIGINT NOT NULL,
CONSTRAINT pk_verified_logins PRIMARY KEY (partner, digest)
);
CREATE TABLE subjects (
number BIGINT NOT NULL,
subject TEXT NOT NULL,
CONSTRAINT pk_subjects PRIMARY KEY (number)
);
CREATE TABLE fact_versions (
name TEXT NOT NULL,
version BIGINT NOT NULL,
CONSTRAINT pk_fact_versions PRIMARY KEY (name)
);
CREATE TABLE jobs (
name TEXT NOT NULL,
state BLOB NOT NULL,
begun BIGINT NOT NULL,
saved BIGINT NOT NULL,
ended BIGINT,
CONSTRAINT pk_jobs PRIMARY KEY (name)
);
CREATE TABLE objects (
date_added BIGINT NOT NULL,
id_high BIGINT NOT NULL,
id_low BIGINT NOT NULL,
value BIGINT,
version BIGINT,
observable_high BIGINT,
observable_low BIGINT,
relationship_high BIGINT,
relationship_low BIGINT,
relationship_version BIGINT,
collection INTEGER NOT NULL,
space INTEGER NOT NULL,
type SMALLINT NOT NULL,
observable_type SMALLINT NOT NULL,
spec_version SMALLINT NOT NULL,
parts SMALLINT NOT NULL,
latest SMALLINT NOT NULL,
legacy SMALLINT NOT NULL,
revoked BOOLEAN NOT NULL,
type_name TEXT,
id_text TEXT,
body BLOB NOT NULL,
CONSTRAINT pk_objects PRIMARY KEY (collection, date_added, parts),
CONSTRAINT fk_objects_collection FOREIGN KEY(collection) REFERENCES collections (number)
);
CREATE TABLE dictionaries (
number INTEGER NOT NULL,
made BIGINT NOT NULL,
bytes BLOB NOT NULL,
CONSTRAINT pk_dictionaries PRIMARY KEY (number)
);
CREATE TABLE digests (
collection INTEGER NOT NULL,
folded BIGINT NOT NULL,
target BIGINT,
minute BIGINT NOT NULL,
active BIGINT NOT NULL,
sum BLOB NOT NULL,
CONSTRAINT pk_digests PRIMARY KEY (collection),
CONSTRAINT fk_digests_collection FOREIGN KEY(collection) REFERENCES collections (number)
);
CREATE TABLE digest_buckets (
collection INTEGER NOT NULL,
minute BIGINT NOT NULL,
active BIGINT NOT NULL,
sum BLOB NOT NULL,
CONSTRAINT pk_digest_buckets PRIMARY KEY (collection, minute),
CONSTRAINT fk_digest_buckets_collection FOREIGN KEY(collection) REFERENCES collections (number)
);
CREATE TABLE match_grants (
partner TEXT NOT NULL,
collection INTEGER NOT NULL, since BIGINT DEFAULT 0 NOT NULL,
CONSTRAINT pk_match_grants PRIMARY KEY (partner, collection),
CONSTRAINT fk_match_grants_partner FOREIGN KEY(partner) REFERENCES partners (name),
CONSTRAINT fk_match_grants_collection FOREIGN KEY(collection) REFERENCES collections (number)
);
CREATE TABLE match_sets (
collection INTEGER NOT NULL,
epoch INTEGER NOT NULL,
public BLOB NOT NULL,
version BIGINT NOT NULL,
kept_from BIGINT NOT NULL,
read_up_to BIGINT NOT NULL,
changed BOOLEAN NOT NULL,
issued BIGINT NOT NULL,
size BIGINT NOT NULL,
bits SMALLINT NOT NULL,
sha256 BLOB NOT NULL,
holder TEXT NOT NULL,
until BIGINT NOT NULL,
CONSTRAINT pk_match_sets PRIMARY KEY (collection, epoch),
CONSTRAINT fk_match_sets_collection FOREIGN KEY(collection) REFERENCES collections (number)
);
CREATE TABLE match_rows (
collection INTEGER NOT NULL,
epoch INTEGER NOT NULL,
name BLOB NOT NULL,
sealed BLOB NOT NULL,
ends BIGINT,
added BIGINT NOT NULL,
removed BIGINT,
CONSTRAINT pk_match_rows PRIMARY KEY (collection, epoch, name)
);
CREATE TABLE shared_quotas (
unit TEXT NOT NULL,
began BIGINT NOT NULL,
used BIGINT NOT NULL,
CONSTRAINT pk_shared_quotas PRIMARY KEY (unit)
);
CREATE TABLE heartbeats (
part TEXT NOT NULL,
at BIGINT NOT NULL,
CONSTRAINT pk_heartbeats PRIMARY KEY (part)
);
CREATE TABLE verifications (
feed TEXT NOT NULL,
at BIGINT NOT NULL,
state TEXT NOT NULL,
answer TEXT NOT NULL,
well BOOLEAN NOT NULL,
CONSTRAINT pk_verifications PRIMARY KEY (feed, at)
);
CREATE TABLE activity (
what TEXT NOT NULL,
name TEXT NOT NULL,
hour INTEGER NOT NULL,
CONSTRAINT pk_activity PRIMARY KEY (what, name, hour)
);
CREATE TABLE silences (
what TEXT NOT NULL,
name TEXT NOT NULL,
since BIGINT NOT NULL,
usual BIGINT NOT NULL,
found BIGINT NOT NULL,
told BLOB NOT NULL,
CONSTRAINT pk_silences PRIMARY KEY (what, name)
);
CREATE TABLE former_grants (
partner TEXT NOT NULL,
collection INTEGER NOT NULL,
granted BIGINT NOT NULL,
CONSTRAINT pk_former_grants PRIMARY KEY (partner, collection),
CONSTRAINT fk_former_grants_partner FOREIGN KEY(partner) REFERENCES partners (name),
CONSTRAINT fk_former_grants_collection FOREIGN KEY(collection) REFERENCES collections (number)
);
CREATE TABLE proposals (
id TEXT NOT NULL,
action TEXT NOT NULL,
arguments BLOB NOT NULL,
effects BLOB NOT NULL,
basis BLOB NOT NULL,
note TEXT,
proposed_by TEXT NOT NULL,
proposed BIGINT NOT NULL,
expires BIGINT NOT NULL,
state TEXT NOT NULL,
decided_by TEXT,
decided BIGINT,
CONSTRAINT pk_proposals PRIMARY KEY (id)
);
CREATE TABLE trend_progress (
name TEXT NOT NULL,
place BIGINT NOT NULL,
CONSTRAINT pk_trend_progress PRIMARY KEY (name)
);
CREATE TABLE trend_counts (
figure TEXT NOT NULL,
dimension TEXT NOT NULL,
day INTEGER NOT NULL,
word TEXT NOT NULL,
count BIGINT NOT NULL,
CONSTRAINT pk_trend_counts PRIMARY KEY (figure, dimension, day, word)
);
CREATE TABLE trend_contributors (
day INTEGER NOT NULL,
figure TEXT NOT NULL,
dimension TEXT NOT NULL,
word TEXT NOT NULL,
organisation TEXT NOT NULL,
count BIGINT NOT NULL,
CONSTRAINT pk_trend_contributors PRIMARY KEY (day, figure, dimension, word, organisation)
);
CREATE TABLE trend_durations (
figure TEXT NOT NULL,
dimension TEXT NOT NULL,
day INTEGER NOT NULL,
word TEXT NOT NULL,
bucket SMALLINT NOT NULL,
count BIGINT NOT NULL,
CONSTRAINT pk_trend_durations PRIMARY KEY (figure, dimension, day, word, bucket)
);
CREATE TABLE trend_unread (
log INTEGER NOT NULL,
added BIGINT NOT NULL,
kind TEXT NOT NULL,
organisations TEXT NOT NULL,
count BIGINT NOT NULL,
CONSTRAINT pk_trend_unread PRIMARY KEY (log, added, kind, organisations)
);
CREATE TABLE trend_delistings (
object_id TEXT NOT NULL,
log INTEGER NOT NULL,
revoked BIGINT NOT NULL,
listed BIGINT NOT NULL,
kind TEXT NOT NULL,
organisations TEXT NOT NULL,
open SMALLINT NOT NULL,
looked BIGINT NOT NULL,
CONSTRAINT pk_trend_delistings PRIMARY KEY (object_id, log, revoked)
);
CREATE TABLE trend_acted (
object_id TEXT NOT NULL,
CONSTRAINT pk_trend_acted PRIMARY KEY (object_id)
);
CREATE TABLE trend_published (
span SMALLINT NOT NULL,
day INTEGER NOT NULL,
figure TEXT NOT NULL,
dimension TEXT NOT NULL,
word TEXT NOT NULL,
measure TEXT NOT NULL,
value BIGINT NOT NULL,
CONSTRAINT pk_trend_published PRIMARY KEY (span, day, figure, dimension, word, measure)
);
CREATE TABLE source_counts (
organisation TEXT NOT NULL,
kind TEXT NOT NULL,
month INTEGER NOT NULL,
figure TEXT NOT NULL,
count BIGINT NOT NULL,
CONSTRAINT pk_source_counts PRIMARY KEY (organisation, kind, month, figure)
);
CREATE TABLE kept_accounts (
partner TEXT NOT NULL,
value BIGINT NOT NULL,
since BIGINT NOT NULL,
"left" BIGINT,
code TEXT,
answered BIGINT,
overruled BIGINT,
CONSTRAINT pk_kept_accounts PRIMARY KEY (partner, value)
);
CREATE TABLE erasures (
id TEXT NOT NULL,
kind TEXT NOT NULL,
reason TEXT NOT NULL,
proposed_by TEXT NOT NULL,
confirmed_by TEXT NOT NULL,
begun BIGINT NOT NULL,
ended BIGINT,
counts BLOB NOT NULL,
CONSTRAINT pk_erasures PRIMARY KEY (id)
);
CREATE TABLE erased_names (
digest BLOB NOT NULL,
erasure TEXT NOT NULL,
CONSTRAINT pk_erased_names PRIMARY KEY (digest),
CONSTRAINT fk_erased_names_erasure FOREIGN KEY(erasure) REFERENCES erasures (id)
);
CREATE TABLE outcome_records (
"key" TEXT NOT NULL,
partner TEXT NOT NULL,
outcome TEXT NOT NULL,
about BLOB NOT NULL,
referenced BOOLEAN NOT NULL,
kind TEXT NOT NULL,
scam_type TEXT NOT NULL,
country TEXT NOT NULL,
day INTEGER NOT NULL,
first_day INTEGER,
last_day INTEGER,
number BIGINT,
victims BIGINT,
amount TEXT,
currency TEXT NOT NULL,
stated BIGINT NOT NULL,
counted BOOLEAN NOT NULL,
CONSTRAINT pk_outcome_records PRIMARY KEY ("key")
);
CREATE TABLE outcome_totals (
day INTEGER NOT NULL,
partner TEXT NOT NULL,
outcome TEXT NOT NULL,
kind TEXT NOT NULL,
scam_type TEXT NOT NULL,
country TEXT NOT NULL,
currency TEXT NOT NULL,
records BIGINT NOT NULL,
number BIGINT NOT NULL,
victims BIGINT NOT NULL,
amount TEXT NOT NULL,
CONSTRAINT pk_outcome_totals PRIMARY KEY (day, partner, outcome, kind, scam_type, country, currency)
);
CREATE TABLE objections (
id TEXT NOT NULL,
kind TEXT NOT NULL,
ground TEXT NOT NULL,
contact BLOB,
contact_digest BLOB,
received BIGINT NOT NULL,
due BIGINT NOT NULL,
routed BIGINT,
listed BOOLEAN NOT NULL,
public BOOLEAN NOT NULL,
keeper TEXT,
answer TEXT,
reason TEXT,
decided BIGINT,
decided_by TEXT,
CONSTRAINT pk_objections PRIMARY KEY (id)
);
CREATE TABLE objection_values (
subject TEXT NOT NULL,
objection TEXT NOT NULL,
CONSTRAINT pk_objection_values PRIMARY KEY (subject, objection),
CONSTRAINT fk_objection_values_objection FOREIGN KEY(objection) REFERENCES objections (id)
);
CREATE TABLE users (
id TEXT NOT NULL,
name TEXT NOT NULL,
plain_name TEXT NOT NULL,
partner TEXT,
role TEXT NOT NULL,
password TEXT,
totp BLOB,
totp_step BIGINT NOT NULL,
wrong_codes INTEGER NOT NULL,
wrong_code_at BIGINT NOT NULL,
link BLOB,
link_expires BIGINT,
subject TEXT,
created BIGINT NOT NULL,
created_by TEXT NOT NULL, email TEXT, link_shown_to TEXT, link_made BIGINT,
CONSTRAINT pk_users PRIMARY KEY (id),
CONSTRAINT fk_users_partner FOREIGN KEY(partner) REFERENCES partners (name),
CONSTRAINT uq_users_plain_name UNIQUE (plain_name),
CONSTRAINT uq_users_link UNIQUE (link),
CONSTRAINT uq_users_subject UNIQUE (subject)
);
CREATE TABLE sessions (
hash BLOB NOT NULL,
user TEXT NOT NULL,
stage TEXT NOT NULL,
new_totp BLOB,
created BIGINT NOT NULL,
seen BIGINT NOT NULL,
expires BIGINT NOT NULL,
proven BIGINT NOT NULL, challenge BLOB,
CONSTRAINT pk_sessions PRIMARY KEY (hash),
CONSTRAINT fk_sessions_user FOREIGN KEY(user) REFERENCES users (id)
);
CREATE TABLE referrals (
id TEXT NOT NULL,
listing TEXT NOT NULL,
referred_to TEXT NOT NULL,
partner TEXT,
referred_by TEXT NOT NULL,
referred BIGINT NOT NULL,
answer TEXT,
answered BIGINT,
answered_by TEXT,
CONSTRAINT pk_referrals PRIMARY KEY (id)
);
CREATE TABLE requests (
id TEXT NOT NULL,
chain TEXT NOT NULL,
earlier TEXT,
hop INTEGER NOT NULL,
sender TEXT NOT NULL,
addressee TEXT,
sent_as TEXT NOT NULL,
subject TEXT NOT NULL,
content TEXT NOT NULL,
state TEXT NOT NULL,
agreed TEXT,
done TEXT,
opened BIGINT NOT NULL,
changed BIGINT NOT NULL,
deadline BIGINT NOT NULL,
reminded BOOLEAN NOT NULL,
hold TEXT,
hold_until BIGINT,
CONSTRAINT pk_requests PRIMARY KEY (id)
);
CREATE TABLE request_parties (
partner TEXT NOT NULL,
request TEXT NOT NULL,
role TEXT NOT NULL,
opened BIGINT NOT NULL,
CONSTRAINT pk_request_parties PRIMARY KEY (partner, request),
CONSTRAINT fk_request_parties_request FOREIGN KEY(request) REFERENCES requests (id) ON DELETE CASCADE
);
CREATE TABLE request_steps (
request TEXT NOT NULL,
number INTEGER NOT NULL,
state TEXT NOT NULL,
at BIGINT NOT NULL,
"by" TEXT NOT NULL,
amount TEXT,
currency TEXT,
reason TEXT,
went_to TEXT,
sent_as TEXT,
CONSTRAINT pk_request_steps PRIMARY KEY (request, number),
CONSTRAINT fk_request_steps_request FOREIGN KEY(request) REFERENCES requests (id) ON DELETE CASCADE
);
CREATE TABLE trend_open_outcomes (
"key" TEXT NOT NULL,
CONSTRAINT pk_trend_open_outcomes PRIMARY KEY ("key")
);
CREATE TABLE questions (
id TEXT NOT NULL,
asker TEXT,
note TEXT,
about TEXT NOT NULL,
text TEXT NOT NULL,
asked BIGINT NOT NULL,
CONSTRAINT pk_questions PRIMARY KEY (id)
);
CREATE TABLE question_recipients (
question TEXT NOT NULL,
partner TEXT NOT NULL,
answers INTEGER NOT NULL,
answer TEXT,
answered BIGINT,
CONSTRAINT pk_question_recipients PRIMARY KEY (question, partner)
);
CREATE TABLE trend_answers (
"to" TEXT NOT NULL,
kind TEXT NOT NULL,
answer TEXT NOT NULL,
began BIGINT NOT NULL,
due BIGINT,
ended BIGINT NOT NULL,
organisation TEXT NOT NULL,
organisations TEXT NOT NULL,
is_open BOOLEAN NOT NULL,
is_first BOOLEAN NOT NULL,
is_wrong BOOLEAN NOT NULL,
id TEXT NOT NULL,
CONSTRAINT pk_trend_answers PRIMARY KEY (id)
);
CREATE TABLE policies (
number INTEGER NOT NULL,
rules TEXT NOT NULL,
source TEXT NOT NULL,
since BIGINT NOT NULL,
proposed_by TEXT,
confirmed_by TEXT,
note TEXT,
CONSTRAINT pk_policies PRIMARY KEY (number)
);
CREATE TABLE allowlist_entries (
subject TEXT NOT NULL,
below BOOLEAN NOT NULL,
reason TEXT NOT NULL,
added_by TEXT NOT NULL,
added BIGINT NOT NULL,
until BIGINT,
CONSTRAINT pk_allowlist_entries PRIMARY KEY (subject)
);
CREATE TABLE passkeys (
id BLOB NOT NULL,
user TEXT NOT NULL,
name TEXT NOT NULL,
public_key BLOB NOT NULL,
signatures BIGINT NOT NULL,
created BIGINT NOT NULL,
used BIGINT,
CONSTRAINT pk_passkeys PRIMARY KEY (id),
CONSTRAINT fk_passkeys_user FOREIGN KEY(user) REFERENCES users (id)
);
CREATE TABLE login_attempts (
"key" BLOB NOT NULL,
until BIGINT NOT NULL,
CONSTRAINT pk_login_attempts PRIMARY KEY ("key")
);
CREATE TABLE feed_orders (
feed TEXT NOT NULL,
action TEXT NOT NULL,
"by" TEXT NOT NULL,
asked BIGINT NOT NULL,
begun BIGINT,
ended BIGINT,
result BLOB,
CONSTRAINT pk_feed_orders PRIMARY KEY (feed)
);
CREATE TABLE sandbox_runs (
partner TEXT NOT NULL,
number INTEGER NOT NULL,
started BIGINT NOT NULL,
base BIGINT NOT NULL,
began BIGINT,
ended BIGINT,
agent TEXT NOT NULL,
CONSTRAINT pk_sandbox_runs PRIMARY KEY (partner)
);
CREATE TABLE sandbox_changes (
partner TEXT NOT NULL,
listing TEXT NOT NULL,
change TEXT NOT NULL,
object_id TEXT NOT NULL,
added BIGINT NOT NULL,
at BIGINT NOT NULL,
until BIGINT NOT NULL,
CONSTRAINT pk_sandbox_changes PRIMARY KEY (partner, listing, change)
);
CREATE TABLE sandbox_reads (
partner TEXT NOT NULL,
"after" BIGINT NOT NULL,
up_to BIGINT NOT NULL,
at BIGINT NOT NULL,
CONSTRAINT pk_sandbox_reads PRIMARY KEY (partner, "after", up_to)
);
CREATE TABLE sandbox_answers (
partner TEXT NOT NULL,
object_id TEXT NOT NULL,
outcome TEXT NOT NULL,
at BIGINT NOT NULL,
until BIGINT,
CONSTRAINT pk_sandbox_answers PRIMARY KEY (partner, object_id, outcome)
);
CREATE TABLE client_certificates (
partner TEXT NOT NULL,
issued BIGINT NOT NULL,
number TEXT NOT NULL,
script INTEGER NOT NULL,
agent TEXT NOT NULL,
CONSTRAINT pk_client_certificates PRIMARY KEY (partner)
);
CREATE TABLE certificate_requirements (
collection INTEGER NOT NULL,
CONSTRAINT pk_certificate_requirements PRIMARY KEY (collection),
CONSTRAINT fk_certificate_requirements_collection_collections FOREIGN KEY(collection) REFERENCES collections (number)
);
CREATE TABLE ledger_trees (
collection INTEGER NOT NULL,
origin TEXT NOT NULL,
size BIGINT NOT NULL,
root BLOB NOT NULL,
sealed BIGINT NOT NULL,
last_added BIGINT NOT NULL,
noted BIGINT NOT NULL,
signed BIGINT NOT NULL,
note BLOB NOT NULL,
CONSTRAINT pk_ledger_trees PRIMARY KEY (collection),
CONSTRAINT fk_ledger_trees_collection_collections FOREIGN KEY(collection) REFERENCES collections (number),
CONSTRAINT uq_ledger_trees_origin UNIQUE (origin)
);
CREATE TABLE ledger_spans (
collection INTEGER NOT NULL,
number BIGINT NOT NULL,
last_added BIGINT NOT NULL,
entries BLOB NOT NULL,
salts BLOB NOT NULL,
CONSTRAINT pk_ledger_spans PRIMARY KEY (collection, number)
);
CREATE TABLE ledger_tiles (
collection INTEGER NOT NULL,
level SMALLINT NOT NULL,
number BIGINT NOT NULL,
hashes BLOB NOT NULL,
CONSTRAINT pk_ledger_tiles PRIMARY KEY (collection, level, number)
);
CREATE TABLE ledger_heads (
collection INTEGER NOT NULL,
size BIGINT NOT NULL,
signed BIGINT NOT NULL,
cosigned BOOLEAN NOT NULL,
hourly BOOLEAN NOT NULL,
note BLOB NOT NULL,
CONSTRAINT pk_ledger_heads PRIMARY KEY (collection, size)
);
CREATE TABLE ledger_removals (
collection INTEGER NOT NULL,
entry BIGINT NOT NULL,
removed BIGINT NOT NULL,
replacement BIGINT,
CONSTRAINT pk_ledger_removals PRIMARY KEY (collection, entry)
);
CREATE TABLE ledger_keys (
"key" TEXT NOT NULL,
since BIGINT NOT NULL,
until BIGINT,
CONSTRAINT pk_ledger_keys PRIMARY KEY ("key")
);
CREATE TABLE ledger_witnesses (
name TEXT NOT NULL,
"key" TEXT NOT NULL,
url TEXT,
added BIGINT NOT NULL,
CONSTRAINT pk_ledger_witnesses PRIMARY KEY (name),
CONSTRAINT uq_ledger_witnesses_key UNIQUE ("key")
);
CREATE TABLE ledger_witness_sizes (
collection INTEGER NOT NULL,
witness TEXT NOT NULL,
size BIGINT NOT NULL,
at BIGINT NOT NULL,
CONSTRAINT pk_ledger_witness_sizes PRIMARY KEY (collection, witness),
CONSTRAINT fk_ledger_witness_sizes_witness_ledger_witnesses FOREIGN KEY(witness) REFERENCES ledger_witnesses (name)
);
CREATE TABLE ledger_other_hubs (
name TEXT NOT NULL,
"key" TEXT NOT NULL,
added BIGINT NOT NULL,
CONSTRAINT pk_ledger_other_hubs PRIMARY KEY (name),
CONSTRAINT uq_ledger_other_hubs_key UNIQUE ("key")
);
CREATE TABLE ledger_other_logs (
origin TEXT NOT NULL,
hub TEXT NOT NULL,
size BIGINT NOT NULL,
root BLOB NOT NULL,
cosigned BIGINT NOT NULL,
CONSTRAINT pk_ledger_other_logs PRIMARY KEY (origin),
CONSTRAINT fk_ledger_other_logs_hub_ledger_other_hubs FOREIGN KEY(hub) REFERENCES ledger_other_hubs (name)
);
CREATE TABLE read_steps (
collection TEXT NOT NULL,
partner TEXT NOT NULL,
read_up_to BIGINT NOT NULL,
at BIGINT NOT NULL, login_by TEXT, login TEXT,
CONSTRAINT pk_read_steps PRIMARY KEY (collection, partner, read_up_to)
);
CREATE TABLE evidence_files (
id TEXT NOT NULL,
partner TEXT NOT NULL,
sha256 TEXT NOT NULL,
size BIGINT NOT NULL,
media_type TEXT NOT NULL,
added BIGINT NOT NULL,
place TEXT,
"key" BLOB,
token BLOB,
CONSTRAINT pk_evidence_files PRIMARY KEY (id),
CONSTRAINT uq_evidence_files_partner UNIQUE (partner, sha256)
);
CREATE TABLE evidence_links (
evidence TEXT NOT NULL,
object TEXT NOT NULL,
CONSTRAINT pk_evidence_links PRIMARY KEY (evidence, object),
CONSTRAINT fk_evidence_links_evidence FOREIGN KEY(evidence) REFERENCES evidence_files (id) ON DELETE CASCADE
);
CREATE TABLE evidence_members (
object TEXT NOT NULL,
partner TEXT NOT NULL,
since BIGINT NOT NULL,
"by" TEXT NOT NULL,
CONSTRAINT pk_evidence_members PRIMARY KEY (object, partner)
);
CREATE TABLE evidence_custody (
evidence TEXT NOT NULL,
number INTEGER NOT NULL,
at BIGINT NOT NULL,
"by" TEXT NOT NULL,
action TEXT NOT NULL,
partner TEXT,
hash BLOB NOT NULL,
CONSTRAINT pk_evidence_custody PRIMARY KEY (evidence, number),
CONSTRAINT fk_evidence_custody_evidence FOREIGN KEY(evidence) REFERENCES evidence_files (id) ON DELETE CASCADE
);
CREATE TABLE evidence_leftovers (
place TEXT NOT NULL,
since BIGINT NOT NULL,
CONSTRAINT pk_evidence_leftovers PRIMARY KEY (place)
);
CREATE TABLE ledger_statements (
collection INTEGER NOT NULL,
entry BIGINT NOT NULL,
about TEXT NOT NULL,
body BLOB NOT NULL,
CONSTRAINT pk_ledger_statements PRIMARY KEY (collection, entry)
);
CREATE TABLE "objection_tokens" (
digest BLOB NOT NULL,
objection TEXT NOT NULL,
due BIGINT NOT NULL,
CONSTRAINT pk_objection_tokens PRIMARY KEY (digest),
CONSTRAINT fk_objection_tokens_objection FOREIGN KEY(objection) REFERENCES objections (id)
);
CREATE INDEX ix_audit_first ON audit (first);
CREATE UNIQUE INDEX ix_collections_owner ON collections (owner, use);
CREATE UNIQUE INDEX ix_partners_space ON partners (space);
CREATE INDEX ix_receipts_open ON receipts (partner, collection, revoked_at, opened) WHERE closed IS NULL;
CREATE INDEX ix_receipts_opened ON receipts (opened);
CREATE INDEX ix_retractions_opened ON retractions (opened);
CREATE INDEX ix_reviews_state ON reviews (state, opened);
CREATE INDEX ix_reviews_subject ON reviews (subject);
CREATE INDEX ix_statuses_created ON statuses (created);
CREATE INDEX ix_objects_latest ON objects (collection, date_added, type, latest, observable_type) WHERE latest > 0;
CREATE INDEX ix_objects_id ON objects (id_high, collection, space);
CREATE INDEX ix_objects_observable ON objects (observable_high) WHERE observable_high IS NOT NULL;
CREATE INDEX ix_objects_relationship ON objects (relationship_high) WHERE relationship_high IS NOT NULL;
CREATE INDEX ix_collections_log ON collections (log);
CREATE INDEX ix_objects_value ON objects (value, collection) WHERE value IS NOT NULL;
CREATE INDEX ix_objects_revoked ON objects (collection, date_added) WHERE revoked;
CREATE INDEX ix_match_rows_added ON match_rows (collection, epoch, added);
CREATE INDEX ix_match_rows_removed ON match_rows (collection, epoch, removed) WHERE removed IS NOT NULL;
CREATE INDEX ix_match_rows_ends ON match_rows (collection, epoch, ends) WHERE removed IS NULL AND ends IS NOT NULL;
CREATE INDEX ix_proposals_state ON proposals (state, proposed);
CREATE INDEX ix_trend_delistings_looked ON trend_delistings (looked);
CREATE INDEX ix_kept_accounts_value ON kept_accounts (value);
CREATE INDEX ix_kept_accounts_open ON kept_accounts (since) WHERE answered IS NULL AND "left" IS NULL;
CREATE INDEX ix_outcome_records_partner ON outcome_records (partner, about);
CREATE INDEX ix_outcome_totals_partner ON outcome_totals (partner, day);
CREATE INDEX ix_objections_received ON objections (received);
CREATE INDEX ix_objections_answer ON objections (answer, due);
CREATE INDEX ix_objection_values_objection ON objection_values (objection);
CREATE INDEX ix_users_partner ON users (partner);
CREATE INDEX ix_sessions_user ON sessions (user);
CREATE INDEX ix_sessions_expires ON sessions (expires);
CREATE INDEX ix_referrals_answered ON referrals (answered, referred);
CREATE INDEX requests_by_state ON requests (state, deadline);
CREATE UNIQUE INDEX requests_of_sender ON requests (sender, sent_as);
CREATE INDEX requests_opened ON requests (sender, opened);
CREATE INDEX requests_of_sender_by_state ON requests (sender, state);
CREATE INDEX requests_of_chain ON requests (chain);
CREATE INDEX requests_of_subject ON requests (subject);
CREATE INDEX requests_holding ON requests (hold_until);
CREATE INDEX request_parties_by_time ON request_parties (partner, opened);
CREATE INDEX request_parties_of_request ON request_parties (request);
CREATE INDEX ix_outcome_records_day ON outcome_records (day);
CREATE INDEX ix_questions_asker ON questions (asker, asked);
CREATE INDEX ix_kept_accounts_waiting ON kept_accounts (partner, since) WHERE answered IS NULL AND "left" IS NULL;
CREATE INDEX ix_kept_accounts_answered ON kept_accounts (partner, answered) WHERE answered IS NOT NULL;
CREATE INDEX ix_reviews_rule ON reviews (state, rule, opened);
CREATE INDEX ix_reviews_partner ON reviews (state, partner, opened);
CREATE INDEX ix_passkeys_user ON passkeys (user);
CREATE INDEX ix_login_attempts_until ON login_attempts (until);
CREATE INDEX ix_ledger_spans_collection_last_added ON ledger_spans (collection, last_added);
CREATE INDEX ix_ledger_removals_collection_removed ON ledger_removals (collection, removed);
CREATE INDEX ix_read_steps_at ON read_steps (at);
CREATE INDEX requests_unaddressed ON requests (state, deadline) WHERE addressee IS NULL;
CREATE INDEX ix_questions_asked ON questions (asked);
CREATE INDEX ix_evidence_files_sha256 ON evidence_files (sha256);
CREATE INDEX ix_evidence_files_added ON evidence_files (added);
CREATE INDEX ix_evidence_links_object ON evidence_links (object);
CREATE INDEX ix_ledger_statements_collection_about_entry ON ledger_statements (collection, about, entry);
CREATE INDEX ix_proposals_proposed_by ON proposals (proposed_by, state);
CREATE INDEX ix_proposals_proposed ON proposals (proposed, id);
CREATE INDEX ix_evidence_members_partner ON evidence_members (partner);
CREATE INDEX ix_objection_tokens_objection ON objection_tokens (objection);
