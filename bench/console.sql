-- The rows of bench/console.py: years of data of %(keys)s keys and a tenth as many clients.
-- Client 1 is the busy one: it gets every thousandth key, and has more of everything else.
-- Rows spread evenly over three years, and everything else by i modulo small primes.

INSERT INTO registry_client (client_id, name, contacts, redirect_uris, created_at, created_by_id,
    suspended_at, suspended_by_id, suspension_note, wants_successor)
SELECT substr(md5(i::text) || md5('c' || i), 1, 32),
    (ARRAY['Payments','Ledger','Trading','Onboarding','Cards','Treasury'])[1 + i %% 6] || ' '
        || (ARRAY['Europe','Asia','Retail','Wholesale','Mobile'])[1 + i %% 5] || ' ' || i,
    '[]', '[]', now() - (1 - i / %(clients)s.0) * interval '3 years', %(first)s + i %% %(people)s,
    CASE WHEN i %% 997 = 0 THEN now() END, CASE WHEN i %% 997 = 0 THEN %(first)s END, '', i %% 9 = 0
FROM generate_series(1, %(clients)s) i;

INSERT INTO registry_membership (client_id, user_id, role, since)
SELECT c.id, %(first)s + (c.id + k) %% %(people)s, (ARRAY['owner','developer','viewer'])[k], now()
FROM registry_client c, generate_series(1, 3) k WHERE k <= 1 + c.id %% 3;

INSERT INTO registry_membership (client_id, user_id, role, since)
SELECT 1, %(first)s + k, 'viewer', now() FROM generate_series(10, %(people)s - 1) k;

INSERT INTO registry_pendingmember (email, role, asked_at, asked_by_id, client_id)
SELECT 'pending' || id || '@example.com', 'viewer', now(), %(first)s, id
FROM registry_client WHERE id %% 100 = 1;

INSERT INTO registry_calendarfeed (secret_sha256, made_at, client_id, made_by_id)
SELECT encode(sha256(('f' || id)::bytea), 'hex'), now(), id, %(first)s
FROM registry_client WHERE id %% 10 = 1;

INSERT INTO registry_clientkey (client_id, number, label, pem, alg, kty, curve, bits, kid,
    spki_sha256, jwk, registered_at, registered_by_id, confirmation_required, confirmed_at,
    confirmed_by_id, not_before, expires_at, retires_at, retired_by_id, revoked_at, revoked_by_id,
    revocation_reason, revocation_note)
SELECT client_id, number,
    (ARRAY['production','staging','laptop','vault','rotation','ci'])[1 + i %% 6] || ' '
        || (ARRAY['2024','2025','2026'])[1 + i %% 3] || '-' || i,
    %(pem)s,
    CASE WHEN i < %(keys)s / 3 AND i %% 50 = 0 THEN 'RS256'
        ELSE (ARRAY['PS256','EdDSA','ES256','PS384','ES512'])[1 + i %% 5] END,
    'RSA', '', 2048, rtrim(translate(encode(sha256(('k' || i)::bytea), 'base64'), '+/', '-_'), '='),
    encode(sha256(('s' || i)::bytea), 'hex'), %(jwk)s, at, %(first)s + i %% %(people)s, false,
    CASE WHEN i %% 10 <> 3 THEN at END, CASE WHEN i %% 10 <> 3 THEN %(first)s END,
    CASE WHEN i %% 2003 = 0 AND i %% 7 > 0 THEN now() + interval '9 days' END,
    CASE WHEN i %% 7 = 0 THEN now() + (i %% 700 - 200) * interval '1 day' + interval '10 days' END,
    CASE WHEN i %% 11 = 0 THEN now() + (i %% 3001 - 3000) * interval '1 hour' END,
    CASE WHEN i %% 11 = 0 THEN %(first)s END,
    CASE WHEN revoked THEN least(now(), at + i %% 97 * interval '1 day') END,
    CASE WHEN revoked THEN %(first)s END,
    CASE WHEN revoked THEN 'superseded' ELSE '' END, ''
FROM (
    SELECT i, CASE WHEN i %% 1000 = 0 THEN 1 ELSE 1 + i %% %(clients)s END AS client_id,
        CASE WHEN i %% 1000 = 0 THEN 100 + i / 1000 ELSE 1 + i / %(clients)s END AS number,
        now() - (1 - i / %(keys)s.0) * interval '3 years' AS at,
        -- The busy client revoked all but its last ten keys.
        i %% 13 = 0 OR (i %% 1000 = 0 AND i <= %(keys)s - 10000) AS revoked
    FROM generate_series(1, %(keys)s) i
) each ORDER BY i;

