-- What stands in a model's view for the oldest part of a conversation; the conversation itself is kept whole.
create table condensations (
    session_id text        not null references sessions,
    number     bigint      generated always as identity,
    message_id text        not null references messages (id),
    text       text        not null,
    at         timestamptz not null default now(),
    primary key (session_id, number)
);
