-- What became of a workspace, turn by turn.

create table workspace_versions (
    session_id text        not null references sessions,
    version    integer     not null,
    turn_id    text        references turns,
    created_at timestamptz not null default now(),
    primary key (session_id, version)
);

insert into workspace_versions (session_id, version)
select session_id, version from workspace_files group by session_id, version;

-- A path that a version no longer has, with what it last held.
create table workspace_tombstones (
    session_id text    not null references sessions,
    version    integer not null,
    path       text    not null,
    size       bigint  not null,
    sha256     text    not null,
    primary key (session_id, version, path)
);
