CREATE TABLE alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE allowances (
    partner text NOT NULL,
    unit text NOT NULL,
    began bigint NOT NULL,
    used bigint NOT NULL
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
CREATE TABLE brakes (
    partner text NOT NULL,
    rule text NOT NULL,
    since bigint NOT NULL,
    lifted bigint
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
    use text
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
CREATE TABLE files_seen (
    feed text NOT NULL,
    digest text NOT NULL,
    name text NOT NULL,
    seen bigint NOT NULL
);
CREATE TABLE first_reads (
    collection text NOT NULL,
    given bigint NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE focal_points (
    partner text NOT NULL,
    function text NOT NULL,
    contact text NOT NULL
);
CREATE TABLE grants (
    partner text NOT NULL,
    collection integer NOT NULL,
    can_read boolean NOT NULL,
    can_write boolean NOT NULL
);
CREATE TABLE hub (
    number integer NOT NULL,
    identity text NOT NULL,
    name text NOT NULL,
    created bigint NOT NULL,
    modified bigint NOT NULL,
    secret bytea DEFAULT '\x'::bytea NOT NULL
);
CREATE TABLE leases (
    feed text NOT NULL,
    holder text NOT NULL,
    token bigint NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE listings (
    subject text NOT NULL,
    track text NOT NULL,
    number integer NOT NULL,
    id text NOT NULL
);
CREATE TABLE mentions (
    subject text NOT NULL,
    object_id text NOT NULL
);
CREATE TABLE migration_gate (
    id integer NOT NULL
);
CREATE TABLE objects (
    collection integer NOT NULL,
    date_added bigint NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    spec_version text NOT NULL,
    version bigint,
    revoked boolean NOT NULL,
    latest boolean NOT NULL,
    legacy boolean NOT NULL,
    body bytea NOT NULL
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
    created bigint NOT NULL,
    trusted boolean DEFAULT false NOT NULL,
    authority text DEFAULT '[]'::text NOT NULL,
    institutions text DEFAULT '[]'::text NOT NULL,
    forwards boolean DEFAULT false NOT NULL,
    named boolean DEFAULT false NOT NULL,
    modified bigint DEFAULT 0 NOT NULL,
    "left" bigint,
    organisation text,
    space integer DEFAULT 0 NOT NULL
);
CREATE TABLE personal_rooms (
    object_id text NOT NULL,
    collection integer NOT NULL
);
CREATE TABLE positions (
    collection text NOT NULL,
    partner text NOT NULL,
    given bigint NOT NULL,
    asked bigint NOT NULL
);
CREATE TABLE published_ids (
    key text NOT NULL,
    id text NOT NULL
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
    settled bigint
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
    unread bytea
);
CREATE TABLE statuses (
    api_root text NOT NULL,
    id text NOT NULL,
    partner text NOT NULL,
    created bigint NOT NULL,
    body bytea NOT NULL
);
CREATE TABLE volumes (
    partner text NOT NULL,
    day integer NOT NULL,
    taken bigint NOT NULL,
    held bigint NOT NULL,
    doubts bigint DEFAULT 0 NOT NULL
);
CREATE TABLE warnings (
    name text NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    count bigint NOT NULL
);
ALTER TABLE alembic_version ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE allowances ADD CONSTRAINT pk_allowances PRIMARY KEY (partner, unit);
ALTER TABLE audit ADD CONSTRAINT pk_audit PRIMARY KEY (chain, number);
ALTER TABLE audit_ends ADD CONSTRAINT pk_audit_ends PRIMARY KEY (chain);
ALTER TABLE audit_starts ADD CONSTRAINT pk_audit_starts PRIMARY KEY (chain);
ALTER TABLE brakes ADD CONSTRAINT pk_brakes PRIMARY KEY (partner);
ALTER TABLE calibrations ADD CONSTRAINT pk_calibrations PRIMARY KEY (partner, kind, judge);
ALTER TABLE certificates ADD CONSTRAINT pk_certificates PRIMARY KEY (fingerprint);
ALTER TABLE checkpoints ADD CONSTRAINT pk_checkpoints PRIMARY KEY (feed);
ALTER TABLE collections ADD CONSTRAINT pk_collections PRIMARY KEY (number);
ALTER TABLE credentials ADD CONSTRAINT pk_credentials PRIMARY KEY (partner, token_hash);
ALTER TABLE dead_letters ADD CONSTRAINT pk_dead_letters PRIMARY KEY (feed, id);
ALTER TABLE delisted ADD CONSTRAINT pk_delisted PRIMARY KEY (name);
ALTER TABLE deliveries ADD CONSTRAINT pk_deliveries PRIMARY KEY (feed, partner, object_id, version);
ALTER TABLE feed_states ADD CONSTRAINT pk_feed_states PRIMARY KEY (feed);
ALTER TABLE files_seen ADD CONSTRAINT pk_files_seen PRIMARY KEY (feed, digest);
ALTER TABLE first_reads ADD CONSTRAINT pk_first_reads PRIMARY KEY (collection, given);
ALTER TABLE focal_points ADD CONSTRAINT pk_focal_points PRIMARY KEY (partner, function);
ALTER TABLE grants ADD CONSTRAINT pk_grants PRIMARY KEY (partner, collection);
ALTER TABLE hub ADD CONSTRAINT pk_hub PRIMARY KEY (number);
ALTER TABLE leases ADD CONSTRAINT pk_leases PRIMARY KEY (feed);
ALTER TABLE listings ADD CONSTRAINT pk_listings PRIMARY KEY (subject, track, number);
ALTER TABLE mentions ADD CONSTRAINT pk_mentions PRIMARY KEY (subject, object_id);
ALTER TABLE migration_gate ADD CONSTRAINT pk_migration_gate PRIMARY KEY (id);
ALTER TABLE objects ADD CONSTRAINT pk_objects PRIMARY KEY (collection, date_added);
ALTER TABLE own_values ADD CONSTRAINT pk_own_values PRIMARY KEY (subject);
ALTER TABLE partners ADD CONSTRAINT pk_partners PRIMARY KEY (name);
ALTER TABLE personal_rooms ADD CONSTRAINT pk_personal_rooms PRIMARY KEY (object_id, collection);
ALTER TABLE positions ADD CONSTRAINT pk_positions PRIMARY KEY (collection, partner);
ALTER TABLE published_ids ADD CONSTRAINT pk_published_ids PRIMARY KEY (key);
ALTER TABLE receipts ADD CONSTRAINT pk_receipts PRIMARY KEY (object_id, collection, partner);
ALTER TABLE retractions ADD CONSTRAINT pk_retractions PRIMARY KEY (object_id, collection);
ALTER TABLE reviews ADD CONSTRAINT pk_reviews PRIMARY KEY (object_id);
ALTER TABLE rewrites ADD CONSTRAINT pk_rewrites PRIMARY KEY (collection, span);
ALTER TABLE runs ADD CONSTRAINT pk_runs PRIMARY KEY (feed, started, id);
ALTER TABLE statuses ADD CONSTRAINT pk_statuses PRIMARY KEY (api_root, id);
ALTER TABLE volumes ADD CONSTRAINT pk_volumes PRIMARY KEY (partner, day);
ALTER TABLE warnings ADD CONSTRAINT pk_warnings PRIMARY KEY (name);
ALTER TABLE collections ADD CONSTRAINT uq_collections_alias UNIQUE (alias);
ALTER TABLE collections ADD CONSTRAINT uq_collections_id UNIQUE (id);
ALTER TABLE collections ADD CONSTRAINT uq_collections_title UNIQUE (title);
ALTER TABLE credentials ADD CONSTRAINT uq_credentials_token_hash UNIQUE (token_hash);
ALTER TABLE objects ADD CONSTRAINT uq_objects_collection_id_spec_version_version UNIQUE (collection, id, spec_version, version);
ALTER TABLE partners ADD CONSTRAINT uq_partners_identity UNIQUE (identity);
CREATE INDEX ix_audit_first ON audit USING btree (first);
CREATE UNIQUE INDEX ix_collections_owner ON collections USING btree (owner, use);
CREATE UNIQUE INDEX ix_listings_id ON listings USING btree (id);
CREATE INDEX ix_objects_latest ON objects USING btree (collection, date_added, type) WHERE latest;
CREATE UNIQUE INDEX ix_partners_space ON partners USING btree (space);
CREATE INDEX ix_receipts_open ON receipts USING btree (partner, collection, revoked_at, opened) WHERE (closed IS NULL);
CREATE INDEX ix_receipts_opened ON receipts USING btree (opened);
CREATE INDEX ix_retractions_opened ON retractions USING btree (opened);
CREATE INDEX ix_reviews_state ON reviews USING btree (state, opened);
CREATE INDEX ix_reviews_subject ON reviews USING btree (subject);
CREATE INDEX ix_statuses_created ON statuses USING btree (created);
ALTER TABLE allowances ADD CONSTRAINT fk_allowances_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE certificates ADD CONSTRAINT fk_certificates_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE credentials ADD CONSTRAINT fk_credentials_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE grants ADD CONSTRAINT fk_grants_collection FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE grants ADD CONSTRAINT fk_grants_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE objects ADD CONSTRAINT fk_objects_collection FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE own_values ADD CONSTRAINT fk_own_values_partner FOREIGN KEY (partner) REFERENCES partners(name);
ALTER TABLE personal_rooms ADD CONSTRAINT fk_personal_rooms_collection FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE rewrites ADD CONSTRAINT fk_rewrites_collection FOREIGN KEY (collection) REFERENCES collections(number);
ALTER TABLE statuses ADD CONSTRAINT fk_statuses_partner FOREIGN KEY (partner) REFERENCES partners(name);
