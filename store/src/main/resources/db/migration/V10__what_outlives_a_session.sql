-- What the end of a session should have ended: few rows among many, looked for again and again.
create index incarnations_not_closed on incarnations (session_id) where state <> 'closed';
create index turns_queued on turns (created_at) where status = 'queued';
