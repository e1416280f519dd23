-- What the control plane keeps beside a conversation: sealed credentials, brokered requests, the audit log, kill switches.

create table credentials (
    id         text primary key,
    tenant_id  text        not null references tenants,
    name       text        not null,
    key_id     text        not null,
    nonce      bytea       not null,
    sealed     bytea       not null,
    injection  jsonb       not null,
    rules      jsonb       not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, name)
);

create table http_requests (
    session_id     text        not null references sessions,
    key            text        not null,
    request_sha256 bytea       not null,
    incarnation    integer     not null,
    state          text        not null check (state in ('begun', 'answered', 'unknown')),
    answer         text,
    begun_at       timestamptz not null default now(),
    answered_at    timestamptz,
    primary key (session_id, key)
);

create index http_requests_by_time on http_requests (session_id, begun_at);

create table audit_heads (
    chain text primary key,
    seq   bigint not null,
    hash  bytea  not null
);

create table audit (
    chain     text   not null,
    seq       bigint not null,
    at_micros bigint not null,
    kind      text   not null,
    data      text   not null,
    hash      bytea  not null,
    primary key (chain, seq)
);

create function refuse_change_of_audit() returns trigger language plpgsql as
$$ begin raise exception 'The audit log is append-only.'; end $$;

create trigger audit_is_append_only before update or delete on audit for each row execute function refuse_change_of_audit();
create trigger audit_is_not_truncated before truncate on audit for each statement execute function refuse_change_of_audit();

create table kill_switches (
    scope      text        not null check (scope in ('platform', 'tenant', 'session')),
    target     text        not null,
    reason     text        not null,
    engaged_at timestamptz not null default now(),
    primary key (scope, target)
);
