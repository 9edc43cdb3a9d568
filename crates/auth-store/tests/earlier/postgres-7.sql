SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.account (
    id bytea NOT NULL,
    realm bytea NOT NULL,
    full_name text NOT NULL,
    role text NOT NULL,
    bot text,
    active boolean NOT NULL,
    joined bigint NOT NULL,
    valid_from bigint NOT NULL,
    email_second_factor boolean NOT NULL,
    must_change_password boolean NOT NULL,
    zulip bigint,
    rocketchat text COLLATE pg_catalog."C",
    rocketchat_roles text,
    zettelstore bigint,
    zettelstore_role text,
    version bigint NOT NULL,
    password text,
    external text,
    bot_owner bigint,
    language text
);
CREATE TABLE public.activity (
    account bytea NOT NULL,
    realm bytea NOT NULL,
    last_login bigint,
    last_use bigint,
    seen bigint NOT NULL
);
CREATE TABLE public.admin_key (
    id bytea NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    scope text NOT NULL,
    realm bytea,
    made bigint NOT NULL,
    ends bigint,
    last_used bigint
);
CREATE TABLE public.attempt (
    at bigint NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    door text NOT NULL,
    realm bytea NOT NULL,
    account bytea,
    name text NOT NULL,
    network text NOT NULL,
    outcome text NOT NULL
);
CREATE TABLE public.audit (
    at bigint NOT NULL,
    id bigint NOT NULL,
    actor text NOT NULL,
    actor_account bytea,
    actor_name text,
    act text NOT NULL,
    realm bytea,
    account bytea,
    detail text NOT NULL,
    client text,
    protocol text,
    request text NOT NULL
);
ALTER TABLE public.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.auth_server_schema (
    one smallint NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE public.credential (
    id bytea NOT NULL,
    account bytea NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    digest bytea,
    sealed bytea,
    doors text NOT NULL,
    bypass_second_factor boolean NOT NULL,
    label text,
    created bigint NOT NULL,
    expires bigint,
    last_used bigint,
    counter bigint NOT NULL,
    parent bytea,
    clear_only boolean DEFAULT false NOT NULL,
    client text,
    agent text
);
CREATE TABLE public.external_id (
    account bytea NOT NULL,
    protocol text NOT NULL COLLATE pg_catalog."C",
    realm bytea NOT NULL,
    number bigint,
    text text COLLATE pg_catalog."C",
    CONSTRAINT external_id_has_one_form CHECK (((number IS NULL) <> (text IS NULL)))
);
CREATE TABLE public.login_name (
    kind smallint NOT NULL,
    folded text NOT NULL COLLATE pg_catalog."C",
    realm bytea NOT NULL,
    exact text NOT NULL COLLATE pg_catalog."C",
    account bytea NOT NULL,
    "position" smallint NOT NULL,
    verified boolean NOT NULL
);
CREATE TABLE public.mail (
    id bytea NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    body bytea NOT NULL,
    due bigint NOT NULL,
    failures bigint NOT NULL
);
CREATE TABLE public.membership (
    user_group bytea NOT NULL,
    account bytea NOT NULL
);
CREATE TABLE public.meta (
    name text NOT NULL,
    value bytea NOT NULL
);
CREATE TABLE public.network_rule (
    network text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    until bigint,
    made bigint NOT NULL,
    note text NOT NULL
);
CREATE TABLE public.realm (
    id bytea NOT NULL,
    slug text NOT NULL COLLATE pg_catalog."C",
    subdomain text,
    name text NOT NULL,
    icon text NOT NULL,
    description text NOT NULL,
    active boolean NOT NULL,
    password_login boolean NOT NULL,
    digest_logins boolean NOT NULL,
    min_length bigint,
    min_guesses bigint,
    backends text NOT NULL,
    require_second_factor boolean DEFAULT false NOT NULL
);
CREATE TABLE public.spent (
    digest bytea NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE public.tried (
    key bytea NOT NULL,
    tries bigint[] NOT NULL,
    last bigint NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    account bytea,
    most bigint,
    span bigint,
    full_until bigint GENERATED ALWAYS AS (
CASE
    WHEN ((most > 0) AND (cardinality(tries) >= most)) THEN (tries[(((cardinality(tries) - most) + 1))::integer] + span)
    ELSE NULL::bigint
END) STORED
);
CREATE TABLE public.user_group (
    id bytea NOT NULL,
    realm bytea NOT NULL,
    name text NOT NULL,
    folded text NOT NULL COLLATE pg_catalog."C",
    directory text,
    entry text,
    made bigint NOT NULL
);
INSERT INTO public.account VALUES ('\x03030303030303030303030303030303', '\xc8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8', 'User 3', 'member', NULL, true, 1700000003000, 1700000004000, false, false, 3, 'rocket3', NULL, 20240101000003, NULL, 3, 'hash 3', NULL, NULL, NULL);
INSERT INTO public.account VALUES ('\x02020202020202020202020202020202', '\xc8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8', 'User 2', 'admin', 'incoming-webhook', true, 1700000002000, 1700000003000, true, true, 2, 'rocket2', '["admin","bot"]', -2, 'owner', -10, 'hash 2', NULL, 3, 'de');
INSERT INTO public.account VALUES ('\x01010101010101010101010101010101', '\xc9c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9', 'User 1', 'member', NULL, false, 1700000001000, 1700000002000, false, false, 1, 'rocket1', NULL, 20240101000001, NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.activity VALUES ('\x02020202020202020202020202020202', '\xc8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8', NULL, NULL, 1700000002000);
INSERT INTO public.activity VALUES ('\x01010101010101010101010101010101', '\xc9c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9', NULL, 1700000009000, 1700000009000);
INSERT INTO public.activity VALUES ('\x03030303030303030303030303030303', '\xc8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8', 1700000060000, NULL, 1700000060000);
INSERT INTO public.attempt VALUES (1700000060000, '80126808-7a91-457c-a82b-d8a68d9ff930', 'zulip', '\xc8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8', '\x03030303030303030303030303030303', 'ann', '192.0.2.7', 'granted');
INSERT INTO public.auth_server_schema VALUES (1, 7);
INSERT INTO public.credential VALUES ('\x0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', '\x02020202020202020202020202020202', 'zulip-key', '\x0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', NULL, '', false, NULL, 1700000100000, NULL, NULL, 10, NULL, false, NULL, NULL);
INSERT INTO public.credential VALUES ('\x0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', '\x02020202020202020202020202020202', 'rocketchat-token', '\x0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', NULL, '', false, NULL, 1700000100000, NULL, NULL, 11, NULL, false, NULL, NULL);
INSERT INTO public.credential VALUES ('\x0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c', '\x02020202020202020202020202020202', 'personal-token', '\x0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c', NULL, '', false, 'my program', 1700000100000, NULL, NULL, 12, NULL, false, NULL, NULL);
INSERT INTO public.credential VALUES ('\x0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d', '\x02020202020202020202020202020202', 'app-password', '\x0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d', NULL, '', false, NULL, 1700000100000, NULL, NULL, 13, NULL, false, NULL, NULL);
INSERT INTO public.credential VALUES ('\x0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e', '\x02020202020202020202020202020202', 'totp', '\x0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e', '\x00ff07', '', false, NULL, 1700000100000, NULL, NULL, 14, NULL, false, NULL, NULL);
INSERT INTO public.credential VALUES ('\x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f', '\x02020202020202020202020202020202', 'pending-totp', '\x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f', NULL, '', false, NULL, 1700000100000, NULL, NULL, 15, NULL, false, NULL, NULL);
INSERT INTO public.credential VALUES ('\x10101010101010101010101010101010', '\x02020202020202020202020202020202', 'backup-code', '\x1010101010101010101010101010101010101010101010101010101010101010', NULL, '', false, NULL, 1700000100000, NULL, NULL, 16, NULL, false, NULL, NULL);
INSERT INTO public.credential VALUES ('\x11111111111111111111111111111111', '\x02020202020202020202020202020202', 'mailed-code', '\x1111111111111111111111111111111111111111111111111111111111111111', NULL, '', false, NULL, 1700000100000, NULL, NULL, 17, NULL, false, NULL, NULL);
INSERT INTO public.credential VALUES ('\x12121212121212121212121212121212', '\x02020202020202020202020202020202', 'password-reset', '\x1212121212121212121212121212121212121212121212121212121212121212', NULL, '', false, NULL, 1700000100000, NULL, NULL, 18, NULL, false, NULL, NULL);
INSERT INTO public.credential VALUES ('\x13131313131313131313131313131313', '\x02020202020202020202020202020202', 'remembered-factor', '\x1313131313131313131313131313131313131313131313131313131313131313', NULL, '', false, NULL, 1700000100000, NULL, NULL, 19, NULL, false, NULL, NULL);
INSERT INTO public.credential VALUES ('\x14141414141414141414141414141414', '\x02020202020202020202020202020202', 'web-session', '\x1414141414141414141414141414141414141414141414141414141414141414', NULL, '', false, NULL, 1700000100000, NULL, NULL, 20, NULL, false, NULL, NULL);
INSERT INTO public.credential VALUES ('\x1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f', '\x01010101010101010101010101010101', 'rocketchat-token', '\x1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f', NULL, 'rocketchat zulip', true, NULL, 1700000100000, 1700000031000, 1700000009000, 0, NULL, false, '192.0.2.9', 'test/1');
INSERT INTO public.credential VALUES ('\x20202020202020202020202020202020', '\x01010101010101010101010101010101', 'rocketchat-token', '\x2020202020202020202020202020202020202020202020202020202020202020', NULL, 'rocketchat zulip', true, NULL, 1700000100000, 1700000032000, 1700000009000, 0, NULL, false, '192.0.2.9', 'test/1');
INSERT INTO public.credential VALUES ('\x21212121212121212121212121212121', '\x01010101010101010101010101010101', 'rocketchat-token', '\x2121212121212121212121212121212121212121212121212121212121212121', NULL, 'rocketchat zulip', true, NULL, 1700000100000, 1700000033000, 1700000009000, 0, NULL, false, '192.0.2.9', 'test/1');
INSERT INTO public.login_name VALUES (0, 'ann', '\xc8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8', 'ann', '\x03030303030303030303030303030303', 0, false);
INSERT INTO public.login_name VALUES (1, 'ann@example.com', '\xc8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8', 'ann@example.com', '\x03030303030303030303030303030303', 1, true);
INSERT INTO public.login_name VALUES (0, 'ann', '\xc8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8', 'Ann', '\x02020202020202020202020202020202', 0, false);
INSERT INTO public.login_name VALUES (1, 'ann@example.org', '\xc8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8', 'ann@example.org', '\x02020202020202020202020202020202', 1, false);
INSERT INTO public.login_name VALUES (1, 'änn@example.org', '\xc8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8', 'ÄNN@example.org', '\x02020202020202020202020202020202', 2, true);
INSERT INTO public.login_name VALUES (0, 'ann', '\xc9c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9', 'Ann', '\x01010101010101010101010101010101', 0, false);
INSERT INTO public.mail VALUES ('\x28282828282828282828282828282828', 'ann@example.com', 'Your code', '\x00ff', 1700000050000, 0);
INSERT INTO public.meta VALUES ('ring', '\x0001ff');
INSERT INTO public.realm VALUES ('\xc8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8', 'main', '', 'Main', '/icon', '<p>hello</p>', true, true, true, 9, -1, '["local","staff"]', true);
INSERT INTO public.realm VALUES ('\xc9c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9', 'other', NULL, '', '', '', false, false, false, NULL, NULL, '[]', false);
SELECT pg_catalog.setval('public.audit_id_seq', 1, false);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (account);
ALTER TABLE ONLY public.admin_key
    ADD CONSTRAINT admin_key_by_digest UNIQUE (digest);
ALTER TABLE ONLY public.admin_key
    ADD CONSTRAINT admin_key_by_name UNIQUE (name);
ALTER TABLE ONLY public.admin_key
    ADD CONSTRAINT admin_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (at, id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (at, id);
ALTER TABLE ONLY public.auth_server_schema
    ADD CONSTRAINT auth_server_schema_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.external_id
    ADD CONSTRAINT external_id_pkey PRIMARY KEY (account, protocol);
ALTER TABLE ONLY public.login_name
    ADD CONSTRAINT login_name_pkey PRIMARY KEY (kind, folded, realm, exact);
ALTER TABLE ONLY public.mail
    ADD CONSTRAINT mail_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_pkey PRIMARY KEY (user_group, account);
ALTER TABLE ONLY public.meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.network_rule
    ADD CONSTRAINT network_rule_pkey PRIMARY KEY (network);
ALTER TABLE ONLY public.realm
    ADD CONSTRAINT realm_by_slug UNIQUE (slug);
ALTER TABLE ONLY public.realm
    ADD CONSTRAINT realm_by_subdomain UNIQUE (subdomain);
ALTER TABLE ONLY public.realm
    ADD CONSTRAINT realm_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.spent
    ADD CONSTRAINT spent_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY public.tried
    ADD CONSTRAINT tried_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.user_group
    ADD CONSTRAINT user_group_pkey PRIMARY KEY (id);
CREATE INDEX account_by_bot_owner ON public.account USING btree (realm, bot_owner) WHERE (bot_owner IS NOT NULL);
CREATE UNIQUE INDEX account_by_realm ON public.account USING btree (realm, id);
CREATE UNIQUE INDEX account_by_rocketchat ON public.account USING btree (realm, rocketchat);
CREATE UNIQUE INDEX account_by_zettelstore ON public.account USING btree (realm, zettelstore);
CREATE UNIQUE INDEX account_by_zulip ON public.account USING btree (realm, zulip);
CREATE INDEX activity_by_realm ON public.activity USING btree (realm, seen, account);
CREATE INDEX attempt_of_account ON public.attempt USING btree (account, at, id) WHERE (account IS NOT NULL);
CREATE INDEX attempt_of_client ON public.attempt USING btree (network, at, id);
CREATE INDEX audit_of_account ON public.audit USING btree (account, at, id) WHERE (account IS NOT NULL);
CREATE INDEX audit_of_actor ON public.audit USING btree (actor_account, at, id) WHERE (actor_account IS NOT NULL);
CREATE INDEX audit_of_client ON public.audit USING btree (client, at, id) WHERE (client IS NOT NULL);
CREATE UNIQUE INDEX credential_by_digest ON public.credential USING btree (digest, kind) WHERE (digest IS NOT NULL);
CREATE INDEX credential_by_end ON public.credential USING btree (expires) WHERE (expires IS NOT NULL);
CREATE UNIQUE INDEX credential_by_label ON public.credential USING btree (account, kind, label) WHERE (label IS NOT NULL);
CREATE INDEX credential_of_account ON public.credential USING btree (account, kind, created, id);
CREATE INDEX credential_of_parent ON public.credential USING btree (parent) WHERE (parent IS NOT NULL);
CREATE INDEX credential_totp ON public.credential USING btree (account) WHERE (kind = 'totp'::text);
CREATE UNIQUE INDEX external_id_by_number ON public.external_id USING btree (realm, protocol, number) WHERE (number IS NOT NULL);
CREATE UNIQUE INDEX external_id_by_text ON public.external_id USING btree (realm, protocol, text) WHERE (text IS NOT NULL);
CREATE INDEX login_name_by_account ON public.login_name USING btree (account, "position") INCLUDE (kind, exact, verified);
CREATE INDEX mail_by_due ON public.mail USING btree (due, id);
CREATE INDEX membership_of_account ON public.membership USING btree (account, user_group);
CREATE INDEX spent_by_time ON public.spent USING btree (until);
CREATE INDEX tried_by_end ON public.tried USING btree (full_until, key) WHERE (full_until IS NOT NULL);
CREATE INDEX tried_by_last ON public.tried USING btree (last);
CREATE INDEX tried_of_account ON public.tried USING btree (account) WHERE (account IS NOT NULL);
CREATE UNIQUE INDEX user_group_by_name ON public.user_group USING btree (realm, folded);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_realm_fkey FOREIGN KEY (realm) REFERENCES public.realm(id);
ALTER TABLE ONLY public.activity
    ADD CONSTRAINT activity_account_fkey FOREIGN KEY (account) REFERENCES public.account(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.admin_key
    ADD CONSTRAINT admin_key_realm_fkey FOREIGN KEY (realm) REFERENCES public.realm(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_account_fkey FOREIGN KEY (account) REFERENCES public.account(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_parent_fkey FOREIGN KEY (parent) REFERENCES public.credential(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.external_id
    ADD CONSTRAINT external_id_account_fkey FOREIGN KEY (account) REFERENCES public.account(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.login_name
    ADD CONSTRAINT login_name_account_fkey FOREIGN KEY (account) REFERENCES public.account(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_account_fkey FOREIGN KEY (account) REFERENCES public.account(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_user_group_fkey FOREIGN KEY (user_group) REFERENCES public.user_group(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.user_group
    ADD CONSTRAINT user_group_realm_fkey FOREIGN KEY (realm) REFERENCES public.realm(id) ON DELETE CASCADE;
