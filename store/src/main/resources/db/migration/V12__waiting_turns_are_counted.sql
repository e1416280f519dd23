-- Each message of a session of many turns asks how many of them wait, which must not depend on how many are over.
create index turns_waiting on turns (session_id) where status = 'queued';
