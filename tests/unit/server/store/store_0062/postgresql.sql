CREATE TABLE activity (
    what text NOT NULL,
    name text NOT NULL,
    hour integer NOT NULL
);
CREATE TABLE alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE allowlist_entries (
    subject text NOT NULL,
    below boolean NOT NULL,
    reason text NOT NULL,
    added_by text NOT NULL,
    added bigint NOT NULL,
    until bigint
);
CREATE TABLE audit (
    chain text NOT NULL,
    number bigint NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    requests bigint NOT NULL,
    partner text,
    remote text NOT NULL,
    method text NOT NULL,
    route text NOT NULL,
    collection text,
    status smallint NOT NULL,
    objects bigint NOT NULL,
    reference text,
    hash bytea NOT NULL
);
CREATE TABLE audit_ends (
    chain text NOT NULL,
    number bigint NOT NULL,
    hash bytea NOT NULL
);
CREATE TABLE audit_starts (
    chain text NOT NULL,
    number bigint NOT NULL,
    hash bytea NOT NULL
);
CREATE TABLE calibrations (
    partner text NOT NULL,
    kind text NOT NULL,
    judge text NOT NULL,
    confirmed bigint NOT NULL,
    wrong bigint NOT NULL,
    brier_sum double precision NOT NULL,
    credit double precision NOT NULL,
    debit double precision NOT NULL,
    loss double precision NOT NULL
);
CREATE TABLE certificate_requirements (
    collection integer NOT NULL
);
CREATE TABLE certificates (
    fingerprint bytea NOT NULL,
    partner text NOT NULL,
    created bigint NOT NULL,
    expires bigint
);
CREATE TABLE checkpoints (
    feed text NOT NULL,
    body bytea NOT NULL,
    saved bigint NOT NULL
);
CREATE TABLE client_certificates (
    partner text NOT NULL,
    issued bigint NOT NULL,
    number text NOT NULL,
    script integer NOT NULL,
    agent text NOT NULL
);
CREATE TABLE collections (
    number integer NOT NULL,
    id text NOT NULL,
    alias text NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    kind text NOT NULL,
    created bigint NOT NULL,
    last_added bigint NOT NULL,
    owner text,
    use text,
    timeline integer DEFAULT 0 NOT NULL,
    log integer DEFAULT 0 NOT NULL,
    part smallint DEFAULT 1 NOT NULL,
    objects bigint DEFAULT 0 NOT NULL
);
CREATE TABLE credentials (
    partner text NOT NULL,
    password_hash text NOT NULL,
    token_hash bytea NOT NULL,
    created bigint NOT NULL,
    expires bigint
);
CREATE TABLE dead_letters (
    feed text NOT NULL,
    id text NOT NULL,
    subject text NOT NULL,
    body bytea NOT NULL,
    reason text NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    attempts integer NOT NULL
);
CREATE TABLE delisted (
    name text NOT NULL,
    since bigint NOT NULL
);
CREATE TABLE deliveries (
    feed text NOT NULL,
    partner text NOT NULL,
    object_id text NOT NULL,
    version bigint NOT NULL,
    delivered bigint NOT NULL,
    answer text NOT NULL,
    attempts smallint NOT NULL
);
CREATE TABLE dictionaries (
    number integer NOT NULL,
    made bigint NOT NULL,
    bytes bytea NOT NULL
);
CREATE TABLE digest_buckets (
    collection integer NOT NULL,
    minute bigint NOT NULL,
    active bigint NOT NULL,
    sum bytea NOT NULL
);
CREATE TABLE digests (
    collection integer NOT NULL,
    folded bigint NOT NULL,
    target bigint,
    minute bigint NOT NULL,
    active bigint NOT NULL,
    sum bytea NOT NULL
);
CREATE TABLE erased_names (
    digest bytea NOT NULL,
    erasure text NOT NULL
);
CREATE TABLE erasures (
    id text NOT NULL,
    kind text NOT NULL,
    reason text NOT NULL,
    proposed_by text NOT NULL,
    confirmed_by text NOT NULL,
    begun bigint NOT NULL,
    ended bigint,
    counts bytea NOT NULL
);
CREATE TABLE evidence_custody (
    evidence text NOT NULL,
    number integer NOT NULL,
    at bigint NOT NULL,
    by text NOT NULL,
    action text NOT NULL,
    partner text,
    hash bytea NOT NULL
);
CREATE TABLE evidence_files (
    id text NOT NULL,
    partner text NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    media_type text NOT NULL,
    added bigint NOT NULL,
    place text,
    key bytea,
    token bytea
);
CREATE TABLE evidence_leftovers (
    place text NOT NULL,
    since bigint NOT NULL
);
CREATE TABLE evidence_links (
    evidence text NOT NULL,
    object text NOT NULL
);
CREATE TABLE evidence_members (
    object text NOT NULL,
    partner text NOT NULL,
    since bigint NOT NULL,
    by text NOT NULL
);
CREATE TABLE fact_versions (
    name text NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE feed_orders (
    feed text NOT NULL,
    action text NOT NULL,
    by text NOT NULL,
    asked bigint NOT NULL,
    begun bigint,
    ended bigint,
    result bytea
);
CREATE TABLE feed_states (
    feed text NOT NULL,
    started bigint,
    ended bigint,
    succeeded bigint,
    failures integer NOT NULL,
    retry_at bigint NOT NULL,
    stopped bigint,
    runs bigint NOT NULL,
    failed bigint NOT NULL,
    read bigint NOT NULL,
    accepted bigint NOT NULL,
    rejected bigint NOT NULL
);
CREATE TABLE files_read (
    feed text NOT NULL,
    digest text NOT NULL,
    name text NOT NULL,
    seen bigint NOT NULL
);
CREATE TABLE first_reads (
    collection text NOT NULL,
    read_up_to bigint NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE focal_points (
    partner text NOT NULL,
    function text NOT NULL,
    contact text NOT NULL
);
CREATE TABLE former_grants (
    partner text NOT NULL,
    collection integer NOT NULL,
    granted bigint NOT NULL
);
CREATE TABLE grants (
    partner text NOT NULL,
    collection integer NOT NULL,
    can_read boolean NOT NULL,
    can_write boolean NOT NULL,
    granted bigint DEFAULT 0 NOT NULL
);
CREATE TABLE heartbeats (
    part text NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE hub_identity (
    number integer NOT NULL,
    identity text NOT NULL,
    name text NOT NULL,
    created bigint NOT NULL,
    modified bigint NOT NULL,
    secret bytea NOT NULL
);
CREATE TABLE jobs (
    name text NOT NULL,
    state bytea NOT NULL,
    begun bigint NOT NULL,
    saved bigint NOT NULL,
    ended bigint
);
CREATE TABLE kept_accounts (
    partner text NOT NULL,
    value bigint NOT NULL,
    since bigint NOT NULL,
    "left" bigint,
    code text,
    answered bigint,
    overruled bigint
);
CREATE TABLE leases (
    feed text NOT NULL,
    holder text NOT NULL,
    token bigint NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE ledger_heads (
    collection integer NOT NULL,
    size bigint NOT NULL,
    signed bigint NOT NULL,
    cosigned boolean NOT NULL,
    hourly boolean NOT NULL,
    note bytea NOT NULL
);
CREATE TABLE ledger_keys (
    key text NOT NULL,
    since bigint NOT NULL,
    until bigint
);
CREATE TABLE ledger_other_hubs (
    name text NOT NULL,
    key text NOT NULL,
    added bigint NOT NULL
);
CREATE TABLE ledger_other_logs (
    origin text NOT NULL,
    hub text NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    cosigned bigint NOT NULL
);
CREATE TABLE ledger_removals (
    collection integer NOT NULL,
    entry bigint NOT NULL,
    removed bigint NOT NULL,
    replacement bigint
);
CREATE TABLE ledger_spans (
    collection integer NOT NULL,
    number bigint NOT NULL,
    last_added bigint NOT NULL,
    entries bytea NOT NULL,
    salts bytea NOT NULL
);
CREATE TABLE ledger_statements (
    collection integer NOT NULL,
    entry bigint NOT NULL,
    about text NOT NULL,
    body bytea NOT NULL
);
CREATE TABLE ledger_tiles (
    collection integer NOT NULL,
    level smallint NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL
);
CREATE TABLE ledger_trees (
    collection integer NOT NULL,
    origin text NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    sealed bigint NOT NULL,
    last_added bigint NOT NULL,
    noted bigint NOT NULL,
    signed bigint NOT NULL,
    note bytea NOT NULL
);
CREATE TABLE ledger_witness_sizes (
    collection integer NOT NULL,
    witness text NOT NULL,
    size bigint NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE ledger_witnesses (
    name text NOT NULL,
    key text NOT NULL,
    url text,
    added bigint NOT NULL
);
CREATE TABLE login_attempts (
    key bytea NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE match_grants (
    partner text NOT NULL,
    collection integer NOT NULL,
    since bigint DEFAULT 0 NOT NULL
);
CREATE TABLE match_rows (
    collection integer NOT NULL,
    epoch integer NOT NULL,
    name bytea NOT NULL,
    sealed bytea NOT NULL,
    ends bigint,
    added bigint NOT NULL,
    removed bigint
);
CREATE TABLE match_sets (
    collection integer NOT NULL,
    epoch integer NOT NULL,
    public bytea NOT NULL,
    version bigint NOT NULL,
    kept_from bigint NOT NULL,
    read_up_to bigint NOT NULL,
    changed boolean NOT NULL,
    issued bigint NOT NULL,
    size bigint NOT NULL,
    bits smallint NOT NULL,
    sha256 bytea NOT NULL,
    holder text NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE migration_lock (
    id integer NOT NULL
);
CREATE TABLE objection_tokens (
    digest bytea NOT NULL,
    objection text NOT NULL,
    due bigint NOT NULL
);
CREATE TABLE objection_values (
    subject text NOT NULL,
    objection text NOT NULL
);
CREATE TABLE objections (
    id text NOT NULL,
    kind text NOT NULL,
    ground text NOT NULL,
    contact bytea,
    contact_digest bytea,
    received bigint NOT NULL,
    due bigint NOT NULL,
    routed bigint,
    listed boolean NOT NULL,
    public boolean NOT NULL,
    keeper text,
    answer text,
    reason text,
    decided bigint,
    decided_by text
);
CREATE TABLE objects (
    date_added bigint NOT NULL,
    id_high bigint NOT NULL,
    id_low bigint NOT NULL,
    value bigint,
    version bigint,
    observable_high bigint,
    observable_low bigint,
    relationship_high bigint,
    relationship_low bigint,
    relationship_version bigint,
    collection integer NOT NULL,
    space integer NOT NULL,
    type smallint NOT NULL,
    observable_type smallint NOT NULL,
    spec_version smallint NOT NULL,
    parts smallint NOT NULL,
    latest smallint NOT NULL,
    legacy smallint NOT NULL,
    revoked boolean NOT NULL,
    type_name text,
    id_text text,
    body bytea NOT NULL
);
CREATE TABLE outcome_records (
    key text NOT NULL,
    partner text NOT NULL,
    outcome text NOT NULL,
    about bytea NOT NULL,
    referenced boolean NOT NULL,
    kind text NOT NULL,
    scam_type text NOT NULL,
    country text NOT NULL,
    day integer NOT NULL,
    first_day integer,
    last_day integer,
    number bigint,
    victims bigint,
    amount text,
    currency text NOT NULL,
    stated bigint NOT NULL,
    counted boolean NOT NULL
);
CREATE TABLE outcome_totals (
    day integer NOT NULL,
    partner text NOT NULL,
    outcome text NOT NULL,
    kind text NOT NULL,
    scam_type text NOT NULL,
    country text NOT NULL,
    currency text NOT NULL,
    records bigint NOT NULL,
    number bigint NOT NULL,
    victims bigint NOT NULL,
    amount text NOT NULL
);
CREATE TABLE own_values (
    subject text NOT NULL,
    partner text NOT NULL
);
CREATE TABLE partners (
    name text NOT NULL,
    kind text NOT NULL,
    country text,
    identity text NOT NULL,
    space integer NOT NULL,
    created bigint NOT NULL,
    trusted boolean NOT NULL,
    authority text NOT NULL,
    institutions text NOT NULL,
    forwards boolean NOT NULL,
    named boolean NOT NULL,
    organisation text,
    modified bigint NOT NULL,
    "left" bigint,
    shown_publicly boolean DEFAULT false NOT NULL,
    former_institutions text DEFAULT '[]'::text NOT NULL
);
CREATE TABLE passkeys (
    id bytea NOT NULL,
    "user" text NOT NULL,
    name text NOT NULL,
    public_key bytea NOT NULL,
    signatures bigint NOT NULL,
    created bigint NOT NULL,
    used bigint
);
CREATE TABLE policies (
    number integer NOT NULL,
    rules text NOT NULL,
    source text NOT NULL,
    since bigint NOT NULL,
    proposed_by text,
    confirmed_by text,
    note text
);
CREATE TABLE proposals (
    id text NOT NULL,
    action text NOT NULL,
    arguments bytea NOT NULL,
    effects bytea NOT NULL,
    basis bytea NOT NULL,
    note text,
    proposed_by text NOT NULL,
    proposed bigint NOT NULL,
    expires bigint NOT NULL,
    state text NOT NULL,
    decided_by text,
    decided bigint
);
CREATE TABLE published_ids (
    key text NOT NULL,
    id text NOT NULL
);
CREATE TABLE question_recipients (
    question text NOT NULL,
    partner text NOT NULL,
    answers integer NOT NULL,
    answer text,
    answered bigint
);
CREATE TABLE questions (
    id text NOT NULL,
    asker text,
    note text,
    about text NOT NULL,
    text text NOT NULL,
    asked bigint NOT NULL
);
CREATE TABLE quotas (
    partner text NOT NULL,
    unit text NOT NULL,
    began bigint NOT NULL,
    used bigint NOT NULL
);
CREATE TABLE read_positions (
    collection text NOT NULL,
    partner text NOT NULL,
    read_up_to bigint NOT NULL,
    asked bigint NOT NULL
);
CREATE TABLE read_steps (
    collection text NOT NULL,
    partner text NOT NULL,
    read_up_to bigint NOT NULL,
    at bigint NOT NULL,
    login_by text,
    login text
);
CREATE TABLE receipts (
    object_id text NOT NULL,
    collection text NOT NULL,
    partner text NOT NULL,
    opened bigint NOT NULL,
    revoked_at bigint NOT NULL,
    version bigint NOT NULL,
    closed bigint,
    how text
);
CREATE TABLE referrals (
    id text NOT NULL,
    listing text NOT NULL,
    referred_to text NOT NULL,
    partner text,
    referred_by text NOT NULL,
    referred bigint NOT NULL,
    answer text,
    answered bigint,
    answered_by text
);
CREATE TABLE request_parties (
    partner text NOT NULL,
    request text NOT NULL,
    role text NOT NULL,
    opened bigint NOT NULL
);
CREATE TABLE request_steps (
    request text NOT NULL,
    number integer NOT NULL,
    state text NOT NULL,
    at bigint NOT NULL,
    by text NOT NULL,
    amount text,
    currency text,
    reason text,
    went_to text,
    sent_as text
);
CREATE TABLE requests (
    id text NOT NULL,
    chain text NOT NULL,
    earlier text,
    hop integer NOT NULL,
    sender text NOT NULL,
    addressee text,
    sent_as text NOT NULL,
    subject text NOT NULL,
    content text NOT NULL,
    state text NOT NULL,
    agreed text,
    done text,
    opened bigint NOT NULL,
    changed bigint NOT NULL,
    deadline bigint NOT NULL,
    reminded boolean NOT NULL,
    hold text,
    hold_until bigint
);
CREATE TABLE retractions (
    object_id text NOT NULL,
    collection text NOT NULL,
    opened bigint NOT NULL,
    revoked_at bigint NOT NULL,
    version bigint NOT NULL,
    reason text NOT NULL
);
CREATE TABLE reviews (
    object_id text NOT NULL,
    version bigint,
    partner text NOT NULL,
    rule text NOT NULL,
    message text NOT NULL,
    opened bigint NOT NULL,
    state text NOT NULL,
    decided bigint,
    decided_by text,
    note text,
    subject text,
    upheld bigint
);
CREATE TABLE rewrites (
    collection integer NOT NULL,
    span bigint NOT NULL,
    count bigint NOT NULL
);
CREATE TABLE runs (
    feed text NOT NULL,
    started bigint NOT NULL,
    id text NOT NULL,
    ended bigint NOT NULL,
    read bigint NOT NULL,
    accepted bigint NOT NULL,
    rejected bigint NOT NULL,
    error text,
    unread bytea,
    status integer
);
CREATE TABLE sandbox_answers (
    partner text NOT NULL,
    object_id text NOT NULL,
    outcome text NOT NULL,
    at bigint NOT NULL,
    until bigint
);
CREATE TABLE sandbox_changes (
    partner text NOT NULL,
    listing text NOT NULL,
    change text NOT NULL,
    object_id text NOT NULL,
    added bigint NOT NULL,
    at bigint NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE sandbox_reads (
    partner text NOT NULL,
    after bigint NOT NULL,
    up_to bigint NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE sandbox_runs (
    partner text NOT NULL,
    number integer NOT NULL,
    started bigint NOT NULL,
    base bigint NOT NULL,
    began bigint,
    ended bigint,
    agent text NOT NULL
);
CREATE TABLE sessions (
    hash bytea NOT NULL,
    "user" text NOT NULL,
    stage text NOT NULL,
    new_totp bytea,
    created bigint NOT NULL,
    seen bigint NOT NULL,
    expires bigint NOT NULL,
    proven bigint NOT NULL,
    challenge bytea
);
CREATE TABLE shared_quotas (
    unit text NOT NULL,
    began bigint NOT NULL,
    used bigint NOT NULL
);
CREATE TABLE silences (
    what text NOT NULL,
    name text NOT NULL,
    since bigint NOT NULL,
    usual bigint NOT NULL,
    found bigint NOT NULL,
    told bytea NOT NULL
);
CREATE TABLE source_counts (
    organisation text NOT NULL,
    kind text NOT NULL,
    month integer NOT NULL,
    figure text NOT NULL,
    count bigint NOT NULL
);
CREATE TABLE statuses (
    api_root text NOT NULL,
    id text NOT NULL,
    partner text NOT NULL,
    created bigint NOT NULL,
    body bytea NOT NULL
);
CREATE TABLE subjects (
    number bigint NOT NULL,
    subject text NOT NULL
);
CREATE TABLE throttles (
    partner text NOT NULL,
    rule text NOT NULL,
    since bigint NOT NULL,
    lifted bigint
);
CREATE TABLE trend_acted (
    object_id text NOT NULL
);
CREATE TABLE trend_answers (
    "to" text NOT NULL,
    kind text NOT NULL,
    answer text NOT NULL,
    began bigint NOT NULL,
    due bigint,
    ended bigint NOT NULL,
    organisation text NOT NULL,
    organisations text NOT NULL,
    is_open boolean NOT NULL,
    is_first boolean NOT NULL,
    is_wrong boolean NOT NULL,
    id text NOT NULL
);
CREATE TABLE trend_contributors (
    day integer NOT NULL,
    figure text NOT NULL,
    dimension text NOT NULL,
    word text NOT NULL,
    organisation text NOT NULL,
    count bigint NOT NULL
);
CREATE TABLE trend_counts (
    figure text NOT NULL,
    dimension text NOT NULL,
    day integer NOT NULL,
    word text NOT NULL,
    count bigint NOT NULL
);
CREATE TABLE trend_delistings (
    object_id text NOT NULL,
    log integer NOT NULL,
    revoked bigint NOT NULL,
    listed bigint NOT NULL,
    kind text NOT NULL,
    organisations text NOT NULL,
    open smallint NOT NULL,
    looked bigint NOT NULL
);
CREATE TABLE trend_durations (
    figure text NOT NULL,
    dimension text NOT NULL,
    day integer NOT NULL,
    word text NOT NULL,
    bucket smallint NOT NULL,
    count bigint NOT NULL
);
CREATE TABLE trend_open_outcomes (
    key text NOT NULL
);
CREATE TABLE trend_progress (
    name text NOT NULL,
    place bigint NOT NULL
);
CREATE TABLE trend_published (
    span smallint NOT NULL,
    day integer NOT NULL,
    figure text NOT NULL,
    dimension text NOT NULL,
    word text NOT NULL,
    measure text NOT NULL,
    value bigint NOT NULL
);
CREATE TABLE trend_unread (
    log integer NOT NULL,
    added bigint NOT NULL,
    kind text NOT NULL,
    organisations text NOT NULL,
    count bigint NOT NULL
);
CREATE TABLE users (
    id text NOT NULL,
    name text NOT NULL,
    plain_name text NOT NULL,
    partner text,
    role text NOT NULL,
    password text,
    totp bytea,
    totp_step bigint NOT NULL,
    wrong_codes integer NOT NULL,
    wrong_code_at bigint NOT NULL,
    link bytea,
    link_expires bigint,
    subject text,
    created bigint NOT NULL,
    created_by text NOT NULL,
    email text,
    link_shown_to text,
    link_made bigint
);
CREATE TABLE value_index (
    subject text NOT NULL,
    inbox_key text NOT NULL
);
CREATE TABLE verifications (
    feed text NOT NULL,
    at bigint NOT NULL,
    state text NOT NULL,
    answer text NOT NULL,
    well boolean NOT NULL
);
CREATE TABLE verified_logins (
    partner text NOT NULL,
    digest bytea NOT NULL,
    token_hash bytea NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE volumes (
    partner text NOT NULL,
    day integer NOT NULL,
    received bigint NOT NULL,
    held bigint NOT NULL,
    doubts bigint NOT NULL
);
CREATE TABLE warnings (
    name text NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    count bigint NOT NULL
);
ALTER TABLE ONLY alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY activity
    ADD CONSTRAINT pk_activity PRIMARY KEY (what, name, hour);
ALTER TABLE ONLY allowlist_entries
    ADD CONSTRAINT pk_allowlist_entries PRIMARY KEY (subject);
ALTER TABLE ONLY audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (chain, number);
ALTER TABLE ONLY audit_ends
    ADD CONSTRAINT pk_audit_ends PRIMARY KEY (chain);
ALTER TABLE ONLY audit_starts
    ADD CONSTRAINT pk_audit_starts PRIMARY KEY (chain);
ALTER TABLE ONLY calibrations
    ADD CONSTRAINT pk_calibrations PRIMARY KEY (partner, kind, judge);
ALTER TABLE ONLY certificate_requirements
    ADD CONSTRAINT pk_certificate_requirements PRIMARY KEY (collection);
ALTER TABLE ONLY certificates
    ADD CONSTRAINT pk_certificates PRIMARY KEY (fingerprint);
ALTER TABLE ONLY checkpoints
    ADD CONSTRAINT pk_checkpoints PRIMARY KEY (feed);
ALTER TABLE ONLY client_certificates
    ADD CONSTRAINT pk_client_certificates PRIMARY KEY (partner);
ALTER TABLE ONLY collections
    ADD CONSTRAINT pk_collections PRIMARY KEY (number);
ALTER TABLE ONLY credentials
    ADD CONSTRAINT pk_credentials PRIMARY KEY (partner, token_hash);
ALTER TABLE ONLY dead_letters
    ADD CONSTRAINT pk_dead_letters PRIMARY KEY (feed, id);
ALTER TABLE ONLY delisted
    ADD CONSTRAINT pk_delisted PRIMARY KEY (name);
ALTER TABLE ONLY deliveries
    ADD CONSTRAINT pk_deliveries PRIMARY KEY (feed, partner, object_id, version);
ALTER TABLE ONLY dictionaries
    ADD CONSTRAINT pk_dictionaries PRIMARY KEY (number);
ALTER TABLE ONLY digest_buckets
    ADD CONSTRAINT pk_digest_buckets PRIMARY KEY (collection, minute);
ALTER TABLE ONLY digests
    ADD CONSTRAINT pk_digests PRIMARY KEY (collection);
ALTER TABLE ONLY erased_names
    ADD CONSTRAINT pk_erased_names PRIMARY KEY (digest);
ALTER TABLE ONLY erasures
    ADD CONSTRAINT pk_erasures PRIMARY KEY (id);
ALTER TABLE ONLY evidence_custody
    ADD CONSTRAINT pk_evidence_custody PRIMARY KEY (evidence, number);
ALTER TABLE ONLY evidence_files
    ADD CONSTRAINT pk_evidence_files PRIMARY KEY (id);
ALTER TABLE ONLY evidence_leftovers
    ADD CONSTRAINT pk_evidence_leftovers PRIMARY KEY (place);
ALTER TABLE ONLY evidence_links
    ADD CONSTRAINT pk_evidence_links PRIMARY KEY (evidence, object);
ALTER TABLE ONLY evidence_members
    ADD CONSTRAINT pk_evidence_members PRIMARY KEY (object, partner);
ALTER TABLE ONLY fact_versions
    ADD CONSTRAINT pk_fact_versions PRIMARY KEY (name);
ALTER TABLE ONLY feed_orders
    ADD CONSTRAINT pk_feed_orders PRIMARY KEY (feed);
ALTER TABLE ONLY feed_states
    ADD CONSTRAINT pk_feed_states PRIMARY KEY (feed);
ALTER TABLE ONLY files_read
    ADD CONSTRAINT pk_files_read PRIMARY KEY (feed, digest);
ALTER TABLE ONLY first_reads
    ADD CONSTRAINT pk_first_reads PRIMARY KEY (collection, read_up_to);
ALTER TABLE ONLY focal_points
    ADD CONSTRAINT pk_focal_points PRIMARY KEY (partner, function);
ALTER TABLE ONLY former_grants
    ADD CONSTRAINT pk_former_grants PRIMARY KEY (partner, collection);
ALTER TABLE ONLY grants
    ADD CONSTRAINT pk_grants PRIMARY KEY (partner, collection);
ALTER TABLE ONLY heartbeats
    ADD CONSTRAINT pk_heartbeats PRIMARY KEY (part);
ALTER TABLE ONLY hub_identity
    ADD CONSTRAINT pk_hub_identity PRIMARY KEY (number);
ALTER TABLE ONLY jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (name);
ALTER TABLE ONLY kept_accounts
    ADD CONSTRAINT pk_kept_accounts PRIMARY KEY (partner, value);
ALTER TABLE ONLY leases
    ADD CONSTRAINT pk_leases PRIMARY KEY (feed);
ALTER TABLE ONLY ledger_heads
    ADD CONSTRAINT pk_ledger_heads PRIMARY KEY (collection, size);
ALTER TABLE ONLY ledger_keys
    ADD CONSTRAINT pk_ledger_keys PRIMARY KEY (key);
ALTER TABLE ONLY ledger_other_hubs
    ADD CONSTRAINT pk_ledger_other_hubs PRIMARY KEY (name);
ALTER TABLE ONLY ledger_other_logs
    ADD CONSTRAINT pk_ledger_other_logs PRIMARY KEY (origin);
ALTER TABLE ONLY ledger_removals
    ADD CONSTRAINT pk_ledger_removals PRIMARY KEY (collection, entry);
ALTER TABLE ONLY ledger_spans
    ADD CONSTRAINT pk_ledger_spans PRIMARY KEY (collection, number);
ALTER TABLE ONLY ledger_statements
    ADD CONSTRAINT pk_ledger_statements PRIMARY KEY (collection, entry);
ALTER TABLE ONLY ledger_tiles
    ADD CONSTRAINT pk_ledger_tiles PRIMARY KEY (collection, level, number);
ALTER TABLE ONLY ledger_trees
    ADD CONSTRAINT pk_ledger_trees PRIMARY KEY (collection);
ALTER TABLE ONLY ledger_witness_sizes
    ADD CONSTRAINT pk_ledger_witness_sizes PRIMARY KEY (collection, witness);
ALTER TABLE ONLY ledger_witnesses
    ADD CONSTRAINT pk_ledger_witnesses PRIMARY KEY (name);
ALTER TABLE ONLY login_attempts
    ADD CONSTRAINT pk_login_attempts PRIMARY KEY (key);
ALTER TABLE ONLY match_grants
    ADD CONSTRAINT pk_match_grants PRIMARY KEY (partner, collection);
ALTER TABLE ONLY match_rows
    ADD CONSTRAINT pk_match_rows PRIMARY KEY (collection, epoch, name);
ALTER TABLE ONLY match_sets
    ADD CONSTRAINT pk_match_sets PRIMARY KEY (collection, epoch);
ALTER TABLE ONLY migration_lock
    ADD CONSTRAINT pk_migration_lock PRIMARY KEY (id);
ALTER TABLE ONLY objection_tokens
    ADD CONSTRAINT pk_objection_tokens PRIMARY KEY (digest);
ALTER TABLE ONLY objection_values
    ADD CONSTRAINT pk_objection_values PRIMARY KEY (subject, objection);
ALTER TABLE ONLY objections
    ADD CONSTRAINT pk_objections PRIMARY KEY (id);
ALTER TABLE ONLY objects
    ADD CONSTRAINT pk_objects PRIMARY KEY (collection, date_added, parts);
ALTER TABLE ONLY outcome_records
    ADD CONSTRAINT pk_outcome_records PRIMARY KEY (key);
ALTER TABLE ONLY outcome_totals
    ADD CONSTRAINT pk_outcome_totals PRIMARY KEY (day, partner, outcome, kind, scam_type, country, currency);
ALTER TABLE ONLY own_values
    ADD CONSTRAINT pk_own_values PRIMARY KEY (subject);
ALTER TABLE ONLY partners
    ADD CONSTRAINT pk_partners PRIMARY KEY (name);
ALTER TABLE ONLY passkeys
    ADD CONSTRAINT pk_passkeys PRIMARY KEY (id);
ALTER TABLE ONLY policies
    ADD CONSTRAINT pk_policies PRIMARY KEY (number);
ALTER TABLE ONLY proposals
    ADD CONSTRAINT pk_proposals PRIMARY KEY (id);
ALTER TABLE ONLY published_ids
    ADD CONSTRAINT pk_published_ids PRIMARY KEY (key);
ALTER TABLE ONLY question_recipients
    ADD CONSTRAINT pk_question_recipients PRIMARY KEY (question, partner);
ALTER TABLE ONLY questions
    ADD CONSTRAINT pk_questions PRIMARY KEY (id);
ALTER TABLE ONLY quotas
    ADD CONSTRAINT pk_quotas PRIMARY KEY (partner, unit);
ALTER TABLE ONLY read_positions
    ADD CONSTRAINT pk_read_positions PRIMARY KEY (collection, partner);
ALTER TABLE ONLY read_steps
    ADD CONSTRAINT pk_read_steps PRIMARY KEY (collection, partner, read_up_to);
ALTER TABLE ONLY receipts
    ADD CONSTRAINT pk_receipts PRIMARY KEY (object_id, collection, partner);
ALTER TABLE ONLY referrals
    ADD CONSTRAINT pk_referrals PRIMARY KEY (id);
ALTER TABLE ONLY request_parties
    ADD CONSTRAINT pk_request_parties PRIMARY KEY (partner, request);
ALTER TABLE ONLY request_steps
    ADD CONSTRAINT pk_request_steps PRIMARY KEY (request, number);
ALTER TABLE ONLY requests
    ADD CONSTRAINT pk_requests PRIMARY KEY (id);
ALTER TABLE ONLY retractions
    ADD CONSTRAINT pk_retractions PRIMARY KEY (object_id, collection);
ALTER TABLE ONLY reviews
    ADD CONSTRAINT pk_reviews PRIMARY KEY (object_id);
ALTER TABLE ONLY rewrites
    ADD CONSTRAINT pk_rewrites PRIMARY KEY (collection, span);
ALTER TABLE ONLY runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (feed, started, id);
ALTER TABLE ONLY sandbox_answers
    ADD CONSTRAINT pk_sandbox_answers PRIMARY KEY (partner, object_id, outcome);
ALTER TABLE ONLY sandbox_changes
    ADD CONSTRAINT pk_sandbox_changes PRIMARY KEY (partner, listing, change);
ALTER TABLE ONLY sandbox_reads
    ADD CONSTRAINT pk_sandbox_reads PRIMARY KEY (partner, after, up_to);
ALTER TABLE ONLY sandbox_runs
    ADD CONSTRAINT pk_sandbox_runs PRIMARY KEY (partner);
ALTER TABLE ONLY sessions
    ADD CONSTRAINT pk_sessions PRIMARY KEY (hash);
ALTER TABLE ONLY shared_quotas
    ADD CONSTRAINT pk_shared_quotas PRIMARY KEY (unit);
ALTER TABLE ONLY silences
    ADD CONSTRAINT pk_silences PRIMARY KEY (what, name);
ALTER TABLE ONLY source_counts
    ADD CONSTRAINT pk_source_counts PRIMARY KEY (organisation, kind, month, figure);
ALTER TABLE ONLY statuses
    ADD CONSTRAINT pk_statuses PRIMARY KEY (api_root, id);
ALTER TABLE ONLY subjects
    ADD CONSTRAINT pk_subjects PRIMARY KEY (number);
ALTER TABLE ONLY throttles
    ADD CONSTRAINT pk_throttles PRIMARY KEY (partner);
ALTER TABLE ONLY trend_acted
    ADD CONSTRAINT pk_trend_acted PRIMARY KEY (object_id);
ALTER TABLE ONLY trend_answers
    ADD CONSTRAINT pk_trend_answers PRIMARY KEY (id);
ALTER TABLE ONLY trend_contributors
    ADD CONSTRAINT pk_trend_contributors PRIMARY KEY (day, figure, dimension, word, organisation);
ALTER TABLE ONLY trend_counts
    ADD CONSTRAINT pk_trend_counts PRIMARY KEY (figure, dimension, day, word);
ALTER TABLE ONLY trend_delistings
    ADD CONSTRAINT pk_trend_delistings PRIMARY KEY (object_id, log, revoked);
ALTER TABLE ONLY trend_durations
    ADD CONSTRAINT pk_trend_durations PRIMARY KEY (figure, dimension, day, word, bucket);
ALTER TABLE ONLY trend_open_outcomes
    ADD CONSTRAINT pk_trend_open_outcomes PRIMARY KEY (key);
ALTER TABLE ONLY trend_progress
    ADD CONSTRAINT pk_trend_progress PRIMARY KEY (name);
ALTER TABLE ONLY trend_published
    ADD CONSTRAINT pk_trend_published PRIMARY KEY (span, day, figure, dimension, word, measure);
ALTER TABLE ONLY trend_unread
    ADD CONSTRAINT pk_trend_unread PRIMARY KEY (log, added, kind, organisations);
ALTER TABLE ONLY users
    ADD CONSTRAINT pk_users PRIMARY KEY (id);
ALTER TABLE ONLY value_index
    ADD CONSTRAINT pk_value_index PRIMARY KEY (subject, inbox_key);
ALTER TABLE ONLY verifications
    ADD CONSTRAINT pk_verifications PRIMARY KEY (feed, at);
ALTER TABLE ONLY verified_logins
    ADD CONSTRAINT pk_verified_logins PRIMARY KEY (partner, digest);
ALTER TABLE ONLY volumes
    ADD CONSTRAINT pk_volumes PRIMARY KEY (partner, day);
ALTER TABLE ONLY warnings
    ADD CONSTRAINT pk_warnings PRIMARY KEY (name);
ALTER TABLE ONLY collections
    ADD CONSTRAINT uq_collections_alias UNIQUE (alias);
ALTER TABLE ONLY collections
    ADD CONSTRAINT uq_collections_id UNIQUE (id);
ALTER TABLE ONLY collections
    ADD CONSTRAINT uq_collections_title UNIQUE (title);
ALTER TABLE ONLY credentials
    ADD CONSTRAINT uq_credentials_token_hash UNIQUE (token_hash);
ALTER TABLE ONLY evidence_files
    ADD CONSTRAINT uq_evidence_files_partner UNIQUE (partner, sha256);
ALTER TABLE ONLY ledger_other_hubs
    ADD CONSTRAINT uq_ledger_other_hubs_key UNIQUE (key);
ALTER TABLE ONLY ledger_trees
    ADD CONSTRAINT uq_ledger_trees_origin UNIQUE (origin);
ALTER TABLE ONLY ledger_witnesses
    ADD CONSTRAINT uq_ledger_witnesses_key UNIQUE (key);
ALTER TABLE ONLY partners
    ADD CONSTRAINT uq_partners_identity UNIQUE (identity);
ALTER TABLE ONLY users
    ADD CONSTRAINT uq_users_link UNIQUE (link);
ALTER TABLE ONLY users
    ADD CONSTRAINT uq_users_plain_name UNIQUE (plain_name);
ALTER TABLE ONLY users
    ADD CONSTRAINT uq_users_subject UNIQUE (subject);
CREATE INDEX ix_audit_first ON audit USING btree (first);
CREATE INDEX ix_collections_log ON collections USING btree (log);
CREATE UNIQUE INDEX ix_collections_owner ON collections USING btree (owner, use);
CREATE INDEX ix_evidence_files_added ON evidence_files USING btree (added);
CREATE INDEX ix_evidence_files_sha256 ON evidence_files USING btree (sha256);
CREATE INDEX ix_evidence_links_object ON evidence_links USING btree (object);
CREATE INDEX ix_evidence_members_partner ON evidence_members USING btree (partner);
CREATE INDEX ix_kept_accounts_answered ON kept_accounts USING btree (partner, answered) WHERE (answered IS NOT NULL);
CREATE INDEX ix_kept_accounts_open ON kept_accounts USING btree (since) WHERE ((answered IS NULL) AND ("left" IS NULL));
CREATE INDEX ix_kept_accounts_value ON kept_accounts USING btree (value);
CREATE INDEX ix_kept_accounts_waiting ON kept_accounts USING btree (partner, since) WHERE ((answered IS NULL) AND ("left" IS NULL));
CREATE INDEX ix_ledger_removals_collection_removed ON ledger_removals USING btree (collection, removed);
CREATE INDEX ix_ledger_spans_collection_last_added ON ledger_spans USING btree (collection, last_added);
CREATE INDEX ix_ledger_statements_collection_about_entry ON ledger_statements USING btree (collection, about, entry);
CREATE INDEX ix_login_attempts_until ON login_attempts USING btree (until);
CREATE INDEX ix_match_rows_added ON match_rows USING btree (collection, epoch, added);
CREATE INDEX ix_match_rows_ends ON match_rows USING btree (collection, epoch, ends) WHERE ((removed IS NULL) AND (ends IS NOT NULL));
CREATE INDEX ix_match_rows_removed ON match_rows USING btree (collection, epoch, removed) WHERE (removed IS NOT NULL);
CREATE INDEX ix_objection_tokens_objection ON objection_tokens USING btree (objection);
CREATE INDEX ix_objection_values_objection ON objection_values USING btree (objection);
CREATE INDEX ix_objections_answer ON objections USING btree (answer, due);
CREATE INDEX ix_objections_received ON objections USING btree (received);
CREATE INDEX ix_objects_id ON objects USING btree (id_high, collection, space);
CREATE INDEX ix_objects_latest ON objects USING btree (collection, date_added, type, latest, observable_type) WHERE (latest > 0);
CREATE INDEX ix_objects_observable ON objects USING btree (observable_high) WHERE (observable_high IS NOT NULL);
CREATE INDEX ix_objects_relationship ON objects USING btree (relationship_high) WHERE (relationship_high IS NOT NULL);
CREATE INDEX ix_objects_revoked ON objects USING btree (collection, date_added) WHERE revoked;
CREATE INDEX ix_objects_value ON objects USING btree (value, collection) WHERE (value IS NOT NULL);
CREATE INDEX ix_outcome_records_day ON outcome_records USING btree (day);
CREATE INDEX ix_outcome_records_partner ON outcome_records USING btree (partner, about);
CREATE INDEX ix_outcome_totals_partner ON outcome_totals USING btree (partner, day);
CREATE UNIQUE INDEX ix_partners_space ON partners USING btree (space);
CREATE INDEX ix_passkeys_user ON passkeys USING btree ("user");
CREATE INDEX ix_proposals_proposed ON proposals USING btree (proposed, id);
CREATE INDEX ix_proposals_proposed_by ON proposals USING btree (proposed_by, state);
CREATE INDEX ix_proposals_state ON proposals USING btree (state, proposed);
CREATE INDEX ix_questions_asked ON questions USING btree (asked);
CREATE INDEX ix_questions_asker ON questions USING btree (asker, asked);
CREATE INDEX ix_read_steps_at ON read_steps USING btree (at);
CREATE INDEX ix_receipts_open ON receipts USING btree (partner, collection, revoked_at, opened) WHERE (closed IS NULL);
CREATE INDEX ix_receipts_opened ON receipts USING btree (opened);
CREATE INDEX ix_referrals_answered ON referrals USING btree (answered, referred);
CREATE INDEX ix_retractions_opened ON retractions USING btree (opened);
CREATE INDEX ix_reviews_partner ON reviews USING btree (state, partner, opened);
CREATE INDEX ix_reviews_rule ON reviews USING btree (state, rule, opened);
CREATE INDEX ix_reviews_state ON reviews USING btree (state, opened);
CREATE INDEX ix_reviews_subject ON reviews USING btree (subject);
CREATE INDEX ix_sessions_expires ON sessions USING btree (expires);
CREATE INDEX ix_sessions_user ON sessions USING btree ("user");
CREATE INDEX ix_statuses_created ON statuses USING btree (created);
CREATE INDEX ix_trend_delistings_looked ON trend_delistings USING btree (looked);
CREATE INDEX ix_users_partner ON users USING btree (partner);
CREATE INDEX request_parties_by_time ON request_parties USING btree (partner, opened);
CREATE INDEX request_parties_of_request ON request_parties USING btree (request);
CREATE INDEX requests_by_state ON requests USING btree (state, deadline);
CREATE INDEX requests_holding ON requests USING btree (hold_until);
CREATE INDEX requests_of_chain ON requests USING btree (chain);
CREATE UNIQUE INDEX requests_of_sender ON requests USING btree (sender, sent_as);
CREATE INDEX requests_of_sender_by_state ON requests USING btree (sender, state);
CREATE INDEX requests_of_subject ON requests USING btree (subject);
CREATE INDEX requests_opened ON requests USING btree (sender, opened);
CREATE INDEX requests_unaddressed ON requests USING btree (state, deadline) WHERE (addressee IS NULL);
ALTER TABLE ONLY certificate_requirements
    ADD CONSTRAINT fk_certificate_requirements_collection_collections FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE ONLY certificates
    ADD CONSTRAINT fk_certificates_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE ONLY credentials
    ADD CONSTRAINT fk_credentials_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE ONLY digest_buckets
    ADD CONSTRAINT fk_digest_buckets_collection FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE ONLY digests
    ADD CONSTRAINT fk_digests_collection FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE ONLY erased_names
    ADD CONSTRAINT fk_erased_names_erasure FOREIGN KEY (erasure) REFERENCES erasures(id);
ALTER TABLE ONLY evidence_custody
    ADD CONSTRAINT fk_evidence_custody_evidence FOREIGN KEY (evidence) REFERENCES evidence_files(id) ON DELETE CASCADE;
ALTER TABLE ONLY evidence_links
    ADD CONSTRAINT fk_evidence_links_evidence FOREIGN KEY (evidence) REFERENCES evidence_files(id) ON DELETE CASCADE;
ALTER TABLE ONLY former_grants
    ADD CONSTRAINT fk_former_grants_collection FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE ONLY former_grants
    ADD CONSTRAINT fk_former_grants_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE ONLY grants
    ADD CONSTRAINT fk_grants_collection FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE ONLY grants
    ADD CONSTRAINT fk_grants_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE ONLY ledger_other_logs
    ADD CONSTRAINT fk_ledger_other_logs_hub_ledger_other_hubs FOREIGN KEY (hub) REFERENCES ledger_other_hubs(name);
ALTER TABLE ONLY ledger_trees
    ADD CONSTRAINT fk_ledger_trees_collection_collections FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE ONLY ledger_witness_sizes
    ADD CONSTRAINT fk_ledger_witness_sizes_witness_ledger_witnesses FOREIGN KEY (witness) REFERENCES ledger_witnesses(name);
ALTER TABLE ONLY match_grants
    ADD CONSTRAINT fk_match_grants_collection FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE ONLY match_grants
    ADD CONSTRAINT fk_match_grants_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE ONLY match_sets
    ADD CONSTRAINT fk_match_sets_collection FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE ONLY objection_tokens
    ADD CONSTRAINT fk_objection_tokens_objection FOREIGN KEY (objection) REFERENCES objections(id);
ALTER TABLE ONLY objection_values
    ADD CONSTRAINT fk_objection_values_objection FOREIGN KEY (objection) REFERENCES objections(id);
ALTER TABLE ONLY objects
    ADD CONSTRAINT fk_objects_collection FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE ONLY own_values
    ADD CONSTRAINT fk_own_values_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE ONLY passkeys
    ADD CONSTRAINT fk_passkeys_user FOREIGN KEY ("user") REFERENCES users(id);
ALTER TABLE ONLY quotas
    ADD CONSTRAINT fk_quotas_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE ONLY request_parties
    ADD CONSTRAINT fk_request_parties_request FOREIGN KEY (request) REFERENCES requests(id) ON DELETE CASCADE;
ALTER TABLE ONLY request_steps
    ADD CONSTRAINT fk_request_steps_request FOREIGN KEY (request) REFERENCES requests(id) ON DELETE CASCADE;
ALTER TABLE ONLY rewrites
    ADD CONSTRAINT fk_rewrites_collection FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE ONLY sessions
    ADD CONSTRAINT fk_sessions_user FOREIGN KEY ("user") REFERENCES users(id);
ALTER TABLE ONLY statuses
    ADD CONSTRAINT fk_statuses_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE ONLY users
    ADD CONSTRAINT fk_users_partner FOREIGN KEY (partner) REFERENCES partners(name);