INSERT INTO registry_replacement (client_id, old_id, new_id, begun_at, begun_by_id, published_at)
SELECT k.client_id, k.id, n.id, n.registered_at, n.registered_by_id, n.registered_at
FROM registry_clientkey k JOIN registry_clientkey n
    ON n.client_id = k.client_id AND n.number = k.number + 1
WHERE k.client_id %% 5 = 1;

-- The busy client replaces its newest key by the one before.
INSERT INTO registry_replacement (client_id, old_id, new_id, begun_at, begun_by_id, published_at)
VALUES (1, %(keys)s, greatest(%(keys)s - 1000, 1), now(), %(first)s, now());

INSERT INTO registry_event (at, actor_id, verb, client_id, key_id, detail, actor_portal, number,
    leaf, version, salts)
SELECT k.registered_at, k.registered_by_id,
    CASE WHEN k.id %% 5003 = 0 THEN 'suspend_client' ELSE 'register_key' END, k.client_id, k.id,
    jsonb_build_object('label', k.label, 'alg', k.alg, 'kid', k.kid), false,
    k.id, encode(sha256(('l' || k.id)::bytea), 'hex'), 1, '{}'
FROM registry_clientkey k ORDER BY k.id;

UPDATE registry_ledger SET size = %(keys)s;

INSERT INTO registry_blockedkey (spki_sha256, why, note, blocked_at, blocked_by_id)
SELECT encode(sha256(('b' || i)::bytea), 'hex'), 'admin', '', now() - i * interval '1 hour',
    %(first)s
FROM generate_series(1, %(keys)s / 50) i;

INSERT INTO registry_redeemedassertion (client_id, key_id, jti_sha256, reference, at, expires_at)
SELECT client_id, id, encode(sha256(id::text::bytea), 'hex'),
    'a' || translate(lpad(id::text, 15, '0'), '0189', 'abcd'),
    now() - id %% 300 * interval '1 day', now()
FROM registry_clientkey WHERE id %% 4 > 0 ORDER BY id;

INSERT INTO registry_usecursor (id, counted, seen, pending)
SELECT 1, max(id), max(id), '[]' FROM registry_redeemedassertion;

-- The newest key of the busy client signs often; no worker has counted this yet.
INSERT INTO registry_redeemedassertion (client_id, key_id, jti_sha256, reference, kid_sent, network,
    at, expires_at)
SELECT 1, %(keys)s, encode(sha256(('r' || i)::bytea), 'hex'),
    'b' || translate(lpad(i::text, 15, '0'), '0189', 'abcd'), true, '192.0.2.0/24', now(), now()
FROM generate_series(1, %(keys)s / 500) i;

INSERT INTO registry_keyuse (day, uses, networks, last_at, last_network, up_to, key_id)
SELECT (at AT TIME ZONE 'UTC')::date, 1, '{"192.0.2.0/24": 1}', at, '192.0.2.0/24', id, key_id
FROM registry_redeemedassertion
WHERE id <= (SELECT counted FROM registry_usecursor) AND key_id <> %(keys)s ORDER BY id;

INSERT INTO registry_keyuse (day, uses, networks, last_at, last_network, up_to, key_id)
SELECT (now() AT TIME ZONE 'UTC')::date - i, 1000 + i, '{"192.0.2.0/24": 1000}',
    now() - i * interval '1 day', '192.0.2.0/24', 0, %(keys)s
FROM generate_series(1, least(400, 1 + %(keys)s / 12500)) i;

INSERT INTO registry_refusedrequest (client_id, kid, reason, seen, expected, reference, at)
SELECT c.id, '', CASE WHEN c.id %% 5003 = 0 THEN 'jti_reused' ELSE 'expired' END, '', '',
    'f' || translate(lpad(c.id::text, 15, '0'), '0189', 'abcd'),
    now() - (%(clients)s - c.id) * interval '1 second'
FROM registry_client c ORDER BY c.id;

INSERT INTO registry_refusedrequest (client_id, kid, reason, seen, expected, reference, at)
SELECT 1, '', 'expired', '', '', 'g' || translate(lpad(i::text, 15, '0'), '0189', 'abcd'),
    now() - interval '1 hour'
FROM generate_series(1, %(keys)s / 500) i;

