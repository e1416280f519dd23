-- Every message asks how many turns of its session wait, which must not depend on how many are over.
create index turns_waiting on turns (session_id) where status = 'queued';
