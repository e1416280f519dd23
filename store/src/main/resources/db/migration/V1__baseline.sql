-- Money is in nano-dollars (1e-9 USD). Times are UTC. Text that a sandbox wrote is untrusted wherever it stands.

create table tenants (
    id                text primary key,
    name              text        not null,
    cap_nano_usd      bigint,
    reserved_nano_usd bigint      not null default 0 check (reserved_nano_usd >= 0),
    spent_nano_usd    bigint      not null default 0,
    created_at        timestamptz not null default now()
);

create table api_keys (
    id            text primary key,
    tenant_id     text        not null references tenants,
    name          text        not null,
    secret_sha256 bytea       not null unique,
    created_at    timestamptz not null default now(),
    revoked_at    timestamptz
);

create table models (
    id                      text primary key,
    provider                text        not null,
    is_default              boolean     not null,
    rehearsal               boolean     not null,
    input_nano_usd_per_mtok bigint      not null,
    output_nano_usd_per_mtok bigint     not null,
    context_tokens          integer     not null,
    updated_at              timestamptz not null default now()
);

create table sessions (
    id                text primary key,
    tenant_id         text        not null references tenants,
    status            text        not null,
    reason_code       text,
    reason_message    text,
    stop_reason       text,
    model             text        not null,
    rehearsal         boolean     not null,
    profile           jsonb,
    provider          text,
    metro             text,
    driver            text,
    incarnation       integer     not null default 0,
    cap_nano_usd      bigint      not null,
    reserved_nano_usd bigint      not null default 0 check (reserved_nano_usd >= 0),
    spent_nano_usd    bigint      not null default 0,
    idle_timeout_ms   bigint      not null,
    suspended_ttl_ms  bigint      not null,
    lifetime_ms       bigint      not null,
    labels            jsonb       not null default '{}',
    last_event        bigint      not null default 0,
    last_message      bigint      not null default 0,
    last_turn         integer     not null default 0,
    last_transition   integer     not null default 0,
    workspace_version integer     not null default 0,
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    ended_at          timestamptz
);

create index sessions_by_tenant on sessions (tenant_id, created_at desc, id desc);

create table turns (
    id               text primary key,
    session_id       text        not null references sessions,
    ordinal          integer     not null,
    status           text        not null,
    attempt          integer     not null default 0,
    incarnation      integer,
    task_token       bytea,
    cancel_requested boolean     not null default false,
    result           text,
    reason_code      text,
    reason_message   text,
    files            jsonb       not null default '[]',
    created_at       timestamptz not null default now(),
    started_at       timestamptz,
    finished_at      timestamptz,
    unique (session_id, ordinal)
);

create table messages (
    session_id   text        not null references sessions,
    position     bigint      not null,
    id           text        not null unique,
    turn_id      text        not null references turns,
    role         text        not null check (role in ('user', 'assistant', 'tool')),
    content      jsonb       not null,
    tool_call_id text,
    is_error     boolean     not null default false,
    call_seq     integer,
    stop_reason  text,
    at           timestamptz not null default now(),
    primary key (session_id, position)
);

create unique index messages_one_answer_per_call on messages (turn_id, call_seq) where role = 'assistant';
create unique index messages_one_result_per_tool_call on messages (session_id, tool_call_id) where role = 'tool';

create table incarnations (
    session_id       text        not null references sessions,
    number           integer     not null,
    state            text        not null check (state in ('open', 'live', 'frozen', 'closed')),
    resumes          integer,
    nonce            text,
    token_sha256     bytea unique,
    lease_until      timestamptz,
    last_seen_at     timestamptz,
    driver           text,
    runtime_version  text,
    probes           jsonb,
    refusal          text,
    hello_task_token bytea,
    last_event       bigint      not null default 0,
    directive        text,
    flushed_at       timestamptz,
    opened_at        timestamptz not null default now(),
    hello_at         timestamptz,
    closed_at        timestamptz,
    primary key (session_id, number)
);

create table model_calls (
    id                text primary key,
    session_id        text        not null references sessions,
    turn_id           text        not null references turns,
    seq               integer     not null,
    incarnation       integer     not null,
    model             text        not null,
    state             text        not null check (state in ('reserved', 'settled')),
    reserved_nano_usd bigint      not null check (reserved_nano_usd >= 0),
    cost_nano_usd     bigint      not null default 0,
    input_tokens      bigint      not null default 0,
    output_tokens     bigint      not null default 0,
    estimated         boolean     not null default false,
    outcome           text,
    created_at        timestamptz not null default now(),
    settled_at        timestamptz
);

create index model_calls_by_session on model_calls (session_id, created_at);
create unique index model_calls_one_in_flight on model_calls (turn_id, seq) where state = 'reserved';

create table events (
    session_id  text        not null references sessions,
    seq         bigint      not null,
    type        text        not null,
    at          timestamptz not null default now(),
    turn_id     text,
    incarnation integer,
    data        jsonb       not null default '{}',
    primary key (session_id, seq)
);

create table objects (
    session_id text        not null references sessions,
    sha256     text        not null,
    size       bigint      not null,
    stored_at  timestamptz not null default now(),
    primary key (session_id, sha256)
);

create table workspace_files (
    session_id text        not null references sessions,
    version    integer     not null,
    path       text        not null,
    size       bigint      not null,
    sha256     text        not null,
    changed_at timestamptz not null default now(),
    primary key (session_id, version, path)
);

create table idempotency_keys (
    tenant_id      text        not null references tenants,
    key            text        not null,
    request_sha256 bytea       not null,
    answer_status  integer,
    answer_body    text,
    created_at     timestamptz not null default now(),
    primary key (tenant_id, key)
);