INSERT INTO registry_job (verb, ids, number, filters, reason, note, made_at, started_at, position,
    done, already, failed, failures, ended_at, by_id, stopped)
SELECT 'revoke_key', jsonb_build_array(i), 1, 'q=staging', 'superseded', '', now(), now(), 1, 1, 0,
    0, '[]', now(), %(first)s, ''
FROM generate_series(1, %(keys)s / 1000) i;

-- One job is not started.
INSERT INTO registry_job (verb, ids, number, filters, reason, note, made_at, position, done,
    already, failed, failures, by_id, stopped)
SELECT 'revoke_key', jsonb_agg(id ORDER BY id), count(*), 'q=staging', '', '', now(), 0, 0, 0, 0,
    '[]', %(first)s, ''
FROM registry_clientkey WHERE id %% (%(keys)s / 1000) = 0;

-- Twenty rules in force, and more that have ended.
INSERT INTO registry_policyrule (name, of_all, applies_from, algorithms, confirmation, made_at,
    made_by_id, saved_at, saved_by_id, ended_at, ended_by_id, survey)
SELECT 'Rule ' || i, i %% 3 > 0, now(), '["PS256", "ES256"]', false, now(), %(first)s, now(),
    %(first)s, CASE WHEN i > 20 THEN now() END, CASE WHEN i > 20 THEN %(first)s END,
    jsonb_build_object('at', now(), 'keys', i, 'clients', i, 'used', i)
FROM generate_series(1, 20 + %(keys)s / 5000) i;

INSERT INTO registry_policyrule_clients (policyrule_id, client_id)
SELECT r.id, c.id FROM registry_policyrule r, registry_client c
WHERE NOT r.of_all AND r.id <= 20 AND c.id %% 1000 = 1;

INSERT INTO registry_policyexemption (note, until, made_at, client_id, made_by_id, rule_id)
SELECT 'They replace it.', now() + interval '30 days', now(), id, %(first)s, 2
FROM registry_client WHERE id %% 500 = 1;

INSERT INTO notices_notice (kind, subject, recipient, occasion, sentence, path, made_at, client_id)
SELECT 'key_registered', 'key ' || id, 'person ' || %(first)s + id %% %(people)s, 'event ' || id,
    'A key was registered.', '/', registered_at, client_id
FROM registry_clientkey WHERE id %% 5 < 2 ORDER BY id;

INSERT INTO notices_askedaddress (client_id, email, purpose, asked_at, asked_by_id, agreed_at)
SELECT id, 'team' || id || '@example.com', 'contact', now(), %(first)s, now()
FROM registry_client ORDER BY id;

-- Three webhooks of the portal, one of the busy client, and those of every fifth client.
INSERT INTO webhooks_webhook (url, types, secret, made_at, since, off_at, off_because, failures,
    client_id, made_by_id)
SELECT 'https://example.com/' || i, '["key.registered"]', '', now(), 0,
    CASE WHEN i > 3 AND i %% 2000 = 0 THEN now() END,
    CASE WHEN i > 3 AND i %% 2000 = 0 THEN 'gone' ELSE '' END, 0,
    CASE WHEN i > 3 THEN 1 + (i - 4) * 5 END, %(first)s
FROM generate_series(1, 3 + %(clients)s / 5) i;

INSERT INTO webhooks_delivery (message_id, occasion, type, body, made_at, attempts, tried_at,
    took_ms, status, error, delivered_at, webhook_id)
SELECT 'm' || i, 'event ' || i, 'key.registered', '{"type": "key.registered"}',
    now() - (%(keys)s / 5 - i) * interval '1 second', 1, now(), 20, 200, '', now(),
    CASE i %% 4 WHEN 0 THEN 1 WHEN 1 THEN 4 ELSE 1 + i %% (3 + %(clients)s / 5) END
FROM generate_series(1, %(keys)s / 5) i;

-- E-mails wait for a server that is away.
INSERT INTO work_task (kind, subject, due_at, attempts, error, made_at)
SELECT 'message', i::text, now() + interval '1 hour', 0,
    CASE WHEN i %% 3 = 0 THEN 'No connection' ELSE '' END, now()
FROM generate_series(1, %(keys)s / 50) i;

INSERT INTO registry_servingprocess (id, host, number, cached, unfit, seen_at)
SELECT gen_random_uuid(), 'host', i, 0, 0, now() FROM generate_series(1, 8) i;
