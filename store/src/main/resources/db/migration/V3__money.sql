-- Money of the whole installation, next to that of its tenants and sessions. Its cap is configuration.
create table platform (
    id                boolean primary key default true check (id),
    reserved_nano_usd bigint not null default 0 check (reserved_nano_usd >= 0),
    spent_nano_usd    bigint not null default 0
);

insert into platform (reserved_nano_usd, spent_nano_usd)
select coalesce(sum(reserved_nano_usd), 0), coalesce(sum(spent_nano_usd), 0) from tenants;

-- The control planes that are up: a reservation whose owner is not among them was abandoned.
create table control_planes (
    id         text primary key,
    started_at timestamptz not null default now(),
    seen_at    timestamptz not null default now()
);

-- A call that passes through in a provider's own form has no number within its turn.
alter table model_calls
    alter column seq drop not null,
    add column owner text,
    add column via text not null default 'native',
    add column price_version text;

create index model_calls_in_flight on model_calls (created_at) where state = 'reserved';
