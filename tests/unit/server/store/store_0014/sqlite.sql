CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
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
	last_added BIGINT NOT NULL, owner TEXT, use TEXT,
	CONSTRAINT pk_collections PRIMARY KEY (number),
	CONSTRAINT uq_collections_alias UNIQUE (alias),
	CONSTRAINT uq_collections_id UNIQUE (id),
	CONSTRAINT uq_collections_title UNIQUE (title)
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
CREATE TABLE files_seen (
	feed TEXT NOT NULL,
	digest TEXT NOT NULL,
	name TEXT NOT NULL,
	seen BIGINT NOT NULL,
	CONSTRAINT pk_files_seen PRIMARY KEY (feed, digest)
);
CREATE TABLE migration_gate (
	id INTEGER NOT NULL,
	CONSTRAINT pk_migration_gate PRIMARY KEY (id)
);
CREATE TABLE partners (
	name TEXT NOT NULL,
	kind TEXT NOT NULL,
	country TEXT,
	identity TEXT NOT NULL,
	created BIGINT NOT NULL, trusted BOOLEAN DEFAULT 0 NOT NULL, authority TEXT DEFAULT '[]' NOT NULL, institutions TEXT DEFAULT '[]' NOT NULL, forwards BOOLEAN DEFAULT 0 NOT NULL, named BOOLEAN DEFAULT 0 NOT NULL, modified BIGINT DEFAULT 0 NOT NULL, "left" BIGINT, organisation TEXT, space INTEGER DEFAULT 0 NOT NULL,
	CONSTRAINT pk_partners PRIMARY KEY (name),
	CONSTRAINT uq_partners_identity UNIQUE (identity)
);
CREATE TABLE runs (
	feed TEXT NOT NULL,
	started BIGINT NOT NULL,
	id TEXT NOT NULL,
	ended BIGINT NOT NULL,
	read BIGINT NOT NULL,
	accepted BIGINT NOT NULL,
	rejected BIGINT NOT NULL,
	error TEXT, unread BLOB,
	CONSTRAINT pk_runs PRIMARY KEY (feed, started, id)
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
	can_write BOOLEAN NOT NULL,
	CONSTRAINT pk_grants PRIMARY KEY (partner, collection),
	CONSTRAINT fk_grants_collection FOREIGN KEY(collection) REFERENCES collections (number),
	CONSTRAINT fk_grants_partner FOREIGN KEY(partner) REFERENCES partners (name)
);
CREATE TABLE objects (
	collection INTEGER NOT NULL,
	date_added BIGINT NOT NULL,
	id TEXT NOT NULL,
	type TEXT NOT NULL,
	spec_version TEXT NOT NULL,
	version BIGINT,
	revoked BOOLEAN NOT NULL,
	latest BOOLEAN NOT NULL,
	legacy BOOLEAN NOT NULL,
	body BLOB NOT NULL,
	CONSTRAINT pk_objects PRIMARY KEY (collection, date_added),
	CONSTRAINT fk_objects_collection FOREIGN KEY(collection) REFERENCES collections (number),
	CONSTRAINT uq_objects_collection_id_spec_version_version UNIQUE (collection, id, spec_version, version)
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
CREATE TABLE mentions (
	subject TEXT NOT NULL,
	object_id TEXT NOT NULL,
	CONSTRAINT pk_mentions PRIMARY KEY (subject, object_id)
);
CREATE TABLE rewrites (
	collection INTEGER NOT NULL,
	span BIGINT NOT NULL,
	count BIGINT NOT NULL,
	CONSTRAINT pk_rewrites PRIMARY KEY (collection, span),
	CONSTRAINT fk_rewrites_collection FOREIGN KEY(collection) REFERENCES collections (number)
);
CREATE TABLE certificates (
	fingerprint BLOB NOT NULL,
	partner TEXT NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT,
	CONSTRAINT pk_certificates PRIMARY KEY (fingerprint),
	CONSTRAINT fk_certificates_partner FOREIGN KEY(partner) REFERENCES partners (name)
);
CREATE TABLE allowances (
	partner TEXT NOT NULL,
	unit TEXT NOT NULL,
	began BIGINT NOT NULL,
	used BIGINT NOT NULL,
	CONSTRAINT pk_allowances PRIMARY KEY (partner, unit),
	CONSTRAINT fk_allowances_partner FOREIGN KEY(partner) REFERENCES partners (name)
);
CREATE TABLE audit_ends (
	chain TEXT NOT NULL,
	number BIGINT NOT NULL,
	hash BLOB NOT NULL,
	CONSTRAINT pk_audit_ends PRIMARY KEY (chain)
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
CREATE TABLE positions (
	collection TEXT NOT NULL,
	partner TEXT NOT NULL,
	given BIGINT NOT NULL,
	asked BIGINT NOT NULL,
	CONSTRAINT pk_positions PRIMARY KEY (collection, partner)
);
CREATE TABLE audit_starts (
	chain TEXT NOT NULL,
	number BIGINT NOT NULL,
	hash BLOB NOT NULL,
	CONSTRAINT pk_audit_starts PRIMARY KEY (chain)
);
CREATE TABLE leases (
	feed TEXT NOT NULL,
	holder TEXT NOT NULL,
	token BIGINT NOT NULL,
	until BIGINT NOT NULL,
	CONSTRAINT pk_leases PRIMARY KEY (feed)
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
CREATE TABLE hub (
	number INTEGER NOT NULL,
	identity TEXT NOT NULL,
	name TEXT NOT NULL,
	created BIGINT NOT NULL,
	modified BIGINT NOT NULL, secret BLOB DEFAULT '' NOT NULL,
	CONSTRAINT pk_hub PRIMARY KEY (number)
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
	note TEXT, subject TEXT, settled BIGINT,
	CONSTRAINT pk_reviews PRIMARY KEY (object_id)
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
CREATE TABLE first_reads (
	collection TEXT NOT NULL,
	given BIGINT NOT NULL,
	at BIGINT NOT NULL,
	CONSTRAINT pk_first_reads PRIMARY KEY (collection, given)
);
CREATE TABLE own_values (
	subject TEXT NOT NULL,
	partner TEXT NOT NULL,
	CONSTRAINT pk_own_values PRIMARY KEY (subject),
	CONSTRAINT fk_own_values_partner FOREIGN KEY(partner) REFERENCES partners (name)
);
CREATE TABLE focal_points (
	partner TEXT NOT NULL,
	function TEXT NOT NULL,
	contact TEXT NOT NULL,
	CONSTRAINT pk_focal_points PRIMARY KEY (partner, function)
);
CREATE TABLE personal_rooms (
	object_id TEXT NOT NULL,
	collection INTEGER NOT NULL,
	CONSTRAINT pk_personal_rooms PRIMARY KEY (object_id, collection),
	CONSTRAINT fk_personal_rooms_collection FOREIGN KEY(collection) REFERENCES collections (number)
);
CREATE TABLE volumes (
	partner TEXT NOT NULL,
	day INTEGER NOT NULL,
	taken BIGINT NOT NULL,
	held BIGINT NOT NULL, doubts BIGINT DEFAULT 0 NOT NULL,
	CONSTRAINT pk_volumes PRIMARY KEY (partner, day)
);
CREATE TABLE brakes (
	partner TEXT NOT NULL,
	rule TEXT NOT NULL,
	since BIGINT NOT NULL,
	lifted BIGINT,
	CONSTRAINT pk_brakes PRIMARY KEY (partner)
);
CREATE TABLE delisted (
	name TEXT NOT NULL,
	since BIGINT NOT NULL,
	CONSTRAINT pk_delisted PRIMARY KEY (name)
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
CREATE TABLE listings (
	subject TEXT NOT NULL,
	track TEXT NOT NULL,
	number INTEGER NOT NULL,
	id TEXT NOT NULL,
	CONSTRAINT pk_listings PRIMARY KEY (subject, track, number)
);
CREATE TABLE published_ids (
	"key" TEXT NOT NULL,
	id TEXT NOT NULL,
	CONSTRAINT pk_published_ids PRIMARY KEY ("key")
);
CREATE TABLE warnings (
	name TEXT NOT NULL,
	first BIGINT NOT NULL,
	last BIGINT NOT NULL,
	count BIGINT NOT NULL,
	CONSTRAINT pk_warnings PRIMARY KEY (name)
);
CREATE INDEX ix_objects_latest ON objects (collection, date_added, type) WHERE latest;
CREATE INDEX ix_statuses_created ON statuses (created);
CREATE INDEX ix_audit_first ON audit (first);
CREATE INDEX ix_reviews_state ON reviews (state, opened);
CREATE INDEX ix_retractions_opened ON retractions (opened);
CREATE INDEX ix_receipts_opened ON receipts (opened);
CREATE INDEX ix_receipts_open ON receipts (partner, collection, revoked_at, opened) WHERE closed IS NULL;
CREATE UNIQUE INDEX ix_partners_space ON partners (space);
CREATE UNIQUE INDEX ix_collections_owner ON collections (owner, use);
CREATE UNIQUE INDEX ix_listings_id ON listings (id);
CREATE INDEX ix_reviews_subject ON reviews (subject);
